"""REST API of sales under ``/api/v1/sales``: parse, call a service, serialise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.sales.api.customers import CustomerApi
from plugins.sales.api.invoices import InvoiceApi
from plugins.sales.api.payments import PaymentApi
from plugins.sales.api.products import ProductApi
from plugins.sales.api.reports import PaymentReportApi

if TYPE_CHECKING:
    from core.app import Site

APIS = (CustomerApi, ProductApi, InvoiceApi, PaymentApi, PaymentReportApi)


def register(site: Site) -> None:
    """Add every API of sales to the site."""
    for api in APIS:
        site.add_api(api, plugin="sales")
