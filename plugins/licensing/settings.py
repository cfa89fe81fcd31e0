"""Settings of licensing, all of the operator's tenant: default, type, help."""

from __future__ import annotations

from decimal import Decimal

from core.contracts.hooks import SettingSpec
from core.i18n import lazy

ALL = (
    SettingSpec(
        "licensing.vendor_accounts",
        "",
        str,
        lazy("Bank accounts for licence payments, one a line: bank, kind, number, holder and RUC"),
    ),
    SettingSpec(
        "licensing.strict_day_six",
        False,
        bool,
        lazy("Suspend overdue clients on day 6 even inside days already paid (A-16)"),
    ),
    SettingSpec(
        "licensing.report_lifts",
        True,
        bool,
        lazy("A payment report gives access back at once; otherwise its confirmation does (A-15)"),
    ),
    SettingSpec(
        "licensing.tolerance",
        Decimal("0.50"),
        Decimal,
        lazy("What may be missing of an invoice without blocking anybody, in USD (A-19)"),
    ),
    SettingSpec(
        "licensing.keep_issuing",
        False,
        bool,
        lazy("Invoice suspended licences on day 25 too, instead of letting them end (R15)"),
    ),
    SettingSpec(
        "licensing.tutorials_url", "", str, lazy("Address of the video tutorials, for the letters")
    ),
    SettingSpec(
        "licensing.training",
        "",
        str,
        lazy("When and where the free group training takes place, for the letters"),
    ),
)
