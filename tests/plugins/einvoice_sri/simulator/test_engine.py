"""The simulator judges as SRI does: form, key, number and date on arrival; signature and sums after."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from lxml import etree

from plugins.einvoice_sri.domain import from_request, xml
from plugins.einvoice_sri.domain.xades import sign_canonical
from plugins.einvoice_sri.simulator.authority import TestAuthority
from plugins.einvoice_sri.simulator.comprobante import check_digit, well_formed
from plugins.einvoice_sri.simulator.engine import Engine, Script
from plugins.einvoice_sri.simulator.rules import Policy
from plugins.einvoice_sri.simulator.state import State
from tests.factories.sri import (
    NOW,
    RUC,
    TODAY,
    authority,
    emisor,
    invoice_request,
    load_key,
    signed_invoice,
    signing_key,
)


@pytest.fixture
def engine() -> Engine:
    return Engine(Policy(trusted=authority().trusted))


def codes(messages) -> list[str]:
    return [one.identificador for one in messages]


def verdict(engine: Engine, clave: str, content: bytes, now=NOW) -> tuple[str, list[str]]:
    """What becomes of a document: DEVUELTA or the decided state, with the codes."""
    answer = engine.receive(content, now)
    if answer.estado == "DEVUELTA":
        return "DEVUELTA", codes(answer.messages)
    (entry,) = engine.authorize(clave, now)
    return entry.estado, codes(entry.messages)


def resigned(change, *, key=None, number: int = 1) -> tuple[str, bytes]:
    """An invoice with ``change`` applied to its unsigned bytes, signed again."""
    request = invoice_request(number)
    document = from_request.comprobante(request, emisor())
    content = change(xml.build(document))
    return (
        document.info_tributaria.clave_acceso,
        sign_canonical(content, key or signing_key(), signing_time=NOW),
    )


def test_keys_of_real_documents_pass_the_check_digit():
    # read in real answers and documents, listed in ../shared/sri/README.md
    for clave in (
        "1002202601010344904700110010010000000167704970815",
        "2312202207080210902500120020010000000039846951111",
        "0511202301091932512600120021000000000078085606711",
        "0407201901179217775800110010020000000301234567815",
    ):
        assert well_formed(clave)
        assert not well_formed(clave[:-1] + str((int(clave[-1]) + 1) % 10))
    assert check_digit("41261533") == "6"  # the ficha's own example


def test_a_good_document_in_both_environments(engine):
    assert verdict(engine, *signed_invoice(1)) == ("AUTORIZADO", ["60"])
    assert verdict(engine, *signed_invoice(2, environment="2")) == ("AUTORIZADO", [])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda b: b.replace(b"<moneda>", b"<monedas>").replace(b"</moneda>", b"</monedas>"), "35"),
        (lambda b: b.replace(b'version="1.1.0"', b'version="9.9.9"'), "48"),
        (lambda b: b.replace(b"<factura", b"<recibo").replace(b"</factura", b"</recibo"), "47"),
        (lambda b: b.replace(b"25/04/2026", b"26/04/2026"), "65"),
        (lambda b: b.replace(b"25/04/2026", b"01/01/2025"), "65"),
        (lambda b: b"not xml", "35"),
        (lambda b: b'<!DOCTYPE a [<!ENTITY x "y">]>' + b, "35"),
        (lambda b: b"", "49"),
        (lambda b: b + b" " * (320 * 1024), "26"),
    ],
)
def test_what_is_returned_at_the_door(engine, change, expected):
    request = invoice_request(1)
    content = change(xml.build(from_request.comprobante(request, emisor())))
    answer = engine.receive(content, NOW)
    assert (answer.estado, codes(answer.messages)) == ("DEVUELTA", [expected])
    assert not engine.state.entries


def test_a_wrong_check_digit_is_returned(engine):
    clave, content = signed_invoice(1)
    wrong = clave[:-1] + str((int(clave[-1]) + 1) % 10)
    assert (
        engine.receive(content.replace(clave.encode(), wrong.encode()), NOW)
        .messages[0]
        .identificador
        == "35"
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda b: b.replace(b"<importeTotal>11.50", b"<importeTotal>11.51"), "52"),
        (lambda b: b.replace(b"<totalDescuento>0.00", b"<totalDescuento>1.00"), "52"),
        (lambda b: b.replace(b"<valor>1.50", b"<valor>9.50", 1), "52"),
        (lambda b: b.replace(b"<estab>001", b"<estab>003"), "58"),
        (lambda b: b.replace(RUC.encode() + b"</ruc>", b"1790099999001</ruc>"), "58"),
    ],
)
def test_what_is_refused_after_reception(engine, change, expected):
    assert verdict(engine, *resigned(change)) == ("NO AUTORIZADO", [expected])


def other_authority_key():
    return load_key(TestAuthority.create(NOW).issue(RUC, "OTRA", "x", NOW))


@pytest.mark.parametrize(
    ("spoil", "code", "says"),
    [
        (lambda b: b.replace(b"Servicio mensual", b"Servicio semanal"), "39", "invalida"),
        (lambda b: b.replace(b"contenido comprobante", b"contenido cambiado"), "39", "invalida"),
        (lambda b: b.replace(b'URI="#comprobante"', b'URI="#otro"'), "39", ""),
        (lambda b: b.replace(b"</ds:Signature>", b"</ds:Signature><!-- -->"), "39", "al final"),
        (
            lambda b: b[: b.index(b"<ds:Signature ")] + b"</factura>",
            "39",
            "debe llevar una firma",
        ),
    ],
)
def test_a_spoilt_signature_is_39(engine, spoil, code, says):
    clave, content = signed_invoice(1)
    engine.policy = Policy(trusted=authority().trusted)
    answer = engine.receive(spoil(content), NOW)
    assert answer.estado == "RECIBIDA"  # reception does not judge the signature
    (entry,) = engine.authorize(clave, NOW)
    assert (entry.estado, codes(entry.messages)) == ("NO AUTORIZADO", [code])
    assert says in entry.messages[0].informacion


def test_an_unknown_authority_is_39_and_an_expired_certificate_42(engine):
    clave, content = resigned(lambda b: b, key=other_authority_key())
    assert engine.receive(content, NOW).estado == "RECIBIDA"
    (entry,) = engine.authorize(clave, NOW)
    assert codes(entry.messages) == ["39"]
    assert "root registrado" in entry.messages[0].informacion
    old = load_key(authority().issue(RUC, "VIEJA", "x", NOW - timedelta(days=30), days=10))
    clave, content = resigned(lambda b: b, key=old, number=2)
    engine.receive(content, NOW)
    assert codes(engine.authorize(clave, NOW)[0].messages) == ["42"]


def test_a_signature_from_the_future_is_39(engine):
    clave, content = signed_invoice(1, at=NOW + timedelta(hours=1))
    engine.receive(content, NOW)
    (entry,) = engine.authorize(clave, NOW)
    assert "posterior a la actual" in entry.messages[0].informacion


def test_a_swapped_rsa_key_value_is_39(engine):
    clave, content = signed_invoice(1)
    other = other_authority_key().certificado.modulus
    mine = signing_key().certificado.modulus
    swapped = content.replace(
        base64.b64encode(mine.to_bytes(256, "big")), base64.b64encode(other.to_bytes(256, "big"))
    )
    assert swapped != content
    engine.receive(swapped, NOW)
    assert codes(engine.authorize(clave, NOW)[0].messages) == ["39"]


def test_uniqueness_70_43_45(engine):
    clave, content = signed_invoice(1)
    assert engine.receive(content, NOW).estado == "RECIBIDA"
    assert codes(engine.receive(content, NOW).messages) == ["70"]
    engine.authorize(clave, NOW)
    assert codes(engine.receive(content, NOW).messages) == ["43"]
    other, twin = signed_invoice(1, document_id=invoice_request(99).document_id)
    assert other != clave
    assert codes(engine.receive(twin, NOW).messages) == ["45"]
    assert engine.authorize(other, NOW) == ()


def test_a_refused_key_may_be_corrected(engine):
    clave, bad = resigned(lambda b: b.replace(b"<importeTotal>11.50", b"<importeTotal>11.51"))
    assert verdict(engine, clave, bad) == ("NO AUTORIZADO", ["52"])
    same, good = signed_invoice(1)
    assert same == clave
    engine.receive(good, NOW)
    assert [one.estado for one in engine.authorize(clave, NOW)] == ["NO AUTORIZADO", "AUTORIZADO"]


def test_in_process_several_silent_and_forced(engine):
    clave, content = signed_invoice(1)
    engine.receive(content, NOW, Script(hold=2))
    assert engine.authorize(clave, NOW, Script(silent=True)) == ()
    seen = [engine.authorize(clave, NOW)[-1].estado for _ in range(3)]
    assert seen == ["EN PROCESO", "EN PROCESO", "AUTORIZADO"]
    several = [one.estado for one in engine.authorize(clave, NOW, Script(several=True))]
    assert several == ["NO AUTORIZADO", "AUTORIZADO", "NO AUTORIZADO"]
    clave, content = signed_invoice(2)
    engine.receive(content, NOW, Script(refused="37"))
    assert codes(engine.authorize(clave, NOW)[0].messages) == ["37"]


def test_received_and_lost(engine):
    clave, content = signed_invoice(3)
    assert engine.receive(content, NOW, Script(lost=True)).estado == "RECIBIDA"
    assert engine.authorize(clave, NOW) == ()
    assert engine.receive(content, NOW).estado == "RECIBIDA"  # as if it came for the first time
    assert [one.estado for one in engine.authorize(clave, NOW)] == ["AUTORIZADO"]


def test_a_dumped_state_goes_on_where_it_was(engine):
    clave, content = signed_invoice(1)
    engine.receive(content, NOW, Script(hold=1))
    again = Engine(engine.policy, State.load(engine.state.dump()))
    assert again.state == engine.state
    assert [again.authorize(clave, NOW)[0].estado for _ in range(2)] == ["EN PROCESO", "AUTORIZADO"]
    assert codes(again.receive(content, NOW).messages) == ["43"]


def test_other_environment_is_refused():
    engine = Engine(Policy(trusted=authority().trusted, environments=("2",)))
    assert verdict(engine, *signed_invoice(1)) == ("NO AUTORIZADO", ["34"])


def test_dates_may_be_left_open():
    engine = Engine(Policy(trusted=authority().trusted, max_age_days=None))
    old = TODAY - timedelta(days=400)
    assert verdict(engine, *signed_invoice(1, issued_on=old))[0] == "AUTORIZADO"


def test_what_is_judged_is_xml_that_was_signed(engine):
    clave, content = signed_invoice(1)
    engine.receive(content, NOW)
    (entry,) = engine.authorize(clave, NOW)
    assert etree.fromstring(entry.xml).findtext("infoTributaria/claveAcceso") == clave
