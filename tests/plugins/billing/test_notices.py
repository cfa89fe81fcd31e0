"""What a member is told: reminders with every way to pay, the choice to have none, a cancellation."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from email import message_from_bytes
from email.policy import default

import pytest
from sqlalchemy import select

from core import runtime
from core.adapters.mime import written
from core.contracts.events import PaymentReported
from core.db.session import tenant_work
from core.domain.payment_codes import payment_code
from core.ids import new_id
from plugins.billing import jobs
from plugins.billing.models import Notice
from plugins.billing.services import mail_notices, reports
from plugins.billing.services.change_price import change_price
from plugins.sales.models import BankAccount, CreditNote, Invoice


@pytest.fixture
def account(gym):
    """Where the gym's members pay."""
    with tenant_work(gym.id) as session:
        session.add(
            BankAccount(bank="Banco Pichincha", number="2200112233", holder="Gimnasio Uno",
                        holder_tax_id="1790012345001", kind="savings")
        )  # fmt: skip


def live(gym, day: str) -> None:
    """Midnight's sweep of a day and its mails of 07:00."""
    gym.on(day, 0)
    gym.sweep()
    now = gym.on(day, 7)
    with tenant_work(gym.id) as session:
        ids = mail_notices.waiting_notices(session, on=gym.clock.today())
    jobs.mail_chunk({"tenant": str(gym.id), "notices": [str(one) for one in ids]}, now)


def test_a_mail_program_stops_reminders_with_its_own_button(gym, outbox, app, client):
    """RFC 8058: both headers on reminders alone; the POST without sign-in, cookie or CSRF token."""
    gym.subscribe(gym.plan())
    gym.pay_all()
    gym.on("2026-03-25")
    gym.run()
    outbox.mails.clear()
    live(gym, "2026-03-31")
    (reminder,) = outbox.mails
    head = message_from_bytes(written(reminder, sender="a@b.ec"), policy=default)
    address = runtime.current().settings.address
    assert head["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = str(head["List-Unsubscribe"])
    assert url.startswith(f"<{address}/recordatorios/")
    assert url.endswith(">")
    path = url[1:-1].removeprefix(address)
    assert f"No quiero recordatorios: {address}{path}" in reminder.text
    program = app.test_client(use_cookies=False)
    button = {"List-Unsubscribe": "One-Click"}
    assert (
        program.post(path, data={"do": "stop"}).status_code == 400
    )  # a page's button wants its token
    assert program.post(path[:-2] + "xx", data=button).status_code == 404
    assert "No quiero recordatorios" in client.get(path).text
    for _again in range(2):  # a mail program may send it twice
        assert program.post(path, data=button).status_code == 200
        assert "Enviarme recordatorios otra vez" in client.get(path).text
    assert program.post("/sign-in", data=button).status_code == 400  # nowhere else
    outbox.mails.clear()
    for day in ("2026-04-04", "2026-04-05", "2026-04-06"):
        live(gym, day)
    assert [mail.subject for mail in outbox.mails] == []
    live(gym, "2026-04-11")  # suspension is no reminder: it leaves, and nobody can stop it
    (told,) = outbox.mails
    assert "suspendido" in told.subject
    assert b"List-Unsubscribe" not in written(told, sender="a@b.ec")


@pytest.mark.checklist("PW-12", "PW-14")
def test_a_reminder_says_where_to_pay_how_to_report_and_how_to_stop(
    gym, account, outbox, client, post
):
    member = gym.subscribe(gym.plan())
    gym.pay_all()
    gym.on("2026-03-25")
    gym.run()
    invoice = gym.invoice(gym.charges(member)[1].invoice_id)
    code = payment_code(invoice.customer_id)
    with tenant_work(gym.id) as session:  # on the invoice itself, and so on the RIDE
        stored = session.get_one(Invoice, invoice.id)
        assert stored.payment_method == "20"
        assert stored.additional_info == [
            ["Forma de pago", "Banco Pichincha, ahorros 2200112233, Gimnasio Uno (1790012345001)"],
            ["Código de pago", code],
        ]
    outbox.mails.clear()
    live(gym, "2026-03-31")
    (mail,) = outbox.mails
    address = runtime.current().settings.address
    links = re.findall(rf"{re.escape(address)}(/\S+)", mail.text)
    report, stop = links
    assert mail.subject == f"Su factura {invoice.number} vence el 05/04/2026"
    assert mail.text.split("\n\n")[:-1] == [
        "Estimado cliente Socio 000001:",
        f"La factura {invoice.number} tiene $ 23,00 por pagar hasta el 05/04/2026, en cinco días.",
        "Cómo pagar: Banco Pichincha, ahorros 2200112233, Gimnasio Uno (1790012345001)",
        f"Código de pago, para la referencia de la transferencia: {code}",
        f"Ya pagué: {address}{report}",
        f"No quiero recordatorios: {address}{stop}",
    ]
    for link in links:
        assert f'href="{address}{link}"' in mail.html
    assert "Ya pagué" in client.get(report).text
    assert "No quiero recordatorios" in client.get(stop).text
    assert client.get(stop[:-2] + "xx").status_code == 404
    assert "Enviarme recordatorios otra vez" in post(client, stop, do="stop").text
    for day in ("2026-04-04", "2026-04-05", "2026-04-06"):
        live(gym, day)
    assert len(outbox.mails) == 1
    live(gym, "2026-04-11")  # no reminder but a notice: it leaves
    assert [one.subject for one in outbox.mails[1:]] == [
        f"Su servicio está suspendido: factura {invoice.number}"
    ]
    assert "No quiero recordatorios" not in outbox.mails[1].text
    assert "No quiero recordatorios" in post(client, stop, do="start").text


def test_reminders_come_on_four_days_from_seven_and_only_while_unpaid(gym, outbox):
    gym.subscribe(gym.plan())
    gym.pay_all()
    gym.on("2026-03-25")
    gym.run()
    outbox.mails.clear()
    told = []
    for day in range(26, 40):
        on = date(2026, 3, 1).toordinal() + day - 1
        live(gym, date.fromordinal(on).isoformat())
        told += [(date.fromordinal(on).isoformat(), one.subject[-22:]) for one in outbox.mails]
        outbox.mails.clear()
    assert [day for day, _ in told] == ["2026-03-31", "2026-04-04", "2026-04-05", "2026-04-06"]
    (daily,) = [one for one in jobs.SCHEDULES if one.task == jobs.MAIL]
    assert daily.at == "07:00"
    with tenant_work(gym.id) as session:
        kinds = set(session.scalars(select(Notice.kind)))
    assert kinds == {"due_in_5", "due_in_1", "due_today", "overdue_1"}


def test_cancelled_after_the_25th_one_click_credits_what_has_not_begun(
    client, tenant, gym, account, outbox, sign_in, post
):
    """A-11: May is invoiced on 25 April and not paid; cancelled on the 27th."""
    member = gym.subscribe(gym.plan())
    gym.pay_all()
    for day in ("2026-03-25", "2026-04-25"):
        gym.on(day)
        gym.run()
        if day < "2026-04":
            gym.pay_all()
    may = gym.invoice(gym.charges(member)[2].invoice_id)
    gym.on("2026-04-27")
    sign_in(client, tenant, "owner")
    base = f"/billing/subscriptions/{member}"
    assert post(client, f"{base}/credit").status_code == 409  # not cancelled yet
    assert gym.invoice(may.id).state == "issued"
    page = client.get(f"{base}/cancel").text
    assert may.number in page
    assert "Cancelar y emitir la nota de crédito" in page
    assert post(client, f"{base}/cancel").status_code == 303
    shown = client.get(base).text
    for part in (
        "31/05/2026",
        may.number,
        "$ 34,50",
        "Emitir la nota de crédito de lo que no empezó",
    ):
        assert part in shown, part
    outbox.mails.clear()
    live(gym, "2026-04-27")
    (answer,) = [one for one in outbox.mails if "cancelación" in one.subject]
    for part in ("31/05/2026", f"{may.number} sigue por pagar: $ 34,50 hasta el 05/05/2026"):
        assert part in answer.text, part
    gym.on("2026-04-28")
    sign_in(client, tenant, "owner")
    done = post(client, f"{base}/credit")
    assert done.headers["Location"].endswith(str(member))
    assert "Nota de crédito 001-" in client.get(base).text
    post(client, f"{base}/credit")  # a second click makes no second note
    gym.hear()
    assert gym.invoice(may.id).state == "cancelled"
    with tenant_work(gym.id) as session:
        (note,) = session.scalars(select(CreditNote)).all()
        assert (note.invoice_id, note.total) == (may.id, Decimal("34.50"))
    assert gym.subscription(member).ends_on == date(2026, 4, 30)
    assert "Emitir la nota" not in client.get(base).text


def test_a_paid_or_begun_period_and_a_shared_invoice_are_not_credited(
    client, tenant, gym, sign_in, post
):
    """A-12: no refund of what is paid; an invoice that bills something else too stays."""
    payer = gym.customer()
    plan = gym.plan()
    one, other = gym.subscribe(plan, payer), gym.subscribe(plan, payer)
    gym.pay_all()
    gym.on("2026-03-25")
    gym.run()
    assert len({row.invoice_id for row in gym.charges()[2:]}) == 1
    gym.on("2026-03-27")
    sign_in(client, tenant, "owner")
    assert "nota de crédito" not in client.get(f"/billing/subscriptions/{one}/cancel").text
    assert post(client, f"/billing/subscriptions/{one}/cancel", do="credit").status_code in (
        409,
        422,
    )
    assert gym.subscription(one).state == "active"  # nothing half-done
    assert gym.subscription(other).state == "active"


def test_a_new_price_is_told_with_a_way_out_and_counts_from_the_day_the_mail_leaves(
    gym, outbox, client, post
):
    """A-29: announced on 25 April at 09:00, mailed on the 26th at 07:00: June keeps the old price."""
    plan = gym.plan("30.00")
    known, mute = gym.subscribe(plan), gym.subscribe(plan, gym.customer(email=" "))
    gym.pay_all()
    for day in ("2026-03-25", "2026-04-25"):
        gym.on(day)
        gym.run()
        gym.pay_all()
    with tenant_work(gym.id) as session:
        told = change_price(
            session, plan, price=Decimal("33.00"), valid_from=date(2026, 6, 1), notify=True,
            now=gym.clock.now(),
        )  # fmt: skip
    assert (told.told, told.first_issue_on) == (1, date(2026, 6, 25))
    outbox.mails.clear()
    live(gym, "2026-04-26")
    (mail,) = [one for one in outbox.mails if "precio" in one.subject.lower()]
    for part in ("$ 30,00", "$ 33,00", "25/06/2026"):
        assert part in mail.text, part
    for day in ("2026-05-25", "2026-06-25"):
        gym.on(day)
        gym.run()
        gym.pay_all()
    prices = {one: [str(row.amount) for row in gym.charges(one)[-2:]] for one in (known, mute)}
    assert prices == {known: ["30.00", "33.00"], mute: ["30.00", "30.00"]}
    path = re.search(r"https?://[^/\s]+(/suscripcion/\S+)", mail.text)[1]
    assert "31/07/2026" in client.get(path).text
    assert client.get(path[:-2] + "xx").status_code == 404
    assert gym.subscription(known).state == "active"
    assert "Cancelada" in post(client, path).text
    assert gym.subscription(known).ends_on == date(2026, 7, 31)


def told_of(invoice_id, share: str, *, now) -> PaymentReported:
    """Somebody says that the invoice was paid."""
    return PaymentReported(
        report_id=new_id(), client_tenant_id=None, invoice_ids=(invoice_id,), amount=Decimal(share),
        value_on=now.date(), bank="", reference="1", reported_at=now,
        allocations=((invoice_id, Decimal(share)),),
    )  # fmt: skip


WORDS = re.compile("en cinco días|mañana|vence hoy|venció ayer|suspendido|terminó")


def what_left(gym, outbox, drain, *, sweeps: bool, times: int):
    """(day, member, words) of each mail of three weeks of jobs; ``sweeps`` False: no scheduler runs at
    midnight. On 4 April at 03:00 the second member reports and the third one's payment arrives.
    """
    plan = gym.plan()
    members = [gym.subscribe(plan) for _one in range(3)]
    gym.pay_all()
    gym.on("2026-03-25")
    gym.run()
    drain()
    told = []
    for past in range(18):
        day = (date(2026, 3, 26) + timedelta(days=past)).isoformat()
        if sweeps:
            jobs.sweep_all({}, gym.on(day, 0))
            drain()
        if day == "2026-04-04":
            now = gym.on(day, 3)
            said, paid = (gym.charges(one)[1].invoice_id for one in members[1:])
            gym.pay(paid)
            with tenant_work(gym.id) as session:
                reports.hear_report(session, told_of(said, "23.00", now=now))
        outbox.mails.clear()
        for _time in range(times):
            jobs.mail_all({}, gym.on(day, 7))
            drain()
        told += sorted(
            (day, mail.to.partition("@")[0], WORDS.search(mail.subject + mail.text).group())
            for mail in outbox.mails
            if WORDS.search(mail.subject + mail.text)
        )
    return told


@pytest.mark.parametrize(
    ("sweeps", "times"), [(True, 1), (False, 1), (False, 2)],
    ids=["swept at midnight", "the sweep was missed", "missed, and the mails' job runs twice"],
)  # fmt: skip
def test_the_mails_of_seven_are_the_same_where_midnight_was_missed(
    gym, outbox, drain, sweeps, times
):
    assert what_left(gym, outbox, drain, sweeps=sweeps, times=times) == [
        ("2026-03-31", "socio000001", "en cinco días"),
        ("2026-03-31", "socio000002", "en cinco días"),
        ("2026-03-31", "socio000003", "en cinco días"),
        ("2026-04-04", "socio000001", "mañana"),
        ("2026-04-05", "socio000001", "vence hoy"),
        ("2026-04-06", "socio000001", "venció ayer"),
        ("2026-04-11", "socio000001", "suspendido"),
    ]
    with tenant_work(gym.id) as session:
        assert session.scalars(select(Notice.kind).where(Notice.mailed_at.is_(None))).all() == []
        kinds = session.scalars(select(Notice.kind).where(Notice.kind == "suspended")).all()
    assert len(kinds) == 1


def test_a_reminder_that_waited_for_another_day_is_not_sent_but_a_suspension_is(gym, outbox, drain):
    """The mails' job of 5 April runs on the 6th at 01:00: "today" is no longer true."""
    gym.subscribe(gym.plan())
    gym.pay_all()
    gym.on("2026-03-25")
    gym.run()
    drain()
    for due, late in (("2026-04-05", "2026-04-06"), ("2026-04-11", "2026-04-12")):
        gym.on(due, 0)
        gym.sweep()
        outbox.mails.clear()
        seven = gym.on(due, 7)
        jobs.mail_all({"due_at": seven.isoformat()}, gym.on(late, 1))
        drain()
        subjects = [one.subject for one in outbox.mails if "factura" in one.subject.lower()]
        assert [WORDS.search(one).group() for one in subjects] == (
            [] if due == "2026-04-05" else ["suspendido"]
        )


@pytest.mark.parametrize("tells", [True, False])
def test_who_sells_may_tell_suspension_and_end_itself(gym, outbox, tells):
    """Reminders come from billing alone, one of each; the turns from one side only."""
    member = gym.subscribe(gym.plan(), tells_turns=tells)
    payer = gym.subscription(member).customer_id
    locker = gym.plan("5.00", "CASILLERO", kind="addon")
    addon = gym.subscribe(locker, payer, parent_id=member)
    assert gym.subscription(addon).tells_turns is tells  # as its base
    gym.pay_all()
    gym.on("2026-03-25")
    gym.run()
    outbox.mails.clear()
    told = []
    for past in range(40):
        day = (date(2026, 3, 26) + timedelta(days=past)).isoformat()
        live(gym, day)
        told += [(day, WORDS.search(one.subject + one.text).group()) for one in outbox.mails]
        outbox.mails.clear()
    reminders = [
        ("2026-03-31", "en cinco días"), ("2026-04-04", "mañana"),
        ("2026-04-05", "vence hoy"), ("2026-04-06", "venció ayer"),
    ]  # fmt: skip
    turns = [("2026-04-11", "suspendido")] * 2 + [("2026-05-01", "terminó")] * 2
    assert told == reminders + (turns if tells else [])
