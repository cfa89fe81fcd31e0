# ruff: noqa: RUF001, RUF002  (the multiplication sign is what people read)
"""Contract and period to what is charged, with the derivation that explains it. Preview and invoice come from here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from core.contracts.sales import InvoiceLineDraft
from core.domain.money import ZERO
from core.domain.periods import add_months
from core.errors import DomainError
from core.i18n import _
from plugins.billing.domain.calendar import BillingCalendar, Span
from plugins.billing.domain.policy import FIRST_PERIOD_DAYS
from plugins.billing.domain.proration import Share, check_price, prorate

ONE_DAY = timedelta(days=1)


class Derivation(NamedTuple):
    """How an amount came about: dates, days, rate, rule. Structured; ``explain`` puts it in words."""

    rule: str  # R1, R2 first; R3 bridge; R4 full; R14 change
    price: Decimal  # of a month, before IVA, quantity included
    first: date
    last: date
    days: int
    share: Share | None = None  # only where days were counted


class PlannedCharge(NamedTuple):
    """One invoice of a schedule."""

    kind: str
    period_start: date
    period_end: date
    days: int
    amount: Decimal
    issue_on: date
    due_on: date | None
    suspend_on: date | None
    derivation: Derivation


def charge_for(price: Decimal, span: Span, basis: str) -> PlannedCharge:
    """What a period costs at ``price`` a month: P for the first and full ones, the share for a bridge (R1-R4)."""
    kind, first, last, days, issue_on, due_on, suspend_on, rule = span
    if kind == "bridge":
        month = first.replace(day=1)
        share = prorate(
            price,
            first,
            last + ONE_DAY,
            period_start=month,
            period_end=add_months(month, 1),
            basis=basis,
        )
        why = Derivation(rule, price, first, last, days, share)
        return PlannedCharge(
            kind, first, last, days, share.amount, issue_on, due_on, suspend_on, why
        )
    why = Derivation(rule, price, first, last, days)
    return PlannedCharge(kind, first, last, days, price, issue_on, due_on, suspend_on, why)


def plan_charges(
    price: Decimal, start: date, count: int, calendar: BillingCalendar, basis: str | None = None
) -> list[PlannedCharge]:
    """The first ``count`` invoices of a contract of ``start`` at ``price`` a month.

    Later rows assume that the earlier ones are paid. Raises ``DomainError`` for a negative price or
    a count below 1.
    """
    check_price(price)
    if not 1 <= count <= 1200:
        raise DomainError(
            _("Ask for 1 to 1200 invoices."), code="billing.invoice_count", field="invoices"
        )
    how = basis or calendar.policy.basis
    spans = calendar.schedule(start, count)
    return [charge_for(price, span, how) for span in spans]


def usage_month(period_start: date) -> date:
    """The month on whose invoice a period stands (A-24): the first day of the month it begins in."""
    return period_start.replace(day=1)


def derivation_json(why: Derivation) -> dict[str, Any]:
    """The derivation as JSON values: dates ISO, amounts as strings."""
    found: dict[str, Any] = {
        "rule": why.rule,
        "price": str(why.price),
        "from": why.first.isoformat(),
        "to": why.last.isoformat(),
        "days": why.days,
        "flat": why.share is None,
    }
    if why.share is not None:
        found |= share_json(why.share)
    return found


def share_json(share: Share) -> dict[str, Any]:
    """A proration as JSON values."""
    return {
        "basis": share.basis,
        "days": share.days,
        "counted_days": share.counted_days,
        "divisor": share.divisor or None,
        "daily_rate": None if share.daily_rate is None else str(share.daily_rate),
        "capped": share.is_capped,
        "parts": [
            {"month": part.month.isoformat()[:7], "days": part.days, "of": part.length}
            for part in share.parts
        ],
    }


def charge_json(charge: PlannedCharge) -> dict[str, Any]:
    """A row of ``yupana billing schedule --json``."""
    return {
        "kind": charge.kind,
        "period_start": charge.period_start.isoformat(),
        "period_end": charge.period_end.isoformat(),
        "days": charge.days,
        "amount": str(charge.amount),
        "issue_on": charge.issue_on.isoformat(),
        "due_on": charge.due_on and charge.due_on.isoformat(),
        "suspend_on": charge.suspend_on and charge.suspend_on.isoformat(),
        "derivation": derivation_json(charge.derivation) | {"dates": list(date_rules(charge))},
    }


def date_rules(charge: PlannedCharge) -> tuple[str, ...]:
    """The rules behind the issue, due and suspension dates of a charge."""
    return ("R2",) if charge.kind == "first" else ("R5", "R6", "R8")


def explain(why: Mapping[str, Any]) -> str:
    """The stored derivation in words for the payer, in the language at hand."""
    rule = why.get("rule", "")
    days = why.get("days", 0)
    if rule == "R1":
        return str(_("A whole month from the 1st: the plan's price, whatever its days."))
    if rule == "R2":
        return str(
            _(
                "The first %(days)s days from the day of the contract: the plan's price.",
                days=FIRST_PERIOD_DAYS,
            )
        )
    if rule == "R4":
        return str(_("A whole calendar month (%(days)s days): the plan's price.", days=days))
    if rule == "R3":
        return _explain_share(why)
    if rule == "R14":
        return str(
            _(
                "Change of plan: %(days)s days at the new price less the same days at the old one, both at price / 30.",
                days=days,
            )
        )
    return ""


def _explain_share(why: Mapping[str, Any]) -> str:
    price = why["price"]
    if why["counted_days"] == why["divisor"] == FIRST_PERIOD_DAYS or why["capped"]:
        return str(_("%(days)s days to the end of the month: the plan's price.", days=why["days"]))
    if why["divisor"]:
        return str(
            _(
                "%(days)s days to the end of the month × $ %(rate)s a day ($ %(price)s / %(divisor)s).",
                days=why["counted_days"],
                rate=_comma(why["daily_rate"]),
                price=_comma(price),
                divisor=why["divisor"],
            )
        )
    parts = " + ".join(f"{part['days']}/{part['of']}" for part in why["parts"])
    return str(
        _("$ %(price)s × (%(parts)s) of each month's days.", price=_comma(price), parts=parts)
    )


def _comma(amount: str) -> str:
    """As people of Ecuador write it: 0,666333."""
    return amount.replace(".", ",")


def line_for(
    *,
    code: str,
    plan_name: str,
    quantity: int,
    tax_code: str,
    charge: PlannedCharge,
) -> InvoiceLineDraft:
    """The invoice line of a charge as the tax document shows it (A-27).

    Quantity 1 and the rounded net as unit price, never 20 × 0.666333, which loses a cent; period,
    days, daily rate and rule in the details. Printed words are Spanish: they are data of the document.
    """
    name = plan_name if quantity == 1 else f"{plan_name} × {quantity}"
    period = f"{charge.period_start:%d/%m/%Y} al {charge.period_end:%d/%m/%Y}"
    return InvoiceLineDraft(
        code=code,
        description=f"{name}, del {period}"[:300],
        quantity=Decimal(1),
        unit_price=charge.amount,
        tax_code=tax_code,
        details=(
            ("Periodo", period),
            ("Cálculo", printed_sum(charge)),
            ("Regla", charge.derivation.rule),
        ),
        derivation=derivation_json(charge.derivation) | {"kind": charge.kind},
    )


def printed_sum(charge: PlannedCharge) -> str:
    """The sum on the document: ``20 días × 0,666333`` or ``30 días, precio del plan``."""
    share = charge.derivation.share
    if share is None or share.counted_days == share.divisor == FIRST_PERIOD_DAYS:
        return f"{count_days(charge.days)}, precio del plan"
    if share.daily_rate is not None:
        return f"{count_days(share.counted_days)} × {comma(share.daily_rate)}"
    return " + ".join(f"{part.days}/{part.length} de mes" for part in share.parts)


def comma(amount: Decimal) -> str:
    """An amount as documents print it, with two decimals at least: ``45,00``, ``0,666333``."""
    whole, _dot, decimals = f"{amount:f}".partition(".")
    return f"{whole},{decimals.rstrip('0').ljust(2, '0')}"


def count_days(count: int) -> str:
    """``1 día``, ``20 días``."""
    return "1 día" if count == 1 else f"{count} días"


def is_free(charge: PlannedCharge) -> bool:
    """Nothing to invoice: the net rounds to 0.00, so the invoice is skipped (R7)."""
    return charge.amount == ZERO
