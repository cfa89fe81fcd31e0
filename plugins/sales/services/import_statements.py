"""Bank statements: an exact reference and amount settles a reported payment, the rest is a suggestion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.contracts.sales import PaymentData
from core.domain.payment_codes import find_codes, payment_code
from core.errors import Conflict, DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from plugins.sales.domain import lifecycle
from plugins.sales.domain.statements import Credit, read_credits, same_reference
from plugins.sales.models import (
    BankAccount,
    Customer,
    Invoice,
    PaymentReport,
    Statement,
    StatementRow,
)
from plugins.sales.services.record_payment import record_payment, spread_over_open
from plugins.sales.services.report_payments import confirm_report


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did, in numbers of rows."""

    statement_id: UUID
    settled: int
    suggested: int
    unmatched: int
    known: int  # rows of an earlier import


def import_statement(
    session: Session,
    rows: Sequence[Sequence[Any]],
    mapping: Mapping[str, int],
    *,
    account_id: UUID | None,
    filename: str,
    user_id: int | None,
    now: datetime,
) -> ImportResult:
    """Take the credits of a statement in. A row seen before is left alone, so importing twice is safe.

    A row whose reference and amount are those of exactly one open report settles it; same amount with
    another reference, a customer's payment code, or the amount of one open invoice, is a suggestion. Raises ``DomainError`` for
    a foreign file; nothing is written then.
    """
    if account_id is not None and (
        session.scalar(select(BankAccount.id).where(BankAccount.id == account_id)) is None
    ):
        raise NotFound
    credits_ = read_credits(rows, mapping, account=str(account_id or ""))
    statement = Statement(
        id=new_id(),
        account_id=account_id,
        filename=filename[:200],
        mapping=dict(mapping),
        imported_at=now,
    )
    session.add(statement)
    session.flush()
    known = set(
        session.scalars(
            select(StatementRow.fingerprint).where(
                StatementRow.fingerprint.in_([one.fingerprint for one in credits_])
            )
        )
    )
    codes = _Codes(session)
    counts = {"settled": 0, "suggested": 0, "unmatched": 0}
    for credit in credits_:
        if credit.fingerprint in known:
            continue
        row = _match(session, credit, codes, user_id=user_id, now=now)
        row.statement_id = statement.id
        session.add(row)
        session.flush()
        counts[row.state] += 1
    return ImportResult(statement.id, known=len(known), **counts)


class _Codes:
    """Whose payment code a credit carries, among those who owe something; read when first needed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[str, UUID] | None = None

    def owner(self, credit: Credit) -> UUID | None:
        """The customer of the one code in a credit's reference and description."""
        found = {*find_codes(credit.reference), *find_codes(credit.description)}
        if len(found) != 1:
            return None
        if self._known is None:
            owing = select(Invoice.customer_id).where(Invoice.state == "issued").distinct()
            self._known = {payment_code(one): one for one in self._session.scalars(owing)}
        return self._known.get(found.pop())


def _match(
    session: Session, credit: Credit, codes: _Codes, *, user_id: int | None, now: datetime
) -> StatementRow:
    row = StatementRow(
        id=new_id(),
        value_on=credit.value_on,
        amount=credit.amount,
        reference=credit.reference,
        description=credit.description,
        fingerprint=credit.fingerprint,
        state="unmatched",
    )
    reports = session.execute(
        select(PaymentReport.id, PaymentReport.reference, PaymentReport.customer_id).where(
            PaymentReport.state == "reported", PaymentReport.amount == credit.amount
        )
    ).all()
    exact = [one for one in reports if same_reference(one.reference, credit.reference)]
    if len(exact) == 1:
        row.payment_id = confirm_report(session, exact[0].id, user_id=user_id, now=now)
        row.suggested_report_id = exact[0].id
        row.state = "settled"
        return row
    if reports:
        row.suggested_report_id = reports[0].id
        row.suggested_customer_id = reports[0].customer_id
        row.state = "suggested"
        return row
    owner = codes.owner(credit)
    if owner is not None:
        row.suggested_customer_id = owner
        row.state = "suggested"
        return row
    owing = list(
        session.scalars(
            select(Invoice.customer_id)
            .where(Invoice.state == "issued", Invoice.balance == credit.amount)
            .distinct()
            .limit(2)
        )
    )
    if len(owing) == 1:
        row.suggested_customer_id = owing[0]
        row.state = "suggested"
    return row


def settle_row(
    session: Session,
    row_id: UUID,
    *,
    tax_id: str = "",
    user_id: int | None,
    now: datetime,
) -> UUID:
    """Take a suggestion, or name the customer by identification: confirm the report or record
    the payment; its id.

    Raises ``NotFound``, ``Conflict`` when the row is settled or ignored, ``DomainError`` when nobody has
    the identification.
    """
    row = _open(session, row_id, "settle")
    customer_id = None
    if tax_id:
        customer_id = session.scalar(select(Customer.id).where(Customer.tax_id == tax_id).limit(1))
        if customer_id is None:
            raise DomainError(
                _("No customer has this identification. Check the number."),
                code="customer_unknown",
                field="tax_id",
            )
    if customer_id is None and row.suggested_report_id is not None:
        payment_id = confirm_report(session, row.suggested_report_id, user_id=user_id, now=now)
    else:
        customer = customer_id or row.suggested_customer_id
        if customer is None:
            raise Conflict(
                _("Say whose payment this is."), code="customer_missing", field="customer_id"
            )
        account = session.scalar(
            select(Statement.account_id).where(Statement.id == row.statement_id)
        )
        payment_id = record_payment(
            session,
            PaymentData(
                customer_id=customer,
                method="transfer",
                amount=Decimal(row.amount),
                value_on=row.value_on,
                allocations=spread_over_open(session, customer, row.amount),
                idempotency_key=f"statement:{row_id}",
                reference=row.reference,
                note=row.description,
            ),
            now=now,
            account_id=account,
        )
    session.execute(
        update(StatementRow)
        .where(StatementRow.id == row_id)
        .values(
            state=lifecycle.step(lifecycle.STATEMENT_ROW, row.state, "settle"),
            payment_id=payment_id,
        )
    )
    return payment_id


def ignore_row(session: Session, row_id: UUID) -> None:
    """This credit is no customer's payment. Raises ``Conflict``, ``NotFound``."""
    row = _open(session, row_id, "ignore")
    session.execute(
        update(StatementRow)
        .where(StatementRow.id == row_id)
        .values(state=lifecycle.step(lifecycle.STATEMENT_ROW, row.state, "ignore"))
    )


def _open(session: Session, row_id: UUID, action: str) -> StatementRow:
    row = session.scalars(
        select(StatementRow).where(StatementRow.id == row_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound
    if not lifecycle.may(lifecycle.STATEMENT_ROW, row.state, action):
        raise Conflict(_("This row was dealt with already."), code="row_decided")
    return row
