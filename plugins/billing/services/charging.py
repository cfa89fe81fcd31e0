"""Charges to invoices: one invoice per payer, usage month and due date (A-24), in the caller's transaction.

The charge rows are written with the invoice, so that a period is either charged and invoiced or neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, cast
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlalchemy import Table, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import plugins
from core.contracts.sales import InvoiceDraft, InvoiceLineDraft, InvoiceRef
from core.contracts.services import InvoiceIssuing, PaymentLinks
from core.db.arrays import among
from core.db.bulk import copy_rows
from core.db.tenancy import scope_of
from core.domain.money import ZERO
from core.domain.payment_codes import payment_code
from core.errors import Conflict
from core.i18n import _
from core.ids import new_ids, texts_of
from core.services import settings
from plugins.billing.domain.invoicing import (
    PlannedCharge,
    derivation_json,
    is_free,
    line_for,
    usage_month,
)
from plugins.billing.models import Charge, Plan
from plugins.billing.services.calendars import read_issue_point
from plugins.billing.settings import TOLERANCE

SOURCE = "billing"
PAYMENT_FORM = "20"  # other with use of the financial system
INVOICES_AT_ONCE = 4000
COLUMNS = ("id", "subscription_id", "invoice_id")
ALIKE = (
    "tenant_id",
    "created_at",
    "run_id",
    "kind",
    "state",
    "period_start",
    "period_end",
    "days",
    "amount",
    "planned_on",
    "issued_on",
    "due_on",
    "suspend_on",
    "derivation",
)


# Lines of the same plan and period are the same line.
_Lines = tuple[InvoiceLineDraft, ...]
_Printed = dict[tuple[int, int, "PlanFacts"], _Lines]


class PlanFacts(NamedTuple):
    """What an invoice line needs of a plan."""

    code: str
    name: str
    tax_code: str


class ToCharge(NamedTuple):
    """A period of a subscription that is about to be invoiced."""

    subscription_id: UUID
    customer_id: UUID
    quantity: int
    plan: PlanFacts
    charge: PlannedCharge
    due_on: date | None
    suspend_on: date | None
    line: InvoiceLineDraft | None = None  # a change of plan brings its own
    planned_on: date | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What every invoice of a batch shares."""

    issue_point_id: UUID
    issued_on: date
    info: tuple[tuple[str, str], ...] = ()
    run_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Charged:
    """What came of a batch."""

    invoices: list[InvoiceRef]
    charges: int
    free: int
    amount: Decimal  # net


def read_plans(session: Session, ids: Iterable[UUID]) -> dict[UUID, PlanFacts]:
    """The facts of these plans."""
    rows = session.execute(
        select(Plan.id, Plan.code, Plan.name, Plan.tax_code).where(Plan.id.in_(set(ids)))
    )
    return {row.id: PlanFacts(row.code, row.name, row.tax_code) for row in rows}


def read_terms(session: Session, issued_on: date, *, run_id: UUID | None = None) -> Terms:
    """The terms of the tenant in scope for invoices issued on a day."""
    words = how_to_pay(session)
    info = (("Forma de pago", words[:300]),) if words else ()
    return Terms(read_issue_point(session), issued_on, info, run_id)


def how_to_pay(session: Session) -> str:
    """The company's own words, or its accounts for deposits and transfers (PW-12)."""
    words = str(settings.read(session, "billing.payment_words")).strip()
    return words or "; ".join(plugins.service(PaymentLinks).accounts(session))


def subscriptions_of(session: Session, invoice_ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
    """The subscriptions that each of these invoices charges; invoices of others are left out."""
    found: dict[UUID, list[UUID]] = {}
    for row in session.execute(
        select(Charge.invoice_id, Charge.subscription_id)
        .where(among(Charge.invoice_id, invoice_ids))
        .order_by(Charge.id)
    ):
        found.setdefault(row.invoice_id, []).append(row.subscription_id)
    return found


def group_by_invoice(batch: Iterable[ToCharge]) -> dict[tuple[Any, ...], list[ToCharge]]:
    """The charges of each invoice: same payer, usage month and due date; free ones are left out."""
    groups: dict[tuple[Any, ...], list[ToCharge]] = {}
    for one in batch:
        if not is_free(one.charge):
            key = (one.customer_id, usage_month(one.charge.period_start), one.due_on)
            groups.setdefault(key, []).append(one)
    return groups


def charge_batch(
    session: Session, batch: Sequence[ToCharge], terms: Terms, *, now: datetime
) -> Charged:
    """Invoice the batch and write its charges.

    A charge of 0.00 is kept without an invoice (R7). Raises ``DomainError`` when one of them cannot
    be invoiced; nothing may then be kept.
    """
    groups = group_by_invoice(batch)
    ids = new_ids(len(groups))
    invoice_of = {
        id(one): made for made, group in zip(ids, groups.values(), strict=True) for one in group
    }
    try:
        _write(session, batch, invoice_of, terms, now)
    except IntegrityError as error:
        if not isinstance(error.orig, UniqueViolation):
            raise
        raise _invoiced_before() from error
    printed: _Printed = {}
    keys = _source_keys([group[0] for group in groups.values()])
    drafts = [
        _draft(made, key, group, terms, printed)
        for made, key, group in zip(ids, keys, groups.values(), strict=True)
    ]
    refs: list[InvoiceRef] = []
    for start in range(0, len(drafts), INVOICES_AT_ONCE):
        part = drafts[start : start + INVOICES_AT_ONCE]
        refs += plugins.service(InvoiceIssuing).issue(session, part, now=now)
    if any(not ref.created for ref in refs):
        raise _invoiced_before()
    _forgive(session, refs, now=now)
    free = len(batch) - len(invoice_of)
    amount = sum((one.charge.amount for one in batch), ZERO)
    return Charged(refs, len(batch), free, amount)


def _forgive(session: Session, refs: Iterable[InvoiceRef], *, now: datetime) -> None:
    """A-19: an invoice of no more than may be missing of one blocks nobody; it stays open in sales."""
    tolerance = Decimal(settings.read(session, TOLERANCE))
    small = [one.id for one in refs if one.total <= tolerance]
    if small:
        charges = update(Charge).where(among(Charge.invoice_id, small))
        session.execute(charges.values(state="paid", paid_at=now))


def _invoiced_before() -> Conflict:
    return Conflict(
        _("One of these periods has an invoice already. Reload the page to see it."),
        code="billing.invoiced_before",
    )


def _draft(
    made: UUID, key: str, group: Sequence[ToCharge], terms: Terms, printed: _Printed
) -> InvoiceDraft:
    first = group[0]
    info = terms.info
    if info:
        info = (*info, ("Código de pago", payment_code(first.customer_id)))
    return InvoiceDraft(
        customer_id=first.customer_id,
        issue_point_id=terms.issue_point_id,
        issued_on=terms.issued_on,
        lines=_lines(group, printed),
        source=SOURCE,
        source_key=key,
        due_on=first.due_on,
        payment_method=PAYMENT_FORM,
        payment_term_days=(first.due_on - terms.issued_on).days if first.due_on else 0,
        additional_info=info,
        id=made,
        by_run=terms.run_id is not None,
    )


def _source_keys(firsts: Sequence[ToCharge]) -> list[str]:
    """Of the first charge of each invoice: the subscription, the period and, of a change, the plan."""
    subscriptions = texts_of([one.subscription_id for one in firsts])
    return [
        f"{subscription}:{one.charge.period_start}"
        + (f":{one.plan.code}" if one.charge.kind == "change" else "")
        for subscription, one in zip(subscriptions, firsts, strict=True)
    ]


def _lines(group: Sequence[ToCharge], printed: _Printed) -> _Lines:
    if len(group) == 1:
        return _lines_of(group[0], printed)
    return tuple([line for one in group for line in _lines_of(one, printed)])


def _lines_of(one: ToCharge, printed: _Printed) -> _Lines:
    if one.line is not None:
        return (one.line,)
    key = (id(one.charge), one.quantity, one.plan)
    lines = printed.get(key)
    if lines is None:
        line = line_for(
            code=one.plan.code,
            plan_name=one.plan.name,
            quantity=one.quantity,
            tax_code=one.plan.tax_code,
            charge=one.charge,
        )
        lines = printed[key] = (line,)
    return lines


def _write(
    session: Session,
    batch: Sequence[ToCharge],
    invoice_of: Mapping[int, UUID],
    terms: Terms,
    now: datetime,
) -> None:
    """The charges, before the numbers of their invoices, for which others wait."""
    tenant = scope_of(session).tenant_id
    known: dict[tuple[Any, ...], tuple[Any, ...]] = {}  # many subscriptions share a charge
    rows = []
    for charge_id, one in zip(new_ids(len(batch)), batch, strict=True):
        invoice_id = invoice_of.get(id(one))
        key = (
            id(one.charge),
            one.due_on,
            one.suspend_on,
            one.planned_on,
            id(one.line),
            invoice_id is None,
        )
        facts = known.get(key)
        if facts is None:
            facts = known[key] = (tenant, now, terms.run_id, *_facts(one, terms, invoice_id))
        rows.append((charge_id, one.subscription_id, invoice_id, facts))
    copy_rows(session, cast(Table, Charge.__table__), COLUMNS, rows, alike=ALIKE)


def _facts(one: ToCharge, terms: Terms, invoice_id: UUID | None) -> tuple[Any, ...]:
    """What its row holds, from the kind on."""
    charge, line = one.charge, one.line
    return (
        charge.kind,
        "free" if invoice_id is None else "open",
        charge.period_start,
        charge.period_end,
        charge.days,
        charge.amount,
        one.planned_on or charge.issue_on,
        terms.issued_on,
        one.due_on,
        one.suspend_on,
        derivation_json(charge.derivation)
        if line is None or line.derivation is None
        else dict(line.derivation),
    )
