"""Pages of electronic documents and of the certificate vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.i18n import _
from core.web.shell import add_strip
from plugins.einvoice_sri.adapters.gateways import is_simulated
from plugins.einvoice_sri.api import DocumentApi, PurchaseApi
from plugins.einvoice_sri.views.certificates import CertificatePages, UploadPages
from plugins.einvoice_sri.views.documents import DocumentPages
from plugins.einvoice_sri.views.fetched import FetchedPages
from plugins.einvoice_sri.views.purchases import PurchasePages

if TYPE_CHECKING:
    from core.web.site import Site

PAGES = (DocumentPages, PurchasePages, FetchedPages, CertificatePages, UploadPages)


def register(site: Site) -> None:
    """Add every page of electronic documents to the site."""
    for pages in PAGES:
        site.add_pages(pages, plugin="einvoice_sri")
    for api in (DocumentApi, PurchaseApi):
        site.add_api(api, plugin="einvoice_sri")
    if is_simulated(site.settings):
        site.app.before_request(_say_simulation)


def _say_simulation() -> None:
    add_strip("warn", "SIMULACIÓN", _("Documents go to a simulator of SRI: nothing has tax value."))
