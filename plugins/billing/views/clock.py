"""The demo's clock played stop by stop: the 25th, the 5th, the 6th, the end; in a demo and nowhere else.

The page is public as the demo's mailbox is: weeks go by with each press, and nobody stays signed in.
Where the companies are real there is no such page.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date
from functools import partial
from typing import Any

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeSerializer

from core import runtime
from core.adapters.clock import SharedClock
from core.demo.clock import put_forward
from core.errors import NotFound
from core.i18n import lazy
from core.web.context import Context
from core.web.views import Pages, command, page
from plugins.billing import jobs
from plugins.billing.services.play_days import days_to_play, play_day

KEPT = (
    "demo_clock"  # a cookie of its own, for nobody stays signed in: what was played and what comes
)
MOST = 8  # companies shown of a stop
STOPS = {
    "run": (
        lazy("The run of the 25th"),
        lazy("Invoices of next month are issued, signed, sent to SRI and mailed from 07:00."),
    ),
    "due": (
        lazy("The due date"),
        lazy("Who has not paid is reminded: today is the last day."),
    ),
    "suspension": (
        lazy("The day after"),
        lazy("At 00:00 who neither paid nor reported is suspended; paid days are never blocked."),
    ),
    "end": (
        lazy("The end of the month that was invoiced"),
        lazy("What was cancelled or never paid ends; the data waits for whoever comes back."),
    ),
}


class ClockPages(Pages):
    """What happens at each stop, with a button for the next one."""

    route_base = "/demo/clock"
    blueprint = "billing.clock"
    public = True

    @page("/")
    def index(self, ctx: Context) -> Any:
        """The stops played and those to come."""
        _demo_clock()
        played, coming = _kept(ctx)
        return ctx.render(
            "billing/clock.html",
            stops=STOPS,
            played=played,
            coming=coming,
            is_auto=ctx.args.get("auto") == "1" and bool(coming),
            mailbox=f"http://127.0.0.1:{runtime.current().settings.mailbox_port}/",
        )

    @command("/next", action="play")
    def next(self, ctx: Context) -> Any:
        """Live the next stop as the schedules do, then show it."""
        clock = _demo_clock()
        played, coming = _kept(ctx)
        if not coming:
            played, coming = [], _stops(ctx.today)
        kind, on = coming[0]["kind"], date.fromisoformat(coming[0]["on"])

        day = play_day(kind, on, partial(put_forward, clock))
        jobs.mail_all({}, clock.now())
        shown = asdict(replace(day, companies=day.companies[:MOST])) | {"on": on.isoformat()}
        kept = {"played": [*played, shown], "coming": coming[1:]}
        answer = ctx.go("billing.clock.index", **({"auto": 1} if ctx.form.get("auto") else {}))
        answer.set_cookie(
            KEPT, _signer().dumps(kept), path="/demo/clock", httponly=True, samesite="Lax"
        )
        return answer


def _demo_clock() -> SharedClock:
    """The clock of this demo. Raises ``NotFound`` anywhere else."""
    current = runtime.current()
    if not current.settings.demo or not isinstance(current.clock, SharedClock):
        raise NotFound
    return current.clock


def _kept(ctx: Context) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    try:
        kept = _signer().loads(request.cookies.get(KEPT, ""))
    except BadSignature:
        return [], _stops(ctx.today)
    return list(kept["played"]), list(kept["coming"])


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=KEPT)


def _stops(today: date) -> list[dict[str, str]]:
    return [{"kind": kind, "on": on.isoformat()} for kind, on in days_to_play(today)]
