from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.contracts.sales import InvoiceLineDraft
from plugins.sales.domain.totals import line_net, total_up

RATES = {"0": Decimal(0), "4": Decimal(15), "5": Decimal(5)}


def line(price: str, quantity: str = "1", tax: str = "4", discount: str = "0") -> InvoiceLineDraft:
    return InvoiceLineDraft("A", "a", Decimal(quantity), Decimal(price), tax, Decimal(discount))


# billing_calendar.md, rounding vectors: net, then IVA at 15 %
@pytest.mark.parametrize(
    ("net", "iva"),
    [("13.33", "2.00"), ("14.94", "2.24"), ("0.42", "0.06"), ("2.33", "0.35"), ("33.83", "5.07"),
     ("11.11", "1.67"), ("30.00", "4.50"), ("25.00", "3.75")],
)  # fmt: skip
def test_iva_is_computed_on_the_rounded_net(net, iva):
    totals = total_up([line(net)], RATES)
    assert (totals.subtotal, totals.tax) == (Decimal(net), Decimal(iva))
    assert totals.total == Decimal(net) + Decimal(iva)


@pytest.mark.parametrize(
    ("price", "quantity", "discount", "net"),
    [("1.005", "1", "0", "1.01"), ("10.05", "0.5", "0", "5.03"), ("0.333333", "3", "0", "1.00"),
     ("2.50", "4", "1.25", "8.75")],
)  # fmt: skip
def test_a_line_is_rounded_half_up_once(price, quantity, discount, net):
    assert line_net(Decimal(quantity), Decimal(price), Decimal(discount)) == Decimal(net)


def test_three_lines_share_the_tax_of_their_sum():
    totals = total_up([line("0.03"), line("0.03"), line("0.04")], RATES)
    assert totals.tax == Decimal("0.02")  # 0.10 x 15 % = 0.015; line by line it would be 0.01
    assert sum(one.tax for one in totals.lines) == Decimal("0.02")


LINES = st.lists(
    st.builds(
        lambda price, quantity, tax: line(str(price), str(quantity), tax),
        st.decimals("0", "99999", places=6),
        st.decimals("0.000001", "9999", places=3),
        st.sampled_from(sorted(RATES)),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=100, deadline=None)
@given(LINES)
def test_the_parts_add_up_whatever_is_sold(lines):
    totals = total_up(lines, RATES)
    assert sum(one.subtotal for one in totals.lines) == totals.subtotal
    assert sum(one.tax for one in totals.lines) == totals.tax
    assert sum(one.base for one in totals.taxes) == totals.subtotal
    assert sum(one.amount for one in totals.taxes) == totals.tax
    assert totals.subtotal + totals.tax == totals.total
    for tax in totals.taxes:
        assert abs(tax.amount - tax.base * tax.rate / 100) <= Decimal("0.005")
    for one in totals.lines:
        # half a cent of the rate's own rounding, and half a cent at each end of a line's share
        assert abs(one.tax - one.subtotal * one.rate / 100) <= Decimal("0.015")
