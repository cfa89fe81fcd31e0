"""What an upgrade of the schema does once, as the owner: reference data and permissions."""

from __future__ import annotations

from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from core import plugins
from core.db.scope import NOBODY
from core.security.permissions import write
from core.services.reference import seed


def after_upgrade(owner_url: str) -> None:
    """Write the dated reference data of core and the permissions of all loaded plugins.

    Both are idempotent: a second run changes nothing.
    """
    engine = create_engine(owner_url, poolclass=NullPool)
    try:
        with Session(engine, info={"scope": NOBODY}) as session, session.begin():
            seed(session)
            write(session, plugins.host())
    finally:
        engine.dispose()
