"""One history per component: models and schema agree, each goes up and down, none leaves a trace."""

from __future__ import annotations

import hashlib
import importlib.util

import psycopg
import pytest
from procrastinate.schema import SchemaManager
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from core.adapters.embedded_postgres import OWNER
from core.db import migrate
from core.db.bulk import copy_rows
from core.db.components import CORE, components
from core.db.preflight import preflight
from core.db.roles import statements
from core.db.session import unit_of_work
from core.db.tenancy import ForeignTenantError
from core.errors import SetupError
from core.ids import new_id
from core.models import Branch, Setting


def run(url: str, statement: str) -> list[tuple]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_models_and_migrations_agree(database, host):
    assert migrate.check(database.owner_url, components(host.plugins)) == []


def test_the_preflight_accepts_a_sound_installation(database, host):
    preflight(database.runtime_url, components(host.plugins))


@pytest.mark.parametrize("login", ["postgres", OWNER])
def test_the_preflight_refuses_a_run_time_login_with_too_many_rights(server, database, host, login):
    with pytest.raises(SetupError, match=login):
        preflight(server.url_for(login, database.name), components(host.plugins))


def test_the_preflight_names_a_table_without_its_fence(database, host):
    run(database.owner_url, "ALTER TABLE core_branch NO FORCE ROW LEVEL SECURITY")
    with pytest.raises(SetupError, match="core_branch"):
        preflight(database.runtime_url, components(host.plugins))


def test_the_preflight_names_the_command_for_an_old_schema(database, host):
    run(database.owner_url, "UPDATE alembic_version_core SET version_num = 'core_0001'")
    with pytest.raises(SetupError, match="yupana db upgrade"):
        preflight(database.runtime_url, components(host.plugins))


def test_a_database_that_is_down_is_said_in_one_sentence(host):
    with pytest.raises(SetupError, match=r"127\.0\.0\.1:1/"):
        preflight("postgresql+psycopg://a:b@127.0.0.1:1/yupana", components(host.plugins))


def test_a_second_upgrade_changes_nothing(database, host):
    steps: list[str] = []
    migrate.upgrade(
        database.owner_url, "yupana_app", components(host.plugins), on_step=steps.append
    )
    assert steps == []


def test_each_plugin_goes_without_a_trace_and_comes_back(database, host):
    before = run(database.owner_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    for part in components(host.plugins)[1:]:
        migrate.uninstall(database.owner_url, part)
        prefix = part.prefixes[0].replace("_", r"\_")
        left = run(
            database.owner_url,
            f"SELECT tablename FROM pg_tables WHERE tablename LIKE '{prefix}%' OR tablename = '{part.version_table}'",
        )
        assert left == []
        migrate.upgrade(database.owner_url, "yupana_app", [CORE, part])
    after = run(database.owner_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    assert after == before
    assert migrate.check(database.owner_url, components(host.plugins)) == []


def test_core_cannot_be_uninstalled(database):
    with pytest.raises(SetupError):
        migrate.uninstall(database.owner_url, CORE)


def test_the_job_engines_schema_is_the_one_that_was_reviewed():
    file = next(CORE.versions.glob("core_0002_*.py"))
    spec = importlib.util.spec_from_file_location("core_0002", file)
    revision = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(revision)
    assert hashlib.sha256(SchemaManager.get_schema().encode()).hexdigest() == revision.PINNED


@pytest.mark.parametrize("version", [150000, 180000])
def test_the_printed_roles_have_no_way_round_the_fences(version):
    printed = statements(
        owner="o",
        runtime="r",
        database="d",
        passwords={"o": "it's", "r": "x"},
        server_version=version,
    )
    assert "PASSWORD 'it''s'" in printed[0]
    assert ("INHERIT FALSE" in " ".join(printed)) == (version >= 160000)
    assert all("BYPASSRLS" not in line.replace("NOBYPASSRLS", "") for line in printed)


def test_bulk_rows_pass_the_fence(tenant, other_tenant, now):
    columns = ("id", "tenant_id", "created_at", "key", "value")
    with unit_of_work(tenant.scope) as session:
        rows = [(new_id(), tenant.id, now, f"k{n}", {"n": n}) for n in range(500)]
        copy_rows(session, Setting.__table__, columns, rows)
    with pytest.raises(ForeignTenantError), unit_of_work(tenant.scope) as session:
        copy_rows(session, Setting.__table__, columns, [(new_id(), other_tenant.id, now, "k", 1)])
    with unit_of_work(tenant.scope) as session:
        assert session.query(Setting).count() == 500
        assert session.query(Branch).count() == 1


def test_create_engine_without_scope_sees_nothing(database, tenant):
    engine = create_engine(database.runtime_url, poolclass=NullPool)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM core_branch")) == 0
    engine.dispose()
