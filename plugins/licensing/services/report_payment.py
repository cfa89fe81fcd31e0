"""«Ya pagué»: a payment report in the client's own scope gives access back in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.events import PaymentConfirmed, PaymentRejected, PaymentReported
from core.db.events import emit
from core.db.tenancy import scope_of
from core.domain.money import CENT, ZERO, to_cents
from core.errors import Conflict, DomainError, NotFound, TryLater
from core.i18n import _
from core.jobs import defer
from core.models import Tenant
from core.services import holidays
from core.services.audit import write_audit
from plugins.licensing.domain.lifecycle import after
from plugins.licensing.domain.orders import lapses_on
from plugins.licensing.models import ClientInvoiceRow, Licence, PaymentReportRow, QueuedReport
from plugins.licensing.services.parties import is_withholding_agent
from plugins.licensing.services.slips import store_slip
from plugins.licensing.services.standing import find_licence, refresh

OLDEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class ReportData:
    """What a person typed. ``invoice_ids`` empty: the open invoices, oldest first.

    ``withheld``: the part that a retención covers (USD). ``reference`` empty means "no la tengo" and
    wants a slip and the payer's name. ``account``: the vendor's that took it, a line of the licence's
    accounts; empty: not said. ``transferred``: the whole transfer, of which ``amount`` is the part here.
    """

    bank: str
    value_on: date
    amount: Decimal
    reference: str = ""
    withheld: Decimal = ZERO
    payer: str = ""
    invoice_ids: tuple[UUID, ...] = ()
    slip: bytes | None = None
    form_key: str | None = None
    group_id: UUID | None = None
    account: str = ""
    transferred: Decimal | None = None

    @property
    def whole(self) -> Decimal:
        """The transfer as the bank shows it, also where it is told for several companies."""
        return self.amount if self.transferred is None else self.transferred


def report_payment(session: Session, data: ReportData, *, now: datetime) -> PaymentReportRow:
    """Store the report of the tenant in scope; access reads it at the next request.

    Of an order of payment it names no invoice yet (A-26). Told to the operator and the distributor. The same form sent twice is one report. Raises
    ``DomainError`` for wrong input and ``Conflict`` when there is nothing to pay.
    """
    licence = find_licence(session)
    if licence is None:
        raise DomainError(_("This company has no licence to pay."), code="no_licence")
    before = find_by_form_key(session, data.form_key)
    if before is not None:
        return before
    _check(data, today=to_local_date(now))
    is_order = licence.started_on is None
    if is_order:
        _check_order(licence, data, today=to_local_date(now))
    shares = {} if is_order else _allocate(session, licence, data)
    row = PaymentReportRow(
        group_id=data.group_id,
        form_key=data.form_key,
        contract_id=licence.contract_id,
        bank=" ".join(data.bank.split()),
        account=data.account.strip()[:200],
        reference=data.reference.strip(),
        payer=data.payer.strip(),
        value_on=data.value_on,
        amount=data.amount,
        transferred=data.whole,
        withheld=data.withheld,
        allocations={str(key): str(amount) for key, amount in shares.items()},
        slip_blob_id=None if data.slip is None else store_slip(session, data.slip),
        is_late=_is_late(session, data.value_on, shares, now=now),
        is_duplicate=is_duplicate(session, data),
        reported_at=now,
        reported_by=scope_of(session).user_id,
    )
    session.add(row)
    session.flush()
    write_audit(
        session,
        action="licensing.report",
        subject_id=row.id,
        details={"amount": str(data.amount), "invoices": list(row.allocations)},
    )
    refresh(session, now=now, reason=_("Payment reported"))
    _tell(session, licence, row, now=now)
    return row


def is_duplicate(session: Session, data: ReportData) -> bool:
    """Same receiving account, bank, reference, value date and amount of the transfer as an earlier report
    that was not rejected (A-31). A warning for people; nothing is refused because of it.
    """
    return has_twin(
        session,
        PaymentReportRow,
        bank=data.bank,
        reference=data.reference,
        value_on=data.value_on,
        transferred=data.whole,
        account=data.account,
        group_id=data.group_id,
    )


def has_twin(
    session: Session,
    model: type[PaymentReportRow | QueuedReport],
    *,
    bank: str,
    reference: str,
    value_on: date,
    transferred: Decimal,
    account: str,
    group_id: UUID | None,
) -> bool:
    """Whether a report of another transfer looks the same (A-31). An account that one of the two does not
    say may be any; the reports of one transfer for several companies are no twins of each other.
    """
    rows = session.execute(
        select(model.account, model.group_id).where(
            func.lower(model.bank) == " ".join(bank.split()).lower(),
            model.reference == reference.strip(),
            model.value_on == value_on,
            model.transferred == transferred,
            model.state != "rejected",
        )
    )
    said = account.strip()[:200]
    return bool(reference.strip()) and any(
        (not row.account or not said or row.account == said)
        and (group_id is None or row.group_id != group_id)
        for row in rows
    )


def hear_report(session: Session, event: PaymentReported, *, now: datetime) -> None:
    """A report made elsewhere (the signed link of a reminder) arrives in the client's scope and gives
    access back like one made here. The client's own reports are known already; one of an order learns
    here which invoice it became.

    Raises ``TryLater`` while the licence has not arrived.
    """
    own = scope_of(session).tenant_id
    if event.client_tenant_id != own:
        return
    licence = find_licence(session, lock=True)  # before the report, as whoever tells an invoice
    known = session.get(PaymentReportRow, event.report_id, with_for_update=True)
    if known is not None:
        if event.allocations and not known.allocations:
            known.allocations = {str(key): str(share) for key, share in event.allocations}
            refresh(session, now=now)
        return
    if licence is None:
        raise TryLater("the licence has not arrived yet", seconds=5)
    about = session.scalars(
        select(ClientInvoiceRow.contract_id).where(
            ClientInvoiceRow.invoice_id.in_(event.invoice_ids)
        )
    ).first()
    session.add(
        PaymentReportRow(
            id=event.report_id,
            contract_id=about or licence.contract_id,
            bank=event.bank[:80],
            reference=event.reference[:60],
            payer=event.payer[:200],
            value_on=event.value_on,
            amount=event.amount,
            transferred=event.amount if event.transferred is None else event.transferred,
            account=event.account[:200],
            withheld=event.withheld,
            allocations={str(key): str(share) for key, share in event.allocations},
            is_late=event.is_late,
            reported_at=event.reported_at,
        )
    )
    session.flush()
    write_audit(session, action="licensing.report", subject_id=event.report_id)
    refresh(session, now=now, reason=_("Payment reported"))


def hear_answer(
    session: Session, event: PaymentConfirmed | PaymentRejected, *, now: datetime
) -> None:
    """The distributor's or operator's answer arrives in the client's scope; a second one counts for
    nothing. A rejection gives the reason and takes back what the report gave.
    """
    find_licence(session, lock=True)  # before the report, as whoever tells an invoice
    if event.report is not None:
        hear_report(session, event.report, now=now)  # the answer may overtake its report
    row = session.get(PaymentReportRow, event.report_id, with_for_update=True)
    if row is None or row.state != "reported":
        return
    if isinstance(event, PaymentConfirmed):
        row.state, row.decided_at = "confirmed", event.confirmed_at
    else:
        row.state, row.decided_at, row.reason = "rejected", event.rejected_at, event.reason[:300]
        _mail_rejection(session, row)
    session.flush()
    refresh(session, now=now, reason=row.reason, is_told=row.state == "rejected")


def _mail_rejection(session: Session, row: PaymentReportRow) -> None:
    """One letter says the reason and, where access ends with it, that too."""
    args = {
        "tenant": str(row.tenant_id),
        "letter": "rejected",
        "key": f"rejected:{row.id}",
        "about": str(row.id),
    }
    defer(session, "licensing.mail", args)


def _check(data: ReportData, *, today: date) -> None:
    if not data.bank.strip():
        raise DomainError(_("Choose the bank you paid from."), code="bank", field="bank")
    if data.amount < 0 or data.amount != to_cents(data.amount) or data.amount > Decimal(9999999):
        raise DomainError(
            _("Write the amount as on the slip, with at most two decimals, such as 34,50."),
            code="amount",
            field="amount",
        )
    if data.withheld < 0 or data.withheld != to_cents(data.withheld):
        raise DomainError(
            _("Write the withheld amount as on the retención, or leave it empty."),
            code="withheld",
            field="withheld",
        )
    if data.amount + data.withheld < CENT:
        raise DomainError(
            _("The amount must be more than zero."), code="amount_zero", field="amount"
        )
    if data.value_on > today:
        raise DomainError(
            _("The day of the payment lies in the future: report it once it is made."),
            code="value_on_future",
            field="value_on",
        )
    if data.value_on < today - OLDEST:
        raise DomainError(
            _("The day of the payment is more than a year ago: check the year."),
            code="value_on_old",
            field="value_on",
        )
    if not data.reference.strip() and data.amount and (data.slip is None or not data.payer.strip()):
        raise DomainError(
            _("Without a reference we need the slip and the payer's name to find your payment."),
            code="reference",
            field="reference",
        )


def _check_order(licence: Licence, data: ReportData, *, today: date) -> None:
    if licence.is_withdrawn or today > lapses_on(licence.ordered_on):
        raise Conflict(
            _("The order of payment has lapsed: ask your adviser for a new one."),
            code="order_lapsed",
        )
    if data.withheld:
        raise DomainError(
            _("There is no invoice yet to withhold from: report what you transferred."),
            code="withheld_of_order",
            field="withheld",
        )


OLDEST_FIRST = ClientInvoiceRow.period_start.nulls_last()  # what decides access comes first


def _allocate(session: Session, licence: Licence, data: ReportData) -> dict[UUID, Decimal]:
    """The reported money over the chosen invoices, oldest first; what is left goes to the last. Support
    hours may be of an earlier contract.
    """
    query = select(ClientInvoiceRow).where(
        ClientInvoiceRow.client_tenant_id == licence.tenant_id,
        or_(
            ClientInvoiceRow.contract_id == licence.contract_id,
            ClientInvoiceRow.period_start.is_(None),
        ),
        ClientInvoiceRow.state == "open",
    )
    if data.invoice_ids:
        query = query.where(ClientInvoiceRow.invoice_id.in_(data.invoice_ids))
        _refuse_foreign(session, data.invoice_ids)
    rows = list(session.scalars(query.order_by(OLDEST_FIRST).with_for_update()))
    if not rows:
        after("active", "report")  # says why not
    if data.invoice_ids and len(rows) != len(set(data.invoice_ids)):
        raise DomainError(
            _("One of the invoices is paid already: reload the page and choose again."),
            code="invoice_paid",
            field="invoices",
        )
    left = data.amount + data.withheld
    shares: dict[UUID, Decimal] = {}
    for row in rows:
        share = min(left, row.balance)
        if share > 0:
            shares[row.invoice_id] = share
            left -= share
    return shares


def _refuse_foreign(session: Session, invoice_ids: tuple[UUID, ...]) -> None:
    known = select(ClientInvoiceRow.invoice_id).where(ClientInvoiceRow.invoice_id.in_(invoice_ids))
    if set(session.scalars(known)) != set(invoice_ids):
        raise NotFound


def _is_late(
    session: Session, value_on: date, shares: Mapping[UUID, Decimal], *, now: datetime
) -> bool:
    """Ordered after the due date, or not credited by the next business day after it (A-18)."""
    dues = session.scalars(
        select(ClientInvoiceRow.due_on).where(ClientInvoiceRow.invoice_id.in_(list(shares)))
    )
    due = min((one for one in dues if one is not None), default=None)
    if due is None:
        return False
    return value_on > due and value_on > holidays.next_business_day(session, due)


def find_by_form_key(session: Session, key: str | None) -> PaymentReportRow | None:
    """What a form has stored in the company in scope; None: nothing yet, or it has no key."""
    if not key:
        return None
    return session.scalars(
        select(PaymentReportRow).where(PaymentReportRow.form_key == key)
    ).one_or_none()


def _tell(session: Session, licence: Licence, row: PaymentReportRow, *, now: datetime) -> None:
    client = session.get_one(Tenant, licence.tenant_id)
    ids = [UUID(key) for key in row.allocations]
    numbers = session.scalars(
        select(ClientInvoiceRow.number)
        .where(ClientInvoiceRow.invoice_id.in_(ids))
        .order_by(ClientInvoiceRow.number)
    )
    event = PaymentReported(
        report_id=row.id,
        client_tenant_id=licence.tenant_id,
        invoice_ids=tuple(ids),
        amount=row.amount,
        value_on=row.value_on,
        bank=row.bank,
        reference=row.reference,
        reported_at=row.reported_at,
        client_name=client.name,
        withheld=row.withheld,
        allocations=tuple((UUID(key), Decimal(share)) for key, share in row.allocations.items()),
        numbers=tuple(numbers),
        payer=row.payer,
        has_slip=row.slip_blob_id is not None,
        expects_withheld=is_withholding_agent(session, to_local_date(row.reported_at)),
        group_id=row.group_id,
        is_late=row.is_late,
        contract_id=licence.contract_id if licence.started_on is None else None,
        account=row.account,
        transferred=row.transferred,
    )
    for party in {licence.operator_id, licence.distributor_id} - {None}:
        emit(session, event, to=party, now=now)
