"""What a credit of a bank statement is: a payment in the books, a report, a suggestion, or nobody's yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import plugins
from core.contracts.sales import AwaitedPayment
from core.contracts.services import AwaitedPayments
from core.domain.payment_codes import CUSTOMER, ORDER, find_codes, payment_code
from core.errors import ServiceMissing
from core.ids import new_id
from plugins.sales.domain.statements import Credit, same_reference
from plugins.sales.models import Invoice, PaymentReport, StatementRow
from plugins.sales.services.find_booked import Unseen
from plugins.sales.services.report_payments import confirm_report


def awaited_payments() -> AwaitedPayments | None:
    """What another plugin expects on the account; None: no plugin does."""
    try:
        return plugins.service(AwaitedPayments)
    except ServiceMissing:
        return None


class Matcher:
    """The credits of one file, one after the other; what they are compared with is read once."""

    def __init__(self, session: Session, credits_: Sequence[Credit]) -> None:
        self._session = session
        self._unseen = Unseen(session, credits_)
        self._codes: dict[str, UUID] | None = None
        self._others = awaited_payments()
        self._awaited = self._read_awaited()

    def match(self, credit: Credit, *, user_id: int | None, now: datetime) -> StatementRow:
        """The row of the credit. Exactly the reference and the amount settle; the rest is a suggestion."""
        row = StatementRow(
            id=new_id(),
            value_on=credit.value_on,
            amount=credit.amount,
            reference=credit.reference,
            description=credit.description,
            fingerprint=credit.fingerprint,
            state="unmatched",
        )
        row.payment_id = self._unseen.take(credit)
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

    def _owner(self, credit: Credit) -> UUID | None:
        """Whose payment code stands in the reference or the description, if it is one customer's."""
        text = f"{credit.reference} {credit.description}"
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
