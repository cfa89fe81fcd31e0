"""Tables ``sri_*``."""

from __future__ import annotations

from plugins.einvoice_sri.models import certificates, documents, fetched

ALL: tuple[type, ...] = (*certificates.ALL, *documents.ALL, *fetched.ALL)
