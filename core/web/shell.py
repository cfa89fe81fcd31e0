"""The frame around every page: company, menu, strips, notices. No SQL of its own."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Flask, current_app, g, get_flashed_messages, request, url_for
from flask_wtf.csrf import generate_csrf
from werkzeug.local import LocalProxy
from werkzeug.routing import BuildError

from core import runtime
from core.contracts.hooks import AccessDecision, MenuEntry
from core.db.scope import Scope, in_scope
from core.i18n import gettext, ngettext
from core.i18n import lazy as _
from core.services.settings import read as read_setting
from core.web import access
from core.web.formats import instant

if TYPE_CHECKING:
    from core.security.identity import Identity
    from core.settings import Settings

log = logging.getLogger(__name__)
SET_UP_ONCE = 60  # menu entries from this order on are not for every day
ENVIRONMENT = "einvoice_sri.environment"  # 1 pruebas, 2 producción, 3 practice
CLOCK_PAGE = "billing.clock.index"  # where the clock of a demo is moved, if somebody offers it
SEARCHES = (
    ("sales.invoice.index", "sales.invoice:read"),
    ("licensing.licence.index", "licensing.licence:read"),
)
ROLE_WORDS = {
    "operator": _("Operator"),
    "distributor": _("Distributor"),
    "adviser": _("Adviser"),
    "owner": _("Owner"),
    "salesperson": _("Salesperson"),
    "accountant": _("Accountant"),
    "integrator": _("Integrator"),
}

CORE_MENU = (
    MenuEntry(_("Home"), "core.home.index", "", order=0, icon="home"),
    MenuEntry(_("Company"), "core.company.show", "core.company:read", order=800, icon="company"),
    MenuEntry(
        _("Platform"), "core.platform.index", "core.platform:read", order=900, icon="platform"
    ),
)


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the menu as the template prints it."""

    label: str
    url: str
    icon: str
    is_here: bool
    is_apart: bool = False  # the first of the entries that are set up once


@dataclass(frozen=True, slots=True)
class Strip:
    """A coloured strip under the header: something here is not the real thing."""

    tone: str
    word: str
    sentence: str
    url: str = ""
    action: str = ""


class Shell:
    """Made once per rendered page; templates read it as ``shell``."""

    def __init__(self, who: Identity | None) -> None:
        self.who = who
        self.tenancy = who.tenancy if who else None

    @property
    def menu(self) -> list[Link]:
        """Entries of the role, by order; what the person may not open is left out."""
        if self.who is None or self.tenancy is None:
            return []
        with in_scope(Scope(tenant_id=self.tenancy.tenant_id, user_id=self.who.user_id)):
            given = current_app.extensions["yupana"].host.call(
                "menu_entries", tenant=self.tenancy.tenant_id, role=self.tenancy.role
            )
        entries = [*CORE_MENU, *(one for answer in given for one in answer)]
        allowed = [e for e in entries if not e.permission or e.permission in self.who.permissions]
        shown = sorted(allowed, key=lambda e: (e.order, str(e.label)))
        links = [
            Link(str(e.label), url, e.icon, is_here=False)
            for e in shown
            if (url := url_or_none(e.endpoint))
        ]
        here = self._here([one.url for one in links])
        apart = next((url_or_none(e.endpoint) for e in shown if e.order >= SET_UP_ONCE), None)
        return [replace(one, is_here=one.url == here, is_apart=one.url == apart) for one in links]

    @property
    def search_url(self) -> str:
        """Where the search box leads: the first list of the menu that searches; empty: no box."""
        for endpoint, permission in SEARCHES:
            if permission in (self.who.permissions if self.who else ()):
                return url_or_none(endpoint) or ""
        return ""

    @property
    def initials(self) -> str:
        """Two letters for the person's button."""
        words = (self.who.name if self.who else "").split()
        return "".join(
            word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)
        ).upper()

    @property
    def role_word(self) -> str:
        """The role as people call it."""
        return role_word(self.tenancy.role) if self.tenancy else ""

    @property
    def strips(self) -> list[Strip]:
        """Simulation, test environment, demo clock and licence, as the page must say."""
        found = [*g.get("strips", ()), *self._unreal()]
        decision = self._licence()
        if decision is not None and not decision.allowed:
            found.append(
                Strip(
                    "bad",
                    str(decision.title).upper() or gettext("SUSPENDED"),
                    str(decision.sentence),
                    str(decision.url),
                    gettext("Pay the licence"),
                )
            )
        return found

    def _unreal(self) -> list[Strip]:
        """SRI's test environment, the clock of a demo (einvoice_sri tells of a simulator)."""
        settings = current_app.extensions["yupana"].settings
        found = []
        environment = self._environment()
        if environment == 3:
            found.append(
                Strip(
                    "warn",
                    gettext("PRACTICE"),
                    gettext(
                        "A simulator stands in for SRI and numbers are not the real ones: nothing has tax"
                        " value."
                    ),
                )
            )
        if not is_simulated(settings) and environment == 1:
            found.append(
                Strip(
                    "warn",
                    gettext("TEST ENVIRONMENT"),
                    gettext("SRI answers, but documents have no tax value."),
                )
            )
        if settings.demo:
            shown = gettext("Demo clock: %(now)s", now=instant(runtime.clock().now()))
            is_movable = CLOCK_PAGE in current_app.view_functions
            url = url_for(CLOCK_PAGE) if is_movable else ""
            found.append(Strip("wait", gettext("DEMO"), shown, url, gettext("Move it")))
        return found

    def _environment(self) -> int:
        """The company's environment, 0 where nobody asks it or no plugin has one."""
        ctx = g.get("ctx")
        if self.tenancy is None or ctx is None or not ctx.session.is_active:
            return 0
        if ENVIRONMENT not in current_app.extensions["yupana"].host.settings:
            return 0
        return int(read_setting(ctx.session, ENVIRONMENT))

    @property
    def notices(self) -> list[tuple[str, str]]:
        """Sentences left by the step before, with their tone."""
        tones = {"ok", "wait", "warn", "bad"}
        return [
            (notice[0] if notice[0] in tones else "wait", notice[1])
            for notice in get_flashed_messages(with_categories=True)
        ]

    def _licence(self) -> AccessDecision | None:
        if self.who is None or self.tenancy is None:
            return None
        blocked = sorted(
            key
            for key in self.who.permissions
            if key in access.declared() and not access.declared()[key].survives_suspension
        )
        if not blocked:
            return None
        return access.decide(self.tenancy.tenant_id, blocked[0], runtime.clock().now())

    def _here(self, urls: list[str]) -> str:
        inside = [
            url
            for url in urls
            if request.path == url
            or (url != "/" and request.path.startswith(url.rstrip("/") + "/"))
        ]
        return max(inside, key=len, default="")


def is_simulated(settings: Settings) -> bool:
    """Do this installation's documents go to a simulator?"""
    where = settings.sri_url or ("simulator" if settings.demo else "")
    return where == "simulator" or where.startswith(("http://", "https://"))


def url_or_none(endpoint: str) -> str | None:
    """The address of a page; None (and a line in the log) when no plugin offers it."""
    try:
        return url_for(endpoint)
    except BuildError:
        log.warning("no page behind the menu entry %s", endpoint)
        return None


def role_word(role: str) -> str:
    """A role in the language of the page."""
    return str(ROLE_WORDS.get(role, role))


def with_query(**changes: Any) -> str:
    """The address of this page with some parts of its query changed (None drops one)."""
    kept = {key: value for key, value in request.args.items() if key not in changes}
    kept.update({key: str(value) for key, value in changes.items() if value is not None})
    return request.path + ("?" + urlencode(kept) if kept else "")


def add_strip(tone: str, word: str, sentence: str, url: str = "", action: str = "") -> None:
    """Show a strip on this request's page (a view calls it before it renders)."""
    g.setdefault("strips", []).append(Strip(tone, word, sentence, url, action))


def install(app: Flask) -> None:
    """Give templates ``shell``, ``_``, ``ngettext`` and ``csrf_token``."""
    app.jinja_env.globals.update(
        _=gettext, gettext=gettext, ngettext=ngettext, with_query=with_query
    )
    app.jinja_env.filters["role"] = role_word

    @app.context_processor
    def frame() -> dict[str, Any]:
        return {
            "choices_of": _choices_of,
            "shell": LocalProxy(_shell),
            "csrf_token": generate_csrf,
            "may": _may,
        }


def _shell() -> Shell:
    if "shell" not in g:
        try:
            who = None if g.get("without_frame") else access.identity()
        except Exception:  # noqa: BLE001  (an error page must render without a database)
            who = None
        g.shell = Shell(who)
    return g.shell


def _may(key: str) -> bool:
    who = _shell().who
    return who is not None and key in who.permissions


def _choices_of(spec: Any) -> list[tuple[Any, str]]:
    """(value, word) of a setting with choices, for a select."""
    words = spec.words or spec.choices
    return [(one, str(word)) for one, word in zip(spec.choices, words, strict=True)]
