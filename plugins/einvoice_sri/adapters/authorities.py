"""The certification authorities that this installation trusts: a PEM file named by the operator."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from core.errors import DomainError, SetupError
from core.settings import Settings
from plugins.einvoice_sri.domain.certificado import Certificado
from plugins.einvoice_sri.domain.verify_chain import read_authorities


def trusted_authorities(settings: Settings) -> tuple[Certificado, ...]:
    """The authorities of ``YUPANA_SRI_AUTHORITIES``; none when it is empty. Raises ``SetupError``."""
    if not settings.sri_authorities:
        return ()
    path = Path(settings.sri_authorities)
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, DomainError) as error:
        raise SetupError(
            f"YUPANA_SRI_AUTHORITIES: {path} holds no certificates that can be read."
        ) from error


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int) -> tuple[Certificado, ...]:
    return tuple(read_authorities(path.read_bytes()))
