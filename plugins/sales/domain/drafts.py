"""What a draft must be before it can become an invoice; each refusal names field, cause and remedy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from core.contracts.sales import CustomerData, InvoiceDraft, InvoiceLineDraft
from core.domain.money import ZERO, to_micros
from core.errors import DomainError
from core.i18n import _
from plugins.sales.domain.totals import DocumentTotals, line_net
from plugins.sales.domain.vocabulary import (
    FINAL_CONSUMER_LIMIT,
    FINAL_CONSUMER_TYPE,
    MAX_LINES,
    PAYMENT_FORMS,
)

MAX_INFO: Final = 15  # campoAdicional: at most 15 of 300 characters


def check_drafts(drafts: Sequence[InvoiceDraft], *, today: date) -> None:
    """Raise ``DomainError`` when one of ``drafts`` cannot be an invoice on ``today``."""
    for draft in drafts:
        _check_draft(draft, today)
    lines = {id(line): line for draft in drafts for line in draft.lines}  # many may share one
    for line in lines.values():
        check_line(line)


def _check_draft(draft: InvoiceDraft, today: date) -> None:
    if not draft.lines:
        raise DomainError(
            _("The invoice has no lines. Add at least one product or service."),
            code="invoice_without_lines",
            field="lines",
        )
    if len(draft.lines) > MAX_LINES:
        raise DomainError(
            _("The invoice has more than %(limit)s lines. Split it into several.", limit=MAX_LINES),
            code="too_many_lines",
            field="lines",
        )
    if draft.issued_on > today:
        raise DomainError(
            _("The issue date is in the future. SRI accepts today or an earlier day."),
            code="issued_in_future",
            field="issued_on",
        )
    if draft.due_on is not None and draft.due_on < draft.issued_on:
        raise DomainError(
            _("The due date is before the issue date. Choose a later day."),
            code="due_before_issue",
            field="due_on",
        )
    if draft.payment_method not in PAYMENT_FORMS:
        raise DomainError(
            _("The payment form is not in SRI's table 24. Choose one of the list."),
            code="unknown_payment_form",
            field="payment_method",
        )
    if not 0 < len(draft.source_key) <= 120 or not 0 < len(draft.source) <= 20:
        raise DomainError(
            _("The request has no usable key of its own. Send a key of 1 to 120 characters."),
            code="bad_source_key",
            field="source_key",
        )
    check_info(draft.additional_info)


def check_info(info: Sequence[tuple[str, str]]) -> None:
    """Raise ``DomainError`` for additional fields that the document cannot carry."""
    if len(info) > MAX_INFO or any(
        not name or not value or len(name) > 300 or len(value) > 300 for name, value in info
    ):
        raise DomainError(
            _("Additional information takes at most 15 fields of 1 to 300 characters. Shorten it."),
            code="bad_additional_info",
            field="additional_info",
        )


def check_line(line: InvoiceLineDraft) -> None:
    """Raise ``DomainError`` for a line that the document cannot carry."""
    if not line.description or len(line.description) > 300 or "\n" in line.description:
        raise DomainError(
            _("A line needs a description of 1 to 300 characters on one line. Correct it."),
            code="bad_description",
            field="description",
        )
    if not 0 < len(line.code) <= 25:
        raise DomainError(
            _("A line needs a product code of 1 to 25 characters. Correct it."),
            code="bad_product_code",
            field="code",
        )
    if not line.quantity.is_finite() or line.quantity <= 0 or _finer(line.quantity):
        raise DomainError(
            _("The quantity must be more than zero, with at most six decimals. Correct it."),
            code="bad_quantity",
            field="quantity",
        )
    if not line.unit_price.is_finite() or line.unit_price < 0 or _finer(line.unit_price):
        raise DomainError(
            _("The unit price cannot be negative nor have more than six decimals. Correct it."),
            code="bad_unit_price",
            field="unit_price",
        )
    if (
        not line.discount.is_finite()
        or line.discount < ZERO
        or line_net(line.quantity, line.unit_price, line.discount) < ZERO
    ):
        raise DomainError(
            _("The discount cannot be negative nor larger than the line. Correct it."),
            code="bad_discount",
            field="discount",
        )


def _finer(value: Decimal) -> bool:
    return to_micros(value) != value


def check_receiver(customer: CustomerData, totals: DocumentTotals) -> None:
    """Raise ``DomainError`` when the total does not suit the receiver.

    A sale to the final consumer may not exceed US$ 50 (ficha técnica, 9.10); an invoice has an amount.
    """
    if totals.total <= ZERO:
        raise DomainError(
            _("The invoice adds up to zero. Check quantities, prices and discounts."),
            code="invoice_of_zero",
            field="lines",
        )
    if customer.tax_id_type == FINAL_CONSUMER_TYPE and totals.total > FINAL_CONSUMER_LIMIT:
        raise DomainError(
            _(
                "A sale to the final consumer may not exceed $ 50.00. Ask the customer for the cédula"
                " or RUC and choose him with F2."
            ),
            code="final_consumer_limit",
            field="customer_id",
        )
