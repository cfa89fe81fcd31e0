"""Numbers: gapless, one series per point, kind and environment, whoever asks at the same time."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from core.db.session import unit_of_work
from core.errors import Conflict, DomainError, NotFound
from core.services.numbering import allocate, start_at


def take(scope, point, **given):
    with unit_of_work(scope) as session:
        return allocate(
            session,
            issue_point_id=point,
            **({"document_kind": "01", "environment": 1} | given),
        )


def test_a_series_begins_at_one_and_goes_on(tenant):
    first = take(tenant.scope, tenant.till_id)
    assert first.written(first.first) == "001-001-000000001"
    many = take(tenant.scope, tenant.till_id, count=500)
    assert (many.first, list(many)[-1]) == (2, 501)
    assert take(tenant.scope, tenant.till_id).first == 502
    # another kind, another environment, another point: series of their own
    assert take(tenant.scope, tenant.till_id, document_kind="04").first == 1
    assert take(tenant.scope, tenant.till_id, environment=2).first == 1
    assert take(tenant.scope, tenant.run_id).written(1) == "001-002-000000001"


def test_a_rollback_leaves_no_gap(tenant):
    with pytest.raises(RuntimeError), unit_of_work(tenant.scope) as session:
        allocate(session, issue_point_id=tenant.till_id, document_kind="01", environment=1, count=9)
        raise RuntimeError("the invoice was not written")
    assert take(tenant.scope, tenant.till_id).first == 1


def test_two_at_once_never_share_a_number(tenant):
    taken: list[int] = []
    start = threading.Barrier(8)

    def sell():
        start.wait()
        for _ in range(5):
            taken.extend(take(tenant.scope, tenant.till_id, count=3))

    sellers = [threading.Thread(target=sell) for _ in range(8)]
    for one in sellers:
        one.start()
    for one in sellers:
        one.join()
    assert sorted(taken) == list(range(1, 8 * 5 * 3 + 1))


def test_a_foreign_point_does_not_exist(tenant, other_tenant):
    with pytest.raises(NotFound):
        take(tenant.scope, other_tenant.till_id)


def test_a_series_starts_anywhere_and_never_goes_back(tenant):
    point = {"issue_point_id": tenant.till_id, "document_kind": "01", "environment": 1}
    with unit_of_work(tenant.scope) as session:
        start_at(session, **point, number=4_821)
    assert take(tenant.scope, tenant.till_id).first == 4_821
    with pytest.raises(Conflict), unit_of_work(tenant.scope) as session:
        start_at(session, **point, number=4_821)
    with pytest.raises(DomainError), unit_of_work(tenant.scope) as session:
        start_at(session, **point, number=0)


def test_the_last_number_is_nine_nines(tenant):
    with unit_of_work(tenant.scope) as session:
        point = {"issue_point_id": tenant.till_id, "document_kind": "01", "environment": 1}
        start_at(session, **point, number=999_999_999)
    assert take(tenant.scope, tenant.till_id).first == 999_999_999
    with pytest.raises(DomainError) as refused:
        take(tenant.scope, tenant.till_id)
    assert refused.value.code == "numbers_exhausted"
    with unit_of_work(tenant.scope) as session:
        assert session.scalar(text("SELECT next_number FROM core_number_series")) == 1_000_000_000
