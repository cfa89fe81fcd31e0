"""Words of billing for pages."""

from __future__ import annotations

from core.i18n import lazy as _
from plugins.billing.domain import lifecycle, standing

KINDS = {
    "first": _("First period"),
    "bridge": _("Rest of the month"),
    "full": _("Whole month"),
    "change": _("Change of plan"),
}
CHARGE_STATES = {
    "open": ("wait", _("Open")),
    "paid": ("ok", _("Paid")),
    "free": ("ok", _("Nothing to pay")),
    "cancelled": ("warn", _("Annulled")),
}
STANDINGS = {key: (standing.TONES[key], standing.LABELS[key]) for key in standing.LABELS}
STATES = lifecycle.LABELS
STATE_TONES = {lifecycle.ACTIVE: "ok", lifecycle.ENDING: "wait", lifecycle.ENDED: "warn"}
BASES = (
    ("", _("As set for the company")),
    ("actual_30", _("Real days over 30")),
    ("strict_30_360", _("Commercial days (30/360)")),
    ("actual_month_days", _("Days of each month")),
    ("actual_period_days", _("Days of the period")),
)
PLAN_KINDS = (("plan", _("Plan")), ("addon", _("Add-on to a plan")))
AGES = {
    "not_due": _("Not due yet"),
    "1_30": _("1 to 30 days"),
    "31_60": _("31 to 60 days"),
    "61_90": _("61 to 90 days"),
    "over_90": _("More than 90 days"),
}
DIFFERENCES = {
    "new": _("Not in the run of the month before"),
    "gone": _("In the run of the month before, not in this one"),
    "changed": _("Another amount"),
}
ID_TYPES = (
    ("05", _("Cédula")),
    ("04", _("RUC")),
    ("06", _("Passport")),
)
