"""Price versions with effective date and notice (A-23, A-29)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from plugins.billing.domain.policy import PRICE_NOTICE_DAYS


class PriceVersion(NamedTuple):
    """The price of a month from a usage date on."""

    valid_from: date
    price: Decimal


class PriceNotice(NamedTuple):
    """A client was told on ``notified_on`` of the version of ``valid_from``."""

    valid_from: date
    notified_on: date


def list_price(versions: Iterable[PriceVersion], on: date) -> Decimal | None:
    """What a new client pays who contracts on ``on``: the latest version already valid."""
    valid = [one for one in versions if one.valid_from <= on]
    return max(valid).price if valid else None


def price_for(
    agreed: Decimal,
    versions: Iterable[PriceVersion],
    notices: Iterable[PriceNotice],
    *,
    period_start: date,
    issue_on: date,
) -> Decimal:
    """The price of a period for an existing client: ``agreed`` until a version that is valid on
    ``period_start`` and was notified at least 30 days before ``issue_on``.
    """
    told = {
        notice.valid_from
        for notice in notices
        if notice.notified_on + timedelta(days=PRICE_NOTICE_DAYS) <= issue_on
    }
    reached = [one for one in versions if one.valid_from <= period_start and one.valid_from in told]
    return max(reached).price if reached else agreed


def first_issue_reached(
    issue_dates: Iterable[tuple[date, date]], notice: PriceNotice
) -> date | None:
    """The first issue date, of (issue_on, period_start) in order, at which the noticed price applies."""
    soonest = notice.notified_on + timedelta(days=PRICE_NOTICE_DAYS)
    for issue_on, period_start in issue_dates:
        if issue_on >= soonest and period_start >= notice.valid_from:
            return issue_on
    return None
