"""How a document's number is written; the series itself belongs to core."""

from __future__ import annotations

import re

MAX_SECUENCIAL = 999_999_999
_NUMERO = re.compile(r"([0-9]{3})-?([0-9]{3})-?([0-9]{9})")


def texto(secuencial: int) -> str:
    """Nine digits: ``123 -> 000000123``. Raises ``ValueError`` outside 1..999999999."""
    if not 1 <= secuencial <= MAX_SECUENCIAL:
        raise ValueError(f"secuencial out of range: {secuencial}")
    return f"{secuencial:09d}"


def numero(establecimiento: str, punto_emision: str, secuencial: str) -> str:
    """``001-002-000000123``, as documents are quoted."""
    return f"{establecimiento}-{punto_emision}-{secuencial}"


def partes(numero_documento: str) -> tuple[str, str, str]:
    """``001-002-000000123`` (or its 15 bare digits) as its three parts; ``ValueError`` otherwise."""
    found = _NUMERO.fullmatch(numero_documento)
    if found is None:
        raise ValueError(f"not a document number: {numero_documento!r}")
    return found[1], found[2], found[3]


def sin_guiones(numero_documento: str) -> str:
    """``001-002-000000123`` as the 15 digits that a retención wants."""
    return "".join(partes(numero_documento))
