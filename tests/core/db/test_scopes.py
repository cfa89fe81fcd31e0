"""Two fences: the session's filter, and row-level security with the filter switched off."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from core.db.base import Base
from core.db.rls import scope_of_table, tenant_tables
from core.db.scope import NOBODY, Scope
from core.db.session import acting_for, platform_scope, unit_of_work
from core.db.tenancy import ForeignTenantError, TenantMixin
from core.models import AuditEntry, Branch, IssuePoint, PlatformAudit


def test_the_session_shows_own_rows_only(tenant, other_tenant):
    with unit_of_work(tenant.scope) as session:
        assert [row.id for row in session.scalars(select(Branch))] == [tenant.branch_id]
        assert session.get(Branch, other_tenant.branch_id) is None


def test_nobody_sees_no_row_even_in_plain_sql(tenant, database):
    with unit_of_work(NOBODY) as session:
        assert session.scalar(text("SELECT count(*) FROM core_branch")) == 0


def test_plain_sql_is_fenced_by_the_database(tenant, other_tenant):
    with unit_of_work(tenant.scope) as session:
        assert session.scalar(text("SELECT count(*) FROM core_branch")) == 1
        moved = session.execute(
            text("UPDATE core_branch SET name = 'x' WHERE id = :id"), {"id": other_tenant.branch_id}
        )
        assert moved.rowcount == 0


def test_a_flush_refuses_rows_of_another_tenant(tenant, other_tenant):
    with pytest.raises(ForeignTenantError), unit_of_work(tenant.scope) as session:
        session.add(Branch(tenant_id=other_tenant.id, code="009"))


def test_the_database_refuses_rows_of_another_tenant(tenant, other_tenant):
    with (
        pytest.raises(DBAPIError, match="row-level security"),
        unit_of_work(tenant.scope) as session,
    ):
        session.execute(
            text(
                "INSERT INTO core_branch (id, tenant_id, code, name, address, is_active, created_at)"
                " VALUES (gen_random_uuid(), :t, '009', '', '', true, now())"
            ),
            {"t": other_tenant.id},
        )


def test_a_foreign_key_to_another_tenants_row_is_refused(tenant, other_tenant):
    with pytest.raises(IntegrityError), unit_of_work(tenant.scope) as session:
        session.add(IssuePoint(branch_id=other_tenant.branch_id, code="007"))


def test_acting_for_leaves_an_audit_entry_in_the_other_scope(tenant, other_tenant):
    with unit_of_work(tenant.scope), acting_for(other_tenant.id, "help a neighbour") as session:
        assert session.scalar(select(Branch.id)) == other_tenant.branch_id
    with unit_of_work(other_tenant.scope) as session:
        assert session.scalars(select(AuditEntry.reason)).all() == ["help a neighbour"]
    with unit_of_work(tenant.scope) as session:
        assert session.scalars(select(AuditEntry.reason)).all() == []


def test_the_platform_reads_all_and_writes_nothing(tenant, other_tenant):
    with platform_scope("count branches") as session:
        assert session.scalar(select(func.count()).select_from(Branch)) == 2
        assert session.scalar(select(PlatformAudit.reason)) == "count branches"
        with pytest.raises(DBAPIError, match="permission denied"), session.begin_nested():
            session.execute(text("UPDATE core_branch SET name = 'x'"))


def test_without_set_role_the_platform_policies_do_not_apply(tenant, database):
    with Session(database.database.engine, info={"scope": NOBODY}) as session:
        assert session.scalar(text("SELECT count(*) FROM core_branch")) == 0
        assert session.scalar(text("SELECT count(*) FROM core_platform_audit")) == 0


def test_every_tenant_class_is_fenced_and_keyed_by_tenant(host):
    leaves = {"sales_invoice_line", "billing_charge"}  # large, and no other row refers to them
    for table in tenant_tables(Base.metadata):
        scope = scope_of_table(table)
        if scope in ("tenant", "membership"):
            assert "tenant_id" in table.c, table.name
            keys = {
                tuple(c.name for c in one.columns)
                for one in table.constraints
                if hasattr(one, "columns")
            }
            assert (("tenant_id", "id") in keys) == (table.name not in leaves), table.name
            for index in table.indexes:
                first = next(iter(index.columns)).name
                assert first == "tenant_id" or scope == "membership", index.name


def test_foreign_keys_between_tenant_tables_carry_the_tenant(host):
    mapped = {
        m.local_table.name for m in Base.registry.mappers if issubclass(m.class_, TenantMixin)
    }
    for name in mapped:
        for key in Base.metadata.tables[name].foreign_key_constraints:
            target = key.referred_table.name
            if target in mapped:
                assert key.column_keys[0] == "tenant_id", f"{name} -> {target}"


def test_every_row_of_a_tenant_is_bound_to_one_that_exists(host):
    """By a key of its own, or because it cannot be without a row that is (``child_args``)."""

    def is_bound(table):
        return any(
            key.referred_table.name == "core_tenant"
            or (key.column_keys[0] == "tenant_id" and is_bound(key.referred_table))
            for key in table.foreign_key_constraints
            if key.column_keys[0] == "tenant_id" and not any(one.nullable for one in key.columns)
        )

    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, TenantMixin):
            assert is_bound(mapper.local_table), mapper.local_table.name


def test_scope_survives_a_recycled_connection(tenant, database):
    with unit_of_work(tenant.scope) as session:
        assert session.scalar(select(func.count()).select_from(Branch)) == 1
    with unit_of_work(Scope()) as session:
        assert session.scalar(text("SELECT count(*) FROM core_branch")) == 0
