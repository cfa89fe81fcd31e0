"""What payment reports cover: the flag on a charge that lifts its block (R9, A-15, A-19)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import plugins
from core.adapters.clock import to_local_date
from core.contracts.events import PaymentConfirmed, PaymentRejected, PaymentReported
from core.contracts.services import InvoiceIssuing
from core.db.locks import wait_for
from core.db.tenancy import scope_of
from core.domain.money import ZERO
from core.domain.trust import Answer, is_distrusted
from core.services import holidays, settings
from plugins.billing.models import Charge, ReportShare, Subscription
from plugins.billing.services.calendars import read_policy
from plugins.billing.settings import TOLERANCE

LOCK = "billing.reports"


def hear_report(session: Session, report: PaymentReported) -> None:
    """R9: somebody says that invoices were paid. Told twice, or after its answer, it is one report; the
    report of an order learns later which invoice it is about.
    """
    wait_for(session, LOCK)
    answer = session.execute(
        select(ReportShare.state, ReportShare.decided_at).where(
            ReportShare.report_id == report.report_id, ReportShare.state != "waiting"
        )
    ).first()
    _keep(session, report, *(answer or ("waiting", None)))
    refresh(session, report.invoice_ids)


def hear_answer(session: Session, answer: PaymentConfirmed | PaymentRejected) -> None:
    """A report that was answered covers nothing any more: confirmed money is on the invoice itself (what was
    withheld waits for its certificate), and of what was rejected only the other reports that still wait
    remain.
    """
    wait_for(session, LOCK)
    if isinstance(answer, PaymentConfirmed):
        state, decided_at = "confirmed", answer.confirmed_at
    else:
        state, decided_at = "rejected", answer.rejected_at
    if answer.report is not None:
        _keep(session, answer.report, state, decided_at)
    about = session.scalars(
        update(ReportShare)
        .where(ReportShare.report_id == answer.report_id)
        .values(state=state, decided_at=decided_at)
        .returning(ReportShare.invoice_id)
    ).all()
    if isinstance(answer, PaymentConfirmed) and answer.report is not None:
        _await_certificate(session, answer.report)
    refresh(session, [one for one in about if one is not None])


def refresh(session: Session, invoice_ids: Collection[UUID]) -> None:
    """Flag the open charges of those who have these invoices as reported where, and as long as, what waits
    and is trusted (A-15) covers what is open, but for the tolerance (A-19), and no others.
    """
    wait_for(session, LOCK)
    owners = _open_invoices(session, invoice_ids)
    told = _waiting(session, owners)
    tolerance = Decimal(settings.read(session, TOLERANCE))
    invoices = plugins.service(InvoiceIssuing).snapshots(session, list(told))
    for invoice_id in owners:
        shares, through = told.get(invoice_id, []), None
        if invoice_id in invoices:
            through = covered_through(shares, invoices[invoice_id].balance - tolerance)
        _flag(session, invoice_id, shares, through)


def _open_invoices(session: Session, invoice_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The open invoices that charge whom these invoices charge, each with its customer."""
    theirs = (
        select(Subscription.customer_id)
        .join(Charge, Charge.subscription_id == Subscription.id)
        .where(Charge.invoice_id.in_(list(invoice_ids)))
    )
    rows = session.execute(
        select(Charge.invoice_id, Subscription.customer_id)
        .join(Subscription, Subscription.id == Charge.subscription_id)
        .where(
            Subscription.customer_id.in_(theirs),
            Charge.state == "open",
            Charge.invoice_id.is_not(None),
        )
    )
    return {invoice_id: customer_id for invoice_id, customer_id in rows if invoice_id}


def _waiting(session: Session, owners: Mapping[UUID, UUID]) -> dict[UUID, list[ReportShare]]:
    """What waits of these invoices, as it was told one after the other, but for what is to be confirmed
    before it counts (A-15).
    """
    told: dict[UUID, list[ReportShare]] = defaultdict(list)
    rows = session.scalars(
        select(ReportShare)
        .where(ReportShare.invoice_id.in_(list(owners)), ReportShare.state == "waiting")
        .order_by(ReportShare.reported_at, ReportShare.report_id)
    ).all()
    answers = _answers(session, set(owners.values())) if rows else {}
    for one in rows:
        if one.invoice_id is None:
            continue
        known = answers.get(owners[one.invoice_id], [])
        if one.decided_at is not None or not is_distrusted(known, before=one.reported_at):
            told[one.invoice_id].append(one)
    return told


def _answers(session: Session, customers: Collection[UUID]) -> dict[UUID, list[Answer]]:
    """How the reports of these customers' invoices were answered."""
    found: dict[UUID, list[Answer]] = defaultdict(list)
    rows = session.execute(
        select(
            Subscription.customer_id,
            ReportShare.report_id,
            ReportShare.decided_at,
            ReportShare.state == "rejected",
        )
        .join(Charge, Charge.subscription_id == Subscription.id)
        .join(ReportShare, ReportShare.invoice_id == Charge.invoice_id)
        .where(Subscription.customer_id.in_(customers), ReportShare.decided_at.is_not(None))
        .distinct()
    )
    for customer_id, _report, decided_at, is_rejected in rows:
        if decided_at is not None:
            found[customer_id].append(Answer(decided_at, is_rejected))
    return found


def opens_on_report(session: Session, customer_id: UUID, *, now: datetime) -> bool:
    """Whether this customer's word lifts a suspension, or only the confirmation of the money (A-15)."""
    if not read_policy(session).report_lifts:
        return False
    return not is_distrusted(_answers(session, {customer_id}).get(customer_id, []), before=now)


def covered_through(shares: Collection[ReportShare], missing: Decimal) -> date | None:
    """The last day on which the shares (USD) make up for what is missing, as long as nobody answers their
    reports: ``date.max`` where none of them has a term, None where they never do.
    """
    covered = ZERO
    for one in sorted(shares, key=lambda share: share.ends_on or date.max, reverse=True):
        covered += one.share
        if covered > ZERO and covered >= missing:
            return one.ends_on or date.max
    return None


def _await_certificate(session: Session, report: PaymentReported) -> None:
    """A-19: of a confirmed report, what an agent withheld may still come while its legal term runs. The money
    covers the first invoices, so it is missing on the last.
    """
    left = report.withheld if report.expects_withheld else ZERO
    told_on = to_local_date(report.reported_at)
    shares = dict(report.allocations)
    invoices = plugins.service(InvoiceIssuing).snapshots(session, list(shares)) if left else {}
    for invoice_id, share in reversed(shares.items()):
        waiting = min(share, left)
        left -= waiting
        if waiting > ZERO and invoice_id in invoices:
            received_on = max(told_on, invoices[invoice_id].issued_on)
            ends_on = holidays.add_business_days(session, received_on, holidays.WITHHOLDING_DAYS)
            session.execute(
                update(ReportShare)
                .where(
                    ReportShare.report_id == report.report_id, ReportShare.invoice_id == invoice_id
                )
                .values(state="waiting", share=waiting, ends_on=ends_on)
            )


def _flag(
    session: Session,
    invoice_id: UUID | None,
    shares: Sequence[ReportShare],
    through: date | None,
) -> None:
    """Write to the invoice's open charges whether reports cover it, by the last of these, and until when."""
    last = None if through is None else shares[-1]
    report_id = last and last.report_id
    until = None if through == date.max else through
    session.execute(
        update(Charge)
        .where(
            Charge.invoice_id == invoice_id,
            Charge.state == "open",
            or_(
                Charge.report_id.is_distinct_from(report_id),
                Charge.reported_through.is_distinct_from(until),
            ),
        )
        .values(
            report_id=report_id,
            reported_at=last and last.reported_at,
            reported_through=until,
        )
    )


def _keep(
    session: Session, report: PaymentReported, state: str, decided_at: datetime | None
) -> None:
    """Its shares of invoices that charge subscriptions; of a report that names no invoice yet, its answer.
    What the company itself reported is about invoices of others.
    """
    own = scope_of(session).tenant_id
    if report.client_tenant_id == own:
        return
    named = {**dict.fromkeys(report.invoice_ids, ZERO), **dict(report.allocations)}
    ours: set[UUID | None] = set(
        session.scalars(select(Charge.invoice_id).where(Charge.invoice_id.in_(list(named))))
    )
    if not named and state != "waiting":
        ours = {None}
    if not ours:
        return
    statement = insert(ReportShare).values(
        [
            {
                "tenant_id": own,
                "report_id": report.report_id,
                "invoice_id": one,
                "share": ZERO if one is None else named[one],
                "state": state,
                "decided_at": decided_at,
                "reported_at": report.reported_at,
            }
            for one in ours
        ]
    )
    session.execute(statement.on_conflict_do_nothing())
