"""What the home page says about licences, by role."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.contracts.hooks import Attention
from core.i18n import _
from plugins.licensing.domain.lifecycle import STATES
from plugins.licensing.domain.lights import TONES, WORDS
from plugins.licensing.models import QueuedReport
from plugins.licensing.services import (
    credit_drafts,
    explain,
    first_access,
    keep_portfolio,
    queue,
    unpaid,
)
from plugins.licensing.services.installed_licence import read_installed, verdict_sentence
from plugins.licensing.services.standing import read_standing

LOUD = (
    "suspended_at_run",
    "suspended",
    "to_suspend",
    "rejected",
    "certificate",
    "order",
    "expired",
)


def find_attention(session: Session, role: str, now: datetime) -> Sequence[Attention]:
    """Dearest first: the own licence, the queue, the portfolio's lights."""
    if role in ("distributor", "adviser"):
        return [*_queue(session), *_unpaid(session, now), *_portfolio(session, now)]
    if role == "operator":
        return [*_late(session, now), *_drafts(session, "/office/licences/unpaid")]
    if role in ("owner", "accountant"):
        return _own(session, now)
    return []


def _own(session: Session, now: datetime) -> list[Attention]:
    standing = read_standing(session, now=now)
    if standing is None:
        return _document(session, now)
    found = []
    if standing.state not in ("active", "reentered"):
        tone = STATES[standing.state].tone
        order = 1 if tone == "bad" else 30
        found.append(Attention(explain.state_sentence(standing), "/licence", order, tone))
    if standing.last_day is not None:
        ends = _(
            "Your licence ends on %(day)s: download your data before.",
            day=explain.day(standing.last_day),
        )
        found.append(Attention(ends, "/licence/data", 15, "warn"))
    for tone, sentence in explain.limit_sentences(explain.read_usage(session, standing, now=now)):
        found.append(Attention(sentence, "/licence", 20, tone))
    journey = first_access.read_journey(session, now=now)
    if journey is not None and journey.finished_at is None:
        sentence = _(
            "First steps: %(done)s of %(all)s are done.", done=journey.done, all=len(journey.steps)
        )
        found.append(Attention(sentence, "/licence/first-access", 40, "wait"))
    return found


def _document(session: Session, now: datetime) -> list[Attention]:
    """Of a company that hosts itself: its document is in its grace, over or not good; its limits."""
    verdict = read_installed(session, now=now)
    if verdict is None:
        return []
    found = []
    if verdict.code != "ok":
        tone = explain.TONE_OF_VERDICT.get(verdict.code, "bad")
        found.append(Attention(verdict_sentence(verdict, installed=True), "/licence", 1, tone))
    rows = explain.read_document_usage(session, verdict.licence, now=now)
    for tone, sentence in explain.limit_sentences(rows):
        found.append(Attention(sentence, "/licence", 20, tone))
    return found


def _queue(session: Session) -> list[Attention]:
    waiting = select(func.count()).select_from(QueuedReport).where(QueuedReport.state == "waiting")
    count = session.scalar(waiting) or 0
    if not count:
        return []
    return [Attention(_("Payments to confirm"), "/licensing/queue", 5, "wait", count)]


def _portfolio(session: Session, now: datetime) -> list[Attention]:
    counts = keep_portfolio.count_lights(keep_portfolio.read_portfolio(session, now=now))
    return [
        Attention(WORDS[name], f"/portfolio?light={name}", 10 + place, TONES[name], counts[name])
        for place, name in enumerate(LOUD)
        if counts.get(name)
    ]


def _unpaid(session: Session, now: datetime) -> list[Attention]:
    """What SRI still annuls, with its last day (R15), and the credit notes that wait for a decision."""
    found = []
    rows = [one for one in unpaid.read_portfolio_unpaid(session, now=now) if one.is_annullable]
    if rows:
        until = min(one.annul_until for one in rows)
        sentence = _("Unpaid invoices that SRI annuls until %(day)s", day=f"{until:%d/%m/%Y}")
        found.append(Attention(sentence, "/portfolio/unpaid", 8, "warn", len(rows)))
    return [*found, *_drafts(session, "/portfolio/unpaid#drafts")]


def _drafts(session: Session, address: str) -> list[Attention]:
    waiting = [one for one in credit_drafts.read_drafts(session) if one.state == "draft"]
    if not waiting:
        return []
    return [Attention(_("Drafts of credit notes to decide"), address, 18, "wait", len(waiting))]


def _late(session: Session, now: datetime) -> list[Attention]:
    late = len(queue.overdue_reports(session, now=now))
    if not late:
        return []
    sentence = _("Payment reports without an answer for three business days")
    return [Attention(sentence, "/licensing/queue", 15, "warn", late)]
