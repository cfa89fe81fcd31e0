"""Settings of licensing, all of the operator's tenant: default, type, help."""

from __future__ import annotations

from decimal import Decimal

from core.contracts.hooks import SettingSpec
from core.i18n import lazy

ORDER_ENABLED = "licensing.order_enabled"
ON_CONFIRMATION, ON_REPORT = "on_confirmation", "on_report"

ALL = (
    SettingSpec(
        ORDER_ENABLED,
        ON_CONFIRMATION,
        str,
        lazy(
            "What enables an order of payment: the distributor's confirmation of the money, or already the"
            " client's report of the whole amount. A report that is rejected then leaves invoice 1 open"
            " and suspends the licence from the next day on (A-26)"
        ),
        (ON_CONFIRMATION, ON_REPORT),
        (lazy("The distributor's confirmation"), lazy("The client's report")),
        is_told=True,
    ),
    SettingSpec(
        "licensing.vendor_accounts",
        "",
        str,
        lazy("Bank accounts for licence payments, one a line: bank, kind, number, holder and RUC"),
        is_told=True,
    ),
    SettingSpec(
        "licensing.certificate_price",
        Decimal("0.00"),
        Decimal,
        lazy(
            "What you ask for an electronic signature, in USD before IVA; 0: you sell none (PW-29)"
        ),
    ),
    SettingSpec(
        "licensing.tutorials_url",
        "",
        str,
        lazy("Address of the video tutorials, for the letters"),
        is_told=True,
    ),
    SettingSpec(
        "licensing.training",
        "",
        str,
        lazy("When and where the free group training takes place, for the letters"),
        is_told=True,
    ),
)
