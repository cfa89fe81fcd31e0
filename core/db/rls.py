"""The second fence between tenants: row-level security, written into migrations as ``op.fence_table``.

Settings of the transaction say who asks (``core/db/session.py``). With none of them set, no tenant
row exists. The owner role and the platform role have policies of their own; nobody bypasses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Table

from core.db.session import PLATFORM_ROLE

SCOPES = ("tenant", "membership", "receiver", "grant", "platform", "global")

_TENANT = "tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid)"
_PERSON = "user_id = nullif(current_setting('app.user_id', true), '')::integer"
_ACCOUNT = "account_id = nullif(current_setting('app.account_id', true), '')::uuid"
_RECEIVER = "receiver_id = ANY (nullif(current_setting('app.receiver_ids', true), '')::uuid[])"


def scope_of_table(table: Table) -> str:
    """The scope of a mapped table: its ``info["scope"]``; ``tenant`` when it has a tenant column."""
    scope = table.info.get("scope")
    if scope is None:
        scope = "global" if table.name.startswith("ab_") else "tenant"
    if scope not in SCOPES:
        raise ValueError(f"{table.name}: unknown scope {scope!r}")
    return str(scope)


def fence_statements(table: str, scope: str) -> list[str]:
    """SQL that fences one table; empty for a global one."""
    if scope == "global":
        return []
    name = f'"{table}"'
    made = [
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY owner_all ON {name} TO CURRENT_USER USING (true) WITH CHECK (true)",
        f"CREATE POLICY platform_read ON {name} FOR SELECT TO {PLATFORM_ROLE} USING (true)",
    ]
    if scope == "platform":
        made.append(f"CREATE POLICY anyone_adds ON {name} FOR INSERT WITH CHECK (true)")
        return made
    if scope in ("receiver", "grant"):
        if scope == "grant":  # which identities an account may read, known at sign-in
            made.append(f"CREATE POLICY own_account ON {name} FOR SELECT USING ({_ACCOUNT})")
        made.append(
            f"CREATE POLICY own_rows ON {name} USING ({_RECEIVER}) WITH CHECK ({_RECEIVER})"
        )
        return made
    made.append(f"CREATE POLICY own_rows ON {name} USING ({_TENANT}) WITH CHECK ({_TENANT})")
    if scope == "membership":
        made.append(f"CREATE POLICY own_person ON {name} FOR SELECT USING ({_PERSON})")
    return made


def tenant_tables(metadata: Any) -> Iterator[Table]:
    """The tables of the metadata that hold somebody's data."""
    for table in metadata.sorted_tables:
        if scope_of_table(table) != "global":
            yield table
