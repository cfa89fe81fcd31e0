"""What lifts a block is what covers the invoice but for US$ 0.50, in any order of the news (A-19, R9, R15)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import permutations
from uuid import UUID

import pytest
from sqlalchemy import delete, select

from core.contracts.events import PaymentConfirmed, PaymentRejected, PaymentReported
from core.db.locks import wait_for
from core.db.session import tenant_work
from core.ids import new_id
from plugins.billing.models import Charge, ReportShare
from plugins.billing.services import reactions, read_subscriptions, reports
from plugins.billing.services.run_billing import rehearse
from plugins.billing.services.sweep_day import sweep_day
from plugins.sales.services import report_payments
from plugins.sales.services.report_payments import ReportData
from tests.factories.waiting import await_lock


@pytest.fixture
def owing(gym):
    """S = 2026-03-12: the bridge of 04-11..04-30 (23.00, due 04-05) is open; its invoice."""
    gym.member = gym.subscribe(gym.plan())
    gym.pay_all()
    gym.on("2026-03-25")
    gym.run()
    return gym.charges(gym.member)[1].invoice_id


def told(report_id: UUID, invoice_id: UUID, share: str, now, **more) -> PaymentReported:
    return PaymentReported(
        report_id=report_id,
        client_tenant_id=None,
        invoice_ids=(invoice_id,),
        amount=Decimal(share),
        value_on=date(2026, 4, 11),
        bank="Pichincha",
        reference="7",
        reported_at=now,
        allocations=((invoice_id, Decimal(share)),),
        **more,
    )


def report(gym, invoice_id: UUID, amount: str, key: str) -> UUID:
    """The customer says it, by the page of sales; billing hears of it."""
    data = ReportData(
        customer_id=gym.invoice(invoice_id).customer_id, bank="Pichincha", amount=Decimal(amount),
        value_on=gym.clock.today(), invoice_ids=(invoice_id,), reference=key,
    )  # fmt: skip
    with tenant_work(gym.id) as session:
        made = report_payments.report_payment(session, data, report_key=key, now=gym.clock.now())
    gym.hear()
    return made.id


def answer(gym, report_id: UUID, *, is_there: bool) -> None:
    now = gym.clock.now()
    with tenant_work(gym.id) as session:
        if is_there:
            report_payments.confirm_report(session, report_id, user_id=None, now=now)
        else:
            report_payments.reject_report(
                session, report_id, reason="No consta", user_id=None, now=now
            )
    gym.hear()


def state(gym) -> str:
    with tenant_work(gym.id) as session:
        on = gym.clock.today()
        return read_subscriptions.standings(session, [gym.member], on=on)[gym.member].state


@pytest.mark.parametrize(
    ("amount", "shown", "issued"),
    [("1.00", "suspended", 0), ("22.49", "suspended", 0), ("22.50", "reported", 1)],
)
def test_a_report_lifts_only_what_it_covers(gym, owing, amount, shown, issued):
    gym.on("2026-04-11")
    report(gym, owing, amount, "a")
    assert state(gym) == shown
    assert gym.sweep().suspended == 1 - issued
    gym.on("2026-04-25")
    assert gym.run().invoices == issued  # R15


def test_two_reports_cover_together_and_a_rejection_leaves_the_other(gym, owing):
    gym.on("2026-04-11")
    report(gym, owing, "10.00", "a")
    assert state(gym) == "suspended"
    second = report(gym, owing, "13.00", "b")
    assert state(gym) == "reported"
    whole = report(gym, owing, "23.00", "c")
    answer(gym, second, is_there=False)
    assert state(gym) == "reported"  # the last one waits and covers everything
    answer(gym, whole, is_there=False)
    assert state(gym) == "suspended"


def test_a_later_rejection_keeps_the_older_report_that_waits(gym, owing):
    gym.on("2026-04-11")
    first = report(gym, owing, "23.00", "a")
    second = report(gym, owing, "23.00", "b")
    answer(gym, second, is_there=False)
    assert state(gym) == "reported"
    assert [one.report_id for one in gym.charges(gym.member)][1] == first


def test_two_rejections_in_a_row_want_the_confirmation_first(gym, owing):
    """A-15: the third report opens nothing, and the run leaves out (R15); once one is confirmed, the next
    one opens again.
    """
    gym.on("2026-04-11")
    for key in "ab":
        answer(gym, report(gym, owing, "23.00", key), is_there=False)
    gym.clock.advance(minutes=1)
    third = report(gym, owing, "10.00", "c")
    report(gym, owing, "23.00", "d")
    assert state(gym) == "suspended"
    assert gym.sweep().suspended == 1
    with tenant_work(gym.id) as session:
        assert rehearse(session, on=date(2026, 4, 25), now=gym.clock.now())[0].invoices == 0
    gym.clock.advance(minutes=1)
    answer(gym, third, is_there=True)
    gym.clock.advance(minutes=1)
    assert state(gym) == "suspended"  # "d" was told while nobody believed
    report(gym, owing, "13.00", "e")
    assert state(gym) == "reported"


def test_a_rejection_between_two_others_is_heard_late(gym, owing):
    """The third report is known before the second answer that makes it wait for its own."""
    now = gym.on("2026-04-11")
    minute = timedelta(minutes=1)
    said = [told(new_id(), owing, "23.00", now + n * minute) for n in (0, 2, 4)]
    given = [
        PaymentRejected(
            one.report_id, "No consta", rejected_at=one.reported_at + minute, report=one
        )
        for one in said[:2]
    ]
    for order in permutations((*said, *given)):
        with tenant_work(gym.id) as session:
            session.execute(delete(ReportShare))
        for event in order:
            tell(gym, event)
        assert state(gym) == "suspended"
    tell(gym, PaymentConfirmed(said[2].report_id, confirmed_at=now + 5 * minute, report=said[2]))
    tell(gym, told(new_id(), owing, "23.00", now + 6 * minute))
    assert state(gym) == "reported"


def test_confirmed_in_part_the_block_is_back_and_the_rest_may_be_reported(gym, owing):
    gym.on("2026-04-11")
    first = report(gym, owing, "10.00", "a")
    whole = report(gym, owing, "13.00", "b")
    assert state(gym) == "reported"
    answer(gym, first, is_there=True)
    assert gym.invoice(owing).balance == Decimal("13.00")
    assert state(gym) == "reported"  # 10.00 are paid, 13.00 still wait
    answer(gym, whole, is_there=False)
    assert state(gym) == "suspended"
    report(gym, owing, "12.60", "c")  # 0.40 are missing
    assert state(gym) == "reported"


def test_paid_in_part_a_report_of_the_rest_covers(gym, owing):
    gym.on("2026-04-11")
    report(gym, owing, "13.00", "a")
    assert state(gym) == "suspended"
    gym.pay(owing, "10.00")
    assert state(gym) == "reported"


@pytest.mark.parametrize("kind", [PaymentConfirmed, PaymentRejected])
def test_the_news_of_a_report_arrive_in_any_order_and_twice(gym, owing, kind):
    """Reported 23.00, and answered without any money: nothing is covered, whatever came first."""
    now = gym.on("2026-04-11")
    for order in permutations(("told", "told", "answer", "answer")):
        key = new_id()
        said = told(key, owing, "23.00", now)
        given = (
            PaymentConfirmed(key, confirmed_at=now, report=said)
            if kind is PaymentConfirmed
            else PaymentRejected(key, "No consta", rejected_at=now, report=said)
        )
        for one in order:
            with tenant_work(gym.id) as session:
                if one == "told":
                    reports.hear_report(session, said)
                else:
                    reports.hear_answer(session, given)
        assert state(gym) == "suspended", order


def tell(gym, event) -> None:
    """Billing hears a report or its answer."""
    hear = reports.hear_report if isinstance(event, PaymentReported) else reports.hear_answer
    with tenant_work(gym.id) as session:
        hear(session, event)


def withheld(gym, invoice_id: UUID, *, on: str) -> tuple[PaymentReported, PaymentConfirmed]:
    """23.00 = 19.00 transferred + 4.00 withheld, told on a day; and its confirmation."""
    now = gym.on(on)
    said = told(new_id(), invoice_id, "23.00", now, withheld=Decimal("4.00"))
    return said, PaymentConfirmed(said.report_id, confirmed_at=now, report=said)


def test_what_was_withheld_blocks_nobody_while_its_term_runs(gym, owing):
    """Told on Wednesday 2026-04-22: five business days are through Wednesday 04-29."""
    said, given = withheld(gym, owing, on="2026-04-22")
    tell(gym, said)
    gym.on("2026-04-23")
    gym.pay(owing, "19.00")
    tell(gym, given)
    assert state(gym) == "reported"
    gym.on("2026-04-25")
    assert gym.run().invoices == 1
    gym.on("2026-04-29")
    assert gym.sweep().suspended == 0
    assert state(gym) == "reported"
    gym.on("2026-04-30")
    assert gym.sweep().suspended == 1
    assert state(gym) == "suspended"
    tell(gym, given)  # told again, the term begins no second time
    assert state(gym) == "suspended"
    gym.pay(owing, "4.00")  # the certificate
    assert state(gym) == "due"  # May


def test_a_rehearsal_foresees_the_end_of_the_term(gym, owing):
    """On 04-22 already: suspended on Thursday 04-30, no sooner, and without an invoice in a run behind it."""
    _said, given = withheld(gym, owing, on="2026-04-22")
    gym.pay(owing, "19.00")
    tell(gym, given)
    now = gym.clock.now()
    for day, suspended in ((date(2026, 4, 29), 0), (date(2026, 4, 30), 1)):
        found = sweep_day(gym.id, on=day, now=now, is_rehearsal=True)
        assert found.suspended == suspended, day
    with tenant_work(gym.id) as session:
        assert rehearse(session, on=date(2026, 4, 25), now=now)[0].invoices == 1
        assert rehearse(session, on=date(2026, 4, 30), now=now)[0].invoices == 0


def test_two_terms_end_one_after_the_other(gym, owing):
    """The missing 4.00 were withheld (through 04-29) and are told as transferred, too: covered for as long
    as that report waits, and rejected behind the term by nothing any more.
    """
    _said, given = withheld(gym, owing, on="2026-04-22")
    gym.pay(owing, "19.00")
    tell(gym, given)
    rest = report(gym, owing, "4.00", "b")
    gym.on("2026-04-30")
    assert state(gym) == "reported"
    assert gym.sweep().suspended == 0
    answer(gym, rest, is_there=False)
    assert state(gym) == "suspended"


def test_a_run_after_the_term_leaves_out_without_any_sweep(gym, owing):
    said, given = withheld(gym, owing, on="2026-04-16")  # through Thursday 04-23
    tell(gym, said)
    gym.pay(owing, "19.00")
    tell(gym, given)
    gym.on("2026-04-23")
    assert state(gym) == "reported"
    gym.on("2026-04-25")
    assert gym.run().invoices == 0  # R15


def test_only_what_was_withheld_waits_for_a_certificate(gym, owing):
    """The money that was confirmed counts by its payment: 5.00 less arrived than was told."""
    said, given = withheld(gym, owing, on="2026-04-22")
    tell(gym, said)
    gym.pay(owing, "14.00")
    tell(gym, given)
    assert state(gym) == "suspended"
    gym.pay(owing, "4.60")  # 4.40 are missing: the withheld 4.00 and 0.40, less than the tolerance
    assert state(gym) == "reported"


def test_a_confirmed_withholding_is_the_same_in_any_order(gym, owing):
    gym.on("2026-04-22")
    gym.pay(owing, "19.00")
    for order in permutations(("told", "told", "answer", "answer")):
        said, given = withheld(gym, owing, on="2026-04-22")
        for one in order:
            tell(gym, said if one == "told" else given)
        assert state(gym) == "reported", order
        gym.on("2026-04-30")
        gym.sweep()
        assert state(gym) == "suspended", order


def test_what_is_withheld_is_missing_on_the_last_invoice(gym, owing):
    """Two invoices, 23.00 and 34.50, told as 53.50 transferred and 4.00 withheld: the money covers the first."""
    gym.on("2026-04-11")
    tell(gym, told(new_id(), owing, "23.00", gym.clock.now()))
    gym.on("2026-04-25")
    gym.run()
    last = gym.charges(gym.member)[2].invoice_id
    now = gym.on("2026-05-06")
    total = gym.invoice(last).balance
    said = replace(
        told(new_id(), owing, "23.00", now, withheld=Decimal("4.00")),
        invoice_ids=(owing, last),
        allocations=((owing, Decimal("23.00")), (last, total)),
    )
    tell(gym, said)
    gym.pay(owing)
    gym.pay(last, str(total - 4))
    tell(gym, PaymentConfirmed(said.report_id, confirmed_at=now, report=said))
    assert state(gym) == "reported"
    with tenant_work(gym.id) as session:
        kept = session.execute(
            select(ReportShare.invoice_id, ReportShare.share, ReportShare.ends_on).where(
                ReportShare.report_id == said.report_id, ReportShare.state == "waiting"
            )
        ).all()
    assert [tuple(one) for one in kept] == [(last, Decimal("4.00"), date(2026, 5, 13))]


@pytest.mark.parametrize("news", ["InvoicePaid", "InvoiceCancelled", "PaymentReceived"])
def test_news_of_an_invoice_wait_for_who_flags_its_charges_and_hold_none_meanwhile(
    gym, owing, news
):
    """Both would wait for each other otherwise."""
    now = gym.on("2026-04-11")
    customer = gym.invoice(owing).customer_id
    hear = {
        "InvoicePaid": lambda own: reactions.mark_paid(own, owing, paid_at=now),
        "InvoiceCancelled": lambda own: reactions.mark_cancelled(own, owing, now=now),
        "PaymentReceived": lambda own: reactions.mark_covered(own, customer, paid_at=now),
    }

    def work() -> None:
        with tenant_work(gym.id) as own:
            hear[news](own)

    charge = select(Charge.id).where(Charge.invoice_id == owing).with_for_update(nowait=True)
    with ThreadPoolExecutor(1) as beside:
        with tenant_work(gym.id) as session:
            wait_for(session, reports.LOCK)
            other = beside.submit(work)
            await_lock(session)
            assert session.scalar(charge)
        other.result(60)
    state = {"InvoicePaid": "paid", "InvoiceCancelled": "cancelled", "PaymentReceived": "open"}
    assert gym.charges(gym.member)[1].state == state[news]


def test_what_a_company_reported_itself_is_kept_by_the_other_one(gym, owing):
    now = gym.on("2026-04-11")
    order = replace(
        told(new_id(), owing, "34.50", now), invoice_ids=(), allocations=(), contract_id=new_id()
    )
    for client, kept in ((gym.id, []), (new_id(), [(None, "confirmed")])):
        said = replace(order, client_tenant_id=client)
        tell(gym, PaymentConfirmed(said.report_id, confirmed_at=now, report=said))
        with tenant_work(gym.id) as session:
            rows = session.execute(select(ReportShare.invoice_id, ReportShare.state)).all()
        assert [tuple(one) for one in rows] == kept
