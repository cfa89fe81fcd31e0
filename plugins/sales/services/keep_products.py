"""Products and services: create, change, find by code or words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.domain.money import ZERO, to_micros
from core.errors import Conflict, DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from core.services import tax_rates
from plugins.sales.domain.customers import search_key
from plugins.sales.domain.vocabulary import PRODUCT_KINDS
from plugins.sales.models import Product


@dataclass(frozen=True, slots=True)
class ProductData:
    """What is known of a product; ``unit_price`` before taxes, ``tax_code`` of SRI table 17."""

    code: str
    name: str
    unit_price: Decimal
    tax_code: str
    kind: str = "good"
    is_active: bool = True


def save_product(
    session: Session, product: ProductData, *, today: date, product_id: UUID | None = None
) -> UUID:
    """Create a product, or change the one with ``product_id``; its id.

    Raises ``DomainError`` naming the field, ``Conflict`` for a code in use, ``NotFound``.
    """
    tidy = _checked(session, product, today)
    twin = session.scalar(select(Product.id).where(Product.code == tidy.code))
    if twin is not None and twin != product_id:
        raise Conflict(
            _("Another product has this code. Choose another code or change that product."),
            code="code_taken",
            field="code",
        )
    columns = {
        "code": tidy.code,
        "name": tidy.name,
        "kind": tidy.kind,
        "unit_price": tidy.unit_price,
        "tax_code": tidy.tax_code,
        "is_active": tidy.is_active,
        "search_text": search_key(tidy.code, tidy.name)[:340],
    }
    if product_id is None:
        stored = Product(id=new_id(), **columns)
        session.add(stored)
        session.flush()
        return stored.id
    changed = session.execute(update(Product).where(Product.id == product_id).values(**columns))
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise NotFound
    return product_id


def _checked(session: Session, product: ProductData, today: date) -> ProductData:
    code, name = product.code.strip(), " ".join(product.name.split())
    if not 0 < len(code) <= 25:
        raise DomainError(
            _("The code takes 1 to 25 characters. Write a short one."),
            code="bad_code",
            field="code",
        )
    if not 0 < len(name) <= 300:
        raise DomainError(
            _("The name takes 1 to 300 characters. Write what the customer reads on the invoice."),
            code="bad_name",
            field="name",
        )
    if product.kind not in PRODUCT_KINDS:
        raise DomainError(
            _("Say whether it is a good or a service."), code="bad_kind", field="kind"
        )
    price = product.unit_price
    if not price.is_finite() or price < ZERO or to_micros(price) != price:
        raise DomainError(
            _("The price cannot be negative nor have more than six decimals. Correct it."),
            code="bad_unit_price",
            field="unit_price",
        )
    tax_rates.rate(session, "2", product.tax_code, today)
    return ProductData(code, name, price, product.tax_code, product.kind, product.is_active)
