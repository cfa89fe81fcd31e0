"""Tables ``sri_*``."""

from __future__ import annotations

from plugins.einvoice_sri.models import documents

ALL: tuple[type, ...] = (*documents.ALL,)
