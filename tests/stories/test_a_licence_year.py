"""Twelve months of a licence, told by the services; the pages walk along in tests/browser."""

from __future__ import annotations

from tests.factories.licensing import make_vendor
from tests.stories.a_licence_year import LicenceYear, walk


def test_twelve_months_of_a_licence(make_tenant, clock, drain, outbox):
    vendor = make_vendor(make_tenant, clock, drain, day="2027-10-31")
    year = LicenceYear(vendor, outbox, vendor.contract())
    steps = []
    walk(year, lambda: steps.append(vendor.state(year.client)))
    assert steps == [
        *("active", "due", "active", "due", "due", "due", "suspended", "active", "due"),
        *("cancelled", "expired", "order", "reentered", "expired"),
    ]
