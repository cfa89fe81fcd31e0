"""Notices by mail: reminders, suspension, end and price from 07:00; the answer to a cancellation at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from core import plugins, runtime
from core.adapters.clock import to_local_date
from core.contracts.ports import Mail
from core.contracts.sales import CustomerData, InvoiceSnapshot
from core.contracts.services import CustomerDirectory, InvoiceIssuing, PaymentLinks
from core.domain.payment_codes import payment_code
from core.i18n import _
from core.letters import Button, Part, page, plain
from core.services import companies
from core.web.formats import day, money
from plugins.billing.models import Charge, Notice, Plan, Subscription
from plugins.billing.services import cancel_links, reminder_stops
from plugins.billing.services.calendars import read_policy
from plugins.billing.services.charging import how_to_pay
from plugins.billing.services.left_out import is_reported
from plugins.billing.services.reports import opens_on_report

REMINDERS = ("due_in_5", "due_in_1", "due_today", "overdue_1")
TURNS = ("suspended", "ended", "cancelled")


def waiting_notices(session: Session, *, on: date, limit: int = 100_000) -> list[UUID]:
    """Notices up to a day that have not been mailed, oldest first."""
    return list(
        session.scalars(
            select(Notice.id)
            .where(Notice.mailed_at.is_(None), Notice.on_date <= on)
            .order_by(Notice.id)
            .limit(limit)
        )
    )


def hold(session: Session, notice_id: UUID) -> bool:
    """Keep a notice that waits for this transaction alone; False: it has left, or another job sends it."""
    waits = select(Notice.id).where(Notice.id == notice_id, Notice.mailed_at.is_(None))
    return session.scalar(waits.with_for_update(skip_locked=True)) is not None


def compose_notice(session: Session, notice_id: UUID, *, now: datetime) -> Mail | None:
    """The notice as a mail; None when it was mailed, is no longer true, or nobody has an address."""
    is_told = exists().where(
        Charge.invoice_id == Notice.invoice_id,
        Charge.state == "open",
        is_reported(to_local_date(now)),
    )
    row = session.execute(
        select(
            Notice.kind,
            Notice.subscription_id,
            Notice.details,
            Notice.invoice_id,
            Notice.mailed_at,
            Notice.on_date,
            Subscription.customer_id,
            Subscription.invoiced_through,
            Subscription.tells_turns,
            Subscription.cancelled_on,
            Plan.name.label("plan"),
            is_told.label("is_told"),
        )
        .join(Subscription, Subscription.id == Notice.subscription_id)
        .join(Plan, Plan.id == Subscription.plan_id)
        .where(Notice.id == notice_id)
    ).one_or_none()
    if row is None or row.mailed_at is not None or _is_moot(session, row, now=now):
        return None
    customer = plugins.service(CustomerDirectory).read(session, [row.customer_id])
    buyer = customer.get(row.customer_id)
    if buyer is None or not buyer.email:
        return None
    invoice = _invoice(session, row.invoice_id)
    if row.kind in (*REMINDERS, "suspended") and (invoice is None or invoice.state != "issued"):
        return None
    subject, sentences = _words(row, invoice)
    lines: list[Part] = [*sentences]
    if row.kind == "suspended":
        by_word = opens_on_report(session, row.customer_id, now=now)
        lines.append(
            _("It opens again as soon as you report the payment.")
            if by_word
            else _("It opens again once the payment is confirmed.")
        )
    if row.kind == "price":
        path = cancel_links.cancel_path(session, row.subscription_id)
        address = runtime.current().settings.address + path
        lines.append(Button(_("Cancel subscription"), address))
    if row.kind == "cancelled":
        lines += _still_due(session, row.subscription_id)
    if invoice is not None:
        lines += _ways_to_pay(session, invoice)
    stop = ""
    if row.kind in REMINDERS:
        stop = runtime.current().settings.address + reminder_stops.stop_path(
            session, row.customer_id
        )
        lines.append(Button(_("I want no reminders"), stop, main=False))
    mail = _mail(notice_id, buyer, companies.mail_sender(session), subject, lines, now=now)
    return replace(mail, unsubscribe=stop)


def _is_moot(session: Session, row: Any, *, now: datetime) -> bool:
    """Not true any more, not wanted, or told by whoever sells the subscription."""
    if row.kind in TURNS and not row.tells_turns:
        return True
    if row.kind == "cancelled":  # taken back since
        return row.cancelled_on is None
    if row.kind == "suspended":  # open again since the sweep, where a report opens (R9)
        return row.is_told and read_policy(session).report_lifts
    return row.kind in REMINDERS and (
        row.on_date != to_local_date(now)  # its words are of its day: "today", "tomorrow"
        or row.is_told
        or reminder_stops.is_stopped(session, row.customer_id)
    )


def _ways_to_pay(session: Session, invoice: InvoiceSnapshot) -> list[Part]:
    """Accounts, payment code, and the page that says it was paid (PW-12, PW-14)."""
    words = how_to_pay(session)
    lines: list[Part] = [_("How to pay: %(words)s", words=words)] if words else []
    lines.append(
        _(
            "Payment code, for the reference of the transfer: %(code)s",
            code=payment_code(invoice.customer_id),
        )
    )
    path = plugins.service(PaymentLinks).report_path(session, invoice.id)
    lines.append(Button(_("I have paid"), runtime.current().settings.address + path))
    return lines


def _still_due(session: Session, subscription_id: UUID) -> list[Part]:
    """What a cancelled subscription still owes, each with its way to pay."""
    ids = session.scalars(
        select(Charge.invoice_id)
        .where(Charge.subscription_id == subscription_id, Charge.state == "open")
        .distinct()
    )
    found = plugins.service(InvoiceIssuing).snapshots(session, [one for one in ids if one])
    lines: list[Part] = []
    for one in sorted(found.values(), key=lambda invoice: invoice.number):
        if one.state != "issued":
            continue
        lines.append(
            _(
                "Invoice %(number)s stays due: %(amount)s until %(day)s.",
                number=one.number,
                amount=money(one.balance),
                day=day(one.due_on) if one.due_on else day(one.issued_on),
            )
        )
        lines += _ways_to_pay(session, one)
    return lines or [_("Nothing remains to be paid.")]


def mark_mailed(session: Session, notice_id: UUID, *, now: datetime) -> None:
    """The notice has left, or there was nobody to send it to."""
    session.execute(update(Notice).where(Notice.id == notice_id).values(mailed_at=now))


def _invoice(session: Session, invoice_id: UUID | None) -> InvoiceSnapshot | None:
    if invoice_id is None:
        return None
    return plugins.service(InvoiceIssuing).snapshots(session, [invoice_id]).get(invoice_id)


def _words(row: Any, invoice: InvoiceSnapshot | None) -> tuple[str, list[str]]:
    """Subject and sentences."""
    details: Mapping[str, Any] = row.details
    if invoice is not None:
        about = {
            "number": invoice.number,
            "amount": money(invoice.balance),
            "day": day(invoice.due_on) if invoice.due_on else "",
        }
        texts = {
            "due_in_5": (
                _("Your invoice %(number)s is due on %(day)s", **about),
                _("Invoice %(number)s has %(amount)s to pay by %(day)s, in five days.", **about),
            ),
            "due_in_1": (
                _("Your invoice %(number)s is due tomorrow", **about),
                _("Invoice %(number)s has %(amount)s to pay by tomorrow, %(day)s.", **about),
            ),
            "due_today": (
                _("Your invoice %(number)s is due today", **about),
                _("Invoice %(number)s has %(amount)s to pay today, %(day)s.", **about),
            ),
            "overdue_1": (
                _("Your invoice %(number)s was due yesterday", **about),
                _("Invoice %(number)s was due on %(day)s; %(amount)s are still to pay.", **about),
            ),
            "suspended": (
                _("Your service is suspended: invoice %(number)s", **about),
                _(
                    "The service “%(plan)s” is suspended because invoice %(number)s (%(amount)s) is not paid.",
                    plan=row.plan,
                    **about,
                ),
            ),
        }
        subject, sentence = texts[row.kind]
        return subject, [sentence]
    if row.kind == "price":
        return _("New price of %(plan)s", plan=row.plan), _price_words(row.plan, details)
    if row.kind == "cancelled":
        ends = day(date.fromisoformat(details["ends_on"]))
        return _("Your cancellation of %(plan)s", plan=row.plan), [
            _("We took note of your cancellation: no further invoice will be issued."),
            _("The service “%(plan)s” ends on %(day)s.", plan=row.plan, day=ends),
        ]
    return _("%(plan)s has ended", plan=row.plan), [
        _(
            "The service “%(plan)s” ended on %(day)s. To use it again, contract at least one month.",
            plan=row.plan,
            day=day(row.invoiced_through),
        )
    ]


def _price_words(plan: str, details: Mapping[str, Any]) -> list[str]:
    first = details.get("first_issue_on")
    sentences = [
        _(
            "The monthly price of “%(plan)s” changes from %(old)s to %(new)s (before IVA).",
            plan=plan,
            old=money(details["old"]),
            new=money(details["new"]),
        )
    ]
    if first:
        sentences.append(
            _(
                "The first invoice at the new price is that of %(day)s.",
                day=day(date.fromisoformat(first)),
            )
        )
    sentences.append(
        _("If you prefer not to continue, answer this mail or cancel before that day.")
    )
    return sentences


def _mail(
    notice_id: UUID,
    buyer: CustomerData,
    sender: tuple[str, str],
    subject: str,
    sentences: list[Part],
    *,
    now: datetime,
) -> Mail:
    parts = [_("Dear %(name)s:", name=buyer.legal_name), *sentences, sender[0]]
    return Mail(
        message_id=f"billing-notice-{notice_id}@yupana",
        to=buyer.email,
        subject=subject,
        text=plain(parts),
        html=page(subject, sender[0], parts),
        sender_name=sender[0],
        reply_to=sender[1],
        sent_at=now,
    )
