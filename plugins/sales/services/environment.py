"""The SRI environment in which the tenant numbers its documents."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.services import settings

KEY = "einvoice_sri.environment"
TESTS = 1


def read_environment(session: Session) -> int:
    """1 pruebas, 2 producción; 1 where no plugin for fiscal documents is enabled."""
    try:
        return int(settings.read(session, KEY) or TESTS)
    except KeyError:
        return TESTS
