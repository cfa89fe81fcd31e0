"""Errors that a document can cause before anybody is asked."""

from __future__ import annotations

from core.errors import DomainError


class DocumentoIlegible(DomainError):
    """The bytes are no document of SRI's scheme; ``code`` starts with ``sri_xml_``."""


class DocumentoIncompleto(DomainError):
    """What was asked for cannot become a document; ``field`` names the request's field."""
