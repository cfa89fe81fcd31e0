"""The simulator's addresses: its contract is SRI's, its answers have SRI's form, its page says what it is."""

from __future__ import annotations

import json
import re
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
import zeep
from lxml import etree

from plugins.einvoice_sri.simulator import answers
from plugins.einvoice_sri.simulator.engine import Script
from plugins.einvoice_sri.simulator.faults import BadFault, Fault, FaultPlan, read_outage
from plugins.einvoice_sri.simulator.inprocess import InProcessTransport
from plugins.einvoice_sri.simulator.server import SimulatorServer, serving
from plugins.einvoice_sri.simulator.site import BASE, Request, Site
from tests.factories.sri import NOW, signed_invoice, simulator

WSDL = Path("../shared/sri/wsdl")
SAMPLES = Path("../shared/sri/soap-samples")
needs_facts = pytest.mark.skipif(not WSDL.is_dir(), reason="../shared/sri is not here")
OURS = Path("plugins/einvoice_sri")
PAIRS = [
    ("RecepcionComprobantesOffline.cel.wsdl", "RecepcionComprobantesOffline.wsdl"),
    ("AutorizacionComprobantesOffline.cel.wsdl", "AutorizacionComprobantesOffline.wsdl"),
]


@pytest.fixture
def site() -> Site:
    return simulator()


def contract(path: Path, *, without: str = "Lote") -> dict[str, object]:
    """Operations of a description with the tree of each message: names, qualification, types, counts."""
    client = zeep.Client(str(path), transport=zeep.transports.Transport())
    (service,) = client.wsdl.services.values()
    (port,) = service.ports.values()
    found: dict[str, object] = {"service": service.name, "port": port.name}
    for name, operation in sorted(port.binding._operations.items()):
        if without and name.endswith(without):
            continue
        found[name] = [
            operation.soapaction,
            operation.style,
            shape(operation.input.body),
            shape(operation.output.body),
        ]
    client.transport.session.close()
    return found


def shape(element) -> object:
    children = getattr(element.type, "elements", [])
    if not children:
        return (
            str(element.qname),
            str(element.type.qname),
            element.min_occurs,
            str(element.max_occurs),
        )
    return (
        str(element.qname),
        element.min_occurs,
        str(element.max_occurs),
        [shape(one) for _name, one in children],
    )


@needs_facts
@pytest.mark.parametrize("folder", ["wsdl", "simulator/wsdl"])
@pytest.mark.parametrize(("theirs", "ours"), PAIRS)
def test_the_contract_is_sris(theirs, ours, folder):
    without = "Lote" if folder != "wsdl" else ""
    assert contract(OURS / folder / ours, without=without) == contract(
        WSDL / theirs, without=without
    )


def response_schema(path: Path) -> etree.XMLSchema:
    tree = etree.parse(str(path))
    return etree.XMLSchema(tree.find(".//{http://www.w3.org/2001/XMLSchema}schema"))


@needs_facts
def test_every_answer_is_valid_by_sris_own_description(site):
    clave, content = signed_invoice(1)
    engine = site.engine
    receptions = [answers.reception(engine.receive(content, NOW, Script(hold=1)))]
    receptions += [answers.reception(engine.receive(one, NOW)) for one in (content, b"", b"<x/>")]
    questions = [answers.authorization("1" * 49, ())]
    questions += [answers.authorization(clave, engine.authorize(clave, NOW)) for _ in range(2)]
    questions.append(answers.authorization(clave, engine.authorize(clave, NOW), cdata=True))
    questions.append(
        answers.authorization(clave, engine.authorize(clave, NOW, Script(several=True)))
    )
    for bodies, name in ((receptions, PAIRS[0][0]), (questions, PAIRS[1][0])):
        schema = response_schema(WSDL / name)
        for body in bodies:
            payload = etree.fromstring(body)[0][0]
            assert schema.validate(payload), schema.error_log


def skeleton(node: etree._Element) -> object:
    return (node.tag, [skeleton(one) for one in node])


@needs_facts
def test_answers_are_shaped_as_the_recorded_ones(site):
    clave, content = signed_invoice(1)
    engine = site.engine

    def same(body: bytes, name: str) -> None:
        recorded = etree.fromstring((SAMPLES / name).read_bytes())
        assert skeleton(etree.fromstring(body)) == skeleton(recorded)

    same(answers.authorization(clave, ()), "recorded-autorizacion-numero-0.xml")
    same(answers.consultation(engine.consult("0" * 48)), "recorded-consulta-99-formato.xml")
    same(answers.reception(engine.receive(content, NOW)), "recorded-recepcion-recibida.xml")
    same(answers.reception(engine.receive(content, NOW)), "recorded-recepcion-devuelta-70.xml")
    entry = engine.authorize(clave, NOW)
    same(answers.authorization(clave, entry), "constructed-autorizacion-autorizado-aviso-60.xml")
    same(answers.consultation(engine.consult(clave)), "recorded-consulta-autorizado.xml")
    same(answers.reception(engine.receive(content, NOW)), "constructed-recepcion-devuelta-43.xml")
    bad, spoilt = signed_invoice(2)
    engine.receive(spoilt.replace(b"mensual", b"semanal"), NOW)
    same(
        answers.authorization(bad, engine.authorize(bad, NOW), cdata=True),
        "recorded-autorizacion-no-autorizado-39.xml",
    )
    same(answers.fault(), "constructed-soap-fault.xml")


def test_zeep_talks_to_it_from_its_own_description(site):
    clave, content = signed_invoice(1)
    with serving(site) as server:
        with zeep.Client(f"{server.url}{BASE}RecepcionComprobantesOffline?wsdl") as client:
            assert client.service.validarComprobante(content).estado == "RECIBIDA"
            client.transport.session.close()
        with zeep.Client(f"{server.url}{BASE}AutorizacionComprobantesOffline?wsdl") as client:
            answer = client.service.autorizacionComprobante(clave)
            client.transport.session.close()
    assert answer.autorizaciones.autorizacion[0].estado == "AUTORIZADO"


def test_zeep_talks_to_it_without_a_socket(site):
    transport = InProcessTransport(site)
    path = OURS / "simulator/wsdl/RecepcionComprobantesOffline.wsdl"
    client = zeep.Client(str(path), transport=transport)
    service = client.create_service(
        "{http://ec.gob.sri.ws.recepcion}RecepcionComprobantesOfflineServiceSoapBinding",
        f"http://simulador.invalid{BASE}RecepcionComprobantesOffline",
    )
    assert service.validarComprobante(signed_invoice(1)[1]).estado == "RECIBIDA"
    transport.session.close()


def ask(
    site: Site, method: str, path: str, body: bytes = b"", origin: str = ""
) -> tuple[int, bytes]:
    reply = site.answer(Request(method, path, body, host="127.0.0.1:8099", origin=origin))
    return reply.status, reply.body


def test_every_page_says_that_it_is_a_simulation(site):
    clave, content = signed_invoice(1)
    site.engine.receive(content, NOW)
    status, page = ask(site, "GET", "/")
    assert status == 200
    assert "SIMULACIÓN" in page.decode()
    assert clave in page.decode()
    with serving(site) as server, urllib.request.urlopen(server.url) as answer:
        assert answer.headers["X-Yupana"] == "SIMULACION"


def test_the_page_steers(site):
    assert ask(site, "POST", "/control/faults", b"fault=return%3A45x1")[0] == 303
    assert [str(one) for one in site.plan.script] == ["return:45x1"]
    assert ask(site, "POST", "/control/faults", b"fault=nonsense")[0] == 422
    assert ask(site, "POST", "/control/good", b"")[0] == 303
    assert site.plan.script == []
    clave, content = signed_invoice(1)
    assert ask(site, "POST", "/control/annul", f"clave={clave}".encode())[0] == 422
    site.engine.receive(content, NOW)
    site.engine.authorize(clave, NOW)
    assert ask(site, "POST", "/control/annul", f"clave={clave}".encode())[0] == 303
    assert json.loads(ask(site, "GET", "/control/documents")[1]) == {clave: "ANULADO"}


def test_another_site_cannot_steer(site):
    status, _body = ask(site, "POST", "/control/good", b"", origin="http://evil.example")
    assert status == 403


def test_the_state_goes_out_and_in(site):
    clave, content = signed_invoice(1)
    site.engine.receive(content, NOW)
    _status, dumped = ask(site, "GET", "/control/state")
    other = simulator()
    assert ask(other, "POST", "/control/state", dumped)[0] == 200
    assert other.engine.authorize(clave, NOW)[0].estado == "AUTORIZADO"


def test_it_listens_on_loopback_only(site):
    with pytest.raises(ValueError, match="loopback"):
        SimulatorServer(site, host="0.0.0.0")


def test_the_chain_and_a_p12_can_be_fetched(site):
    assert ask(site, "GET", "/control/ca.pem")[1].count(b"BEGIN CERTIFICATE") == 2
    status, content = ask(site, "POST", "/control/p12", b"ruc=1790012345001&password=abc")
    assert (status, content[:1]) == (200, b"\x30")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("slow:0.5", Fault("slow", "0.5")),
        ("return:45@recepcionx1", Fault("return", "45", "recepcion", 1)),
        ("drop-afterx3", Fault("drop-after", times=3)),
        ("in-process:3", Fault("in-process", "3")),
    ],
)
def test_faults_are_written_in_a_line(text, expected):
    assert Fault.parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize("text", ["", "loud", "slow@nowhere", "slow:x"])
def test_nonsense_is_named(text):
    with pytest.raises(BadFault):
        Fault.parse(text)


def test_a_script_is_used_up_and_an_outage_ends():
    plan = FaultPlan([Fault.parse("http500x2")], [(NOW, NOW + timedelta(hours=1))])
    kinds = [plan.decide("recepcion", "k", NOW - timedelta(1)) for _ in range(3)]
    assert [str(one) for one in kinds] == ["http500x2", "http500x1", "None"]
    assert plan.decide("recepcion", "k", NOW).kind == "http500"
    assert plan.decide("recepcion", "k", NOW + timedelta(hours=1)) is None


def test_the_same_seed_gives_the_same_faults_in_any_order():
    keys = [str(number) for number in range(400)]
    one, two = FaultPlan(seed=7, rate=0.3), FaultPlan(seed=7, rate=0.3)
    first = {key: one.decide("recepcion", key, NOW) for key in keys}
    second = {key: two.decide("recepcion", key, NOW) for key in reversed(keys)}
    assert first == second
    hit = sum(1 for fault in first.values() if fault)
    assert 80 <= hit <= 160  # about 30 % of 400
    other = {key: FaultPlan(seed=8, rate=0.3).decide("recepcion", key, NOW) for key in keys}
    assert other != first


def steer(site: Site, path: str, **form: str) -> int:
    return site.answer(Request("POST", path, urlencode(form).encode())).status


def test_a_dump_goes_on_where_it_stopped(site):
    """Seeded faults, script, outages and the count of each key: loaded, not started over."""
    other = simulator()
    plan = FaultPlan(
        [Fault.parse("return:45x3")], [read_outage("2026-05-01T08:00/2026-05-01T12:00")], 7, 0.5
    )
    site.plan, undisturbed = plan, FaultPlan(seed=7, rate=0.5)
    keys = [f"{n:049d}" for n in range(40)]
    for key in keys:
        plan.decide("autorizacion", key, NOW)
        undisturbed.decide("autorizacion", key, NOW)
    plan.decide("recepcion", "9" * 49, NOW)
    body = site.answer(Request("GET", "/control/state")).body
    assert other.answer(Request("POST", "/control/state", body)).status == 200
    assert other.plan.script == [Fault("return", "45", "", 2)]
    assert other.plan.decide(
        "autorizacion", "1" * 49, datetime(2026, 5, 1, 16, 59, tzinfo=UTC)
    ) == (Fault("http500"))
    going_on = [other.plan.decide("autorizacion", key, NOW) for key in keys]
    assert going_on == [undisturbed.decide("autorizacion", key, NOW) for key in keys]
    fresh = FaultPlan(seed=7, rate=0.5)
    assert going_on != [fresh.decide("autorizacion", key, NOW) for key in keys]
    # a dump of before has no plan: what it knows is loaded, the faults stay
    old = {name: one for name, one in json.loads(body).items() if name != "plan"}
    assert other.answer(Request("POST", "/control/state", json.dumps(old).encode())).status == 200
    assert other.plan.seed == 7


def test_the_control_page_sets_outages_and_tells_each_delivery(site):
    assert steer(site, "/control/outages", outage="2026-04-25T07:00/2026-04-25T09:00") == 303
    assert site.plan.decide("autorizacion", "1" * 49, NOW) == Fault("http500")
    assert steer(site, "/control/outages", outage="mañana") == 422
    assert steer(site, "/control/faults", fault="slow:1.2.3") == 422
    clave, content = signed_invoice(1)
    refused = Script(refused="39")
    site.engine.receive(content, NOW, refused)
    site.engine.authorize(clave, NOW + timedelta(minutes=1), refused)
    site.engine.receive(content, NOW + timedelta(minutes=2))
    page = site.answer(Request("GET", "/")).body.decode()
    assert "25/04/2026 07:00:00 a 25/04/2026 09:00:00" in page
    (details,) = re.findall(r"<details>(.*?)</details>", page)
    assert details.startswith("<summary>2</summary>")
    first, second = re.findall(r"<li>(.*?)</li>", details)
    assert first.startswith("25/04/2026 08:00:00 · NO AUTORIZADO 25/04/2026 08:01:00 · 39 ")
    assert second == "25/04/2026 08:02:00 · EN PROCESO"
