"""The vault: certificates of a company, which one signs, and the key that goes with it.

The key is re-encrypted by us as DER when the file is uploaded, so that a cold key costs one query
and half a millisecond; the P12 file and its password are forgotten. Nothing here gives a key out,
except to the code that signs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import jobs
from core.adapters.clock import to_local_date
from core.db.tenancy import scope_of
from core.errors import Conflict, DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from core.models import Tenant
from core.services import secrets
from core.services.audit import write_audit
from plugins.einvoice_sri.adapters.key_cache import KEYS
from plugins.einvoice_sri.adapters.p12_store import OpenedP12, open_signing_file, try_signature
from plugins.einvoice_sri.domain.xades import SigningKey
from plugins.einvoice_sri.models.certificates import SigningCertificate
from plugins.einvoice_sri.services.pauses import CERTIFICATE, open_pauses, resume_certificate
from plugins.einvoice_sri.services.tell_certificates import tell_certificate

RESUME = "einvoice_sri.resume_certificate"  # the task that looks when a certificate begins
NO_CERTIFICATE = "sri_no_certificate"


def secret_name(certificate_id: UUID) -> str:
    """Under which name the key of a certificate is kept among core's secrets."""
    return f"einvoice_sri.key.{certificate_id}"


def company_ruc(session: Session) -> str:
    """The RUC of the company in scope."""
    return session.get_one(Tenant, scope_of(session).tenant_id).tax_id


def add_certificate(
    session: Session,
    *,
    data: bytes,
    password: str,
    now: datetime,
    use_from: datetime | None = None,
    signer: str = "",
) -> UUID:
    """Open a P12 file, prove that it signs, and keep its key sealed; the id of the certificate.

    ``use_from`` is the hand-over instant (default: at once, or when the certificate begins).
    ``signer`` says who signs for the company when the certificate is not of its RUC.

    Raises:
        P12Error: the file cannot be used.
        DomainError: expired, of somebody else and nobody named, handed over after the present one's
            end, or the test signature fails.
        Conflict: this certificate is here already.
    """
    opened = open_signing_file(data, password, now)
    certificado = opened.eleccion.par.certificado
    _refuse_expired(opened, now)
    signer = signer.strip()[:300]
    ruc = company_ruc(session)
    if not opened.titular.matches(ruc) and not signer:
        raise DomainError(
            _(
                "The certificate is of %(holder)s, not of RUC %(ruc)s. Write who signs for the company"
                " (its legal representative), or choose another file.",
                holder=opened.titular.name,
                ruc=ruc,
            ),
            code="sri_certificate_other_ruc",
            field="signer",
        )
    if session.scalar(
        select(SigningCertificate.id).where(
            SigningCertificate.fingerprint == certificado.fingerprint,
            SigningCertificate.wiped_at.is_(None),
        )
    ):
        raise Conflict(
            _("This certificate is here already."), code="sri_certificate_known", field="p12"
        )
    informe = try_signature(opened.key, max(now, certificado.not_before))
    if not informe.intact:
        raise DomainError(
            _(
                "The test signature with this file fails: %(reason)s",
                reason=" ".join(one.sentence for one in informe.hallazgos),
            ),
            code="sri_certificate_test_failed",
            field="p12",
        )
    begins = max(use_from or now, certificado.not_before)
    _refuse_gap(session, begins, certificado.not_before, now=now)
    row = SigningCertificate(
        id=new_id(),
        holder=opened.titular.name[:300],
        organization=opened.titular.organization[:300],
        tax_id=opened.titular.ruc,
        personal_id=opened.titular.cedula,
        authority=opened.titular.authority[:300],
        serial=str(certificado.serial)[:80],
        fingerprint=certificado.fingerprint,
        not_before=certificado.not_before,
        not_after=certificado.not_after,
        key_usage=",".join(sorted(certificado.key_usage or ())),
        certificate=certificado.der,
        use_from=begins,
        signer=signer,
        chosen_because=opened.eleccion.reason,
        keys_in_file=len(opened.contenido.pares) + opened.contenido.lonely_keys,
        uploaded_by=scope_of(session).user_id,
    )
    session.add(row)
    session.flush()
    secrets.put(session, secret_name(row.id), opened.eleccion.par.key_der)
    write_audit(
        session,
        action="add_certificate",
        subject_id=row.id,
        details={"holder": row.holder, "serial": row.serial, "signer": signer},
    )
    _resume_by(session, {certificado.not_before, begins}, now=now)
    return row.id


def _refuse_expired(opened: OpenedP12, now: datetime) -> None:
    certificado = opened.eleccion.par.certificado
    if now > certificado.not_after:
        raise DomainError(
            _(
                "The certificate expired on %(day)s. Renew it with your authority.",
                day=f"{to_local_date(certificado.not_after):%d/%m/%Y}",
            ),
            code="sri_certificate_expired",
            field="p12",
        )


def _refuse_gap(
    session: Session,
    use_from: datetime,
    not_before: datetime,
    *,
    now: datetime,
    moved: UUID | None = None,
) -> None:
    """A hand-over after the end of those that sign until then would leave days without a signature.

    It is refused, not moved: the day is the owner's decision, and the sentence says until when. A
    certificate that is not valid any earlier is taken; the warnings go on (``p12_expiry``).
    """
    others = [row for row in _kept(session) if row.id != moved]
    current = _choose(others, now)
    if current is None or use_from <= now:
        return
    end = current.not_after
    for row in sorted(others, key=lambda row: row.use_from):
        if row.use_from <= end:
            end = max(end, row.not_after)
    if use_from > end and not_before <= max(end, now):
        raise DomainError(
            _(
                "The present certificate is valid until %(day)s. Choose a hand-over date up to then, or"
                " leave it empty to sign with this one at once: with a later date nothing could be"
                " signed in between.",
                day=f"{to_local_date(end):%d/%m/%Y}",
            ),
            code="sri_certificate_gap",
            field="use_from",
        )


def list_certificates(session: Session) -> Sequence[SigningCertificate]:
    """All of the company's, wiped ones last, the newest hand-over first."""
    return session.scalars(
        select(SigningCertificate).order_by(
            SigningCertificate.wiped_at.is_not(None),
            SigningCertificate.use_from.desc(),
            SigningCertificate.id.desc(),
        )
    ).all()


def current_certificate(session: Session, now: datetime) -> SigningCertificate | None:
    """The one that signs at ``now``: handed over, not wiped; a valid one before an expired one, then
    the latest hand-over. When all that were handed over have ended, a valid one signs before its
    hand-over: the first of them.
    """
    return _choose(_kept(session), now)


def _kept(session: Session) -> Sequence[SigningCertificate]:
    return session.scalars(
        select(SigningCertificate).where(SigningCertificate.wiped_at.is_(None))
    ).all()


def _choose(rows: Sequence[SigningCertificate], now: datetime) -> SigningCertificate | None:
    def is_valid(row: SigningCertificate) -> bool:
        return row.not_before <= now <= row.not_after

    chosen = max(
        (row for row in rows if row.use_from <= now),
        key=lambda row: (is_valid(row), row.use_from, row.id),
        default=None,
    )
    if chosen is None or is_valid(chosen):
        return chosen
    waiting = [row for row in rows if row.use_from > now and is_valid(row)]
    return min(waiting, key=lambda row: (row.use_from, row.id), default=chosen)


def find_certificate(session: Session, certificate_id: UUID) -> SigningCertificate:
    """One of the company's. Raises ``NotFound``."""
    row = session.scalar(select(SigningCertificate).where(SigningCertificate.id == certificate_id))
    if row is None:
        raise NotFound(_("There is no such certificate."))
    return row


def set_use_from(
    session: Session, certificate_id: UUID, *, use_from: datetime, now: datetime
) -> None:
    """Move the hand-over; it cannot be outside the certificate's own dates, nor after the end of those
    that sign until then.
    """
    row = find_certificate(session, certificate_id)
    if row.wiped_at is not None:
        raise Conflict(_("This certificate was wiped."), code="sri_certificate_wiped")
    if not row.not_before <= use_from <= row.not_after:
        raise DomainError(
            _("Choose a date between the certificate's own dates."),
            code="sri_certificate_dates",
            field="use_from",
        )
    _refuse_gap(session, use_from, row.not_before, now=now, moved=row.id)
    write_audit(
        session,
        action="move_certificate",
        subject_id=row.id,
        details={"from": row.use_from.isoformat(), "to": use_from.isoformat()},
    )
    row.use_from = use_from
    tell_certificate(session, now=now)
    _resume_by(session, {use_from}, now=now)


def _resume_by(session: Session, moments: Collection[datetime], *, now: datetime) -> None:
    """Go on when a stopped company can sign now, and look again when one of the moments has come."""
    resume_when_usable(session, now=now)
    tenant = str(scope_of(session).tenant_id)
    for at in sorted(one for one in moments if one > now):
        jobs.defer(session, RESUME, {"tenant": tenant}, at=at)


def resume_when_usable(session: Session, *, now: datetime) -> None:
    """Lift the stop for want of a certificate once there is one that signs; no other stop."""
    if not any(one.code == CERTIFICATE for one in open_pauses(session)):
        return
    try:
        signing_key_for(session, now)
    except DomainError:  # still none, or its key is missing: the stop says so
        return
    resume_certificate(session, now=now)


def wipe_certificate(session: Session, certificate_id: UUID, *, reason: str, now: datetime) -> None:
    """Destroy the key for good; the row stays, so that old signatures can be explained."""
    row = find_certificate(session, certificate_id)
    if row.wiped_at is not None:
        raise Conflict(_("This certificate was wiped."), code="sri_certificate_wiped")
    secrets.wipe(session, secret_name(row.id))
    row.wiped_at = now
    KEYS.drop(row.id)
    write_audit(
        session,
        action="wipe_certificate",
        reason=reason.strip()[:300],
        subject_id=row.id,
        details={"holder": row.holder, "serial": row.serial},
    )
    tell_certificate(session, now=now)


def signing_key_for(session: Session, now: datetime) -> SigningKey:
    """The key that signs for the company in scope at ``now``.

    Raises ``DomainError`` (``sri_no_certificate``, ``sri_certificate_expired``) with what to do.
    """
    row = current_certificate(session, now)
    if row is None:
        raise DomainError(
            _("There is no signing certificate. The owner must upload the P12 file first."),
            code=NO_CERTIFICATE,
        )
    if now > row.not_after:
        raise DomainError(
            _(
                "The certificate expired on %(day)s. Renew it with your authority.",
                day=f"{to_local_date(row.not_after):%d/%m/%Y}",
            ),
            code="sri_certificate_expired",
        )

    def load() -> SigningKey:
        sealed = secrets.get(session, secret_name(row.id))
        if sealed is None:
            raise DomainError(
                _("The key of the certificate is missing. Upload the P12 file again."),
                code=NO_CERTIFICATE,
            )
        return SigningKey.load(sealed, row.certificate)

    return KEYS.get(row.id, load)
