"""Letters to a client, from its own data: order, welcome, suspension, rejection, return, farewell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.contracts.ports import Mail
from core.i18n import _
from core.letters import page, plain
from core.models import CompanyProfile, Tenant
from core.web.formats import number
from plugins.licensing.domain.access import is_distrusted
from plugins.licensing.domain.lifecycle import STATES
from plugins.licensing.models import ClientInvoiceRow, Licence, PaymentReportRow
from plugins.licensing.services.adviser_cards import read_card
from plugins.licensing.services.explain import undo_sentence
from plugins.licensing.services.keep_licence import not_begun_numbers, open_invoices, open_numbers
from plugins.licensing.services.standing import TURNED_BY_TIME, Standing, read_standing
from plugins.licensing.services.training_letters import training_letter

SILENT = ("active", "due", "order")  # said by the welcome, by the reminders and by the order letter


def write_letter(
    session: Session,
    letter: str,
    *,
    key: str,
    address: str,
    about: str | None = None,
    now: datetime,
) -> Mail | None:
    """The letter for the tenant in scope; None when there is nobody to write to or nothing to say.

    ``about``: the id of the training or payment report that a letter is about.
    """
    standing = read_standing(session, now=now)
    profile = session.scalars(select(CompanyProfile)).one_or_none()
    if standing is None or profile is None or not profile.email:
        return None
    if about is not None and letter == "rejected":
        written = _rejected(session, standing, UUID(about), address, now=now)
    elif about is not None:
        written = training_letter(session, letter, UUID(about), address)
    elif letter in TURNED_BY_TIME and letter != standing.state:
        written = None  # paid or reported before the letter could leave
    elif letter == "suspended" and _is_said(session, key):
        written = None
    elif letter == "owed":
        written = _owed(session, standing, address)
    else:
        written = _body(session, letter, standing, address)
    if written is None:
        return None
    subject, lines = written
    name = session.get_one(Tenant, standing.licence.tenant_id).name
    paragraphs = [
        _("Dear %(name)s:", name=name),
        *lines,
        standing.licence.distributor_name or "Yupana",
    ]
    return Mail(
        message_id=f"licence.{standing.licence.tenant_id}.{_plain(key)}@yupana",
        to=profile.email,
        subject=subject,
        text=plain(paragraphs),
        html=page(subject, paragraphs[-1], paragraphs),
        sender_name=standing.licence.distributor_name or "Yupana",
        reply_to=str((standing.licence.contact or {}).get("email", "")),
        sent_at=now,
    )


def _body(
    session: Session, letter: str, standing: Standing, address: str
) -> tuple[str, list[str]] | None:
    licence = standing.licence
    page = _("Your licence page: %(url)s", url=f"{address}/licence")
    if letter == "welcome":
        return _("Welcome to Yupana"), _welcome(licence, address)
    if letter in ("farewell", "ending"):
        return _parting(session, letter, standing, address)
    if letter in ("order", "suspended"):
        subject, first, last = _demand(session, letter, standing, page)
        return subject, [first, *_how_to_pay(licence), last]
    if letter in ("reported", "expired"):
        subject, first = _notice(letter)
        return subject, [first, page]
    if letter in STATES and letter not in SILENT:
        word = str(STATES[letter].word)
        first = _("Your licence is now in this state: %(state)s.", state=word.lower())
        return _("Your licence: %(state)s", state=word), [first, page]
    return None


def _owed(session: Session, standing: Standing, address: str) -> tuple[str, list[str]] | None:
    """What the distributor reminds of; nothing to say once it is paid or reported."""
    licence = standing.licence
    if standing.state == "order":
        return None if standing.is_order_reported else _body(session, "order", standing, address)
    rows = open_invoices(session)
    if standing.state == "reported" or standing.is_debt_told or not rows:
        return None
    lines = _lines(rows)
    if standing.state != "suspended" and standing.suspends_on is not None:
        lines.append(
            _(
                "Without payment or report you could not issue from %(day)s on.",
                day=_day(standing.suspends_on),
            )
        )
    total = number(sum((row.balance for row in rows), start=Decimal(0)), 2)
    return (
        _("To pay of your licence: $ %(total)s", total=total),
        [
            _("This is still to be paid of your licence:"),
            *lines,
            *_how_to_pay(licence),
            _("If you have paid already, report it: then you can order one month more.")
            if standing.state == "expired"
            else _("If you have paid already, report it: access stays or is back at once."),
            _("Your licence page: %(url)s", url=f"{address}/licence"),
        ],
    )


def _rejected(
    session: Session, standing: Standing, report_id: UUID, address: str, *, now: datetime
) -> tuple[str, list[str]] | None:
    """A report was answered with no: its reason, what is owed and by when, and what to do (R9)."""
    report = session.get(PaymentReportRow, report_id)
    if report is None:
        return None
    licence, amount = standing.licence, number(report.amount or report.withheld, 2)
    reported = [row for row in open_invoices(session) if str(row.invoice_id) in report.allocations]
    is_waited_for = not standing.facts.policy.report_lifts or is_distrusted(
        standing.facts, before=now
    )
    lines = [
        _(
            "The payment of $ %(amount)s of %(day)s that you reported was rejected.",
            amount=amount,
            day=_day(report.value_on),
        ),
        _("Reason: %(reason)s", reason=report.reason),
        *_lines(reported),
    ]
    if standing.state == "order":
        lines.append(
            _(
                "The order of payment %(code)s holds until %(day)s.",
                code=licence.payment_code,
                day=_day(standing.facts.lapses_on),
            )
        )
    elif standing.state == "suspended":
        lines.append(
            _(
                "The licence is suspended again: you can read and download everything, but issue nothing."
            )
        )
    elif standing.suspends_on is not None:
        lines.append(
            _(
                "Without payment or report you could not issue from %(day)s on.",
                day=_day(standing.suspends_on),
            )
        )
    lines.append(_("Check the payment with your bank; report it again, or make it and report it."))
    if standing.state in ("order", "expired") or is_waited_for:
        lines.append(_("Access is there once your distributor confirms the money."))
    else:
        lines.append(_("With the report access stays or is back at once."))
    return _("Your reported payment of $ %(amount)s was rejected", amount=amount), [
        *lines,
        *_how_to_pay(licence),
        _("Your licence page: %(url)s", url=f"{address}/licence"),
    ]


def _lines(rows: Sequence[ClientInvoiceRow]) -> list[str]:
    return [
        _(
            "Invoice %(number)s, due on %(day)s: $ %(amount)s",
            number=row.number,
            day=_day(row.due_on),
            amount=number(row.balance, 2),
        )
        for row in rows
    ]


def _demand(session: Session, letter: str, standing: Standing, page: str) -> tuple[str, str, str]:
    licence = standing.licence
    if letter == "order":
        return (
            _("Order of payment %(code)s", code=licence.payment_code),
            _("Thank you for choosing the plan %(plan)s.", plan=licence.plan_name),
            _order_terms(standing, page),
        )
    rejected = _last_rejection(session, standing)
    if rejected is not None:
        return (
            _("Your licence is suspended"),
            _(
                "The payment of $ %(amount)s that you reported was rejected (%(reason)s) and the invoice is"
                " open. You can read and download everything; to issue again, pay and report it.",
                amount=number(rejected.amount or rejected.withheld, 2),
                reason=rejected.reason,
            ),
            page,
        )
    return (
        _("Your licence is suspended"),
        _(
            "An invoice is neither paid nor reported. You can read and download everything; to issue"
            " again, report the payment: access is back at once."
        ),
        page,
    )


def _last_rejection(session: Session, standing: Standing) -> PaymentReportRow | None:
    """The last report of what is open, where it was rejected."""
    still_open = {str(one.id) for one in standing.open_invoices}
    rows = session.scalars(
        select(PaymentReportRow)
        .where(PaymentReportRow.contract_id == standing.licence.contract_id)
        .order_by(PaymentReportRow.reported_at.desc())
    )
    last = next((row for row in rows if still_open & set(row.allocations)), None)
    return last if last is not None and last.state == "rejected" else None


def _is_said(session: Session, key: str) -> bool:
    """A report was rejected after the turn of this letter, whose key ends in the instant: the letter of
    that rejection says that the licence is suspended.
    """
    turned_at = key.split(":", 2)[2]
    later = select(PaymentReportRow.id).where(
        PaymentReportRow.state == "rejected",
        PaymentReportRow.decided_at > datetime.fromisoformat(turned_at),
    )
    return session.scalar(later.limit(1)) is not None


def _order_terms(standing: Standing, page: str) -> str:
    """What an order is, what is still to transfer, and what its report brings about (A-26)."""
    licence = standing.licence
    parts = [
        _("To transfer: $ %(total)s with IVA.", total=number(standing.order_missing, 2)),
        _("The order has no fiscal value and holds 15 days. The invoice follows your payment."),
    ]
    if (licence.policy or {}).get("order_on_report"):
        parts.append(_("Report the payment and you can work at once.") + " " + page)
    return " ".join(parts)


def _notice(letter: str) -> tuple[str, str]:
    if letter == "reported":
        return (
            _("We have your payment report"),
            _("Thank you. You have full access; your distributor confirms the payment."),
        )
    return (
        _("Your licence has expired"),
        _(
            "Your data is kept. To consult or change it, order at least one month. Your legal documents"
            " can be downloaded at any time."
        ),
    )


def _welcome(licence: Licence, address: str) -> list[str]:
    """The numbered steps, from the client's own plan, distributor and adviser."""
    contact = licence.contact or {}
    steps = [
        _(
            "1. Plan: %(plan)s, $ %(price)s a month plus IVA.",
            plan=licence.plan_name,
            price=number(licence.price, 2),
        ),
        _(
            "2. Training: the group training is free: %(when)s",
            when=contact.get("training") or _("your adviser tells you day and link."),
        ),
        _(
            "3. Monthly billing: your invoice is issued on day 25 for the next month and is payable by"
            " deposit or transfer until day 5. Report every payment on «My licence»."
        ),
        _(
            "4. First access: a one-time link reaches the person you named; your adviser tells the code."
            " Each person chooses an own password, each salesperson an own PIN."
        ),
        _("5. Electronic invoicing: load your signature as a P12 file; a token is not accepted."),
        _(
            "6. Tutorials, at any time and as often as you like: %(url)s",
            url=contact.get("tutorials") or f"{address}/licence/help",
        ),
        _("The checklist of the first steps: %(url)s", url=f"{address}/licence/first-access"),
        _("7. Doubts: %(hours)s", hours=hours_sentence(licence)),
    ]
    card = contact_card(licence)
    if card:
        steps.append(_("Your adviser: %(card)s", card=card))
    return steps


def hours_sentence(licence: Licence) -> str:
    """What a question costs: the plan's minutes first; without any, an hour of advice is suggested."""
    price = _("$ 25.00 per hour or fraction plus IVA, after a quote that you accept.")
    if licence.wallet_minutes:
        return _(
            "%(minutes)s minutes of support are left in your plan; then %(price)s",
            minutes=licence.wallet_minutes,
            price=price,
        )
    return _(
        "your plan has no support hours; we suggest at least one hour of remote advice to begin"
        " with: %(price)s",
        price=price,
    )


def contact_card(licence: Licence) -> str:
    """Whom to ask: name, telephone and address of the adviser or distributor, in one line."""
    card = read_card(licence)
    return " · ".join(one for one in (card.name, card.phone, card.email) if one) if card else ""


def _parting(
    session: Session, letter: str, standing: Standing, address: str
) -> tuple[str, list[str]] | None:
    if letter == "farewell":
        return _("Your cancellation"), _farewell(session, standing, address)
    return _ending(standing, address)


def _ending(standing: Standing, address: str) -> tuple[str, list[str]] | None:
    """A week ahead: until when everything can be downloaded, and what remains."""
    if standing.last_day is None:
        return None  # paid or kept meanwhile
    last = _day(standing.last_day)
    return _("Your licence ends on %(day)s", day=last), [
        _("Your licence is suspended: without payment or report it ends on %(day)s.", day=last)
        if standing.state == "suspended"
        else _("Your licence ends on %(day)s and does not renew by itself.", day=last),
        _("Until that day you can download all your data in one ZIP: %(url)s", url=_data(address)),
        _(
            "Afterwards your XML and RIDE stay available for seven years; the rest is kept, and you"
            " reach it again when you contract at least one month."
        ),
        _("Your licence page: %(url)s", url=f"{address}/licence"),
    ]


def _data(address: str) -> str:
    return f"{address}/licence/data"


def _farewell(session: Session, standing: Standing, address: str) -> list[str]:
    numbers = open_numbers(session, standing)
    lines = [
        _(
            "Your licence is cancelled: it runs until %(day)s and no further invoice is issued.",
            day=_day(standing.ends_on),
        )
    ]
    if numbers:
        lines.append(_("Still to pay: %(numbers)s.", numbers=", ".join(numbers)))
    undone = not_begun_numbers(
        session, standing, on=standing.licence.cancelled_on or standing.today
    )
    if undone:
        lines.append(undo_sentence(undone))
    lines.append(
        _(
            "Before that day, download what you need: all your data in one ZIP at %(url)s. Your legal"
            " documents stay available.",
            url=_data(address),
        )
    )
    return lines


def _how_to_pay(licence: Licence) -> list[str]:
    lines = [
        _(
            "Deposit or transfer with the code %(code)s to one of these accounts:",
            code=licence.payment_code,
        )
    ]
    return [*lines, *(str(one) for one in licence.accounts or [])]


def _day(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else "—"


def _plain(key: str) -> str:
    return "".join(sign if sign.isalnum() else "." for sign in key)
