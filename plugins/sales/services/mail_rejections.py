"""The answer to a payment report that was rejected: the reason and the way to report again, by mail (R9)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import jobs, plugins, runtime
from core.contracts.ports import Mail
from core.contracts.services import AwaitedPayments
from core.db.tenancy import scope_of
from core.errors import ServiceMissing
from core.i18n import _
from core.letters import Button, Fact, Part, page, plain
from core.services import companies
from core.web.formats import day, money
from plugins.sales.models import Customer, Invoice, PaymentReport
from plugins.sales.services.payment_links import sign_link

TASK = "sales.mail_rejection"


def defer_rejection(session: Session, report_id: UUID) -> None:
    """Have the customer told after the commit, unless the report is one of a licence, whose own letter
    tells it.
    """
    if _is_of_a_licence(session, report_id):
        return
    args = {"tenant_id": str(scope_of(session).tenant_id), "report_id": str(report_id)}
    jobs.defer(session, TASK, args)


def _is_of_a_licence(session: Session, report_id: UUID) -> bool:
    try:
        waiting = plugins.service(AwaitedPayments).waiting(session)
    except ServiceMissing:  # nobody sells licences here
        return False
    return any(report_id in one.report_ids for one in waiting)


def compose_rejection(session: Session, report_id: UUID, *, now: datetime) -> Mail | None:
    """The answer as a mail; None when there is nobody to send it to or nothing was rejected."""
    report = session.get(PaymentReport, report_id)
    if report is None or report.state != "rejected":
        return None
    customer = session.get_one(Customer, report.customer_id)
    if not customer.email:
        return None
    sender, answers_to = companies.mail_sender(session)
    lines: list[Part] = [
        _("Dear %(name)s:", name=customer.legal_name),
        _(
            "We did not find the payment of %(amount)s of %(day)s that you reported.",
            amount=money(report.amount),
            day=day(report.value_on),
        ),
    ]
    if report.reference:
        lines.append(Fact(_("Reference"), f"{report.bank} {report.reference}".strip()))
    lines.append(Fact(_("Reason of the rejection"), report.reason))
    lines += _still_owed(session, report)
    lines.append(sender)
    subject = _("Your reported payment of %(amount)s was rejected", amount=money(report.amount))
    return Mail(
        message_id=f"rejection.{report_id}@yupana",
        to=customer.email,
        subject=subject,
        text=plain(lines),
        html=page(subject, sender, lines),
        sender_name=sender,
        reply_to=answers_to,
        sent_at=now,
    )


def _still_owed(session: Session, report: PaymentReport) -> list[Part]:
    """The invoices of the report that are open, each with the page that says it was paid."""
    owed = session.execute(
        select(Invoice.id, Invoice.number, Invoice.balance, Invoice.due_on)
        .where(Invoice.id.in_([UUID(one) for one in report.invoice_ids]), Invoice.state == "issued")
        .order_by(Invoice.due_on.nulls_last(), Invoice.id)
    ).all()
    lines: list[Part] = []
    for one in owed:
        about = money(one.balance)
        if one.due_on:
            about = _("%(amount)s until %(day)s", amount=about, day=day(one.due_on))
        lines.append(Fact(_("Invoice %(number)s", number=one.number), about))
        address = runtime.current().settings.address + sign_link(session, one.id)
        lines.append(Button(_("I have paid"), address))
    lines.append(_("Check the payment with your bank; report it again, or make it and report it."))
    return lines
