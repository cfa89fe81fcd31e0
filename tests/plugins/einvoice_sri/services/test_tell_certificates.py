"""The distributor's light for a client whose certificate ends; the step of the first access."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from core import plugins
from core.db.scope import Scope
from core.db.session import unit_of_work
from plugins.einvoice_sri import jobs
from plugins.einvoice_sri.services.certificates import list_certificates, wipe_certificate
from plugins.einvoice_sri.services.p12_links import make_link, upload_by_link
from plugins.licensing.domain.lights import ClientFacts, lights
from tests.factories.licensing import make_vendor
from tests.factories.sri import authority


@pytest.fixture
def vendor(make_tenant, clock, drain):
    return make_vendor(make_tenant, clock, drain)


def lit(vendor, today: date) -> bool:
    """Is the certificate's light on in the distributor's list?"""
    (row,) = vendor.portfolio(vendor.north)
    facts = ClientFacts(state=row.state, certificate_until=row.certificate_until)
    return "certificate" in lights(facts, today)


def step_of(client) -> bool:
    with unit_of_work(Scope(tenant_id=client)) as session:
        answers = plugins.call("setup_steps", tenant=client, session=session)
        (step,) = [one for steps in answers for one in steps if one.key == "certificate"]
    assert "P12" in str(step.label)
    return step.is_done


def test_the_distributor_sees_it_60_days_before(vendor):
    client = vendor.contract()
    vendor.enable(client)
    now = vendor.clock.now()
    assert (step_of(client), vendor.portfolio(vendor.north)[0].certificate_until) == (False, None)
    file = authority().issue("1790012345001", "FIRMANTE", "clave", now, days=100)
    with unit_of_work(Scope(tenant_id=client)) as session:
        token = make_link(session, secret="s" * 43, now=now)
    upload_by_link(token, data=file.content, password="clave", signer="Gerente", now=now)
    vendor.drain()
    ends = now.date() + timedelta(days=100)
    assert (step_of(client), vendor.portfolio(vendor.north)[0].certificate_until) == (True, ends)
    for left, on in ((61, False), (60, True), (30, True), (7, True), (1, True)):
        assert lit(vendor, ends - timedelta(days=left)) is on
    jobs.watch_certificates({}, now + timedelta(days=93))  # told again with each warning
    vendor.drain()
    assert vendor.portfolio(vendor.north)[0].certificate_until == ends
    with unit_of_work(Scope(tenant_id=client)) as session:
        (row,) = list_certificates(session)
        wipe_certificate(session, row.id, reason="cambio", now=now)
    vendor.drain()
    assert (step_of(client), vendor.portfolio(vendor.north)[0].certificate_until) == (False, None)
