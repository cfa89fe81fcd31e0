"""One look at the database before a command works with it: right server, right login, right schema."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from core.db.base import Base
from core.db.components import Component
from core.db.migrate import head_of, revision_in
from core.db.rls import tenant_tables
from core.errors import SetupError
from core.i18n import _

MINIMUM = 150000


def preflight(url: str, parts: Sequence[Component]) -> None:
    """Refuse an installation that cannot be trusted, with the remedy.

    Checks, on a connection of its own: the server answers and is PostgreSQL 15 or later; the login is
    no superuser, has no BYPASSRLS, owns no table and does not inherit the platform role; row-level
    security is enabled and forced on every tenant table; each component stands at its head.

    Raises:
        SetupError: the first thing that is wrong, as one sentence.
    """
    engine = create_engine(url, poolclass=NullPool)
    try:
        try:
            connection = engine.connect()
        except OperationalError as error:
            raise SetupError(
                _(
                    "The database does not answer at %(place)s: start it, or correct its address.",
                    place=make_url(url).render_as_string(hide_password=True),
                )
            ) from error
        with connection:
            _check_server(connection)
            _check_login(connection)
            _check_schema(connection, parts)
            _check_fences(connection, parts)
    finally:
        engine.dispose()


def _check_server(connection: Connection) -> None:
    version = int(connection.scalar(text("SHOW server_version_num")) or 0)
    if version < MINIMUM:
        raise SetupError(
            _(
                "PostgreSQL %(found)d is too old: version 15 or later is needed.",
                found=version // 10000,
            )
        )


def _check_login(connection: Connection) -> None:
    row = connection.execute(
        text(
            "SELECT rolname, rolsuper, rolbypassrls,"
            " EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            "         WHERE c.relowner = r.oid AND n.nspname = 'public' AND c.relkind = 'r') AS owns,"
            " EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            "         WHERE n.nspname = 'public' AND c.relkind = 'r'"
            "           AND pg_has_role(r.oid, c.relowner, 'MEMBER')) AS member"
            " FROM pg_roles r WHERE rolname = current_user"
        )
    ).one()
    if row.rolsuper or row.rolbypassrls:
        raise SetupError(
            _(
                "The run-time login %(login)s is a superuser or bypasses row-level security: use "
                "another one in DATABASE_URL (see: yupana db roles --sql).",
                login=row.rolname,
            )
        )
    if row.owns or row.member:
        raise SetupError(
            _(
                "The run-time login %(login)s owns the tables: DATABASE_URL and DATABASE_OWNER_URL "
                "need two different logins (see: yupana db roles --sql).",
                login=row.rolname,
            )
        )


def _check_schema(connection: Connection, parts: Sequence[Component]) -> None:
    for part in parts:
        if revision_in(connection, part) != head_of(part):
            raise SetupError(
                _(
                    "The database is not up to date for %(part)s: run yupana db upgrade.",
                    part=part.name,
                )
            )


def _check_fences(connection: Connection, parts: Sequence[Component]) -> None:
    fenced = set(
        connection.scalars(
            text(
                "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE n.nspname = 'public' AND relrowsecurity AND relforcerowsecurity"
            )
        )
    )
    for table in tenant_tables(Base.metadata):
        if any(part.owns(table.name) for part in parts) and table.name not in fenced:
            raise SetupError(
                _(
                    "Row-level security is off on the table %(table)s: run yupana db upgrade, and do "
                    "not switch it off.",
                    table=table.name,
                )
            )
