"""Bank statements: an exact reference and amount settles a reported payment, the rest is a suggestion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.contracts.sales import MONEY_LOCK
from core.db.locks import wait_for
from core.errors import Conflict, DomainError, NotFound, Overtaken
from core.i18n import _
from core.ids import new_id
from plugins.sales.domain import lifecycle
from plugins.sales.domain.statements import read_credits, same_reference, unread_days
from plugins.sales.models import BankAccount, Customer, Statement, StatementRow
from plugins.sales.services.find_booked import find_unseen
from plugins.sales.services.match_credits import (
    Matcher,
    awaited_payments,
    book_row,
    covered_exactly,
)
from plugins.sales.services.record_payment import spread_over_open
from plugins.sales.services.report_payments import confirm_report


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did, in numbers of rows."""

    statement_id: UUID
    settled: int
    suggested: int
    unmatched: int
    known: int  # rows of an earlier import
    unread: tuple[str, ...] = ()  # what stands as the day of rows with money that were left out


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

    A row whose reference and amount are those of exactly one open report (also one of a licence) settles
    it, or is that of a payment in the books; a payment code as the whole reference with exactly the
    balance of one open invoice, or of all, pays it. Same amount with another reference, a payment code
    otherwise, or the amount of one open invoice, is a suggestion. Raises ``DomainError`` for a foreign
    file; nothing is written then.
    """
    wait_for(session, MONEY_LOCK)
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
    matcher = Matcher(session, credits_, account_id=account_id)
    counts = {"settled": 0, "suggested": 0, "unmatched": 0}
    for credit in credits_:
        if credit.fingerprint in known:
            continue
        row = matcher.match(credit, user_id=user_id, now=now)
        row.statement_id = statement.id
        session.add(row)
        session.flush()
        counts[row.state] += 1
    unread = tuple(unread_days(rows, mapping))
    return ImportResult(statement.id, known=len(known), unread=unread, **counts)


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
    wait_for(session, MONEY_LOCK)
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
        payment_id = confirm_report(
            session, row.suggested_report_id, user_id=user_id, now=now, is_seen=True
        )
    else:
        customer = customer_id or row.suggested_customer_id
        if customer is None:
            raise Conflict(
                _("Say whose payment this is."), code="customer_missing", field="customer_id"
            )
        payment_id = (
            _in_the_books(session, customer, row)
            or _settle_awaited(session, customer, row, now=now)
            or _record(session, customer, row, is_told=customer_id is not None, now=now)
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


def _in_the_books(session: Session, customer_id: UUID, row: StatementRow) -> UUID | None:
    """The payment that was recorded after the import and is this row: the same reference and amount."""
    for payment_id, reference in find_unseen(
        session, customer_id, amount=row.amount, value_on=row.value_on
    ):
        if same_reference(reference, row.reference):
            return payment_id
    return None


def _settle_awaited(
    session: Session, customer_id: UUID, row: StatementRow, *, now: datetime
) -> UUID | None:
    """The report or order of this customer that another plugin waits for: confirming it is the payment."""
    others = awaited_payments()
    if others is None:
        return None
    return others.settle(
        session,
        customer_id,
        amount=row.amount,
        value_on=row.value_on,
        reference=row.reference,
        now=now,
    )


def _record(
    session: Session, customer_id: UUID, row: StatementRow, *, is_told: bool, now: datetime
) -> UUID:
    """The row as a payment of its own. A transfer of the same amount that no statement has shown may be
    the same money: whoever says by identification whose it is (``is_told``) says that it is not.
    """
    alike = find_unseen(session, customer_id, amount=row.amount, value_on=row.value_on)
    if alike and not is_told:
        raise Conflict(
            _(
                "A transfer of this customer and amount is in the books with the reference %(reference)s. If it"
                " is this money, ignore the row; if it is another, write the customer's identification.",
                reference=alike[0][1] or "—",
            ),
            code="payment_alike",
        )
    account = session.scalar(select(Statement.account_id).where(Statement.id == row.statement_id))
    covers = covered_exactly(session, customer_id, row.amount) or spread_over_open(
        session, customer_id, row.amount
    )
    return book_row(session, row, customer_id, covers, account_id=account, now=now)


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
        raise Overtaken(_("This row was dealt with already."), code="row_decided")
    return row
