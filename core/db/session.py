"""Transactions: the only places of the product that commit.

``unit_of_work()`` opens one in the scope at hand; ``acting_for`` and ``platform_scope`` open a
separate, audited one in another scope. Each hands its scope to PostgreSQL with transaction-local
settings, so any connection pool is safe.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from psycopg import ClientCursor
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.orm import Session, SessionTransaction

from core.db.scope import Scope, current_scope, in_scope
from core.errors import SetupError

PLATFORM_ROLE = "yupana_platform"
SEARCH_PATH = "public,procrastinate"  # the job engine's functions name its tables without a schema


class Database:
    """The pool of run-time connections of one process."""

    def __init__(self, url: str, *, pool_size: int = 5, max_overflow: int = 10) -> None:
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_pre_ping=True,
            connect_args={"options": f"-c search_path={SEARCH_PATH}"},
        )

    def dispose(self) -> None:
        """Close idle connections (at the end, and after a fork)."""
        self.engine.dispose()


_bound: Database | None = None


def bind(database: Database | None) -> None:
    """Make ``database`` the one of this process (None unbinds)."""
    global _bound
    _bound = database


def bound() -> Database:
    """The database of this process. Raises ``SetupError`` before ``bind``."""
    if _bound is None:
        raise SetupError(
            "The database is not open yet: start through the command line or create_app."
        )
    return _bound


_SCOPE = (
    "SELECT set_config('app.tenant_id', %(tenant)s, true), set_config('app.user_id', %(user)s, true),"
    " set_config('app.receiver_ids', %(receivers)s, true),"
    " set_config('app.account_id', %(account)s, true)"
)
_TELL = text(re.sub(r"%\((\w+)\)s", r":\1", _SCOPE))


@event.listens_for(Session, "after_begin")
def _tell_postgres_who_asks(
    session: Session, _: SessionTransaction, connection: Connection
) -> None:
    scope: Scope = session.info.get("scope", current_scope())
    connection.execute(_TELL, _settings(scope))
    if scope.platform:
        connection.execute(text(f"SET LOCAL ROLE {PLATFORM_ROLE}"))


def _settings(scope: Scope) -> dict[str, str]:
    return {
        "tenant": str(scope.tenant_id or ""),
        "user": "" if scope.user_id is None else str(scope.user_id),
        "receivers": _array(scope.receiver_ids),
        "account": str(scope.account_id or ""),
    }


def _array(ids: tuple[UUID, ...]) -> str:
    return "{" + ",".join(str(one) for one in ids) + "}"


@contextmanager
def also_as_receivers(session: Session, receiver_ids: tuple[UUID, ...]) -> Iterator[None]:
    """Let the transaction at hand also write rows of these receivers (publishing to an inbox)."""
    session.flush()
    setting = text("SELECT set_config('app.receiver_ids', :receivers, true)")
    session.execute(setting, {"receivers": _array(receiver_ids)})
    try:
        yield
        session.flush()
    finally:
        scope: Scope = session.info.get("scope", current_scope())
        if session.is_active:
            session.execute(setting, {"receivers": _array(scope.receiver_ids)})


@contextmanager
def unit_of_work(scope: Scope | None = None, **info: Any) -> Iterator[Session]:
    """One transaction in ``scope`` (default: the scope at hand): commits at the end, rolls back on
    any exception. Services receive the session and never commit.
    """
    wanted = current_scope() if scope is None else scope
    with (
        in_scope(wanted),
        Session(bound().engine, expire_on_commit=False, info={"scope": wanted, **info}) as session,
        session.begin(),
    ):
        yield session


@contextmanager
def acting_for(
    tenant_id: UUID, reason: str, *, document_id: UUID | None = None
) -> Iterator[Session]:
    """A separate transaction in the scope of ``tenant_id``, with an audit entry that says why.

    For code that works across tenants: jobs, the portal's download of one document, creation of a
    tenant. ``reason`` is a short English phrase in the present tense.
    """
    from core.services.audit import write_audit

    user = current_scope().user_id
    with unit_of_work(Scope(tenant_id=tenant_id, user_id=user)) as session:
        write_audit(session, action="acting_for", reason=reason, subject_id=document_id)
        yield session


@contextmanager
def tenant_work(tenant_id: UUID) -> Iterator[Session]:
    """One transaction in the scope of a tenant, for workers whose job already names the tenant."""
    with unit_of_work(Scope(tenant_id=tenant_id)) as session:
        yield session


@contextmanager
def tenant_statements(tenant_id: UUID) -> Iterator[Callable[[str, Mapping[str, Any]], int]]:
    """Single statements in the scope of a tenant over one connection: each is a transaction of its own.

    What this gives takes SQL with ``%(name)s`` and its values; it answers how many rows were changed.
    Scope and statement travel in one message, which PostgreSQL runs as one transaction: begin, scope,
    statement and commit as four messages cost eight times as much.
    """
    scope = _settings(Scope(tenant_id=tenant_id))
    alone = bound().engine.execution_options(isolation_level="AUTOCOMMIT")
    with alone.connect() as pooled:
        driver = pooled.connection.driver_connection
        if driver is None:
            raise RuntimeError("the pool gave no connection")
        with ClientCursor(driver) as cursor:

            def run(statement: str, values: Mapping[str, Any]) -> int:
                cursor.execute(f"{_SCOPE}; {statement}", {**scope, **values})
                while cursor.nextset():
                    pass
                return cursor.rowcount

            yield run


@contextmanager
def platform_scope(reason: str) -> Iterator[Session]:
    """Read across all tenants (the operator's platform pages, the scheduler): read only.

    The audit entry is committed before the role changes; the role itself cannot write.
    """
    from core.services.audit import write_platform_audit

    scope = current_scope()
    with unit_of_work(Scope(user_id=scope.user_id)) as session:
        write_platform_audit(session, reason=reason)
    with unit_of_work(Scope(user_id=scope.user_id, platform=True)) as session:
        yield session
