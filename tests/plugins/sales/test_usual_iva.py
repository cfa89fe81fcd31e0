"""The regime of a company says with which IVA its products and plans begin."""

from __future__ import annotations

import re
from datetime import date

import pytest

from core.db.session import tenant_work
from core.models import TaxRegime


def chosen(client, path) -> str:
    """The option that the form offers first."""
    page = client.get(path).get_data(as_text=True)
    select = re.search(r'<select[^>]*name="tax_code".*?</select>', page, re.DOTALL)
    assert select is not None
    picked = re.search(r'value="(\d+)"\s+selected', select[0])
    assert picked is not None
    return picked[1]


@pytest.mark.parametrize("path", ["/sales/products/new", "/billing/plans/new"])
@pytest.mark.parametrize(
    ("regime", "code"), [("general", "4"), ("rimpe_emprendedor", "4"), ("rimpe_popular", "0")]
)
def test_a_negocio_popular_begins_at_zero(client, tenant, sign_in, regime, code, path):
    with tenant_work(tenant.id) as session:
        session.add(TaxRegime(valid_from=date(2026, 1, 1), regime=regime))
    sign_in(client, tenant, "owner")
    assert chosen(client, path) == code
