"""A licence in words: its state as a sentence, what comes, how much of the plan is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from core.i18n import _
from core.services import limits
from core.web.formats import money
from plugins.licensing.domain.document import LicenceDocument
from plugins.licensing.domain.entitlements import Entitlements, level
from plugins.licensing.domain.lifecycle import STATES
from plugins.licensing.models import PaymentReportRow
from plugins.licensing.services.decide_access import (
    documents_this_month,
    last_report,
    refusal_sentence,
)
from plugins.licensing.services.keep_licence import Farewell
from plugins.licensing.services.standing import Standing

TONE_OF_LEVEL = {"free": "ok", "near": "warn", "full": "bad"}
TONE_OF_VERDICT = {"ok": "ok", "grace": "warn"}  # any other is bad


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One limit of the plan with what is used of it; ``limit`` None: free."""

    word: str
    used: int
    limit: int | None
    tone: str


def day(value: date | None) -> str:
    """``25/04/2026``."""
    return f"{value:%d/%m/%Y}" if value else "—"


def state_sentence(standing: Standing) -> str:
    """The state as a person would say it, with the date that matters."""
    state = standing.state
    if state in ("active", "reentered", "cancelled"):
        return _running_sentence(standing)
    if state == "due":
        return f"{_last_told(standing)} {_due_sentence(standing)}".strip()
    if state == "reported":
        return _reported_sentence(standing)
    return refusal_sentence(state, standing)


def _last_told(standing: Standing) -> str:
    """What the last report of what is due came to; empty: there is none that counts for nothing yet."""
    last = last_report(standing)
    if last is None or last.state == "applied":
        return ""
    if last.state == "rejected":
        return _("The payment that you reported was rejected: read why on «My licence».")
    missing = standing.missing_of(standing.open_invoices)
    if missing:
        return _(
            "What you reported does not cover everything: %(missing)s are still missing.",
            missing=money(missing),
        )
    return _("We have your payment report: it counts once your distributor has confirmed it.")


def _due_sentence(standing: Standing) -> str:
    due_on = min((one.due_on for one in standing.open_invoices if one.due_on), default=None)
    is_over = due_on is not None and due_on < standing.today
    given = {"due": day(due_on), "suspends": day(standing.suspends_on)}
    if standing.suspends_on is None:  # a change of plan, whose days are paid (R14)
        if is_over:
            return _(
                "The invoice due on %(due)s is still open. It blocks no day that is paid.", **given
            )
        return _(
            "You have an invoice to pay until %(due)s. It blocks no day that is paid.", **given
        )
    if is_over:
        return _(
            "The invoice due on %(due)s is still open. Paid days are never blocked: without payment or"
            " report you would be suspended on %(suspends)s.",
            **given,
        )
    return _(
        "You have an invoice to pay until %(due)s. Paid days are never blocked: without payment or"
        " report you would be suspended on %(suspends)s.",
        **given,
    )


def _reported_sentence(standing: Standing) -> str:
    """That the report is here, and what it leaves to be paid."""
    sentence = _(
        "We have your payment report and you have full access; your distributor confirms it."
    )
    untold = [one for one in standing.open_invoices if standing.missing_of([one])]
    if untold:
        sentence += " " + _(
            "Besides, %(missing)s are still to be paid, due on %(due)s.",
            missing=money(standing.missing_of(untold)),
            due=day(min((one.due_on for one in untold if one.due_on), default=None)),
        )
    return sentence


def order_report_sentence(standing: Standing) -> str:
    """The answer to the report of an order's payment (A-26)."""
    if standing.is_order_part_told:
        return _(
            "Thank you. Your report is stored. %(missing)s of the order are still missing: transfer the rest"
            " and report it; your distributor enables the licence with both.",
            missing=money(standing.order_missing),
        )
    if standing.opens_on_report:
        return _(
            "Thank you. Your report is stored: if it covers the whole order, the licence is enabled in a"
            " moment."
        )
    return _(
        "Thank you. Your report is stored: your distributor enables the licence once the money has arrived."
    )


def report_sentence(standing: Standing, report: PaymentReportRow) -> str:
    """The answer to a report, from the licence as it stands with it: whether access is back, what is
    missing and what comes next.
    """
    missing = _missing(standing, report)
    if STATES[standing.state].reach == "everything" and not missing:
        return _("Thank you. Your report is stored and you have access at once.")
    parts = [_("Thank you. Your report is stored.")]
    if missing:
        parts.append(_("%(missing)s are still missing.", missing=money(missing)))
    if standing.state == "suspended" and missing:
        parts.append(_("The licence stays suspended until you report the rest."))
    elif standing.state == "order" and missing:
        parts.append(
            _(
                "Transfer the rest and report it: your access is back once your distributor confirms both."
            )
        )
    elif standing.state in ("suspended", "order"):
        parts.append(_("Your access is back as soon as your distributor confirms the money."))
    elif standing.state == "expired":
        parts.append(
            _(
                "It settles what was open; the licence has expired, so to work again order one month once"
                " your distributor has confirmed the money."
            )
        )
    return " ".join(parts)


def _missing(standing: Standing, report: PaymentReportRow) -> Decimal:
    """Of what blocks; where nothing does, of what the report was made for."""
    if standing.state == "order":
        return standing.order_missing
    if STATES[standing.state].reach == "everything":
        meant = [one for one in standing.open_invoices if str(one.id) in report.allocations]
    else:
        meant = [one for one in standing.open_invoices if one.is_late(standing.today)]
    return standing.missing_of(meant)


def _running_sentence(standing: Standing) -> str:
    if standing.state == "cancelled":
        return _(
            "The licence is cancelled and runs until %(day)s. No further invoice is issued.",
            day=day(standing.ends_on),
        )
    if standing.state == "reentered":
        return _("You are back for one month, until %(day)s.", day=day(standing.ends_on))
    if standing.paid_through is None:
        return _("The licence is active; your first invoice is on its way.")
    return _("The licence is active and paid until %(day)s.", day=day(standing.paid_through))


def change_sentences(standing: Standing) -> list[tuple[date, str, str]]:
    """(day, tone, what happens by itself on it): from the same function that decides access."""
    return [
        (one.on, STATES[one.state].tone, str(STATES[one.state].word)) for one in standing.changes
    ]


def farewell_sentence(farewell: Farewell, *, client: str = "") -> str:
    """The answer to a cancellation; with ``client``: to the distributor who entered it."""
    ends_on = day(farewell.ends_on)
    sentence = (
        _("The licence of %(name)s is cancelled and ends on %(day)s.", name=client, day=ends_on)
        if client
        else _("Your licence is cancelled and ends on %(day)s.", day=ends_on)
    )
    if farewell.open_numbers:
        sentence += " " + _("Still to pay: %(numbers)s.", numbers=", ".join(farewell.open_numbers))
    if farewell.not_begun:
        undo = draft_sentence if client else undo_sentence
        sentence += " " + undo(farewell.not_begun)
    return sentence


def draft_sentence(numbers: Sequence[str]) -> str:
    """The same for the distributor, before he enters a cancellation."""
    return _(
        "The period of %(numbers)s has not begun: the draft of a credit note that undoes it waits for you"
        " afterwards.",
        numbers=", ".join(numbers),
    )


def undo_sentence(numbers: Sequence[str]) -> str:
    """Which of the open invoices a credit note may undo (A-11)."""
    return _(
        "The period of %(numbers)s has not begun: your distributor can undo it with a credit note; until"
        " then it stays due.",
        numbers=", ".join(numbers),
    )


def read_usage(session: Session, standing: Standing, *, now: datetime) -> list[UsageRow]:
    """Documents of the month, people and emission points against the plan's limits."""
    return _usage_rows(session, standing.licence.entitlements, now=now)


def read_document_usage(
    session: Session, licence: LicenceDocument | None, *, now: datetime
) -> list[UsageRow]:
    """The same against the limits of a signed document."""
    return _usage_rows(session, licence.entitlements if licence else None, now=now)


def _usage_rows(
    session: Session, entitlements: Mapping[str, Any] | None, *, now: datetime
) -> list[UsageRow]:
    granted = Entitlements.from_json(entitlements or {})
    rows = (
        (_("Documents this month"), documents_this_month(session, now=now), granted.documents),
        (_("People"), limits.count_used(session, "users"), granted.users),
        (_("Emission points"), limits.count_used(session, "points"), granted.points),
    )
    return [
        UsageRow(word, used, limit, TONE_OF_LEVEL[level(used, limit)]) for word, used, limit in rows
    ]


def limit_sentences(rows: Sequence[UsageRow]) -> list[tuple[str, str]]:
    """(tone, sentence) of each limit that is near (from 80 % on) or reached."""
    found = []
    for row in rows:
        given = {"what": row.word, "used": row.used, "limit": row.limit}
        if row.tone == "warn":
            found.append((row.tone, _("%(what)s: %(used)s of %(limit)s of the plan.", **given)))
        elif row.tone == "bad":
            found.append((row.tone, _("%(what)s: all %(limit)s of the plan are used.", **given)))
    return found


def report_badges() -> Mapping[str, tuple[str, str]]:
    """Tone and word of each state of a report."""
    return {
        "reported": ("wait", _("To confirm")),
        "confirmed": ("ok", _("Confirmed")),
        "applied": ("ok", _("Confirmed")),
        "rejected": ("bad", _("Rejected")),
        "waiting": ("wait", _("To confirm")),
    }


def state_badges() -> dict[str, tuple[str, Any]]:
    """Tone and word of each state of a licence."""
    return {name: (row.tone, row.word) for name, row in STATES.items()}
