"""Rows as arrays in one statement, and single statements in one message: the same fences as anywhere."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from core.db.arrays import insert_rows, update_rows
from core.db.session import bound, tenant_statements, unit_of_work
from core.ids import new_id
from core.models import ScheduleRun, Secret, Setting

TRICKY = 'a "quoted", {braced} \\ back, line\nbreak, NULL, ñ€'


def test_rows_come_back_as_they_were_given(tenant):
    values = [TRICKY, {"a": [1, None, "{x}"]}, 1.5, True]
    rows = [{"key": f"k{at}", "value": one} for at, one in enumerate(values)]
    with unit_of_work(tenant.scope) as session:
        insert_rows(session, Setting, rows)
        insert_rows(session, Secret, [{"name": TRICKY, "sealed": b'\x00\\\xff"{'}])
    with unit_of_work(tenant.scope) as session:
        found = session.scalars(select(Setting).order_by(Setting.key)).all()
        assert [one.value for one in found] == values
        assert {one.tenant_id for one in found} == {tenant.id}
        secret = session.scalars(select(Secret)).one()
        assert (secret.name, secret.sealed) == (TRICKY, b'\x00\\\xff"{')


def test_an_update_reaches_own_rows_only(tenant, other_tenant):
    ids = {}
    for one in (tenant, other_tenant):
        ids[one.id] = new_id()
        with unit_of_work(one.scope) as session:
            insert_rows(session, Setting, [{"id": ids[one.id], "key": "k", "value": 1}])
    with unit_of_work(tenant.scope) as session:
        changed = [
            {"id": one, "key": f"changed{at}", "value": at} for at, one in enumerate(ids.values())
        ]
        update_rows(session, Setting, changed)
    with unit_of_work(tenant.scope) as session:
        assert session.scalars(select(Setting.key)).all() == ["changed0"]
    with unit_of_work(other_tenant.scope) as session:
        assert session.scalars(select(Setting.key)).all() == ["k"]


def test_what_exists_is_left_or_refused(tenant):
    rows = [{"key": "k", "value": 1}]
    with unit_of_work(tenant.scope) as session:
        insert_rows(session, Setting, rows)
        insert_rows(session, Setting, rows, on_conflict="DO NOTHING")
        with pytest.raises(DBAPIError, match="uq_core_setting"), session.begin_nested():
            insert_rows(session, Setting, rows)
        with pytest.raises(DBAPIError, match="too long"), session.begin_nested():
            insert_rows(session, Setting, [{"key": "x" * 121, "value": 1}])


def test_a_naive_datetime_is_a_bug_here_too(tenant):
    naive = {"schedule": "x", "due_at": datetime(2026, 4, 25, 8)}
    with unit_of_work(tenant.scope) as session, pytest.raises(ValueError, match="naive"):
        insert_rows(session, ScheduleRun, [naive])


def test_single_statements_commit_one_by_one_in_their_scope(tenant, other_tenant):
    change = "UPDATE core_branch SET name = %(name)s WHERE id = %(id)s"
    with tenant_statements(tenant.id) as run:
        assert run(change, {"name": TRICKY, "id": tenant.branch_id}) == 1
        with unit_of_work(tenant.scope) as session:  # committed at once
            assert session.scalar(text("SELECT name FROM core_branch")) == TRICKY
        assert run(change, {"name": "theirs", "id": other_tenant.branch_id}) == 0
    with bound().engine.connect() as connection:  # the scope has gone with its statement
        left = "SELECT current_setting('app.tenant_id', true)"
        assert connection.scalar(text(left)) in ("", None)
