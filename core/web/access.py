"""May this request go on? Sign-in, role, entitlement and licence, in that order."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import current_app, g, redirect, request, url_for

from core import runtime
from core.contracts.hooks import AccessDecision, Permission
from core.db.scope import NOBODY, Scope, in_scope
from core.errors import Forbidden, NotFound, Unauthorized
from core.i18n import gettext as _
from core.security import sessions
from core.web.errors import wants_problem

if TYPE_CHECKING:
    from core.security.identity import Identity
    from core.web.views import Route, Routed


class Suspended(Forbidden):
    """The licence does not cover this now; ``url`` is where it can be paid."""

    def __init__(self, decision: AccessDecision) -> None:
        super().__init__(str(decision.sentence), code=decision.code or "suspended")
        self.url = str(decision.url)


def identity() -> Identity | None:
    """The identity of this request, read once (nobody: None)."""
    if "identity" not in g:
        g.identity = sessions.read(runtime.clock().now())
    return g.identity


def scope(who: Identity | None) -> Scope:
    """The database scope of this request's transaction."""
    return NOBODY if who is None else who.scope


def admit(routed: Routed, route: Route) -> Any:
    """None when the request may go on; a redirect to sign-in or to the choice of company.

    Raises ``NotFound`` (the plugin is not in the company's plan), ``Forbidden`` (role or licence) and,
    for software, ``Unauthorized``.
    """
    if routed.public:
        return None
    who = identity()
    if who is None:
        if wants_problem():
            raise Unauthorized(_("Send a valid key or sign in."), code="unauthorized")
        if request.path == "/" and current_app.config["SESSION_COOKIE_NAME"] not in request.cookies:
            return redirect(url_for("core.door.welcome"), 303)  # never here before
        return redirect(url_for("core.door.sign_in", next=_here()), 303)
    if who.tenancy is None:
        if routed.permission is None:
            return None
        if wants_problem():
            raise Unauthorized(_("Say which company you work for."), code="no_company")
        return redirect(url_for("core.companies.choose", next=_here()), 303)
    _permit(who, who.tenancy.tenant_id, routed, route)
    return None


def _permit(who: Identity, tenant_id: UUID, routed: Routed, route: Route) -> None:
    if not is_entitled(tenant_id, routed.plugin):
        raise NotFound
    key = routed.key(route)
    if key is None:
        return
    if key not in who.permissions:
        raise Forbidden("", code="forbidden")
    decision = decide(tenant_id, key, runtime.clock().now())
    if decision is not None and not decision.allowed:
        raise Suspended(decision)


def is_entitled(tenant_id: UUID, plugin: str) -> bool:
    """Does the company's plan hold this plugin? Core always is."""
    if plugin == "core":
        return True
    with in_scope(Scope(tenant_id=tenant_id)):
        return plugin in current_app.extensions["yupana"].host.entitled(tenant_id)


def declared() -> dict[str, Permission]:
    """Every permission of core and the loaded plugins, by key."""
    return current_app.extensions["yupana"].permissions


def decide(tenant_id: UUID, key: str, now: datetime) -> AccessDecision | None:
    """The licence's answer, asked once a request; None (allowed) for what survives even its expiry."""
    permission = declared().get(key)
    if permission is None or permission.survives_expiry:
        return None
    memo = g.setdefault("decisions", {})
    if key not in memo:
        with in_scope(Scope(tenant_id=tenant_id)):
            memo[key] = current_app.extensions["yupana"].host.call(
                "access_decision", tenant_id=tenant_id, permission=key, now=now
            )
    return memo[key]


def _here() -> str:
    return request.full_path.rstrip("?") if request.method == "GET" else "/"
