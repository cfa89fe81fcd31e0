"""Pages about what becomes of documents later, and what the home page asks for."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from core.db.session import unit_of_work
from core.models import TaxRegime
from plugins.einvoice_sri.services.cancel_document import annulments_due, request_annulment
from plugins.einvoice_sri.services.read_issuer import is_regime_unconfirmed
from tests.factories.sri import TODAY, invoice_request, signed_invoice


@pytest.mark.usefixtures("key")
def test_rules_deadline_and_what_sri_says(
    site, client, sign_in, post, tenant, request_fiscal, documents, drain, now
):
    request_fiscal(invoice_request(1))
    drain()
    (row,) = documents()
    sign_in(client, tenant, "owner")
    show = f"/sri/documents/{row.id}"
    page = client.get(show).text
    assert "07/05/2026" in page  # a Thursday
    assert "negociada" in page
    site.engine.annul(row.access_key)
    assert post(client, f"{show}/consult").status_code == 303
    drain()
    page = client.get(show).text
    assert "Anulado en el SRI" in page
    assert "ANULADO" in page


@pytest.mark.usefixtures("key")
def test_the_home_page_lists_annulments_from_two_days_before_their_deadline(
    site, client, sign_in, tenant, request_fiscal, documents, drain, now, clock
):
    request_fiscal(invoice_request(1), invoice_request(2))
    drain()
    with unit_of_work(tenant.scope) as session:
        for row in documents():
            request_annulment(session, row.id, today=TODAY, now=now)
        found = {day: annulments_due(session, today=date(2026, 5, day)) for day in (4, 5, 6, 7, 8)}
    due = (2, date(2026, 5, 7))
    assert found == {4: None, 5: due, 6: due, 7: due, 8: None}
    clock.set(datetime.fromisoformat("2026-05-06T08:00-05:00"))
    sign_in(client, tenant, "owner")
    assert (
        "2 anulaciones deben terminarse en el portal del SRI hasta el 07/05/2026"
        in client.get("/").text
    )


@pytest.mark.parametrize(
    ("valid_from", "confirmed_on", "asked"),
    [
        (None, None, False),
        (date(2026, 1, 1), None, False),
        (date(2024, 6, 1), None, True),
        (date(2024, 6, 1), date(2025, 1, 20), True),
        (date(2024, 6, 1), date(2026, 1, 3), False),
    ],
)
def test_the_regime_is_confirmed_once_a_year(tenant, valid_from, confirmed_on, asked):
    with unit_of_work(tenant.scope) as session:
        if valid_from:
            session.add(TaxRegime(valid_from=valid_from, confirmed_on=confirmed_on))
            session.flush()
        assert is_regime_unconfirmed(session, date(2026, 1, 5)) is asked


def test_the_owner_is_asked_on_the_home_page_and_confirms(client, sign_in, post, tenant, clock):
    with unit_of_work(tenant.scope) as session:
        session.add(TaxRegime(valid_from=date(2024, 6, 1), regime="rimpe_emprendedor"))
    words = "Confirme el régimen tributario de la empresa para 2026"
    sign_in(client, tenant, "accountant")
    assert words not in client.get("/").text
    sign_in(client, tenant, "owner")
    assert words in client.get("/").text
    assert "¿" in client.get("/company/regime").text
    assert post(client, "/company/regime/confirm").status_code == 303
    assert words not in client.get("/").text
    clock.advance(days=365)
    sign_in(client, tenant, "owner")
    assert "para 2027" in client.get("/").text


def test_keys_are_pasted_and_files_downloaded(
    site, client, sign_in, post, tenant, drain, now, clock
):
    (one, content), (two, _later) = signed_invoice(1), signed_invoice(2)
    site.engine.receive(content, now)
    sign_in(client, tenant, "accountant")
    assert "Todavía no se ha pedido" in client.get("/sri/fetched/").text
    refused = post(client, "/sri/fetched/add", keys="123")
    assert (refused.status_code, "49 dígitos" in refused.text) == (422, True)
    assert post(client, "/sri/fetched/add", keys=f"{one}\n{two}").status_code == 303
    drain()
    page = client.get("/sri/fetched/").text
    assert "Descargado" in page
    assert "En consulta" in page
    link = page.split('href="/sri/fetched/')[1].split('"')[0]
    file = client.get(f"/sri/fetched/{link}")
    assert file.data.count(content) == 1
    for _ in range(10):
        clock.advance(hours=5)
        drain()
    sign_in(client, tenant, "accountant")
    page = client.get("/sri/fetched/").text
    assert "El SRI no tiene nada autorizado" in page
    again = page.split('action="/sri/fetched/')[2].split('"')[0]
    assert post(client, f"/sri/fetched/{again}").status_code == 303
    sign_in(client, tenant, "salesperson")
    assert client.get("/sri/fetched/").status_code in (403, 404)
    assert timedelta(0) < clock.now() - now


def test_practice_is_said_on_every_page(client, sign_in, tenant):
    from core.services import settings as tenant_settings

    sign_in(client, tenant, "owner")
    assert "PRÁCTICA" not in client.get("/").text
    with unit_of_work(tenant.scope) as session:
        tenant_settings.write(session, "einvoice_sri.environment", 3)
    for path in ("/", "/sri/documents/", "/sri/certificates/"):
        assert "PRÁCTICA" in client.get(path).text
