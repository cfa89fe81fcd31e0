"""Settings of billing: the choices of the calendar that a tenant may make, and its run."""

from __future__ import annotations

from decimal import Decimal

from core.contracts.hooks import SettingSpec
from core.i18n import lazy as _
from plugins.billing.domain.policy import CHOICES

TOLERANCE = "billing.tolerance"

_HELP = {
    "basis": _("How the days of a bridge are counted for new subscriptions."),
    "bridge_issue": _(
        "When the second invoice is issued: day 25, or when the first period ends (A-01)."
    ),
    "lift_block": _(
        "What lifts a suspension: the report of a payment, or its confirmation (A-15)."
    ),
    "overdue": _(
        "Whether days already paid are served although a later invoice is overdue (A-16)."
    ),
    "due_shift": _(
        "Whether a due date on a weekend or holiday moves to the next business day (A-17)."
    ),
    "support_rounding": _("Whether support hours are rounded per ticket or per day (A-25)."),
    "suspended_at_run": _(
        "Whether a suspended and unreported subscription is still invoiced (R15)."
    ),
}

_WORDS = {  # what people read for each choice of domain/policy.py
    "basis": (
        _("Real days, thirty to a month"),
        _("Thirty days to every month (30/360)"),
        _("Real days over the days of the month"),
        _("Real days over the days of the period"),
    ),
    "bridge_issue": (_("On day 25"), _("When the first period ends")),
    "lift_block": (_("The report"), _("The confirmation")),
    "overdue": (_("Paid days are served"), _("Nothing is served while an invoice is overdue")),
    "due_shift": (_("It stays"), _("The next business day")),
    "support_rounding": (_("Per ticket"), _("Per day")),
    "suspended_at_run": (_("It is left out"), _("It is invoiced")),
}

# a licence's client decides by his own copy, and is told the dates of his next invoices
_TOLD = ("lift_block", "overdue", "bridge_issue", "due_shift")

SPECS = (
    *(
        SettingSpec(
            f"billing.{name}",
            allowed[0],
            str,
            _HELP[name],
            allowed,
            _WORDS[name],
            is_told=name in _TOLD,
        )
        for name, allowed in CHOICES.items()
    ),
    SettingSpec(
        TOLERANCE,
        Decimal("0.50"),
        Decimal,
        _("What may be missing of an invoice without blocking anybody, in USD (A-19)"),
        is_told=True,
    ),
    SettingSpec(
        "billing.issue_point",
        "",
        str,
        _("Id of the emission point of runs; empty: the first one whose purpose is the run."),
    ),
    SettingSpec(
        "billing.payment_words",
        "",
        str,
        _("How to pay, printed on invoices and reminders: bank, account, holder."),
    ),
)
POLICY_KEYS = {name: f"billing.{name}" for name in CHOICES}
