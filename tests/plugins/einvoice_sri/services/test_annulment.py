"""Guided annulment: asked for in the portal, written down here, told to the receiver."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from core.contracts.sales import CustomerData
from core.db.session import unit_of_work
from core.errors import Conflict, DomainError
from plugins.einvoice_sri.services.cancel_document import (
    annulment_deadline,
    confirm_annulment,
    request_annulment,
    withdraw_annulment,
)
from plugins.einvoice_sri.services.correct_document import correct_document
from plugins.einvoice_sri.services.document_files import files_of
from plugins.einvoice_sri.simulator.faults import Fault
from tests.factories.sri import TODAY, invoice_request, line

pytestmark = pytest.mark.usefixtures("key")


@pytest.mark.parametrize(
    ("issued_on", "deadline"),
    [
        (date(2026, 4, 25), date(2026, 5, 7)),  # a Thursday
        (date(2026, 1, 31), date(2026, 2, 9)),  # the 7th is a Saturday
        (date(2026, 12, 5), date(2027, 1, 7)),
    ],
)
def test_the_last_day(tenant, issued_on, deadline):
    with unit_of_work(tenant.scope) as session:
        assert annulment_deadline(session, issued_on) == deadline


def test_requested_then_annulled_each_mailed_and_still_downloadable(
    site, tenant, now, request_fiscal, documents, drain, outbox
):
    request_fiscal(invoice_request(1))
    drain()
    (row,) = documents()
    with unit_of_work(tenant.scope) as session:
        request_annulment(session, row.id, today=TODAY, now=now)
    drain()
    assert documents()[0].state == "annulment_requested"
    with unit_of_work(tenant.scope) as session:
        confirm_annulment(session, row.id, now=now + timedelta(days=1))
    drain()
    (row,) = documents()
    assert row.state == "annulled"
    with unit_of_work(tenant.scope) as session:
        assert files_of(session, row).xml.startswith(b"<?xml")
    assert [one.subject.split(" de ")[0] for one in outbox.mails] == [
        "Factura 001-002-000000001"
    ] * 3
    assert len({one.message_id for one in outbox.mails}) == 3


def test_it_may_come_to_nothing(site, tenant, now, request_fiscal, documents, drain):
    request_fiscal(invoice_request(1))
    drain()
    (row,) = documents()
    with unit_of_work(tenant.scope) as session:
        request_annulment(session, row.id, today=TODAY, now=now)
        withdraw_annulment(session, row.id, now=now)
    assert (documents()[0].state, documents()[0].annulment_at) == ("authorized", None)
    with unit_of_work(tenant.scope) as session, pytest.raises(Conflict):
        withdraw_annulment(session, row.id, now=now)


def test_too_late_and_consumidor_final(site, tenant, now, request_fiscal, documents, drain):
    from dataclasses import replace

    anonymous = replace(
        invoice_request(2, lines=(line("5.00"),)),
        counterpart=CustomerData("07", "9999999999999", "CONSUMIDOR FINAL"),
    )
    request_fiscal(invoice_request(1), anonymous)
    drain()
    one, two = documents()
    assert (one.state, two.state) == ("authorized", "authorized")
    with unit_of_work(tenant.scope) as session, pytest.raises(DomainError) as late:
        request_annulment(session, one.id, today=date(2026, 5, 8), now=now)
    assert late.value.code == "sri_annul_late"
    assert "07/05/2026" in late.value.sentence
    with unit_of_work(tenant.scope) as session, pytest.raises(DomainError) as final:
        request_annulment(session, two.id, today=TODAY, now=now)
    assert final.value.code == "sri_annul_final_consumer"


def test_a_refused_document_goes_again_with_the_same_key(
    site, tenant, now, request_fiscal, documents, drain
):
    site.plan.add(Fault.parse("refuse:52x1"))
    request_fiscal(invoice_request(1))
    drain()
    (before,) = documents()
    assert (before.state, before.code) == ("rejected", "52")
    with unit_of_work(tenant.scope) as session:
        correct_document(session, before.id, now=now)
    drain()
    (after,) = documents()
    assert (after.state, after.access_key) == ("authorized", before.access_key)
    (entries,) = site.engine.state.entries.values()
    assert [one.estado for one in entries] == ["NO AUTORIZADO", "AUTORIZADO"]
    with unit_of_work(tenant.scope) as session, pytest.raises(Conflict):
        correct_document(session, before.id, now=now)
