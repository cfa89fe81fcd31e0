"""Trainings are told to clients, who sign up; the adviser's card reaches the client in his care."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.adapters.clock import at_local
from core.db.scope import Scope
from core.db.session import unit_of_work
from plugins.licensing.models import Adviser, PortfolioClient, Training
from plugins.licensing.services import trainings
from tests.factories.licensing import make_vendor

FORM = {
    "topic": "Primeras facturas",
    "day": "2026-03-20",
    "hour": "15:00",
    "minutes": "90",
    "place": "https://zoom.example/j/1",
    "seats": "10",
}


class Firm:
    """What ``sign_in`` needs of a company."""

    def __init__(self, tenant_id):
        self.id = tenant_id
        self.scope = Scope(tenant_id=tenant_id)


@pytest.fixture
def vendor(make_tenant, clock, drain, app):
    return make_vendor(make_tenant, clock, drain, "2026-03-12")


def sold(vendor, **given) -> Firm:
    firm = Firm(vendor.contract(**given))
    vendor.enable(firm.id, distributor=given.get("distributor"))
    return firm


@pytest.mark.checklist("PW-04")
def test_a_training_is_set_seen_joined_moved_and_called_off(
    vendor, client, sign_in, post, drain, outbox
):
    near = sold(vendor)
    far = sold(vendor, distributor=vendor.south, tax_id="1790011674001", name="Ajena S.A.")
    sign_in(client, vendor.north, "adviser")
    for wrong, field in (
        ({"topic": " "}, "topic"), ({"day": "2026-03-11"}, "day"), ({"hour": "25:00"}, "hour"),
        ({"minutes": "2"}, "minutes"), ({"place": ""}, "place"), ({"seats": "0"}, "seats"),
        ({"day": "2027-12-01"}, "day"),
    ):  # fmt: skip
        answer = post(client, "/trainings/new", **(FORM | wrong))
        assert answer.status_code == 422, wrong
        assert f'id="{field}-error"' in answer.text, wrong
    page = post(client, "/trainings/new", **FORM)
    with unit_of_work(vendor.north.scope) as session:
        row = session.scalars(select(Training)).one()
    assert row.starts_at == at_local(row.starts_at.date(), 15)  # 15:00 in America/Guayaquil
    assert page.location == f"/trainings/{row.session_id}"
    drain()

    # the client of this distributor sees it; another's does not, and cannot join it
    sign_in(client, far, "owner")
    assert "Primeras facturas" not in client.get("/licence/help").text
    assert post(client, f"/licence/trainings/{row.session_id}/seat", people="1").status_code == 404
    sign_in(client, near, "salesperson")
    page = client.get("/licence/help").text
    for part in ("Primeras facturas", "20/03/2026 15:00", "90 minutos", FORM["place"]):
        assert part in page, part
    assert "Primeras facturas" in client.get("/").text
    outbox.mails.clear()
    post(client, f"/licence/trainings/{row.session_id}/seat", people="3")
    drain()
    assert "Los esperan: 3" in client.get("/licence/help").text
    assert [one.subject for one in outbox.mails] == ["Su capacitación del 20/03/2026 15:00"]
    assert FORM["place"] in outbox.mails[0].text
    assert post(client, f"/licence/trainings/{row.session_id}/seat", people="51").status_code == 422

    # who holds it sees who comes; another distributor does not find it
    sign_in(client, vendor.south, "distributor")
    for path in ("", "/edit"):
        assert client.get(f"/trainings/{row.session_id}{path}").status_code == 404
    assert post(client, f"/trainings/{row.session_id}/call-off").status_code == 404
    sign_in(client, vendor.north, "distributor")
    page = client.get(f"/trainings/{row.session_id}").text
    assert "Gimnasio Andino" in page
    assert "3 / 10" in client.get("/trainings/").text

    # moved, then called off: who was coming gets a mail each time, once
    outbox.mails.clear()
    post(client, f"/trainings/{row.session_id}/edit", **(FORM | {"hour": "16:30"}))
    drain()
    post(client, f"/trainings/{row.session_id}/edit", **(FORM | {"hour": "16:30", "minutes": "60"}))
    drain()
    post(client, f"/trainings/{row.session_id}/call-off")
    drain()
    assert [one.subject for one in outbox.mails] == [
        "Su capacitación ahora es el 20/03/2026 16:30",
        "La capacitación del 20/03/2026 16:30 se canceló",
    ]
    assert {one.to for one in outbox.mails} == {"hola@gimnasio.ec"}
    sign_in(client, near, "owner")
    assert "Primeras facturas" not in client.get("/licence/help").text
    assert post(client, f"/licence/trainings/{row.session_id}/seat", people="1").status_code == 409


def test_the_operators_training_reaches_everybody_also_who_comes_later(vendor, drain):
    first = sold(vendor)
    with unit_of_work(vendor.operator.scope) as session:
        data = trainings.TrainingData(
            at_local(vendor.clock.today().replace(day=30), 9),
            60,
            "Cierre de mes",
            "Quito, Amazonas 1",
        )
        row = trainings.set_training(session, data, now=vendor.clock.now())
    drain()
    later = sold(vendor, distributor=vendor.south, tax_id="1790011674001", name="Nueva S.A.")
    for firm, people in ((first, 2), (later, 5)):
        with unit_of_work(firm.scope) as session:
            [seen] = trainings.read_upcoming(session, now=vendor.clock.now())
            assert (seen.row.topic, seen.mine, seen.coming) == ("Cierre de mes", 0, 0)
            trainings.take_seat(session, row.session_id, people, now=vendor.clock.now())
    drain()
    vendor.at("2026-03-13")
    with unit_of_work(first.scope) as session:  # two cannot come after all
        trainings.take_seat(session, row.session_id, 0, now=vendor.clock.now())
    drain()
    with unit_of_work(vendor.operator.scope) as session:
        [seen] = trainings.read_upcoming(session, now=vendor.clock.now())
        names = [one.client_name for one in trainings.read_seats(session, row.session_id)]
    assert (seen.coming, names) == (5, ["Nueva S.A."])
    with unit_of_work(later.scope) as session:  # a client sees nobody else's seat
        [seen] = trainings.read_upcoming(session, now=vendor.clock.now())
        assert (seen.mine, seen.coming) == (5, 5)


@pytest.mark.checklist("PW-31")
def test_the_adviser_assigned_is_the_one_on_the_clients_pages(vendor, client, sign_in, post, drain):
    firm = sold(vendor)
    sign_in(client, firm, "owner")
    for path in ("/", "/licence/help", "/licence/"):
        page = client.get(path).text
        assert "Distribuidora Norte" in page, path
        assert 'href="tel:022345678"' in page, path
    sign_in(client, vendor.north, "distributor")
    post(client, "/portfolio/advisers", name="Eva Mora", email="eva@dist.ec", phone="099 555 0101")
    with unit_of_work(vendor.north.scope) as session:
        adviser = session.scalars(select(Adviser)).one()
        row = session.scalars(select(PortfolioClient)).one()
    post(client, f"/portfolio/{row.id}/adviser", adviser_id=str(adviser.id))
    drain()
    sign_in(client, firm, "owner")
    for path in ("/", "/licence/help", "/licence/"):
        page = client.get(path).text
        for part in ("Eva Mora", 'href="tel:0995550101"', 'href="mailto:eva@dist.ec"', "Su asesor"):
            assert part in page, (path, part)

    # another distributor looks after it from the next run on: the old adviser's card goes
    post(client, "/licence/transfer", distributor=vendor.south.tax_id)
    drain()
    vendor.run("2026-03-25")
    sign_in(client, firm, "owner")
    page = client.get("/licence/help").text
    assert "Eva Mora" not in page
    assert "Distribuidora Sur" in page
