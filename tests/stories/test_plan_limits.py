"""What a plan holds: a warning from 80 % on, and at the limit a refusal that says what to do."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.db.scope import Scope
from core.db.session import unit_of_work
from core.errors import DomainError
from core.models import Membership
from core.services import companies, people
from plugins.licensing.models import Usage
from plugins.licensing.services import explain, keep_distributors
from plugins.licensing.services.decide_access import decide_access
from plugins.licensing.services.find_attention import find_attention
from plugins.licensing.services.standing import read_standing
from tests.factories.licensing import ISSUE, make_vendor

LIMITS = {"documents": 100, "users": 5, "points": 2}


@pytest.fixture
def vendor(make_tenant, clock, drain):
    made = make_vendor(make_tenant, clock, drain, "2026-03-01")
    with unit_of_work(made.operator.scope) as session:
        keep_distributors.set_plan_terms(
            session, made.plan_id, included_minutes=0, entitlements=LIMITS
        )
    made.client_id = made.contract()
    made.enable(made.client_id)
    return made


def tones(vendor):
    """The tone of each limit, as the licence page shows it; and what home says."""
    now = vendor.clock.now()
    with unit_of_work(Scope(tenant_id=vendor.client_id)) as session:
        rows = explain.read_usage(session, read_standing(session, now=now), now=now)
        said = [
            str(one.sentence) for one in find_attention(session, "owner", now) if one.order == 20
        ]
        return [(row.used, row.limit, row.tone) for row in rows], said


def test_people_and_points_warn_first_and_stop_at_the_limit(vendor, make_person):
    scope = Scope(tenant_id=vendor.client_id)

    def join(n):
        with unit_of_work(Scope()) as session:
            person = people.create_person(
                session,
                identification=f"AB{n:06d}",
                first_name="Ana",
                last_name=f"Uno {n}",
                email=f"p{n}@x.ec",
                now=vendor.clock.now(),
            )
        with unit_of_work(scope) as session:
            people.add_member(session, person, "salesperson")
        return person

    for n in range(3):
        join(n)
    assert tones(vendor) == ([(0, 100, "ok"), (3, 5, "ok"), (0, 2, "ok")], [])
    fourth = join(3)
    assert tones(vendor)[0][1] == (4, 5, "warn")  # 80 %
    assert tones(vendor)[1] == ["Personas: 4 de 5 del plan."]
    join(4)
    with pytest.raises(DomainError) as refused:
        join(5)
    assert refused.value.code == "plan_users_full"
    assert "5 personas" in str(refused.value.sentence)
    with unit_of_work(
        scope
    ) as session:  # who is in may change the role; a closed access makes room
        people.add_member(session, fourth, "accountant")
        session.scalars(
            select(Membership).where(Membership.user_id == fourth)
        ).one().is_active = False
    join(6)

    with unit_of_work(scope) as session:
        branch = companies.add_branch(session, code="001", name="Matriz", address="Quito")
        for code in ("001", "002"):
            companies.add_issue_point(session, branch, code=code)
        with pytest.raises(DomainError) as refused:
            companies.add_issue_point(session, branch, code="003")
    assert refused.value.code == "plan_points_full"
    assert tones(vendor)[0][2] == (2, 2, "bad")
    assert "Puntos de emisión: los 2 del plan están usados." in tones(vendor)[1]


def test_documents_warn_first_and_stop_at_the_limit_until_next_month(vendor):
    now = vendor.at("2026-03-20", 9)
    with unit_of_work(Scope(tenant_id=vendor.client_id)) as session:
        session.add(Usage(month=now.date().replace(day=1), documents=80))
    assert tones(vendor)[0][0] == (80, 100, "warn")
    assert vendor.may_issue(vendor.client_id)
    with unit_of_work(Scope(tenant_id=vendor.client_id)) as session:
        session.scalars(select(Usage)).one().documents = 100
    refused = decide_access(vendor.client_id, ISSUE, now)
    assert (refused.allowed, refused.code) == (False, "licence_documents_full")
    assert decide_access(vendor.client_id, "sales.note:issue", now).allowed  # corrections go on
    vendor.run("2026-03-25")
    assert not vendor.may_issue(vendor.client_id)
    assert vendor.may_issue(vendor.client_id, vendor.at("2026-04-01", 0))
