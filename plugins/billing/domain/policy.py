"""The choices a tenant may make in the calendar, as data.

Only the ambiguous cases A-01, A-15, A-16, A-17, A-25, rule R15 and the day-count basis are choices here
(A-26 is one of licensing: nobody else sells by orders of payment); every other rule is fixed. The first
value of each is the recommended default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from core.errors import DomainError
from core.i18n import _

ISSUE_DAY = 25  # R5, PW-08
DUE_DAY = 5  # R6, PW-13
FIRST_PERIOD_DAYS = 30  # R2, PW-09
COMMERCIAL_MONTH = 30  # the divisor that the letter itself fixes
PRICE_NOTICE_DAYS = 30
ORDER_LAPSES_AFTER_DAYS = 15  # R2
CREDIT_LEAST_DAYS = 5
LATE_TERM_DAYS = 5  # R13, caught up after the month's end

BASES = ("actual_30", "strict_30_360", "actual_month_days", "actual_period_days")

CHOICES: dict[str, tuple[str, ...]] = {
    "basis": BASES,
    "bridge_issue": ("day_25", "after_first"),
    "lift_block": ("on_report", "on_confirmation"),
    "overdue": ("honour_paid_days", "strict"),
    "due_shift": ("none", "next_business_day"),
    "support_rounding": ("per_ticket", "per_day"),
    "suspended_at_run": ("skip", "keep_issuing"),  # R15
}


@dataclass(frozen=True, slots=True)
class BillingPolicy:
    """One tenant's choices; the defaults are the recommended column of the calendar."""

    basis: str = "actual_30"
    bridge_issue: str = "day_25"
    lift_block: str = "on_report"
    overdue: str = "honour_paid_days"
    due_shift: str = "none"
    support_rounding: str = "per_ticket"
    suspended_at_run: str = "skip"

    @property
    def report_lifts(self) -> bool:
        """A payment report lifts a suspension before its confirmation (A-15)."""
        return self.lift_block == "on_report"

    @property
    def honours_paid_days(self) -> bool:
        """Days already paid are served although an invoice is overdue (A-16)."""
        return self.overdue != "strict"

    @property
    def keeps_issuing(self) -> bool:
        """What is suspended and unreported is invoiced all the same (R15's other reading)."""
        return self.suspended_at_run == "keep_issuing"

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise DomainError(
                    _(
                        "“%(value)s” is not a choice for %(name)s. Use one of: %(allowed)s.",
                        value=getattr(self, name),
                        name=name,
                        allowed=", ".join(allowed),
                    ),
                    code="billing.unknown_choice",
                    field=name,
                )


DEFAULT_POLICY = BillingPolicy()


def policy_from(values: Mapping[str, Any]) -> BillingPolicy:
    """The policy with ``values`` over the defaults. Raises ``DomainError`` for an unknown name or value."""
    known = {one.name for one in fields(BillingPolicy)}
    for name in values:
        if name not in known:
            raise DomainError(
                _(
                    "“%(name)s” is not a billing choice. The choices are: %(known)s.",
                    name=name,
                    known=", ".join(sorted(known)),
                ),
                code="billing.unknown_choice",
                field="policy",
            )
    return BillingPolicy(**dict(values))
