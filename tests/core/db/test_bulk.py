"""Mass writes store exactly what was given, for the own tenant only."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from core.db import bulk
from core.db.bulk import ASIDE_FROM, copy_rows, stage_rows
from core.db.session import unit_of_work
from core.db.tenancy import ForeignTenantError
from core.ids import new_id
from core.models import Blob, Setting, StoredEvent, TaxRegime

COLUMNS = ("id", "tenant_id", "created_at", "key", "value")
AT = datetime(2026, 4, 25, 13, 0, tzinfo=UTC)
TRICKY = ["tab\there", "line\nbreak\r", "back\\slash \\N \\.", "", "ñandú 🧾", '"quotes"', "\\N"]
JSON = [
    "text",
    "\\N",
    7,
    True,
    1.5,
    [],
    {"a": [1, "b\\", None], "ñ": "tab\t"},
    [["x", "1.10"]],
]


@pytest.fixture(params=[0, bulk.FEW], autouse=True)
def few(request, monkeypatch):
    """Once by COPY whatever there is to write, once by the way that suits the number of rows."""
    monkeypatch.setattr(bulk, "FEW", request.param)


def test_values_come_back_as_given(tenant):
    rows = [(new_id(), tenant.id, AT, f"{n} {TRICKY[n % 7]}", one) for n, one in enumerate(JSON)]
    with unit_of_work(tenant.scope) as session:
        copy_rows(session, Setting.__table__, COLUMNS, rows)
        more = [(new_id(), tenant.id, AT, one or "empty", "again") for one in TRICKY]
        copy_rows(session, Setting.__table__, COLUMNS, more)
    with unit_of_work(tenant.scope) as session:
        found = {
            one.id: (one.key, one.value, one.created_at) for one in session.scalars(select(Setting))
        }
    assert found == {row[0]: (row[3], row[4], row[2]) for row in rows + more}


def test_bytes_dates_and_nothing(tenant):
    blob, regime = new_id(), new_id()
    raw = bytes(range(256))
    with unit_of_work(tenant.scope) as session:
        copy_rows(
            session,
            Blob.__table__,
            ("id", "tenant_id", "created_at", "media_type", "filename", "sha256", "content"),
            [(blob, tenant.id, AT, "x/y", "", "0" * 64, raw)],
        )
        copy_rows(
            session,
            TaxRegime.__table__,
            (
                *("id", "tenant_id", "created_at", "valid_from", "regime", "keeps_accounts"),
                *("withholding_agent_resolution", "special_taxpayer_resolution"),
                *("large_taxpayer_resolution", "confirmed_on"),
            ),
            [(regime, tenant.id, AT, date(2026, 1, 1), "general", True, "", "", "", None)],
        )
    with unit_of_work(tenant.scope) as session:
        assert session.get_one(Blob, blob).content == raw
        row = session.get_one(TaxRegime, regime)
        assert (row.valid_from, row.keeps_accounts, row.confirmed_on) == (
            date(2026, 1, 1),
            True,
            None,
        )


@pytest.mark.parametrize("rows_of_one", [1, 2, 40])
@pytest.mark.parametrize("count", [1, 30, ASIDE_FROM])
def test_values_that_rows_have_in_common_come_back_as_given(tenant, rows_of_one, count):
    facts = [(tenant.id, AT, one) for one in JSON * 70]
    rows = [(new_id(), f"{n} {TRICKY[n % 7]}", facts[n // rows_of_one]) for n in range(count)]
    with unit_of_work(tenant.scope) as session:
        alike = ("tenant_id", "created_at", "value")
        copy_rows(session, Setting.__table__, ("id", "key"), rows, alike=alike)
    with unit_of_work(tenant.scope) as session:
        found = {
            one.id: (one.key, one.value, one.created_at) for one in session.scalars(select(Setting))
        }
    assert found == {key: (name, value, AT) for key, name, (_, _, value) in rows}


def test_what_rows_have_in_common_and_what_comes_late_go_together(tenant):
    facts = [(tenant.id, AT, {"of": one}) for one in TRICKY]
    rows = [(new_id(), facts[n // 10 % 7]) for n in range(100)]
    with unit_of_work(tenant.scope) as session:
        for some in (rows[:50], rows[50:]):
            staged = stage_rows(
                session,
                Setting.__table__,
                ("id",),
                some,
                alike=("tenant_id", "created_at", "value"),
            )
            staged.insert(key=[f"key of {one[0]}" for one in some])
    with unit_of_work(tenant.scope) as session:
        found = {one.id: (one.key, one.value) for one in session.scalars(select(Setting))}
    assert found == {key: (f"key of {key}", value) for key, (_, _, value) in rows}


def test_rows_of_other_columns_share_no_values(tenant):
    facts = {prefix: (tenant.id, AT, prefix) for prefix in ("first", "second")}
    alike = ("tenant_id", "created_at", "value")
    first = [(new_id(), f"first {n}", facts["first"]) for n in range(50)]
    second = [(new_id(), facts["second"]) for n in range(50)]
    with unit_of_work(tenant.scope) as session:
        one = stage_rows(session, Setting.__table__, ("id", "key"), first, alike=alike)
        other = stage_rows(session, Setting.__table__, ("id",), second, alike=alike)
        one.insert()
        other.insert(key=[f"second {n}" for n in range(50)])
    with unit_of_work(tenant.scope) as session:
        assert all(one.key.split()[0] == one.value for one in session.scalars(select(Setting)))
        assert session.scalar(select(func.count()).select_from(Setting)) == 100


def test_a_foreign_tenant_among_what_rows_have_in_common_is_refused(tenant, other_tenant):
    facts = [(one.id, AT, 1) for one in (tenant, other_tenant)]
    rows = [(new_id(), f"key {n}", facts[n // 60]) for n in range(100)]
    with pytest.raises(ForeignTenantError), unit_of_work(tenant.scope) as session:
        alike = ("tenant_id", "created_at", "value")
        copy_rows(session, Setting.__table__, ("id", "key"), rows, alike=alike)


def test_the_first_rows_of_a_table_bring_its_statistics(tenant, database):
    """Plans of foreign keys for a table that seems empty read all rows of the tenant for each."""

    def known():
        with psycopg.connect(database.owner_url.replace("+psycopg", "")) as connection:
            row = connection.execute(
                "SELECT reltuples FROM pg_class WHERE oid = 'core_setting'::regclass"
            ).fetchone()
            return int(row[0])

    assert known() <= 0
    for expected in (ASIDE_FROM, ASIDE_FROM):  # only the first: later ones are autovacuum's
        with unit_of_work(tenant.scope) as session:
            rows = [(new_id(), tenant.id, AT, f"{new_id()}", n) for n in range(ASIDE_FROM)]
            copy_rows(session, Setting.__table__, COLUMNS, rows)
        assert known() == expected


def test_nobody_waits_for_statistics(tenant, database):
    rows = [(new_id(), tenant.id, AT, f"{new_id()}", n) for n in range(ASIDE_FROM)]
    with psycopg.connect(database.owner_url.replace("+psycopg", "")) as other:
        other.execute("LOCK TABLE core_setting IN SHARE UPDATE EXCLUSIVE MODE")
        with unit_of_work(tenant.scope) as session:
            session.execute(text("SET LOCAL statement_timeout = '30s'"))
            copy_rows(session, Setting.__table__, COLUMNS, rows)
    with unit_of_work(tenant.scope) as session:
        assert session.scalar(select(func.count()).select_from(Setting)) == ASIDE_FROM


def test_many_transactions_on_one_connection(tenant):
    for n in range(3):
        with unit_of_work(tenant.scope) as session:
            row = (new_id(), tenant.id, AT, f"key {n}", n)
            copy_rows(session, Setting.__table__, COLUMNS, [row])
    with unit_of_work(tenant.scope) as session:
        assert sorted(session.scalars(select(Setting.value))) == [0, 1, 2]


def test_foreign_rows_and_repeats_are_refused(tenant, other_tenant):
    row = (new_id(), tenant.id, AT, "key", 1)
    with pytest.raises(ForeignTenantError), unit_of_work(other_tenant.scope) as session:
        copy_rows(session, Setting.__table__, COLUMNS, [row])
    with unit_of_work(tenant.scope) as session:
        copy_rows(session, Setting.__table__, COLUMNS, [row])
    with pytest.raises(IntegrityError), unit_of_work(tenant.scope) as session:
        copy_rows(session, Setting.__table__, COLUMNS, [row])


def test_what_is_written_aside_is_there_for_the_next_statement_and_refused_before_the_commit(
    tenant,
):
    def rows(prefix):
        return [(new_id(), tenant.id, AT, f"{prefix} {n}", n) for n in range(ASIDE_FROM)]

    count = select(func.count()).select_from(Setting)
    with unit_of_work(tenant.scope) as session:
        copy_rows(session, Setting.__table__, COLUMNS, rows("first"))
        copy_rows(session, Setting.__table__, COLUMNS, rows("second"))
        assert session.scalar(count) == 2 * ASIDE_FROM
    for again in (["first"], ["new", "first"], ["first", "new"]):
        with pytest.raises(IntegrityError), unit_of_work(tenant.scope) as session:
            for prefix in again:
                copy_rows(session, Setting.__table__, COLUMNS, rows(prefix))
    with unit_of_work(tenant.scope) as session:
        with pytest.raises(RuntimeError, match="changed our mind"), session.begin_nested():
            copy_rows(session, Setting.__table__, COLUMNS, rows("first"))
            raise RuntimeError("changed our mind")
        assert session.scalar(count) == 2 * ASIDE_FROM
        with pytest.raises(IntegrityError), session.begin_nested():
            copy_rows(session, Setting.__table__, COLUMNS, rows("first"))
        copy_rows(session, Setting.__table__, COLUMNS, rows("third"))
    with unit_of_work(tenant.scope) as session:
        assert session.scalar(count) == 3 * ASIDE_FROM


@pytest.mark.parametrize("count", [3, ASIDE_FROM])
def test_the_last_values_come_with_the_insert(tenant, count):
    rows = [(new_id(), tenant.id, AT, {"n": n}) for n in range(count)]
    keys = [f'{n} "{TRICKY[n % 7]}' for n in range(count)]
    staged_columns = ("id", "tenant_id", "created_at", "value")
    with unit_of_work(tenant.scope) as session:
        staged = stage_rows(session, Setting.__table__, staged_columns, rows)
        assert session.scalar(select(func.count()).select_from(Setting)) == 0
        staged.insert(key=keys)
    with unit_of_work(tenant.scope) as session:
        found = {one.id: (one.key, one.value) for one in session.scalars(select(Setting))}
    assert found == {row[0]: (key, row[3]) for row, key in zip(rows, keys, strict=True)}


def test_staged_rows_are_not_mistaken_for_others(tenant):
    first, second = ([(new_id(), tenant.id, AT, f"k{n}", n) for n in range(30)] for _ in "12")
    with unit_of_work(tenant.scope) as session:
        early = stage_rows(session, Setting.__table__, COLUMNS, first)
        late = stage_rows(session, Setting.__table__, COLUMNS, second)
        with pytest.raises(RuntimeError, match="no longer staged"):
            early.insert()
        late.insert()
        with pytest.raises(RuntimeError, match="no longer staged"):
            late.insert()
        assert set(session.scalars(select(Setting.id))) == {row[0] for row in second}


def test_what_cannot_be_written_is_named(tenant):
    class Odd:
        pass

    with pytest.raises((TypeError, DBAPIError), match="Odd"), unit_of_work(tenant.scope) as session:
        copy_rows(
            session,
            StoredEvent.__table__,
            ("id", "tenant_id", "created_at", "name", "version", "payload", "occurred_at"),
            [(new_id(), tenant.id, AT, Odd(), Decimal(1), {}, AT)],
        )
