"""Pages of electronic documents and of the certificate vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.einvoice_sri.views.certificates import CertificatePages, UploadPages

if TYPE_CHECKING:
    from core.web.site import Site

PAGES = (CertificatePages, UploadPages)


def register(site: Site) -> None:
    """Add every page of electronic documents to the site."""
    for pages in PAGES:
        site.add_pages(pages, plugin="einvoice_sri")
