"""Totals of a document: net per line, tax per rate, rounding once and in one place.

A line's net is ``quantity x unit_price - discount`` rounded half-up to cents (R7). The tax of a rate
is computed once on the sum of its nets and then shared over its lines without losing a cent, so that
the lines add up to the tax table and the tax table to the total.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.contracts.sales import InvoiceLineDraft, TaxTotal
from core.domain.money import ZERO, percent, split, to_cents


@dataclass(frozen=True, slots=True)
class LineTotal:
    """The amounts of one line: ``subtotal`` without tax, and its share of the tax."""

    subtotal: Decimal
    tax_code: str
    rate: Decimal  # percent
    tax: Decimal


@dataclass(frozen=True, slots=True)
class DocumentTotals:
    """The amounts of a document; ``subtotal + tax == total`` and the parts add up."""

    lines: tuple[LineTotal, ...]
    taxes: tuple[TaxTotal, ...]
    subtotal: Decimal
    discount: Decimal
    tax: Decimal
    total: Decimal


def line_net(quantity: Decimal, unit_price: Decimal, discount: Decimal = ZERO) -> Decimal:
    """The net of a line in cents: ``3 x 1.005 - 0.00`` is ``3.02``."""
    return to_cents(quantity * unit_price - discount)


def total_up(lines: Sequence[InvoiceLineDraft], rates: Mapping[str, Decimal]) -> DocumentTotals:
    """Totals of ``lines`` with ``rates`` (percent by tax code).

    >>> one = InvoiceLineDraft("A", "a", Decimal(1), Decimal("13.33"), "4")
    >>> total_up([one], {"4": Decimal(15)}).total
    Decimal('15.33')

    Raises ``KeyError`` when a line's tax code has no rate.
    """
    nets = [line_net(one.quantity, one.unit_price, one.discount) for one in lines]
    by_code: dict[str, list[int]] = {}
    for index, line in enumerate(lines):
        by_code.setdefault(line.tax_code, []).append(index)
    shares: list[Decimal] = [ZERO] * len(nets)
    taxes: list[TaxTotal] = []
    tax_sum = ZERO
    for code, indexes in by_code.items():
        rate = rates[code]
        base = nets[indexes[0]] if len(indexes) == 1 else sum((nets[i] for i in indexes), ZERO)
        amount = percent(base, rate)
        tax_sum += amount
        taxes.append(TaxTotal(code, rate, base, amount))
        if len(indexes) == 1:
            shares[indexes[0]] = amount
        elif amount:
            for index, share in zip(
                indexes, split(amount, [nets[i] for i in indexes]), strict=True
            ):
                shares[index] = share
    subtotal = sum(nets, ZERO)
    return DocumentTotals(
        lines=tuple(
            LineTotal(net, line.tax_code, rates[line.tax_code], share)
            for line, net, share in zip(lines, nets, shares, strict=True)
        ),
        taxes=tuple(taxes),
        subtotal=subtotal,
        discount=sum((to_cents(one.discount) for one in lines), ZERO),
        tax=tax_sum,
        total=subtotal + tax_sum,
    )
