"""Withholding certificates received: checked, then counted as cover of the invoices they name."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import plugins
from core.adapters.clock import to_local_date
from core.contracts.sales import PaymentAllocation, PaymentData
from core.contracts.services import SignatureChecking
from core.db.locks import wait_for
from core.db.tenancy import scope_of
from core.domain.money import ZERO, to_cents
from core.errors import Conflict, DomainError, NotFound, Overtaken, ServiceMissing
from core.i18n import _
from core.ids import new_id
from core.models import Blob, Tenant
from plugins.sales.domain import lifecycle
from plugins.sales.domain.withholding import KIND, Certificate, read_certificate, read_key
from plugins.sales.models import Customer, Invoice, Withholding
from plugins.sales.services.record_payment import record_payment

XML = "application/xml"


def receive_certificate(session: Session, xml: bytes, *, now: datetime) -> UUID:
    """Take a certificate's XML in; the same certificate twice is one.

    The agent must be a customer, the subject this company, and each supported document an invoice of
    that customer. With a signature that was checked and is good the certificate counts at once (A-19);
    where nobody can check it, a person accepts it. Raises ``DomainError`` naming what does not fit.
    """
    certificate = read_certificate(xml)
    wait_for(session, f"withholding/{certificate.access_key}")
    known = session.scalar(
        select(Withholding.id).where(Withholding.access_key == certificate.access_key)
    )
    if known is not None:
        return known
    customer_id = _agent(session, certificate.agent_tax_id)
    _check_subject(session, certificate.subject_tax_id)
    _check_invoices(session, certificate, customer_id)
    if certificate.issued_on > to_local_date(now):
        raise DomainError(
            _("The certificate's date is in the future. Ask who issued it for a right one."),
            code="certificate_in_future",
            field="file",
        )
    is_valid = _check_signature(xml, now)
    blob = Blob(
        id=new_id(),
        media_type=XML,
        filename=f"{certificate.access_key}.xml",
        sha256=sha256(xml).hexdigest(),
        content=xml,
    )
    session.add(blob)
    stored = Withholding(
        id=new_id(),
        customer_id=customer_id,
        access_key=certificate.access_key,
        number=certificate.number,
        agent_tax_id=certificate.agent_tax_id,
        issued_on=certificate.issued_on,
        amount=certificate.amount,
        parts=[
            [p.tax, p.code, str(p.base), str(p.rate), str(p.amount), p.invoice_number]
            for p in certificate.parts
        ],
        is_signature_valid=is_valid,
        xml_id=blob.id,
        received_at=now,
    )
    session.flush()
    session.add(stored)
    session.flush()
    if is_valid:
        accept_certificate(session, stored.id, now=now)
    return stored.id


def receive_key(
    session: Session, access_key: str, *, invoice_id: UUID, amount: Decimal, now: datetime
) -> UUID:
    """Take in a certificate of which only the access key is known; a person accepts it later.

    Raises ``DomainError``: no certificate's key, or the agent is not the invoice's customer.
    """
    key = "".join(access_key.split())
    issued_on, kind, agent, number = read_key(key)
    wait_for(session, f"withholding/{key}")
    known = session.scalar(select(Withholding.id).where(Withholding.access_key == key))
    if known is not None:
        return known
    if kind != KIND:
        raise DomainError(
            _("This access key is not one of a withholding certificate. Copy the right one."),
            code="not_a_certificate",
            field="access_key",
        )
    invoice = session.execute(
        select(Invoice.number, Invoice.customer_id, Invoice.total).where(Invoice.id == invoice_id)
    ).one_or_none()
    if invoice is None:
        raise NotFound
    if _agent(session, agent, "access_key") != invoice.customer_id:
        raise DomainError(
            _("The certificate is not from the customer of this invoice. Check the access key."),
            code="foreign_agent",
            field="access_key",
        )
    if not ZERO < amount <= invoice.total or to_cents(amount) != amount:
        raise DomainError(
            _("The amount withheld must be above zero and no more than the invoice."),
            code="bad_amount",
            field="amount",
        )
    stored = Withholding(
        id=new_id(),
        customer_id=invoice.customer_id,
        access_key=key,
        number=number,
        agent_tax_id=agent,
        issued_on=issued_on,
        amount=amount,
        parts=[["", "", "0.00", "0", str(amount), invoice.number]],
        received_at=now,
    )
    session.add(stored)
    session.flush()
    return stored.id


def waiting_for(session: Session, invoice: Invoice) -> Decimal:
    """What certificates that nobody decided on yet withhold of an invoice; not transferred then."""
    rows = session.scalars(
        select(Withholding.parts).where(
            Withholding.customer_id == invoice.customer_id, Withholding.state == "received"
        )
    )
    return sum(
        (Decimal(part[4]) for parts in rows for part in parts if part[5] == invoice.number), ZERO
    )


def accept_certificate(session: Session, withholding_id: UUID, *, now: datetime) -> UUID:
    """Count a certificate as cover of its invoices; the payment's id. Raises ``Conflict``."""
    row = _open(session, withholding_id, "accept")
    by_number: dict[str, Decimal] = {}
    for part in row.parts:
        by_number[part[5]] = by_number.get(part[5], ZERO) + Decimal(part[4])
    invoices = {
        one.number: one
        for one in session.execute(
            select(Invoice.number, Invoice.id, Invoice.balance, Invoice.state).where(
                Invoice.number.in_(by_number), Invoice.customer_id == row.customer_id
            )
        )
    }
    allocations = []
    for number, amount in by_number.items():
        invoice = invoices.get(number)
        if invoice is None or invoice.state == "cancelled":
            continue
        part = min(amount, invoice.balance)
        if part > ZERO:
            allocations.append(PaymentAllocation(invoice.id, part))
    if not allocations:
        raise Conflict(
            _("The invoices of this certificate owe nothing any more. Talk to the customer."),
            code="nothing_owed",
        )
    payment_id = record_payment(
        session,
        PaymentData(
            customer_id=row.customer_id,
            method="withholding",
            amount=sum((one.amount for one in allocations), ZERO),
            value_on=row.issued_on,
            allocations=tuple(allocations),
            idempotency_key=f"withholding:{withholding_id}",
            reference=row.number,
        ),
        now=now,
    )
    session.execute(
        update(Withholding)
        .where(Withholding.id == withholding_id)
        .values(
            state=lifecycle.step(lifecycle.WITHHOLDING, row.state, "accept"), payment_id=payment_id
        )
    )
    return payment_id


def reject_certificate(session: Session, withholding_id: UUID, *, reason: str) -> None:
    """Refuse a certificate with a reason. Raises ``DomainError``, ``Conflict``, ``NotFound``."""
    if not reason.strip():
        raise DomainError(
            _("Say why the certificate is refused; the customer reads it."),
            code="reason_missing",
            field="reason",
        )
    row = _open(session, withholding_id, "reject")
    session.execute(
        update(Withholding)
        .where(Withholding.id == withholding_id)
        .values(
            state=lifecycle.step(lifecycle.WITHHOLDING, row.state, "reject"),
            reason=reason.strip()[:300],
        )
    )


def _open(session: Session, withholding_id: UUID, action: str) -> Withholding:
    row = session.scalars(
        select(Withholding).where(Withholding.id == withholding_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound
    if not lifecycle.may(lifecycle.WITHHOLDING, row.state, action):
        raise Overtaken(
            _("Somebody decided on this certificate already."), code="certificate_decided"
        )
    return row


def _agent(session: Session, tax_id: str, field: str = "file") -> UUID:
    found = session.scalar(
        select(Customer.id).where(Customer.tax_id == tax_id, Customer.tax_id_type == "04")
    )
    if found is None:
        raise DomainError(
            _(
                "The certificate was issued by RUC %(tax_id)s, who is not a customer. Choose the file"
                " of the customer of this invoice.",
                tax_id=tax_id,
            ),
            code="foreign_agent",
            field=field,
        )
    return found


def _check_subject(session: Session, tax_id: str) -> None:
    own = session.scalar(select(Tenant.tax_id).where(Tenant.id == scope_of(session).tenant_id))
    if tax_id != own:
        raise DomainError(
            _(
                "The certificate is for RUC %(tax_id)s, not for this company. Choose the one that was"
                " made out to it.",
                tax_id=tax_id,
            ),
            code="foreign_subject",
            field="file",
        )


def _check_invoices(session: Session, certificate: Certificate, customer_id: UUID) -> None:
    numbers = {one.invoice_number for one in certificate.parts}
    found = {
        row.number: row.total
        for row in session.execute(
            select(Invoice.number, Invoice.total).where(
                Invoice.number.in_(numbers), Invoice.customer_id == customer_id
            )
        )
    }
    for number in sorted(numbers):
        if number not in found:
            raise DomainError(
                _("The certificate names invoice %(number)s, which is not this customer's. Ask for one"
                  " with the right number.", number=number),
                code="foreign_invoice",
                field="file",
            )  # fmt: skip
        if certificate.amount_for(number) > found[number]:
            raise DomainError(
                _(
                    "The certificate withholds more than invoice %(number)s. Ask for one with the right"
                    " amounts.",
                    number=number,
                ),
                code="more_than_invoiced",
                field="file",
            )


def _check_signature(xml: bytes, now: datetime) -> bool | None:
    try:
        checker = plugins.service(SignatureChecking)
    except ServiceMissing:
        return None
    problem = checker.problem(xml, now=now)
    if problem:
        raise DomainError(
            _(
                "The certificate does not count: %(problem)s Download the authorised XML again and"
                " send it as it is.",
                problem=problem,
            ),
            code="bad_signature",
            field="file",
        )
    return True if checker.is_issuers_own(xml, now=now) else None
