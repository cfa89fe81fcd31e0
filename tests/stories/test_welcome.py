"""What a new licence holder is told: letter and page, from the company's own plan and distributor."""

from __future__ import annotations

import pytest

from core.db.scope import Scope
from core.db.session import unit_of_work
from core.services import settings
from plugins.licensing.services import keep_distributors
from tests.factories.licensing import make_vendor

VIDEOS = "https://videos.yupana.ec/lista"
TRAINING = "Todos los días a las 15:00 por Zoom: https://zoom.example/j/1"


class Firm:
    """What ``sign_in`` needs of a company."""

    def __init__(self, tenant_id):
        self.id = tenant_id
        self.scope = Scope(tenant_id=tenant_id)


def sold(make_tenant, clock, drain, *, minutes):
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-12")
    with unit_of_work(vendor.operator.scope) as session:
        settings.write(session, "licensing.tutorials_url", VIDEOS)
        settings.write(session, "licensing.training", TRAINING)
        keep_distributors.set_plan_terms(
            session, vendor.plan_id, included_minutes=minutes, entitlements={}
        )
    client = vendor.contract()
    vendor.enable(client)
    return vendor, Firm(client)


@pytest.mark.checklist("PW-01", "PW-02", "PW-04", "PW-05", "PW-06", "PW-30", "PW-31")
def test_the_letter_and_the_help_page_say_plan_training_billing_access_and_whom_to_ask(
    make_tenant, clock, drain, outbox, client, sign_in
):
    _vendor, firm = sold(make_tenant, clock, drain, minutes=120)
    [letter] = [one for one in outbox.to("hola@gimnasio.ec") if "Bienvenid" in one.subject]
    assert letter.text.startswith("Estimad")
    for part in (
        "Gimnasio Andino",
        "1. Plan: Comercio, $ 30,00 al mes más IVA.",
        f"2. Capacitación: la capacitación grupal es gratuita: {TRAINING}",
        "3. Facturación mensual:",
        "día 25",
        "día 5",
        "4. Primer ingreso:",
        "5. Facturación electrónica:",
        "P12",
        "token",
        f"6. Tutoriales, a cualquier hora y las veces que quiera: {VIDEOS}",
        "/licence/first-access",
        "7. Dudas: a su plan le quedan 120 minutos de soporte",
        "Distribuidora Norte · 022345678 · ventas@dist.ec",
    ):
        assert part in letter.text, part
    assert "123" not in letter.text  # no password travels, least of all a shared one

    sign_in(client, firm, "owner")
    assert 'href="/licence/help"' in client.get("/licence/").text  # a menu of its own
    for _again in range(2):  # unlimited times
        page = client.get("/licence/help")
        assert page.status_code == 200
        for part in (
            VIDEOS,
            TRAINING.split(": ", maxsplit=1)[0],
            "Distribuidora Norte",
            "022345678",
        ):
            assert part in page.text, part


@pytest.mark.checklist("PW-28")
def test_the_tutorials_open_from_the_public_page_and_from_inside(
    make_tenant, clock, drain, client, sign_in
):
    _vendor, firm = sold(make_tenant, clock, drain, minutes=120)
    for _again in range(2):
        assert f'href="{VIDEOS}"' in client.get("/welcome").text
    sign_in(client, firm, "owner")
    assert f'href="{VIDEOS}"' in client.get("/licence/help").text


@pytest.mark.checklist("PW-03")
def test_without_hours_in_the_plan_one_hour_of_advice_is_suggested_and_not_demanded(
    make_tenant, clock, drain, outbox, client, sign_in
):
    vendor, firm = sold(make_tenant, clock, drain, minutes=0)
    [letter] = [one for one in outbox.to("hola@gimnasio.ec") if "Bienvenid" in one.subject]
    assert "le sugerimos al menos una hora de asesoría remota" in letter.text
    assert vendor.state(firm.id) == "active"  # it was enabled without any hour
    assert vendor.invoices(firm.id) == [("2026-03-12", "2026-04-10", "34.50", "paid")]
    sign_in(client, vendor.north, "distributor")
    assert "al menos una hora de asesoría remota" in client.get("/portfolio/new").text
