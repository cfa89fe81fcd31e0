"""What the vendor's bank statement may settle: reports that wait, and orders of payment by their code."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import plugins
from core.adapters.clock import to_local_date
from core.contracts.events import LicenceEnabling
from core.contracts.sales import AwaitedPayment
from core.contracts.services import CustomerDirectory, Subscribing
from core.domain.money import ZERO, total
from core.domain.payment_codes import ORDER, find_codes
from core.services import settings
from plugins.licensing.models import Contract, QueuedReport
from plugins.licensing.services import order_reports
from plugins.licensing.services.contracts import customer_of, enable_contract
from plugins.licensing.services.first_money import find_short, refuse_short_reports
from plugins.licensing.services.parties import kind_in_scope
from plugins.licensing.services.queue import confirm_seen


class Awaited:
    """``AwaitedPayments``."""

    def waiting(self, session: Session) -> list[AwaitedPayment]:
        """The operator's copy of the queue; the reports of one transfer are one."""
        transfers = _transfers(session)
        customers = _customers(session, transfers.values())
        return [
            AwaitedPayment(
                key=key,
                report_ids=tuple(row.report_id for row in rows),
                amount=total(row.amount for row in rows),
                reference=rows[0].reference,
                customer_ids=frozenset().union(
                    *(customers.get(row.client_tenant_id, ()) for row in rows)
                ),
            )
            for key, rows in transfers.items()
        ]

    def confirm(self, session: Session, key: UUID, *, now: datetime) -> UUID | None:
        """Those of the transfer that still wait; None where they are of an order and too little (R2)."""
        waiting = [row for row in _transfers(session).get(key, ()) if row.state == "waiting"]
        if find_short(session, waiting, on=to_local_date(now)) is not None:
            return None  # a part of an order enables nothing: a person decides
        payments = confirm_seen(session, [row.report_id for row in waiting], now=now)
        return payments[0] if payments else None

    def order_of(self, session: Session, code: str) -> UUID | None:
        """Orders lie with the operator only; one that was withdrawn takes no money."""
        return session.scalar(
            select(Contract.id).where(Contract.payment_code == code, Contract.state != "withdrawn")
        )

    def payer_of(self, session: Session, key: UUID) -> UUID | None:
        """The client of the order or report; it becomes a customer when it is none yet."""
        contract = session.get(Contract, key)
        if contract is None:
            rows = _transfers(session).get(key, [])
            clients = {row.client_tenant_id for row in rows}
            if len(clients) != 1:
                return None
            contract = session.scalars(
                select(Contract)
                .where(Contract.client_tenant_id == clients.pop())
                .order_by(Contract.ordered_on.desc(), Contract.id.desc())
                .limit(1)
            ).one_or_none()
        if contract is None:
            return None
        if contract.customer_id is not None:
            return contract.customer_id
        return plugins.service(CustomerDirectory).ensure(session, [customer_of(contract)])[0]

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
        """The report of that amount (the one with the reference first), else the order. Raises
        ``DomainError`` for the report of a part of an order: it waits for the rest (R2).
        """
        contracts = _contracts_of(session, customer_id)
        clients = {one.client_tenant_id for one in contracts}
        found = [
            (rows[0].reference.strip() != reference.strip(), at, key)
            for at, (key, rows) in enumerate(_transfers(session).items())
            if {row.client_tenant_id for row in rows} <= clients
            and total(row.amount for row in rows) == amount
        ]
        if found:
            key = min(found)[2]
            waiting = [row for row in _transfers(session)[key] if row.state == "waiting"]
            refuse_short_reports(session, waiting, on=to_local_date(now))
            return self.confirm(session, key, now=now)
        for contract in contracts:
            if contract.state == "order" and _covers(
                session, contract, amount=amount, value_on=value_on, reference=reference, now=now
            ):
                order_reports.refuse_reported(session, contract.id)
                enabling = LicenceEnabling(
                    contract_id=contract.id,
                    on_credit=False,
                    amount=amount,
                    value_on=value_on,
                    bank="",
                    reference=reference,
                    enabled_at=now,
                )
                return enable_contract(session, enabling, now=now)
        return None


def _transfers(session: Session) -> dict[UUID, list[QueuedReport]]:
    """The transfers with a report that waits, by group or report; all that is not rejected of each."""
    if kind_in_scope(session) != "operator":
        return {}
    waits = QueuedReport.state == "waiting"
    groups = select(QueuedReport.group_id).where(waits, QueuedReport.group_id.is_not(None))
    found: dict[UUID, list[QueuedReport]] = {}
    for row in session.scalars(
        select(QueuedReport)
        .where(
            QueuedReport.amount > ZERO,
            or_(waits, QueuedReport.group_id.in_(groups) & (QueuedReport.state != "rejected")),
        )
        .order_by(QueuedReport.reported_at, QueuedReport.id)
    ):
        found.setdefault(row.group_id or row.report_id, []).append(row)
    return found


def _customers(session: Session, transfers: Iterable[list[QueuedReport]]) -> dict[UUID, set[UUID]]:
    """The customers that the clients of these transfers are."""
    clients = {row.client_tenant_id for rows in transfers for row in rows}
    found: dict[UUID, set[UUID]] = {}
    for contract in session.scalars(select(Contract).where(Contract.client_tenant_id.in_(clients))):
        if contract.customer_id is not None:
            found.setdefault(contract.client_tenant_id, set()).add(contract.customer_id)
    return found


def _contracts_of(session: Session, customer_id: UUID) -> list[Contract]:
    if kind_in_scope(session) != "operator":
        return []
    known = plugins.service(CustomerDirectory).read(session, [customer_id])
    return list(
        session.scalars(
            select(Contract)
            .where(Contract.client_tax_id.in_([one.tax_id for one in known.values()]))
            .order_by(Contract.ordered_on.desc(), Contract.id.desc())
        )
    )


def _covers(
    session: Session,
    contract: Contract,
    *,
    amount: Decimal,
    value_on: date,
    reference: str,
    now: datetime,
) -> bool:
    """The first invoice's amount, or more with the order's own code: what is over is credit."""
    wanted = plugins.service(Subscribing).first_total(
        session, plan_id=contract.plan_id, start_on=to_local_date(now)
    )
    tolerance = settings.read(session, "billing.tolerance")
    if value_on > contract.lapses_on or wanted - amount > tolerance:
        return False
    is_named = contract.payment_code in find_codes(reference, ORDER)
    return is_named or bool(amount - wanted <= tolerance)
