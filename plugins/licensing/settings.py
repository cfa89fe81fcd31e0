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
        "licensing.tolerance",
        Decimal("0.50"),
        Decimal,
        lazy("What may be missing of an invoice without blocking anybody, in USD (A-19)"),
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
        "licensing.tutorials_url", "", str, lazy("Address of the video tutorials, for the letters")
    ),
    SettingSpec(
        "licensing.training",
        "",
        str,
        lazy("When and where the free group training takes place, for the letters"),
    ),
)
