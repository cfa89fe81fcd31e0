"""Customers: find or create in bulk, change, search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select, true, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.contracts.sales import CustomerData
from core.db.tenancy import scope_of, utc_now
from core.domain import tax_ids
from core.errors import Conflict, DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from plugins.sales.domain.customers import FINAL_CONSUMER, clean, search_key
from plugins.sales.domain.vocabulary import FINAL_CONSUMER_TYPE
from plugins.sales.models import Customer
from plugins.sales.services.prepare_drafts import read_customers as _read_customers

CHUNK = 1000


def ensure_customers(session: Session, customers: Sequence[CustomerData]) -> list[UUID]:
    """Find by (type, tax id) or create each customer; ids in the order given.

    What is known of an existing customer stays. Raises ``DomainError`` for one that cannot be.
    """
    tidy = [checked(one) for one in customers]
    ids: dict[tuple[str, str], UUID] = {}
    wanted = {(one.tax_id_type, one.tax_id): one for one in reversed(tidy)}
    keys = list(wanted)
    for start in range(0, len(keys), CHUNK):
        part = keys[start : start + CHUNK]
        ids |= _known(session, part)
        missing = [wanted[key] for key in part if key not in ids]
        if missing:
            tenant = scope_of(session).tenant_id
            session.execute(
                insert(Customer.__table__).on_conflict_do_nothing(),  # type: ignore[arg-type]
                [
                    {
                        "id": new_id(),
                        "tenant_id": tenant,
                        "created_at": utc_now(),
                        "is_withholding_agent": False,
                        "payment_term_days": 0,
                        "note": "",
                        "is_active": True,
                        **_columns(one),
                    }
                    for one in missing
                ],
            )
            ids |= _known(session, [(one.tax_id_type, one.tax_id) for one in missing])
    return [ids[(one.tax_id_type, one.tax_id)] for one in tidy]


def _known(session: Session, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
    rows = session.execute(
        select(Customer.tax_id_type, Customer.tax_id, Customer.id).where(
            tuple_(Customer.tax_id_type, Customer.tax_id).in_(keys)
        )
    )
    return {(kind, number): customer_id for kind, number, customer_id in rows}


def checked(customer: CustomerData) -> CustomerData:
    """The customer with tidy fields. Raises ``DomainError`` naming the field that is wrong."""
    tidy = clean(customer)
    finding = tax_ids.check(tidy.tax_id_type, tidy.tax_id)
    if not finding.is_valid:
        raise DomainError(str(finding.sentence), code=finding.code, field="tax_id")
    return tidy


def read_customers(session: Session, ids: Iterable[UUID]) -> dict[UUID, CustomerData]:
    """What is known of these customers; unknown ids are left out."""
    return _read_customers(session, set(ids))


def _columns(one: CustomerData) -> dict[str, Any]:
    return {
        "tax_id_type": one.tax_id_type,
        "tax_id": one.tax_id,
        "legal_name": one.legal_name,
        "email": one.email,
        "address": one.address,
        "phone": one.phone,
        "search_text": search_key(one.legal_name, one.tax_id)[:340],
    }


def final_consumer(session: Session) -> UUID:
    """The customer row "CONSUMIDOR FINAL" of the tenant."""
    return ensure_customers(session, [FINAL_CONSUMER])[0]


def create_customer(session: Session, customer: CustomerData, **extra: Any) -> UUID:
    """Create a customer. Raises ``Conflict`` when the identification exists already.

    ``extra``: ``is_withholding_agent``, ``payment_term_days``, ``note``.
    """
    tidy = checked(customer)
    known = session.scalar(
        select(Customer.id).where(
            Customer.tax_id_type == tidy.tax_id_type, Customer.tax_id == tidy.tax_id
        )
    )
    if known is not None:
        raise Conflict(
            _("A customer with this identification exists already. Search for it by the number."),
            code="customer_exists",
            field="tax_id",
        )
    stored = Customer(id=new_id(), **_columns(tidy), **extra)
    session.add(stored)
    session.flush()
    return stored.id


def change_customer(
    session: Session, customer_id: UUID, customer: CustomerData, **extra: Any
) -> None:
    """Change what is known of a customer; documents issued before keep what they show."""
    old = session.execute(
        select(Customer.tax_id_type, Customer.tax_id).where(Customer.id == customer_id)
    ).one_or_none()
    if old is None:
        raise NotFound
    if old.tax_id_type == FINAL_CONSUMER_TYPE:
        raise Conflict(
            _("The final consumer is the same for everybody and cannot be changed."),
            code="final_consumer_fixed",
        )
    tidy = checked(customer)
    twin = session.scalar(
        select(Customer.id).where(
            Customer.tax_id_type == tidy.tax_id_type,
            Customer.tax_id == tidy.tax_id,
            Customer.id != customer_id,
        )
    )
    if twin is not None:
        raise Conflict(
            _("A customer with this identification exists already. Search for it by the number."),
            code="customer_exists",
            field="tax_id",
        )
    session.execute(
        update(Customer).where(Customer.id == customer_id).values(**_columns(tidy), **extra)
    )


def matching(query: str) -> Any:
    """The condition that a customer's name or number holds every word of ``query``."""
    return all_words(Customer.search_text, query)


def all_words(column: Any, query: str) -> Any:
    """The condition that ``column`` holds every word of ``query`` (no words: true)."""
    words = search_key(query).split()[:6]
    return and_(true(), *(column.contains(word, autoescape=True) for word in words))
