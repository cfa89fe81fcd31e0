"""The amounts of a document about a purchase: rounding half-up to cents, once, and in one place.

The IVA of a rate is computed on the sum of its lines and then shared over them without losing a cent,
so that SRI's own addition (code 52) comes to the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.contracts.fiscal import FiscalLine, FiscalTax, WithheldTax
from core.domain.money import ZERO, percent, split, to_cents, total

IVA = "2"


@dataclass(frozen=True, slots=True)
class BoughtLine:
    """One line of a liquidación as it was entered; ``rate_code`` as in SRI's table 17."""

    code: str
    description: str
    quantity: Decimal
    unit_price: Decimal
    discount: Decimal
    rate_code: str


@dataclass(frozen=True, slots=True)
class PurchaseSums:
    """What a document comes to: lines with their taxes, IVA by rate, subtotal and total (USD)."""

    lines: tuple[FiscalLine, ...] = ()
    taxes: tuple[FiscalTax, ...] = ()
    subtotal: Decimal = ZERO
    total: Decimal = ZERO


def settle(lines: Sequence[BoughtLine], rates: Mapping[str, Decimal]) -> PurchaseSums:
    """Add up a liquidación de compra with ``rates`` (percent by code of IVA).

    Raises ``KeyError`` when a line's code has no rate.
    """
    nets = [to_cents(one.quantity * one.unit_price - one.discount) for one in lines]
    shares = [ZERO] * len(nets)
    taxes = []
    for code in dict.fromkeys(one.rate_code for one in lines):
        at = [index for index, one in enumerate(lines) if one.rate_code == code]
        base = total(nets[index] for index in at)
        taxes.append(FiscalTax(IVA, code, rates[code], base, percent(base, rates[code])))
        if taxes[-1].amount:
            parts = split(taxes[-1].amount, [nets[index] for index in at])
            for index, share in zip(at, parts, strict=True):
                shares[index] = share
    made = tuple(
        FiscalLine(
            code=one.code,
            description=one.description,
            quantity=one.quantity,
            unit_price=one.unit_price,
            discount=to_cents(one.discount),
            subtotal=net,
            taxes=(FiscalTax(IVA, one.rate_code, rates[one.rate_code], net, share),),
        )
        for one, net, share in zip(lines, nets, shares, strict=True)
    )
    subtotal = total(nets)
    return PurchaseSums(made, tuple(taxes), subtotal, subtotal + total(one.amount for one in taxes))


def supported(bases: Sequence[tuple[str, Decimal, Decimal, Decimal | None]]) -> PurchaseSums:
    """Add up the document that is withheld from: ``(rate code, rate, base, IVA)`` for each rate.

    ``IVA`` None is computed; a given one stays as it stands on the supplier's document.
    """
    taxes = tuple(
        FiscalTax(IVA, code, rate, base, percent(base, rate) if amount is None else amount)
        for code, rate, base, amount in bases
    )
    subtotal = total(one.base for one in taxes)
    return PurchaseSums(
        taxes=taxes, subtotal=subtotal, total=subtotal + total(one.amount for one in taxes)
    )


def withhold(tax: str, code: str, base: Decimal, rate: Decimal) -> WithheldTax:
    """One retained tax: ``30.00`` at 3 % is ``0.90``."""
    return WithheldTax(tax, code, base, rate, percent(base, rate))
