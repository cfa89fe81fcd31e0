"""A company with a customer, a product and keys to seal its pepper."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from core.contracts.sales import CustomerData, InvoiceDraft, InvoiceLineDraft
from core.db.session import unit_of_work
from plugins.sales.services.keep_customers import ensure_customers

BUYER = CustomerData("04", "1792205859001", "Comercial Andina S.A.", "compras@andina.ec", "Quito")


@pytest.fixture
def buyer(tenant) -> UUID:
    """A customer of the tenant with a RUC."""
    with unit_of_work(tenant.scope) as session:
        return ensure_customers(session, [BUYER])[0]


@pytest.fixture
def draft(tenant, buyer, now: datetime) -> Callable[..., InvoiceDraft]:
    """A draft of one line: ``draft("key", price="30.00")``."""

    def make(key: str = "one", price: str = "30.00", **more) -> InvoiceDraft:
        line = InvoiceLineDraft("P-1", "Mensualidad", Decimal(1), Decimal(price), "4")
        given = {
            "customer_id": buyer,
            "issue_point_id": tenant.till_id,
            "issued_on": now.date(),
            "lines": (line,),
            "source": "api",
            "source_key": key,
        } | more
        return InvoiceDraft(**given)

    return make


@pytest.fixture
def vectors() -> Path:
    """Facts from outside the project; tests that need them are skipped where they are absent."""
    return Path(__file__).parents[3].parent / "shared"
