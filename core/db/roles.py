"""The logins of an installation, and what an administrator must run to make them.

Three roles (architecture, People and scopes): the owner (migrations, backup), the run-time login
(bound by row-level security) and ``yupana_platform`` (NOLOGIN, reads across tenants, only by
``SET ROLE``). None is superuser or has BYPASSRLS.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.db.session import PLATFORM_ROLE

PG16 = 160000


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def statements(
    *,
    owner: str,
    runtime: str,
    database: str,
    passwords: Mapping[str, str],
    server_version: int,
    create_database: bool = True,
) -> list[str]:
    """SQL for a superuser, one statement each, in order.

    The run-time login must not *inherit* the platform role: a policy ``TO`` a role holds for
    everyone who inherits it.
    """
    member = " WITH INHERIT FALSE, SET TRUE" if server_version >= PG16 else ""
    made = [
        f'CREATE ROLE "{owner}" LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE PASSWORD {_quoted(passwords[owner])}',
        f'CREATE ROLE "{runtime}" LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD {_quoted(passwords[runtime])}',
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{PLATFORM_ROLE}') THEN CREATE ROLE {PLATFORM_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS; END IF; END $$",
        f'GRANT {PLATFORM_ROLE} TO "{runtime}"{member}',
    ]
    if create_database:
        made.append(
            f'CREATE DATABASE "{database}" OWNER "{owner}" TEMPLATE template0 ENCODING \'UTF8\''
        )
    made += [
        f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC',
        f'GRANT CONNECT, TEMPORARY ON DATABASE "{database}" TO "{runtime}"',
    ]
    return made
