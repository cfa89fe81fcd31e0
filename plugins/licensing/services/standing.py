"""How a client's licence stands: facts from the client's own scope, and the record of its turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.adapters.clock import at_local, to_local_date
from core.contracts.events import LicenceStandingChanged
from core.db.events import emit
from core.domain.money import ZERO, total
from core.domain.periods import Period
from core.jobs import defer
from core.mail_hours import leaves_at
from core.services.audit import write_audit
from plugins.licensing.domain import access
from plugins.licensing.domain.access import Facts, LicenceInvoice, Policy, Report
from plugins.licensing.models import (
    ClientInvoiceRow,
    ClientStatus,
    Licence,
    PaymentReportRow,
    Signals,
)

TOLD_AHEAD = timedelta(days=7)  # before the last day of a licence that ends
TURNED_BY_TIME = ("suspended", "expired")  # unless somebody gives a reason: it is told by day
REMEMBERED = timedelta(days=400)  # older settled invoices decide nothing any more


@dataclass(frozen=True, slots=True)
class Standing:
    """A licence on a day: the row, its facts, its state and what comes."""

    licence: Licence
    facts: Facts
    state: str
    today: date

    @property
    def suspends_on(self) -> date | None:
        """From 00:00 of this day the licence is suspended if nothing is paid or reported."""
        return access.suspends_on(self.facts, self.today)

    @property
    def paid_through(self) -> date | None:
        """The last paid day."""
        return access.paid_through(self.facts, self.today)

    @property
    def ends_on(self) -> date | None:
        """The last invoiced day: where a cancellation ends the licence."""
        return access.invoiced_through(self.facts)

    @property
    def is_order_reported(self) -> bool:
        """The whole order is told as paid, and nobody has answered yet (A-26)."""
        return self.state == "order" and bool(self._order_told) and not self.order_missing

    @property
    def is_order_part_told(self) -> bool:
        """A part of the order is told as paid: the rest is to be transferred and reported (R2)."""
        return self.state == "order" and bool(self._order_told) and bool(self.order_missing)

    @property
    def order_missing(self) -> Decimal:
        """What nobody has told of the order (USD); 0.00 within the tolerance (A-19)."""
        rest = self.facts.order_total - total(one.amount for one in self._order_told)
        return rest if rest > self.facts.policy.tolerance else ZERO

    @property
    def _order_told(self) -> list[Report]:
        return [one for one in self.facts.reports if one.state in ("reported", "confirmed")]

    @property
    def is_debt_told(self) -> bool:
        """Something is open, and all of it is told as paid."""
        owed = self.open_invoices
        return bool(owed) and not self.missing_of(owed)

    def missing_of(self, invoices: Sequence[LicenceInvoice]) -> Decimal:
        """What nobody has paid or told of these invoices (USD)."""
        return total(access.still_missing(one, self.facts, self.today) for one in invoices)

    @property
    def opens_on_report(self) -> bool:
        """The vendor enables an order on its report (A-26)."""
        return bool((self.licence.policy or {}).get("order_on_report", False))

    @property
    def changes(self) -> list[access.Change]:
        """What becomes of the licence by itself."""
        return access.changes_after(self.facts, self.today)

    @property
    def last_day(self) -> date | None:
        """The last day of a licence that does not go on by itself: cancelled, back for one month, or
        suspended (R15). None while it renews, and once it is over.
        """
        ends = (
            self.licence.cancelled_on is not None
            or self.facts.is_one_month
            or self.state == "suspended"
        )
        over = next((one.on for one in self.changes if one.state == "expired"), None)
        return over - access.DAY if ends and over is not None else None

    @property
    def open_invoices(self) -> list[LicenceInvoice]:
        """Live invoices that are not covered, oldest first."""
        return [
            one for one in self.facts.live if not access.is_covered(one, self.facts, self.today)
        ]


def find_licence(session: Session, *, lock: bool = False) -> Licence | None:
    """The licence of the tenant in scope; None: the tenant was never sold one.

    With ``lock`` the row is held to the end of the transaction and read as it is now.
    """
    query = select(Licence)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def read_standing(session: Session, *, now: datetime, fresh: bool = False) -> Standing | None:
    """The licence of the tenant in scope at an instant; None: it has none, everything is allowed.

    ``fresh`` also reads again what this session has read before.
    """
    licence = find_licence(session)
    if licence is None:
        return None
    today = to_local_date(now)
    facts = read_facts(session, licence, today, fresh=fresh)
    return Standing(licence, facts, access.state_on(facts, today), today)


def read_facts(session: Session, licence: Licence, today: date, *, fresh: bool = False) -> Facts:
    """Dates, invoices and reports of the contract at hand, as the pure functions want them."""
    again = {"populate_existing": fresh}
    invoices = session.scalars(
        select(ClientInvoiceRow).where(
            ClientInvoiceRow.contract_id == licence.contract_id,
            ClientInvoiceRow.period_start.is_not(None),  # support hours block nobody
            or_(
                ClientInvoiceRow.state == "open", ClientInvoiceRow.period_end >= today - REMEMBERED
            ),
        ),
        execution_options=again,
    )
    told = [
        (row.contract_id, _as_report(row))
        for row in session.scalars(select(PaymentReportRow), execution_options=again)
    ]
    of_periods = _of_periods(session, [report for _contract, report in told])
    reports, earlier = (
        [
            replace(one, is_of_period=not one.named or not of_periods.isdisjoint(one.named))
            for contract_id, one in told
            if (contract_id == licence.contract_id) is is_own
        ]
        for is_own in (True, False)
    )
    return Facts(
        ordered_on=licence.ordered_on,
        started_on=licence.started_on,
        cancelled_on=licence.cancelled_on,
        is_reentry=licence.is_reentry,
        renews=licence.renews,
        is_withdrawn=licence.is_withdrawn,
        is_invoiced_next=bool(licence.upcoming),
        order_total=licence.first_total,
        invoices=[one for row in invoices for one in _as_invoices(row)],
        reports=reports,
        earlier=earlier,
        policy=read_policy(licence),
    )


def _of_periods(session: Session, reports: Sequence[Report]) -> set[UUID]:
    """The invoices of periods among those that answered reports name."""
    named = {key for one in reports if one.decided_at is not None for key in one.named}
    if not named:
        return named
    rows = select(ClientInvoiceRow.invoice_id).where(
        ClientInvoiceRow.invoice_id.in_(named), ClientInvoiceRow.period_start.is_not(None)
    )
    return set(session.scalars(rows))


def owed_of_support(session: Session, licence: Licence) -> Decimal:
    """What is open of invoices of support hours (USD), also of an earlier contract's: owed, but no ground
    for a suspension (R8).
    """
    rows = select(ClientInvoiceRow.balance).where(
        ClientInvoiceRow.client_tenant_id == licence.tenant_id,
        ClientInvoiceRow.period_start.is_(None),
        ClientInvoiceRow.state == "open",
    )
    return total(session.scalars(rows))


def read_policy(licence: Licence) -> Policy:
    """The vendor's settings as published with the contract."""
    raw = licence.policy or {}
    return Policy(
        strict_day_six=bool(raw.get("strict_day_six", False)),
        report_lifts=bool(raw.get("report_lifts", True)),
        tolerance=Decimal(str(raw.get("tolerance", "0.50"))),
    )


def refresh(
    session: Session, *, now: datetime, reason: str = "", is_told: bool = False
) -> Standing | None:
    """Work the state out anew, record a turn, and note when the next one may come.

    A turn is written to the client's history and audit, mailed, and told to operator and
    distributor. Nothing is decided here: access never reads what is recorded. One at a time: what is
    told later knows all that was told before, and its revision says so. ``is_told``: another letter of the
    caller's says the turn.
    """
    session.flush()
    find_licence(session, lock=True)
    standing = read_standing(session, now=now, fresh=True)
    if standing is None:
        return None
    licence = standing.licence
    licence.next_check_on = _next_check(standing)
    if licence.state != standing.state:
        _record_turn(session, standing, reason=reason, now=now)
        if not is_told:
            _mail_turn(session, standing, reason=reason, now=now)
    _tell_ending(session, standing, now=now)
    _tell(session, standing, now=now)
    return standing


def _next_check(standing: Standing) -> date | None:
    """When time alone changes something: the next turn, or the day on which the end is told ahead."""
    days = [change.on for change in standing.changes[:1]]
    tell_on = _tell_ending_on(standing)
    if tell_on is not None:
        days.append(max(tell_on, standing.today + access.DAY))
    return min(days, default=None)


def _tell_ending_on(standing: Standing) -> date | None:
    """A week before the last day, but not with the answer to a cancellation, which says it too."""
    last, licence = standing.last_day, standing.licence
    if last is None or licence.ending_told_on == last:
        return None
    first = last - TOLD_AHEAD
    if licence.cancelled_on is not None:
        first = max(first, licence.cancelled_on + access.DAY)
    return first if first <= last else None


def _tell_ending(session: Session, standing: Standing, *, now: datetime) -> None:
    """Mail the coming end, once and by day: until when everything can be downloaded."""
    tell_on, licence = _tell_ending_on(standing), standing.licence
    if tell_on is None or tell_on > standing.today:
        return
    licence.ending_told_on = standing.last_day
    licence.next_check_on = next((change.on for change in standing.changes), None)
    session.flush()
    defer(
        session,
        "licensing.mail",
        {
            "tenant": str(licence.tenant_id),
            "letter": "ending",
            "key": f"{licence.contract_id}:ending:{standing.last_day}",
        },
        at=leaves_at(now),
    )


def _record_turn(session: Session, standing: Standing, *, reason: str, now: datetime) -> None:
    licence = standing.licence
    before, licence.state = licence.state, standing.state
    session.add(
        ClientStatus(
            contract_id=licence.contract_id,
            state=standing.state,
            since=_since(standing, now),
            recorded_at=now,
            reason=reason,
        )
    )
    write_audit(
        session,
        action=f"licensing.{standing.state}",
        reason=reason,
        subject_id=licence.contract_id,
        details={"before": before},
    )
    session.flush()


def _mail_turn(session: Session, standing: Standing, *, reason: str, now: datetime) -> None:
    licence = standing.licence
    defer(
        session,
        "licensing.mail",
        {
            "tenant": str(licence.tenant_id),
            "letter": standing.state,
            "key": f"{licence.contract_id}:{standing.state}:{now.isoformat()}",
        },
        at=None if reason or standing.state not in TURNED_BY_TIME else leaves_at(now),
    )


def _since(standing: Standing, now: datetime) -> datetime:
    """A turn by date began at 00:00 of its day, whenever it was noticed."""
    if standing.state == "suspended" and standing.suspends_on is not None:
        return max(
            at_local(standing.suspends_on),
            _last_decision(standing.facts.reports) or at_local(standing.suspends_on),
        )
    if standing.state == "expired" and standing.ends_on is not None:
        return at_local(standing.ends_on + timedelta(days=1))
    return now


def _last_decision(reports: Sequence[Report]) -> datetime | None:
    return max((one.decided_at for one in reports if one.decided_at), default=None)


def _tell(session: Session, standing: Standing, *, now: datetime) -> None:
    licence = standing.licence
    licence.standing_revision += 1
    signals = session.scalars(select(Signals)).one_or_none()
    unpaid = standing.open_invoices
    told = LicenceStandingChanged(
        contract_id=licence.contract_id,
        client_tenant_id=licence.tenant_id,
        state=standing.state,
        since=_since(standing, now),
        next_due_on=min((one.due_on for one in unpaid if one.due_on), default=None),
        suspends_on=standing.suspends_on,
        paid_through_on=standing.paid_through,
        balance=total(max(one.total - one.covered, ZERO) for one in unpaid)
        + owed_of_support(session, licence),
        last_document_on=signals.last_document_on if signals else None,
        rejected_documents=signals.rejected_documents if signals else 0,
        certificate_until=signals.certificate_until if signals else None,
        revision=licence.standing_revision,
    )
    for party in {licence.operator_id, licence.distributor_id} - {None}:
        emit(session, told, to=party, now=now)


def _as_invoices(row: ClientInvoiceRow) -> Iterator[LicenceInvoice]:
    if row.period_start is not None and row.period_end is not None:
        yield LicenceInvoice(
            id=row.invoice_id,
            period=Period(row.period_start, row.period_end),
            is_period=row.is_period,
            due_on=row.due_on,
            total=row.total,
            covered=row.total - row.balance,
            is_cancelled=row.state == "cancelled",
            expected_withheld=row.expected_withheld,
            withholding_until=row.withholding_until,
        )


def _as_report(row: PaymentReportRow) -> Report:
    return Report(
        id=row.id,
        reported_at=row.reported_at,
        state=row.state,
        allocations={
            UUID(key): Decimal(amount)
            for key, amount in row.allocations.items()
            if key not in row.applied
        },
        decided_at=row.decided_at,
        amount=row.amount,
        told_on=to_local_date(row.reported_at),
        named=frozenset(UUID(key) for key in row.allocations),
    )
