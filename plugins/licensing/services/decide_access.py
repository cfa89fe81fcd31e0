"""The answers to the hooks ``access_decision`` and ``entitlements``: fast, from the client's own scope."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import plugins
from core.adapters.clock import to_local_date
from core.contracts.hooks import AccessDecision, Permission
from core.db.scope import Scope
from core.db.session import unit_of_work
from core.i18n import _
from core.web.formats import money
from plugins.licensing.domain.access import Report, still_missing
from plugins.licensing.domain.entitlements import Entitlements, level
from plugins.licensing.domain.lifecycle import STATES
from plugins.licensing.models import Usage
from plugins.licensing.services.installed_licence import (
    LICENCE_PAGE,
    installed_entitlements,
    read_installed,
    refuse_installed,
)
from plugins.licensing.services.standing import Standing, find_licence, read_standing


def decide_access(tenant_id: UUID, permission: str, now: datetime) -> AccessDecision | None:
    """May the tenant use this permission at this instant? None: it has no licence, so no opinion.

    A short read in the tenant's own scope; suspension blocks what does not survive it, an order or
    an expired licence everything but the licence pages and the own legal documents.
    """
    asked = _find_permission(permission)
    with unit_of_work(Scope(tenant_id=tenant_id)) as session:
        standing = read_standing(session, now=now)
        if standing is None:
            return _decide_by_document(session, asked, now)
        refusal = _refuse(standing, asked)
        if refusal is None and asked is not None and not asked.survives_suspension:
            licence = standing.licence
            refusal = _refuse_over_limit(session, licence.plan_name, licence.entitlements, now)
    return refusal or AccessDecision(allowed=True)


def _decide_by_document(
    session: Session, asked: Permission | None, now: datetime
) -> AccessDecision | None:
    """The same for a company that hosts itself, from its signed document; None: it needs none."""
    verdict = read_installed(session, now=now)
    if verdict is None:
        return None
    refusal = refuse_installed(verdict, asked)
    licence = verdict.licence
    issues = asked is not None and not (asked.survives_suspension or asked.survives_expiry)
    if refusal is None and licence is not None and issues:
        refusal = _refuse_over_limit(session, licence.plan, licence.entitlements, now)
    return refusal or AccessDecision(allowed=True)


def read_entitlements(tenant_id: UUID) -> Mapping[str, Any] | None:
    """Plugins and limits of the tenant's plan. None: no licence, or a plan without limits."""
    with unit_of_work(Scope(tenant_id=tenant_id)) as session:
        raw = _granted(session)
        if not raw:
            return None
        granted = Entitlements.from_json(raw)
    answer = granted.to_json()
    answer["plugins"] = [*granted.plugins, "licensing"] if granted.plugins else None
    return answer


def _granted(session: Session) -> Mapping[str, Any] | None:
    """What the own licence holds, or else the signed document; of a bad document: nothing is told."""
    licence = find_licence(session)
    if licence is not None:
        return dict(licence.entitlements or {})
    return installed_entitlements(session)


def refusal_sentence(state: str, standing: Standing) -> str:
    """Why the licence does not allow it, and what to do."""
    if state == "suspended":
        return _suspended_sentence(standing)
    if state == "order":
        return _order_sentence(standing)
    if state == "lapsed":
        return _("The order of payment has lapsed: ask your adviser for a new one.")
    return _(
        "The licence has expired: order one month on «My licence» to work with your data again."
        " Your legal documents can be downloaded there at any time."
    )


def _suspended_sentence(standing: Standing) -> str:
    """What the last report of what is owed came to, if there is one."""
    day = f"{_oldest_due(standing):%d/%m/%Y}"
    last = last_report(standing)
    if last is None or last.state == "applied":
        return _(
            "The licence is suspended: the invoice due on %(day)s is neither paid nor reported. Report"
            " the payment on «My licence» and you can issue again at once.",
            day=day,
        )
    if last.state == "rejected":
        return _(
            "The licence is suspended: the payment reported of the invoice due on %(day)s was rejected."
            " Read why on «My licence», pay it and report it again.",
            day=day,
        )
    if any(still_missing(one, standing.facts, standing.today) for one in standing.open_invoices):
        return _(
            "The licence is suspended: what was paid or reported does not cover the invoice due on"
            " %(day)s. Report the rest on «My licence».",
            day=day,
        )
    return _(
        "The licence is suspended: the payment reported of the invoice due on %(day)s waits for its"
        " confirmation; then you can issue again.",
        day=day,
    )


def last_report(standing: Standing) -> Report | None:
    """The last payment report of what is owed, if there is one."""
    owed = {one.id for one in standing.open_invoices}
    told = [one for one in standing.facts.reports if owed & set(one.allocations)]
    return max(told, key=lambda one: one.reported_at, default=None)


def _order_sentence(standing: Standing) -> str:
    if standing.is_order_reported:
        return _(
            "We have your payment report: your distributor enables the licence once the money has arrived."
        )
    if standing.is_order_part_told:
        return _(
            "We have your payment report, but %(missing)s of the order are still missing: transfer the rest"
            " and report it.",
            missing=money(standing.order_missing),
        )
    if standing.opens_on_report:
        return _(
            "The licence is not enabled yet: pay the order of payment, report it here and you can work"
            " at once."
        )
    return _("The licence is not enabled yet: pay the order of payment; your adviser enables it.")


def _oldest_due(standing: Standing) -> date:
    unpaid = standing.open_invoices
    return min((one.due_on or one.period.first for one in unpaid), default=standing.today)


def _refuse(standing: Standing, asked: Permission | None) -> AccessDecision | None:
    reach = STATES[standing.state].reach
    if reach == "everything" or (asked is not None and asked.survives_expiry):
        return None
    if reach == "existing" and (asked is None or asked.survives_suspension):
        return None
    return AccessDecision(
        allowed=False,
        code=f"licence_{standing.state}",
        sentence=refusal_sentence(standing.state, standing),
        title=STATES[standing.state].word,
        url=LICENCE_PAGE,
    )


def _refuse_over_limit(
    session: Session, plan: str, entitlements: Mapping[str, Any] | None, now: datetime
) -> AccessDecision | None:
    limit = Entitlements.from_json(entitlements or {}).documents
    if limit is None:
        return None
    used = documents_this_month(session, now=now)
    if level(used, limit) != "full":
        return None
    return AccessDecision(
        allowed=False,
        code="licence_documents_full",
        sentence=_(
            "The plan %(plan)s holds %(limit)s documents a month and %(used)s are issued: change to a"
            " larger plan on «My licence», or go on next month.",
            plan=plan,
            limit=limit,
            used=used,
        ),
        url=LICENCE_PAGE,
    )


def documents_this_month(session: Session, *, now: datetime) -> int:
    """Documents the tenant in scope issued in the calendar month of ``now``."""
    month = to_local_date(now).replace(day=1)
    return session.scalar(select(Usage.documents).where(Usage.month == month)) or 0


def _find_permission(key: str) -> Permission | None:
    for plugin in plugins.host().plugins:
        for one in plugin.info.permissions:
            if one.key == key:
                return one
    return None
