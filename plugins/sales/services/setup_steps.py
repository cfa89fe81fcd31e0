"""Sales' steps of a new company's guided way to its first document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from core.contracts.hooks import SetupStep
from core.domain.tax_ids import FINAL_CONSUMER
from core.i18n import lazy
from plugins.sales.domain.vocabulary import PRACTICE
from plugins.sales.models import BankAccount, Customer, Invoice, Product, Salesperson


def steps(session: Session) -> Sequence[SetupStep]:
    """Product, customer, salesperson with a PIN, account, first invoice: and whether each is done."""
    product = _any(session, Product.is_active)
    customer = _any(session, Customer.tax_id_type != FINAL_CONSUMER)
    seller = _any(session, Salesperson.is_active, Salesperson.pin_set_at.is_not(None))
    account = _any(session, BankAccount.is_active)
    invoice = _any(session, Invoice.environment != PRACTICE)
    return (
        SetupStep("product", lazy("Add a product or service"), product, "/sales/products/new", 70),
        SetupStep("customer", lazy("Add a customer"), customer, "/sales/customers/new", 80),
        SetupStep("seller", lazy("Give a salesperson a PIN"), seller, "/sales/salespeople/", 90),
        SetupStep("account", lazy("Say where customers pay"), account, "/sales/accounts/", 100),
        SetupStep("invoice", lazy("Issue the first invoice"), invoice, "/sales/till/", 110),
    )


def _any(session: Session, *conditions: Any) -> bool:
    return bool(session.scalar(select(exists().where(*conditions))))
