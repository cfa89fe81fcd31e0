"""What a credit of a bank statement is: a payment in the books, a report, a suggestion, or nobody's yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import plugins
from core.adapters.clock import to_local_date
from core.contracts.sales import AwaitedPayment, PaymentAllocation, PaymentData
from core.contracts.services import AwaitedPayments
from core.domain.money import ZERO, total
from core.domain.payment_codes import CUSTOMER, ORDER, find_codes, payment_code
from core.errors import ServiceMissing
from core.ids import new_id
from plugins.sales.domain.statements import Credit, same_reference
from plugins.sales.models import Invoice, PaymentReport, StatementRow
from plugins.sales.services.find_booked import Unseen, find_unseen
from plugins.sales.services.record_payment import record_payment
from plugins.sales.services.report_payments import confirm_report


def book_row(
    session: Session,
    row: StatementRow,
    customer_id: UUID,
    allocations: tuple[PaymentAllocation, ...],
    *,
    account_id: UUID | None,
    now: datetime,
) -> UUID:
    """A credit of the statement as a payment of its own; its id."""
    payment = PaymentData(
        customer_id=customer_id,
        method="transfer",
        amount=Decimal(row.amount),
        value_on=row.value_on,
        allocations=allocations,
        idempotency_key=f"statement:{row.id}",
        reference=row.reference,
        note=row.description,
    )
    return record_payment(session, payment, now=now, account_id=account_id)


def covered_exactly(
    session: Session, customer_id: UUID, amount: Decimal
) -> tuple[PaymentAllocation, ...]:
    """What exactly this amount pays: all open invoices, or the only one with this balance."""
    owed = select(Invoice.id, Invoice.balance).where(
        Invoice.customer_id == customer_id, Invoice.state == "issued", Invoice.balance > ZERO
    )
    every = [PaymentAllocation(*one) for one in session.execute(owed)]
    if total(one.amount for one in every) == amount:
        return tuple(every)
    alike = tuple(one for one in every if one.amount == amount)
    return alike if len(alike) == 1 else ()


def awaited_payments() -> AwaitedPayments | None:
    """What another plugin expects on the account; None: no plugin does."""
    try:
        return plugins.service(AwaitedPayments)
    except ServiceMissing:
        return None


class Matcher:
    """The credits of one file, one after the other; what they are compared with is read once."""

    def __init__(
        self, session: Session, credits_: Sequence[Credit], *, account_id: UUID | None
    ) -> None:
        self._session = session
        self._account_id = account_id
        self._unseen = Unseen(session, credits_)
        self._codes: dict[str, UUID] | None = None
        self._others = awaited_payments()
        self._awaited = self._read_awaited()

    def match(self, credit: Credit, *, user_id: int | None, now: datetime) -> StatementRow:
        """The row of the credit. Exactly the reference and the amount settle, of a report, or of what is
        open with the customer's payment code as the reference; the rest is a suggestion.
        """
        row = StatementRow(
            id=new_id(),
            value_on=credit.value_on,
            amount=credit.amount,
            reference=credit.reference,
            description=credit.description,
            fingerprint=credit.fingerprint,
            state="unmatched",
        )
        row.payment_id = self._unseen.take(credit) or self._settle_named(row, now=now)
        if row.payment_id is not None:
            row.state = "settled"
        elif not self._match_reports(row, user_id=user_id, now=now):
            row.suggested_customer_id = self._owner(credit) or self._only_debtor(credit)
            row.state = "unmatched" if row.suggested_customer_id is None else "suggested"
        return row

    def _match_reports(self, row: StatementRow, *, user_id: int | None, now: datetime) -> bool:
        """Settle the one report that the row is exactly, or suggest one of the same amount."""
        own = self._session.execute(
            select(PaymentReport.id, PaymentReport.reference, PaymentReport.customer_id)
            .where(PaymentReport.state == "reported", PaymentReport.amount == row.amount)
            .order_by(PaymentReport.reported_at, PaymentReport.id)
        ).all()
        others = [one for one in self._awaited if one.amount == row.amount]
        exact = [one for one in own if same_reference(one.reference, row.reference)]
        exact_others = [one for one in others if same_reference(one.reference, row.reference)]
        if len(exact) + len(exact_others) == 1:
            if exact:
                row.suggested_report_id = exact[0].id
                row.payment_id = confirm_report(
                    self._session, exact[0].id, user_id=user_id, now=now, is_seen=True
                )
            elif self._others is not None:
                row.payment_id = self._others.confirm(self._session, exact_others[0].key, now=now)
                self._awaited.remove(exact_others[0])
            if row.payment_id is not None:  # else it was rejected meanwhile
                row.state = "settled"
                return True
            return False
        if own:
            row.suggested_report_id = own[0].id
            row.suggested_customer_id = own[0].customer_id
        elif others and self._others is not None:
            payers = (
                self._others.payer_of(self._session, one.key) for one in [*exact_others, *others]
            )
            row.suggested_customer_id = next((one for one in payers if one is not None), None)
        if row.suggested_customer_id is not None:
            row.state = "suggested"
        return row.state == "suggested"

    def _settle_named(self, row: StatementRow, *, now: datetime) -> UUID | None:
        """Book a credit whose reference is a payment code and nothing else, and whose amount is exactly
        the balance of one open invoice of that customer or of all of them. None where a report of the
        customer waits, or money of that amount is in the books already: it may be this one.
        """
        codes = [*find_codes(row.reference, CUSTOMER), *find_codes(row.reference, ORDER)]
        if len(codes) != 1 or not same_reference(codes[0], row.reference):
            return None
        customer_id = self._owner_in(codes[0])
        if customer_id is None or row.value_on > to_local_date(now):
            return None
        covered = covered_exactly(self._session, customer_id, row.amount)
        if not covered or self._may_be_known(customer_id, row):
            return None
        return book_row(
            self._session, row, customer_id, covered, account_id=self._account_id, now=now
        )

    def _may_be_known(self, customer_id: UUID, row: StatementRow) -> bool:
        waits = select(PaymentReport.id).where(
            PaymentReport.customer_id == customer_id, PaymentReport.state == "reported"
        )
        return (
            any(customer_id in one.customer_ids for one in self._awaited)
            or self._session.scalar(waits.limit(1)) is not None
            or bool(
                find_unseen(self._session, customer_id, amount=row.amount, value_on=row.value_on)
            )
        )

    def _owner(self, credit: Credit) -> UUID | None:
        """Whose payment code stands in the reference or the description, if it is one customer's."""
        return self._owner_in(f"{credit.reference} {credit.description}")

    def _owner_in(self, text: str) -> UUID | None:
        owners = {self._owing().get(one) for one in find_codes(text, CUSTOMER)}
        for code in find_codes(text, ORDER):
            order = self._others and self._others.order_of(self._session, code)
            owners.add(
                self._others.payer_of(self._session, order) if self._others and order else None
            )
        return owners.pop() if len(owners) == 1 else None

    def _owing(self) -> dict[str, UUID]:
        """The payment codes of those who owe something, read when first needed."""
        if self._codes is None:
            owing = select(Invoice.customer_id).where(Invoice.state == "issued").distinct()
            self._codes = {payment_code(one): one for one in self._session.scalars(owing)}
        return self._codes

    def _only_debtor(self, credit: Credit) -> UUID | None:
        owing = list(
            self._session.scalars(
                select(Invoice.customer_id)
                .where(Invoice.state == "issued", Invoice.balance == credit.amount)
                .distinct()
                .limit(2)
            )
        )
        return owing[0] if len(owing) == 1 else None

    def _read_awaited(self) -> list[AwaitedPayment]:
        """What others await, but for the reports that are kept here too."""
        if self._others is None:
            return []
        found = self._others.waiting(self._session)
        ids = [report for one in found for report in one.report_ids]
        own = set(self._session.scalars(select(PaymentReport.id).where(PaymentReport.id.in_(ids))))
        return [one for one in found if not own.intersection(one.report_ids)]
