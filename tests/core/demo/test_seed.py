"""The demo: its people and numbers are valid, and every plugin's part can be written."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from core import plugins
from core.db.session import tenant_work
from core.demo import cast, check, seed
from core.domain import tax_ids
from core.models import ROLES
from core.settings import current


def test_the_cast_is_made_of_valid_numbers_and_all_roles():
    for company in cast.COMPANIES:
        finding = tax_ids.check(tax_ids.RUC, company.tax_id)
        assert finding.is_valid, company
        assert not finding.is_warning, company
    for player in cast.PEOPLE:
        assert tax_ids.check(tax_ids.CEDULA, player.identification).is_valid, player
    for receiver in cast.RECEIVERS:
        assert tax_ids.check(receiver.tax_id_type, receiver.tax_id).is_valid, receiver
    assert {role for player in cast.PEOPLE for _, role in player.roles} == set(ROLES)
    numbers = [one.tax_id for one in (*cast.COMPANIES, *cast.RECEIVERS)]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.slow
def test_every_plugin_writes_its_part(host, database, clock, drain):
    assert not seed.is_seeded()
    context = seed.seed(current(), clock)
    assert seed.is_seeded()
    assert len(context.everyone) == 6
    with tenant_work(context.tenants["gym"].id) as session:
        assert session.scalar(text("SELECT count(*) FROM core_membership")) == 4
    for name in plugins.host().names:
        assert hasattr(plugins.host()[name].implementation, "demo_steps") or name == "einvoice_sri"


def test_steps_have_names_and_an_order(host):
    listed = check.steps()
    assert [one.order for one in listed] == sorted(one.order for one in listed)
    assert len({one.name for one in listed}) == len(listed)
