"""What is mailed to members and when: cancellations at once, each notice once, and what opens a suspension."""

from __future__ import annotations

import pytest

from core import runtime
from core.db.session import tenant_work
from core.errors import Conflict
from core.i18n import _
from core.services import settings
from plugins.billing import jobs
from plugins.billing.services import cancel, mail_notices, reports
from plugins.sales.services import report_payments


def leave(gym, member) -> None:
    with tenant_work(gym.id) as session:
        cancel.cancel(session, member, now=gym.clock.now())


def stay(gym, member) -> None:
    with tenant_work(gym.id) as session:
        cancel.keep(session, member, now=gym.clock.now())


def subjects(outbox) -> list[str]:
    return [one.subject for one in outbox.mails if one.subject.startswith("Su cancelación")]


def test_who_cancels_in_the_morning_is_answered_then_and_not_at_seven_of_the_next_day(
    gym, outbox, drain
):
    """A-14: the system answers with the computed end date; again when it is cancelled again."""
    member = gym.subscribe(gym.plan())
    gym.on("2026-03-12", 10)
    leave(gym, member)
    drain()
    (mail,) = [one for one in outbox.mails if one.subject == "Su cancelación de Plan MES"]
    assert "termina el 10/04/2026" in mail.text
    stay(gym, member)
    leave(gym, member)
    drain()
    jobs.mail_all({}, gym.on("2026-03-13", 7))
    drain()
    assert len(subjects(outbox)) == 2


def test_a_cancellation_that_was_taken_back_is_not_told(gym, outbox, drain):
    member = gym.subscribe(gym.plan())
    leave(gym, member)
    stay(gym, member)
    drain()
    jobs.mail_all({}, gym.on("2026-03-13", 7))
    drain()
    assert subjects(outbox) == []


def test_add_ons_end_and_go_on_with_their_base(gym):
    base = gym.subscribe(gym.plan())
    payer = gym.subscription(base).customer_id
    extra = gym.plan("5.00", "CASILLERO", kind="addon")
    taken, given_up = (gym.subscribe(extra, payer, parent_id=base) for _one in range(2))
    leave(gym, given_up)
    leave(gym, base)
    with pytest.raises(Conflict) as refused:
        stay(gym, taken)
    assert refused.value.code == "billing.base_ended"
    stay(gym, base)
    states = {one: gym.subscription(one).state for one in (base, taken, given_up)}
    assert states == {base: "active", taken: "active", given_up: "ending"}
    assert str(gym.subscription(taken).next_issue_on) == "2026-03-25"
    stay(gym, given_up)
    assert gym.subscription(given_up).state == "active"


def test_two_jobs_with_the_same_notice_send_it_once(gym, outbox, monkeypatch):
    """The schedule's job and one started by hand overlap: the second comes while the first is sending."""
    gym.subscribe(gym.plan())
    gym.pay_all()
    gym.on("2026-03-25")
    gym.run()
    gym.on("2026-03-31", 0)
    gym.sweep()
    now = gym.on("2026-03-31", 7)
    with tenant_work(gym.id) as session:
        ids = mail_notices.waiting_notices(session, on=gym.clock.today())
    job = {"tenant": str(gym.id), "notices": [str(one) for one in ids]}
    sent = []

    class Slow:
        """A mail server that takes its time."""

        def send(self, mail):
            sent.append(mail.subject)
            if len(sent) == 1:
                jobs.mail_chunk(job, now)

    monkeypatch.setattr(runtime, "mailer", Slow)
    jobs.mail_chunk(job, now)
    assert len(ids) == 1
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("lifts", "says"),
    [
        ("on_report", "It opens again as soon as you report the payment."),
        ("on_confirmation", "It opens again once the payment is confirmed."),
    ],
)
def test_a_suspension_says_what_opens_it_again(gym, outbox, drain, lifts, says):
    """A-15: where the confirmation comes first, no mail promises that a report is enough."""
    with tenant_work(gym.id) as session:
        settings.write(session, "billing.lift_block", lifts)
    gym.subscribe(gym.plan())
    gym.pay_all()
    gym.on("2026-03-25")
    gym.run()
    jobs.mail_all({}, gym.on("2026-04-11", 7))
    drain()
    (mail,) = [one for one in outbox.mails if "suspendido" in one.subject]
    assert str(_(says)) in mail.text


def test_after_two_rejections_no_promise_is_made(gym):
    """A-15's other half: two reports in a row were not true."""
    member = gym.subscribe(gym.plan())
    gym.pay_all()
    gym.on("2026-03-25")
    gym.run()
    invoice = gym.invoice(gym.charges(member)[1].invoice_id)
    gym.on("2026-04-11")
    with tenant_work(gym.id) as session:
        assert reports.opens_on_report(session, invoice.customer_id, now=gym.clock.now())
    for key in ("a", "b"):
        said = report_payments.ReportData(
            invoice.customer_id, "Banco", invoice.balance, gym.clock.today(), [invoice.id], key
        )
        with tenant_work(gym.id) as session:
            now = gym.clock.now()
            made = report_payments.report_payment(session, said, report_key=key * 20, now=now)
        gym.hear()
        with tenant_work(gym.id) as session:
            report_payments.reject_report(session, made.id, reason="No", user_id=None, now=now)
        gym.hear()
    with tenant_work(gym.id) as session:
        assert not reports.opens_on_report(session, invoice.customer_id, now=gym.clock.now())
