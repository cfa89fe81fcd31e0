"""Pages of sales: parse, call a service, render."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.sales.views.accounts import BankAccountPages
from plugins.sales.views.customers import CustomerPages
from plugins.sales.views.invoices import InvoicePages
from plugins.sales.views.notes import NotePages
from plugins.sales.views.pay import PayPages
from plugins.sales.views.payments import PaymentPages
from plugins.sales.views.products import ProductPages
from plugins.sales.views.reissue import ReissuePages
from plugins.sales.views.reports import PaymentReportPages
from plugins.sales.views.salespeople import PinPages, SalespersonPages
from plugins.sales.views.statements import BankStatementPages
from plugins.sales.views.till import TillPages

if TYPE_CHECKING:
    from core.app import Site

PAGES = (
    TillPages,
    InvoicePages,
    ReissuePages,
    NotePages,
    CustomerPages,
    ProductPages,
    SalespersonPages,
    PinPages,
    PaymentPages,
    PaymentReportPages,
    BankStatementPages,
    BankAccountPages,
    PayPages,
)


def register(site: Site) -> None:
    """Add every page of sales to the site."""
    for pages in PAGES:
        site.add_pages(pages, plugin="sales")
