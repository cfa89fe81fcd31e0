"""What other plugins get when they ask for the internal services of sales."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from core.contracts.sales import (
    CustomerData,
    InvoiceDraft,
    InvoiceLineDraft,
    InvoiceRef,
    InvoiceSnapshot,
    PaymentData,
)
from core.contracts.services import (
    CustomerDirectory,
    InvoiceCrediting,
    InvoiceIssuing,
    PaymentLinks,
    PaymentRecording,
    SellerPins,
)
from plugins.sales.models import PaymentReport
from plugins.sales.services import (
    find_booked,
    issue_credit_notes,
    issue_invoices,
    keep_customers,
    own_pins,
    payment_links,
    read_invoices,
    record_payment,
)
from plugins.sales.services.check_pins import check_new_pin

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class Customers:
    """``CustomerDirectory``."""

    def ensure(self, session: Session, customers: Sequence[CustomerData]) -> list[UUID]:
        """Find or create each customer; ids in the order given."""
        return keep_customers.ensure_customers(session, customers)

    def read(self, session: Session, ids: Iterable[UUID]) -> Mapping[UUID, CustomerData]:
        """What is known of these customers."""
        return keep_customers.read_customers(session, ids)


class Invoices:
    """``InvoiceIssuing``."""

    def issue(
        self, session: Session, drafts: Sequence[InvoiceDraft], *, now: datetime
    ) -> list[InvoiceRef]:
        """Drafts in, invoices out."""
        return issue_invoices.issue_invoices(session, drafts, now=now)

    def snapshots(
        self, session: Session, ids: Iterable[UUID], *, lines: bool = False
    ) -> Mapping[UUID, InvoiceSnapshot]:
        """These invoices as they stand."""
        return read_invoices.snapshots(session, ids, lines=lines)

    def open_for(self, session: Session, customer_id: UUID) -> list[InvoiceSnapshot]:
        """What the customer owes, oldest due first."""
        return read_invoices.open_for(session, customer_id)


class Payments:
    """``PaymentRecording``."""

    def slip_of(self, session: Session, report_id: UUID) -> UUID | None:
        """Of a report made by link or entered at the counter."""
        return session.scalar(select(PaymentReport.slip_id).where(PaymentReport.id == report_id))

    def record(self, session: Session, payment: PaymentData, *, now: datetime) -> UUID:
        """Money in."""
        return record_payment.record_payment(session, payment, now=now)

    def find_booked(
        self, session: Session, payment: PaymentData, *, any_reference: bool = False
    ) -> UUID | None:
        """What a statement showed."""
        found = find_booked.find_booked(session, payment)
        if found is None and any_reference:
            found = find_booked.find_alike(session, payment)
        return found


class Links:
    """``PaymentLinks``."""

    def report_path(self, session: Session, invoice_id: UUID) -> str:
        """The signed path of the page "Ya pagué"."""
        return payment_links.sign_link(session, invoice_id)

    def accounts(self, session: Session) -> list[str]:
        """Where to pay, a line for each account in use."""
        return payment_links.account_lines(session)


class Pins:
    """``SellerPins``."""

    permission = "sales.till:issue"

    def lacks_pin(self, session: Session, user_id: int) -> bool:
        """Nobody of this person has one."""
        return own_pins.lacks_pin(session, user_id)

    def check(self, pin: str) -> None:
        """The rules of a new PIN."""
        check_new_pin(pin)

    def choose(
        self, session: Session, user_id: int, pin: str, *, name: str, email: str, now: datetime
    ) -> None:
        """The own PIN."""
        own_pins.choose_pin(session, user_id, pin, name=name, email=email, now=now)


class CreditNotes:
    """``InvoiceCrediting``."""

    def credit_in_full(
        self, session: Session, invoice_id: UUID, *, reason: str, source_key: str, now: datetime
    ) -> str:
        """A credit note over the rest of an invoice; its number."""
        return issue_credit_notes.issue_credit_note(
            session, invoice_id, reason=reason, source_key=source_key, now=now
        ).number

    def credit_part(
        self,
        session: Session,
        invoice_id: UUID,
        lines: Sequence[InvoiceLineDraft],
        *,
        reason: str,
        source_key: str,
        now: datetime,
    ) -> str:
        """A credit note over these lines; its number."""
        return issue_credit_notes.issue_credit_note(
            session, invoice_id, reason=reason, source_key=source_key, now=now, lines=lines
        ).number


def register(registry: dict[type, Any]) -> None:
    """Put the services of sales into the registry of the plugin host."""
    registry[CustomerDirectory] = Customers()
    registry[InvoiceIssuing] = Invoices()
    registry[PaymentRecording] = Payments()
    registry[PaymentLinks] = Links()
    registry[InvoiceCrediting] = CreditNotes()
    registry[SellerPins] = Pins()
