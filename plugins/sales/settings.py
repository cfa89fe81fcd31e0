"""Settings of sales."""

from __future__ import annotations

from core.contracts.hooks import SettingSpec
from core.i18n import lazy as _

SPECS = (
    SettingSpec(
        "sales.mail_receipts",
        True,
        bool,
        _("Mail the customer a receipt for each deposit or transfer that is recorded."),
    ),
    SettingSpec(
        "sales.use_credit",
        True,
        bool,
        _("Use a customer's credit for the next invoice on its own (never at the counter)."),
    ),
    SettingSpec(
        "sales.default_payment_form",
        "01",
        str,
        _("Payment form that the sale screen offers first (SRI table 24)."),
        choices=("01", "16", "19", "20"),
        words=(
            _("Cash"),
            _("Debit card"),
            _("Credit card"),
            _("Transfer, deposit or another bank operation"),
        ),
    ),
    SettingSpec(
        "sales.payment_methods",
        "bank",
        str,
        _("Ways of payment that are recorded by hand; the till is not touched."),
        choices=("bank", "all"),
        words=(_("Only deposits and transfers"), _("Also cash and cards")),
    ),
)
