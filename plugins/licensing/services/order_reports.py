"""An order of payment that its client reports as paid: what the report enables, and what its
confirmation does (A-26).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.events import LicenceEnabling, PaymentReported
from core.db.events import emit
from core.db.tenancy import scope_of
from core.domain.money import ZERO
from core.domain.trust import REJECTIONS_ALLOWED
from core.errors import Conflict, TryLater
from core.i18n import _
from core.services import settings
from plugins.licensing.models import Contract, QueuedReport
from plugins.licensing.services.contracts import enable_contract, open_of
from plugins.licensing.services.first_money import missing_of_first
from plugins.licensing.services.publish import REPORT
from plugins.licensing.settings import ON_REPORT, ORDER_ENABLED

PATIENCE = timedelta(hours=1)  # an order that has not come by then was refused


def hear_order_report(session: Session, event: PaymentReported, *, now: datetime) -> None:
    """A client says that it paid its order, in the operator's scope. Where a report enables, and it
    covers the first invoice, its day is S; otherwise the order waits for the confirmation.
    """
    if event.contract_id is None:
        return
    contract = session.get(Contract, event.contract_id, with_for_update=True)
    if contract is None and now - event.reported_at < PATIENCE:
        raise TryLater("the order has not arrived yet", seconds=2)
    if (
        contract is None
        or contract.state != "order"
        or not _report_enables(session, contract)
        or to_local_date(event.reported_at) > contract.lapses_on
        or missing_of_first(
            session, contract.plan_id, event.amount, on=to_local_date(event.reported_at)
        )
        or _is_distrusted(session, contract)
    ):
        return
    enabling = LicenceEnabling(
        contract_id=contract.id,
        on_credit=False,
        amount=ZERO,
        value_on=event.value_on,
        bank=event.bank,
        reference=event.reference,
        enabled_at=event.reported_at,
    )
    enable_contract(session, enabling, now=now, is_reported=True)
    _aim(session, contract, event, now=now)


def enable_by_report(session: Session, row: QueuedReport, *, now: datetime) -> UUID | None:
    """A confirmed report of an order that still waits enables it with its money; the payment. None: no
    such order.
    """
    if row.contract_id is None:
        return None
    contract = session.get(Contract, row.contract_id, with_for_update=True)
    if contract is None or contract.state != "order":
        return None
    enabling = LicenceEnabling(
        contract_id=contract.id,
        on_credit=False,
        amount=row.amount,
        value_on=row.value_on,
        bank=row.bank,
        reference=row.reference,
        enabled_at=row.decided_at or now,
    )
    return enable_contract(session, enabling, now=now)


def _report_enables(session: Session, contract: Contract) -> bool:
    """A first contract's order by the setting (A-26); a client who comes back as any report of his lifts
    a block (R2, R9, A-15).
    """
    if contract.kind == "reentry":
        return bool(settings.read(session, "billing.lift_block") == REPORT)
    return bool(settings.read(session, ORDER_ENABLED) == ON_REPORT)


def _is_distrusted(session: Session, contract: Contract) -> bool:
    """Two rejected reports in a row: the next one waits for its confirmation (A-15)."""
    decided = session.scalars(
        select(QueuedReport.state)
        .where(QueuedReport.contract_id == contract.id, QueuedReport.state != "waiting")
        .order_by(QueuedReport.decided_at.desc())
        .limit(REJECTIONS_ALLOWED)
    ).all()
    return decided == ["rejected"] * REJECTIONS_ALLOWED


def _aim(session: Session, contract: Contract, event: PaymentReported, *, now: datetime) -> None:
    """Point the report at the invoice that it has just brought about, and tell everybody."""
    if contract.customer_id is None:
        raise RuntimeError("an enabled contract has a customer")
    left, shares, numbers = event.amount, [], []
    for invoice in open_of(session, contract, contract.customer_id):
        share = min(left, invoice.balance)
        if share > ZERO:
            shares.append((invoice.id, share))
            numbers.append(invoice.number)
            left -= share
    aimed = replace(
        event,
        invoice_ids=tuple(one for one, _share in shares),
        allocations=tuple(shares),
        numbers=tuple(numbers),
    )
    own = scope_of(session).tenant_id  # billing marks its charges, the queue names the invoice
    for party in {contract.client_tenant_id, contract.distributor_id, own} - {None}:
        emit(session, aimed, to=party, now=now)


def refuse_reported(session: Session, contract_id: UUID) -> None:
    """The same money is not taken twice: what its client reported is answered in the queue (A-26).
    Raises ``Conflict``.
    """
    waiting = select(QueuedReport.id).where(
        QueuedReport.contract_id == contract_id, QueuedReport.state == "waiting"
    )
    if session.scalar(waiting.limit(1)) is not None:
        raise Conflict(
            _(
                "The client reported this payment: confirm it under «Payments to confirm», which enables"
                " the licence."
            ),
            code="order_reported",
        )
