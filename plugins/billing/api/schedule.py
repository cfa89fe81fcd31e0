"""``/api/v1/billing/schedule``: the invoices of a contract that nobody has signed yet."""

from __future__ import annotations

from typing import Any

from core.web import body
from core.web.api import Api, endpoint
from core.web.context import Context
from plugins.billing.domain.invoicing import charge_json, plan_charges
from plugins.billing.services import subscribe
from plugins.billing.services.calendars import read_calendar

MOST = 120


class ScheduleApi(Api):
    """The calendar as the company has set it; from the same function as the invoices."""

    route_base = "/api/v1/billing/schedule"
    permission = "billing.subscription"
    blueprint = "billing.schedule"

    @endpoint("/", "POST", action="read")
    def compute(self, ctx: Context) -> Any:
        """``plan_id`` or ``price``, ``start_on``, ``invoices``, ``quantity``; writes nothing."""
        given = ctx.json
        start_on = body.day(given, "start_on", ctx.today)
        count = body.whole(given, "invoices", 12, least=1, largest=MOST)
        plan_id = body.optional_identifier(given, "plan_id")
        if plan_id is None:
            calendar = read_calendar(ctx.session)
            price = body.money(given, "price")
            rows = plan_charges(price, start_on, count, calendar, calendar.policy.basis)
            return {"invoices": [charge_json(one) for one in rows]}
        shown = subscribe.preview_subscription(
            ctx.session,
            plan_id=plan_id,
            start_on=start_on,
            count=count,
            quantity=body.whole(given, "quantity", 1, least=1, largest=100_000),
        )
        return {"invoices": preview_rows(shown), "rate_changes_on": shown.rate_changes_on}


def preview_rows(preview: subscribe.Preview) -> list[dict[str, Any]]:
    """Rows of a preview with IVA and total as of today."""
    return [
        charge_json(one.charge)
        | {"tax_rate": one.tax_rate, "tax": str(one.tax), "total": str(one.total)}
        for one in preview.rows
    ]
