"""Internal services: one plugin needs another's work now, inside the caller's transaction.

The owner registers its implementation with the hook ``register_services``; callers resolve it by
``core.plugins.service(InvoiceIssuing)`` (absent: ``ServiceMissing``). A service takes the session
of the scope at hand, works in bulk, does no I/O and never commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from core.contracts.fiscal import FiscalRequest, FiscalStatus
from core.contracts.licences import FirstInvoice, PlanQuote, TakenPlan, UpcomingInvoice
from core.contracts.sales import (
    AwaitedPayment,
    CustomerData,
    InvoiceDraft,
    InvoiceLineDraft,
    InvoiceRef,
    InvoiceSnapshot,
    PaymentData,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class CustomerDirectory(Protocol):
    """Owned by sales."""

    def ensure(self, session: Session, customers: Sequence[CustomerData]) -> list[UUID]:
        """Find by (type, tax id) or create each customer; ids in the order given."""
        ...

    def read(self, session: Session, ids: Iterable[UUID]) -> Mapping[UUID, CustomerData]:
        """What is known of these customers; unknown ids are left out."""
        ...


class InvoiceIssuing(Protocol):
    """Owned by sales: the one way an invoice is born."""

    def issue(
        self, session: Session, drafts: Sequence[InvoiceDraft], *, now: datetime
    ) -> list[InvoiceRef]:
        """Number, total and store the drafts (at most 4000), request their fiscal documents and
        emit ``InvoicesIssued``; refs in the order given.

        Raises ``DomainError`` for a draft that cannot be an invoice; nothing is written then. Of more
        than 20 drafts a second call at the same moment is refused by the database.
        """
        ...

    def snapshots(
        self, session: Session, ids: Iterable[UUID], *, lines: bool = False
    ) -> Mapping[UUID, InvoiceSnapshot]:
        """Read these invoices as they stand."""
        ...

    def open_for(self, session: Session, customer_id: UUID) -> list[InvoiceSnapshot]:
        """Invoices of the customer with a balance, oldest due first."""
        ...


class PaymentRecording(Protocol):
    """Owned by sales."""

    def slip_of(self, session: Session, report_id: UUID) -> UUID | None:
        """The blob with the slip of a payment report that sales took in; None: no such report, or none."""
        ...

    def record(self, session: Session, payment: PaymentData, *, now: datetime) -> UUID:
        """Store a payment, lower the balances, emit ``PaymentReceived`` (and ``InvoicePaid`` per
        invoice that reached zero). Excess over the allocations becomes the customer's credit.
        """
        ...

    def find_booked(
        self, session: Session, payment: PaymentData, *, any_reference: bool = False
    ) -> UUID | None:
        """The payment that a bank statement showed and that is this money: same customer, amount and
        reference, at most ten days apart. With ``any_reference`` also one of another reference, shown by a
        statement or entered by hand, that no report has made.
        """
        ...


class AwaitedPayments(Protocol):
    """Owned by licensing: what the bank statement of the vendor may settle; nothing for anybody else."""

    def waiting(self, session: Session) -> list[AwaitedPayment]:
        """The reports that wait, oldest first."""
        ...

    def confirm(self, session: Session, key: UUID, *, now: datetime) -> UUID | None:
        """The statement shows this money: confirm it as a person would; its (first) payment."""
        ...

    def order_of(self, session: Session, code: str) -> UUID | None:
        """The order of payment with this code (``YP-…``), also one that was enabled since."""
        ...

    def payer_of(self, session: Session, key: UUID) -> UUID | None:
        """The customer behind a report or an order; None for a transfer of several companies."""
        ...

    def settle(
        self,
        session: Session,
        customer_id: UUID,
        *,
        amount: Decimal,
        value_on: date,
        reference: str,
        now: datetime,
    ) -> UUID | None:
        """A person says that this credit is the customer's: confirm the report of that amount, or enable
        the order that it covers; the payment. None: nothing of the kind waits. Raises ``DomainError``
        where the report is of a part only, and waits for the rest.
        """
        ...


class UnnumberedDocuments(Protocol):
    """Fiscal documents that wait for their numbers (``FiscalIssuing.prepare``)."""

    def store(self, sequences: Sequence[int]) -> None:
        """Store them with these numbers, in the order given, and defer the job that signs and sends
        them after the commit. Raises ``DomainError`` for what SRI would refuse.
        """
        ...


class FiscalIssuing(Protocol):
    """Owned by einvoice_sri."""

    def request(
        self, session: Session, requests: Sequence[FiscalRequest], *, now: datetime
    ) -> None:
        """Store the requests and defer the job that signs and sends them after the commit."""
        ...

    def prepare(
        self, session: Session, requests: Sequence[FiscalRequest], *, now: datetime
    ) -> UnnumberedDocuments:
        """Make everything ready but the numbers, for which others wait: ``sequence`` is not looked at."""
        ...

    def statuses(
        self, session: Session, document_ids: Iterable[UUID]
    ) -> Mapping[UUID, FiscalStatus]:
        """Where these documents stand; ids never requested are left out."""
        ...


class SignatureChecking(Protocol):
    """Owned by einvoice_sri: judges documents that others signed."""

    def problem(self, xml: bytes, *, now: datetime) -> str:
        """Why the signature of ``xml`` (bare or in SRI's envelope) is not good, as a translated
        sentence; empty when it is good. Never raises for a foreign file.
        """
        ...

    def is_issuers_own(self, xml: bytes, *, now: datetime) -> bool:
        """Whether who signed is the issuer named in the document, by an authority that this
        installation trusts. False: the bytes may be whole, but a person decides whose they are.
        """
        ...


class SellerPins(Protocol):
    """Owned by sales: the own PIN of a person who sells, chosen at the first access."""

    permission: str  # who holds it in a company may sell there

    def lacks_pin(self, session: Session, user_id: int) -> bool:
        """Whether the person has no PIN yet in the company in scope."""
        ...

    def check(self, pin: str) -> None:
        """Raise ``DomainError`` (field ``pin``) for a PIN that is too short, too long or too easy."""
        ...

    def choose(
        self, session: Session, user_id: int, pin: str, *, name: str, email: str, now: datetime
    ) -> None:
        """Give the person a PIN in the company in scope, as a salesperson of this name (one is made, or
        the one of the same person is found). Raises what :meth:`check` raises.
        """
        ...


class PaymentLinks(Protocol):
    """Owned by sales: where a customer reports a payment without signing in."""

    def report_path(self, session: Session, invoice_id: UUID) -> str:
        """The signed path of the page "Ya pagué" of an invoice; put the installation's address
        before it.
        """
        ...

    def accounts(self, session: Session) -> list[str]:
        """The company's accounts that take deposits and transfers, one line each: bank, kind, number,
        holder.
        """
        ...


class InvoiceCrediting(Protocol):
    """Owned by sales."""

    def credit_in_full(
        self, session: Session, invoice_id: UUID, *, reason: str, source_key: str, now: datetime
    ) -> str:
        """Undo an invoice with a credit note over all that is not credited yet; the note's number.

        The same ``source_key`` returns the first note. Emits ``InvoiceCancelled``. Raises
        ``DomainError``, ``NotFound``, ``Conflict`` when it is cancelled already.
        """
        ...

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
        """Credit these lines of an invoice, which stands for the rest; the note's number.

        Emits ``InvoiceBalanceChanged``. Raises as ``credit_in_full``.
        """
        ...


class Subscribing(Protocol):
    """Owned by billing; licensing sells licences with it."""

    def plans(self, session: Session) -> list[tuple[UUID, str, Decimal]]:
        """(id, name, monthly price before IVA today) of the plans on offer."""
        ...

    def subscribe(
        self,
        session: Session,
        *,
        plan_id: UUID,
        customer_id: UUID,
        start_on: date,
        now: datetime,
        on_credit: bool = False,
        renews: bool = True,
        quantity: int = 1,
        parent_id: UUID | None = None,
        due_on: date | None = None,
        tells_turns: bool = True,
    ) -> UUID:
        """Start a subscription; its first invoice is issued in this transaction (R1, R2), with source
        ``billing``. ``on_credit``: due by A-10; ``renews`` False: one period only (R12); ``parent_id``:
        an add-on of that subscription (A-24); ``due_on``: not paid before, due then (A-26);
        ``tells_turns`` False: the seller mails suspension, end and cancellation itself, billing only
        reminders. Each
        line's derivation names ``kind``, ``from`` and ``to`` (both inclusive).
        """
        ...

    def cancel(self, session: Session, subscription_id: UUID, *, now: datetime) -> date:
        """Stop after what is invoiced (R10); returns the paid-through date."""
        ...

    def plan_of(self, session: Session, subscription_id: UUID) -> TakenPlan:
        """The plan of a subscription, and the one it goes to. Raises ``NotFound``."""
        ...

    def quote_plan(
        self, session: Session, subscription_id: UUID, *, plan_id: UUID, now: datetime
    ) -> PlanQuote:
        """What another plan would bring (R14), before it is chosen. Raises what ``change_plan`` raises."""
        ...

    def change_plan(
        self, session: Session, subscription_id: UUID, *, plan_id: UUID, now: datetime
    ) -> PlanQuote:
        """Another plan: a dearer one at once, with its invoice; a cheaper one from the next period on.

        Raises ``NotFound``, ``Conflict`` when the subscription ends or ended, ``DomainError`` for a plan
        that it has or that is not on offer.
        """
        ...

    def first_total(self, session: Session, *, plan_id: UUID, start_on: date) -> Decimal:
        """What the first invoice of a contract comes to, IVA included (USD)."""
        ...

    def first_invoice(self, session: Session, *, plan_id: UUID, start_on: date) -> FirstInvoice:
        """That first invoice with its days, before it exists."""
        ...

    def preview(
        self, session: Session, *, plan_id: UUID, start_on: date, on_credit: bool = False
    ) -> Sequence[UpcomingInvoice]:
        """What a contract of that day would bring: the first invoice and three months after it.

        Raises ``NotFound`` for what is no plan, ``DomainError`` for one without a price on that day.
        """
        ...

    def upcoming(
        self, session: Session, subscription_ids: Iterable[UUID], *, today: date
    ) -> Mapping[UUID, Sequence[UpcomingInvoice]]:
        """What the runs of the next three months will invoice to these subscriptions and their add-ons,
        by what works out the invoices; those that do not go on are left out.
        """
        ...

    def explain(self, why: Mapping[str, Any]) -> str:
        """The derivation of a charge (``UpcomingInvoice.why``) in words, in the language at hand."""
        ...

    def due_on(self, session: Session, issued_on: date) -> date:
        """When an invoice of that day is due: the next day 5, shifted where the company shifts it (A-17)."""
        ...

    def subscriptions_of(
        self, session: Session, invoice_ids: Iterable[UUID]
    ) -> Mapping[UUID, Sequence[UUID]]:
        """The subscriptions that each of these invoices charges; invoices of others are left out."""
        ...

    def left_out(self, session: Session, *, on: date) -> list[UUID]:
        """The subscriptions that the run of ``on`` issues nothing to (R15)."""
        ...
