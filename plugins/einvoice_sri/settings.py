"""Settings ``einvoice_sri.*`` of a tenant."""

from __future__ import annotations

from core.contracts.hooks import SettingSpec
from core.i18n import lazy as _

ENVIRONMENT = "einvoice_sri.environment"
HASH = "einvoice_sri.hash"
MAIL_DOCUMENTS = "einvoice_sri.mail_documents"
IN_HOUSE = "einvoice_sri.software_in_house"
PARALLEL_CALLS = "einvoice_sri.parallel_calls"
DOCUMENTS_PER_MINUTE = "einvoice_sri.documents_per_minute"
FETCHES_PER_MINUTE = "einvoice_sri.fetches_per_minute"

PRACTICE = 3  # a simulator inside the workers, with series of its own

SPECS: tuple[SettingSpec, ...] = (
    SettingSpec(
        ENVIRONMENT,
        1,
        int,
        _("SRI environment"),
        (1, 2, PRACTICE),
        words=(
            _("Tests: nothing has tax value"),
            _("Production"),
            _("Practice: a simulator of SRI, with numbers of its own"),
        ),
    ),
    SettingSpec(
        HASH,
        "sha1",
        str,
        _("Hash of the signature"),
        ("sha1", "sha256"),
        words=(_("SHA-1, as the ficha técnica asks"), "SHA-256"),
    ),
    SettingSpec(MAIL_DOCUMENTS, True, bool, _("Mail authorised documents to their receivers")),
    SettingSpec(
        IN_HOUSE,
        False,
        bool,
        _("The company runs the software itself: the field RUC Proveedor is left out"),
    ),
    SettingSpec(PARALLEL_CALLS, 8, int, _("How many calls to SRI a worker makes at a time")),
    SettingSpec(
        DOCUMENTS_PER_MINUTE,
        1200,
        int,
        _("How many documents a minute the company brings to SRI at most (0: no limit)"),
    ),
    SettingSpec(
        FETCHES_PER_MINUTE, 60, int, _("How many documents a minute are fetched by access key")
    ),
)
