"""What every way of talking to SRI owes its caller, on the simulator in process and over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from plugins.einvoice_sri.adapters.sri_null import SriNull
from plugins.einvoice_sri.adapters.sri_soap import PATH, SriSoap
from plugins.einvoice_sri.adapters.wire import Timeouts
from plugins.einvoice_sri.domain.ports import SriGateway, SriRejected, SriUnavailable
from plugins.einvoice_sri.simulator.faults import Fault
from plugins.einvoice_sri.simulator.server import serving
from plugins.einvoice_sri.simulator.site import Site
from tests.factories.sri import http_gateway, inprocess_gateway, signed_invoice, simulator


@pytest.fixture
def site() -> Site:
    return simulator()


@pytest.fixture(params=["inprocess", "http"])
def gateway(request, site: Site) -> Iterator[SriGateway]:
    if request.param == "inprocess":
        made = inprocess_gateway(site)
        yield made
        made.close()
        return
    with serving(site) as server:
        made = http_gateway(server.url)
        yield made
        made.close()


def test_a_good_document_is_received_and_authorised(gateway, site):
    clave, content = signed_invoice(1)
    assert gateway.receive(content).estado == "RECIBIDA"
    (node,) = gateway.authorization(clave).autorizaciones
    assert gateway.authorization(clave, content).autorizaciones == (node,)
    assert (node.estado, node.numero, node.ambiente) == ("AUTORIZADO", clave, "PRUEBAS")
    assert node.comprobante == content.decode()
    assert node.fecha == "2026-04-25T08:00:00-05:00"
    assert [one.identificador for one in node.mensajes] == ["60"]
    assert site.engine.state.entries[clave][-1].xml == content


def test_several_at_once_are_answered_in_their_order(gateway, site):
    """One of them loses its answer: its place says so, and the others have theirs."""
    documents = [signed_invoice(number) for number in range(20, 26)]
    site.plan.add(Fault.parse("drop-after@recepcionx1"))
    answers = gateway.receive_all([content for _clave, content in documents])
    lost = [isinstance(one, SriUnavailable) for one in answers]
    assert lost.count(True) == 1
    assert {one.estado for one in answers if not isinstance(one, SriUnavailable)} == {"RECIBIDA"}
    assert answers[lost.index(True)].delivered is not False
    told = gateway.authorization_all([*documents, ("1" * 49, b"")])
    assert [one.clave for one in told] == [*(clave for clave, _content in documents), "1" * 49]
    assert [len(one.autorizaciones) for one in told] == [1] * 6 + [0]
    assert [one.autorizaciones[0].comprobante for one in told[:6]] == [
        content.decode() for _clave, content in documents
    ]
    assert gateway.receive_all([]) == []


def test_nothing_is_known_of_a_key_that_never_came(gateway):
    clave, _content = signed_invoice(2)
    answer = gateway.authorization(clave)
    assert (answer.clave, answer.autorizaciones) == (clave, ())


def test_the_second_delivery_is_43(gateway):
    clave, content = signed_invoice(3)
    gateway.receive(content)
    gateway.authorization(clave)
    answer = gateway.receive(content)
    assert answer.estado == "DEVUELTA"
    assert [(one.identificador, one.is_warning) for one in answer.mensajes] == [("43", False)]


def test_the_later_state_can_be_asked_for(gateway, site):
    clave, content = signed_invoice(4)
    assert gateway.consult(clave).error.identificador == "99"
    gateway.receive(content)
    gateway.authorization(clave)
    assert gateway.consult(clave).estado == "AUTORIZADO"
    assert site.engine.annul(clave)
    answer = gateway.consult(clave)
    assert (answer.estado, answer.ruc, answer.error) == ("ANULADO", "1790012345001", None)


@pytest.mark.parametrize(
    ("fault", "kind", "is_stored"),
    [
        ("http500", "http-500", False),
        ("soap-fault", "soap-fault", False),
        ("html403", "http-403", False),
        ("garbage", "not-soap", True),
        ("drop-before", None, False),
        ("drop-after", None, True),
        ("truncated", None, True),
    ],
)
def test_every_failure_leaves_the_outcome_unknown(gateway, site, fault, kind, is_stored):
    clave, content = signed_invoice(5)
    site.plan.add(Fault.parse(f"{fault}@recepcionx1"))
    with pytest.raises(SriUnavailable) as caught:
        gateway.receive(content)
    assert caught.value.delivered is not False
    assert kind is None or caught.value.kind == kind
    assert (clave in site.engine.state.entries) is is_stored
    # the wire is whole again and the same bytes may go once more
    answer = gateway.receive(content)
    assert answer.estado == ("DEVUELTA" if is_stored else "RECIBIDA")
    assert gateway.authorization(clave).autorizaciones[0].estado == "AUTORIZADO"


def test_many_threads_share_one_gateway(gateway, site):
    documents = [signed_invoice(number) for number in range(100, 124)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda one: gateway.receive(one[1]).estado, documents))
    assert answers == ["RECIBIDA"] * 24
    assert len(site.engine.state.entries) == 24


def test_another_address_is_rejected_not_unavailable(site):
    with serving(site) as server:
        elsewhere = SriSoap(f"{server.url}{PATH}elsewhere/")
        with pytest.raises(SriRejected) as caught:
            elsewhere.authorization("1" * 49)
        elsewhere.close()
    assert caught.value.kind == "http-404"


def test_a_closed_port_is_surely_not_delivered(site):
    with serving(site) as server:
        url = server.url
    gateway = http_gateway(url)
    with pytest.raises(SriUnavailable) as caught:
        gateway.receive(b"<x/>")
    assert (caught.value.kind, caught.value.delivered) == ("unreachable", False)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_caller_that_waits_in_vain_does_not_know(site, moment):
    """The server never answers: whatever the machine's speed, the time-out is what ends the call."""
    clave, content = signed_invoice(6)
    site.plan.add(Fault.parse(f"timeout-{moment}x1"))
    with serving(site) as server:
        gateway = SriSoap(server.url + PATH, timeouts=Timeouts(connect=30, read=0.5))
        with pytest.raises(SriUnavailable) as caught:
            gateway.receive(content)
        gateway.close()
    assert (caught.value.kind, caught.value.delivered) == ("timeout", None)
    if moment == "before":
        assert clave not in site.engine.state.entries


def test_connections_are_kept(site):
    opened = []
    with serving(site) as server:
        original = server.get_request

        def counted():
            found = original()
            opened.append(found)
            return found

        server.get_request = counted  # type: ignore[method-assign]
        gateway = http_gateway(server.url)
        for number in range(5):
            gateway.authorization(signed_invoice(200 + number)[0])
        gateway.close()
    assert len(opened) == 1


@pytest.mark.parametrize("call", ["receive", "authorization", "consult"])
def test_the_null_gateway_delivers_nothing(call: str):
    gateway = SriNull()
    action: Callable[[object], object] = getattr(gateway, call)
    with pytest.raises(SriUnavailable) as caught:
        action(b"" if call == "receive" else "1" * 49)
    assert caught.value.delivered is False
    several = gateway.receive_all([b""]) + gateway.authorization_all([("1" * 49, b"")])
    assert [one.delivered for one in several] == [False, False]
    gateway.close()
