"""A company that hosts itself: the signed document it works under, whether the vendor can be reached or not.

The document is verified each time it is asked, with the installation's key (``YUPANA_LICENCE_KEY``)
or else the one pinned when it was installed: what somebody changed in the database counts as none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import settings
from core.adapters.clock import to_local_date
from core.contracts.hooks import AccessDecision, Permission
from core.errors import DomainError
from core.i18n import _
from core.services.audit import write_audit
from plugins.licensing.domain.document import (
    LicenceDocument,
    Verdict,
    read_key,
    verify,
    write_key,
)
from plugins.licensing.models import InstalledLicence
from plugins.licensing.services.parties import own_tenant

LICENCE_PAGE = "/licence"
HOW = "yupana licence install"


def read_installed(session: Session, *, now: datetime) -> Verdict | None:
    """What the document of the company in scope is worth today; None: it needs none.

    It needs one once one was installed, and each company does where the installation names the
    vendor's key. Whoever has a licence of this installation's own is not asked here.
    """
    return _judge(session, to_local_date(now))


def installed_entitlements(session: Session) -> Mapping[str, Any] | None:
    """Plugins and limits of the company's genuine document, also once it is over; None: it has none."""
    verdict = _judge(session, date.max)
    if verdict is None or verdict.licence is None or verdict.code == "company":
        return None
    return verdict.licence.entitlements


def find_installed(session: Session) -> InstalledLicence | None:
    """The stored document of the company in scope, not verified."""
    return session.scalars(select(InstalledLicence)).one_or_none()


def install_licence(
    session: Session, content: bytes, key: Ed25519PublicKey, *, now: datetime
) -> LicenceDocument:
    """Verify a document for the company in scope and keep it with the key; it counts from now on.

    Raises ``DomainError`` for a file that is none, forged, another company's, over, or older than the
    one at work; nothing is stored then.
    """
    verdict = _of_company(session, verify(content, key, today=to_local_date(now)))
    licence = verdict.licence
    if licence is None or not verdict.is_valid:
        raise DomainError(verdict_sentence(verdict), code=f"licence_{verdict.code}")
    row = find_installed(session)
    if row is None:
        row = InstalledLicence()
        session.add(row)
    else:
        before = read_installed(session, now=now)
        held = before.licence if before is not None else None
        if held is not None and licence.issued_on < held.issued_on:
            raise DomainError(
                _(
                    "A newer licence is at work, of %(newer)s; this file is of %(older)s: use the last one"
                    " that your vendor gave you.",
                    newer=f"{held.issued_on:%d/%m/%Y}",
                    older=f"{licence.issued_on:%d/%m/%Y}",
                ),
                code="licence_older",
            )
    row.content = content.decode()
    row.public_key = write_key(key)
    session.flush()
    write_audit(
        session,
        action="licensing.install",
        reason=f"{licence.licence_id} {licence.paid_through}",
        subject_id=row.id,
    )
    return licence


def refuse_installed(verdict: Verdict, asked: Permission | None) -> AccessDecision | None:
    """Past its grace, or without a good document, new issuing is blocked and nothing else."""
    if verdict.is_valid or asked is None or asked.survives_suspension or asked.survives_expiry:
        return None
    return AccessDecision(
        allowed=False,
        code=f"licence_{verdict.code}",
        sentence=verdict_sentence(verdict, installed=True),
        title=_("No licence in force"),
        url=LICENCE_PAGE,
    )


def verdict_sentence(verdict: Verdict, *, installed: bool = False) -> str:
    """What a document is worth, as a person would say it, and what to do.

    ``installed``: said to somebody who works with it, not to who holds the file.
    """
    if verdict.licence is None or verdict.code == "company":
        return _no_document_sentence(verdict)
    name, day = verdict.licence.legal_name, f"{verdict.licence.paid_through:%d/%m/%Y}"
    last = f"{verdict.licence.valid_through:%d/%m/%Y}"
    given = {"name": name, "day": day, "last": last, "command": HOW}
    if verdict.code == "ok":
        return _("Genuine. Licence of %(name)s, paid until %(day)s.", **given)
    if verdict.code == "grace":
        return _(
            "Genuine. Licence of %(name)s, paid until %(day)s; it works until %(last)s.", **given
        )
    if installed:
        return _(
            "The licence was paid until %(day)s and worked until %(last)s: nothing new can be issued."
            " Pay your vendor, ask for the new file and install it with «%(command)s».",
            **given,
        )
    return _(
        "Genuine, but over: the licence of %(name)s ended on %(last)s. Contract a month and ask for the"
        " new file.",
        **given,
    )


def _no_document_sentence(verdict: Verdict) -> str:
    words = {
        "missing": _(
            "This installation works with a signed licence and this company has none: ask your vendor for"
            " its licencia.json and install it with «%(command)s».",
            command=HOW,
        ),
        "company": _(
            "The licence belongs to another company (RUC %(tax_id)s): ask your vendor for the file of"
            " yours.",
            tax_id=verdict.licence.tax_id if verdict.licence else "",
        ),
        "format": _(
            "This file is no licence document: use the licencia.json that your vendor gave you."
        ),
        "key": _(
            "The licence was signed by another vendor's key: use the public key of who sold it to you."
        ),
        "signature": _(
            "The licence was changed after it was signed: ask your vendor for the original file."
        ),
    }
    return words[verdict.code]


def _judge(session: Session, today: date) -> Verdict | None:
    row = find_installed(session)
    named = settings.current().licence_key
    if row is None:
        needs_one = bool(named) and own_tenant(session).kind == "company"
        return Verdict("missing") if needs_one else None
    key = read_key(named or row.public_key)
    return _of_company(session, verify(row.content.encode(), key, today=today))


def _of_company(session: Session, verdict: Verdict) -> Verdict:
    licence = verdict.licence
    if licence is not None and licence.tax_id != own_tenant(session).tax_id:
        return Verdict("company", licence)
    return verdict
