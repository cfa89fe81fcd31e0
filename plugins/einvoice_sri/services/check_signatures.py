"""``SignatureChecking``: judging documents that others signed."""

from __future__ import annotations

from datetime import datetime

from core import settings as installation
from core.errors import DomainError, SetupError
from core.i18n import _
from plugins.einvoice_sri.adapters.authorities import trusted_authorities
from plugins.einvoice_sri.domain.certificado import read_titular
from plugins.einvoice_sri.domain.verify import verify
from plugins.einvoice_sri.domain.verify_envelope import open_envelope
from plugins.einvoice_sri.domain.xml import parse

AUTHORISED = frozenset({"", "AUTORIZADO"})  # a bare document has no envelope that says anything


class Checking:
    """``SignatureChecking`` as other plugins call it."""

    def problem(self, xml: bytes, *, now: datetime) -> str:
        """Why the signature of ``xml`` is not good; empty when it is. Never raises for a foreign file."""
        try:
            sobre = open_envelope(xml)
            report = verify(sobre.comprobante, now=now)
        except DomainError as error:
            return str(error)
        if sobre.estado not in AUTHORISED:
            return _("SRI did not authorise it: the file says %(state)s.", state=sobre.estado)
        return next((one.sentence for one in report.hallazgos if one.severity == "error"), "")

    def is_issuers_own(self, xml: bytes, *, now: datetime) -> bool:
        """Whether the signer is the document's issuer, by an authority that the installation trusts."""
        try:
            content = open_envelope(xml).comprobante
            report = verify(
                content, authorities=trusted_authorities(installation.current()), now=now
            )
            ruc = parse(content).findtext("infoTributaria/ruc") or ""
        except (DomainError, SetupError):
            return False
        if report.certificado is None or not report.intact or report.chain != "trusted":
            return False
        return read_titular(report.certificado).matches(ruc.strip())
