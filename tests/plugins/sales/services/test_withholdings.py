from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from core import plugins
from core.contracts.sales import CustomerData, PaymentAllocation, PaymentData
from core.contracts.services import SignatureChecking
from core.db.session import unit_of_work
from core.errors import Conflict, DomainError
from plugins.sales.domain.withholding import dashed, is_access_key, read_certificate
from plugins.sales.models import Invoice, Withholding
from plugins.sales.services.issue_invoices import issue_invoices
from plugins.sales.services.keep_customers import ensure_customers
from plugins.sales.services.receive_withholdings import (
    accept_certificate,
    receive_certificate,
    receive_key,
    reject_certificate,
)
from plugins.sales.services.record_payment import record_payment

AGENT = "1792205859001"


def key_of(agent: str = AGENT, sequence: int = 7, kind: str = "07") -> str:
    body = f"25042026{kind}{agent}1001001{sequence:09d}123456781"
    total = sum(int(d) * (2 + i % 6) for i, d in enumerate(reversed(body)))
    digit = 11 - total % 11
    return body + {11: "0", 10: "1"}.get(digit, str(digit))


def certificate(subject: str, number: str = "001001000000001", version: int = 2, **change) -> bytes:
    given = {"agent": AGENT, "income": "0.90", "iva": "3.15", "sequence": 7} | change
    income, iva = (
        f"<codigo>{code}</codigo><codigoRetencion>{kind}</codigoRetencion>"
        f"<baseImponible>{base}</baseImponible><porcentajeRetener>{rate}</porcentajeRetener>"
        f"<valorRetenido>{amount}</valorRetenido>"
        for code, kind, base, rate, amount in (
            ("1", "3440", "30.00", "3", given["income"]), ("2", "2", "4.50", "70", given["iva"]),
        )
    )  # fmt: skip
    support = f"<codDocSustento>01</codDocSustento><numDocSustento>{number}</numDocSustento>"
    lines = (
        f"<docsSustento><docSustento>{support}<retenciones><retencion>{income}</retencion>"
        f"<retencion>{iva}</retencion></retenciones></docSustento></docsSustento>"
        if version == 2
        else f"<impuestos><impuesto>{income}{support}</impuesto>"
        f"<impuesto>{iva}{support}</impuesto></impuestos>"
    )
    key = key_of(given["agent"], given["sequence"])
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><comprobanteRetencion id="comprobante" '
        f'version="{version}.0.0"><infoTributaria><razonSocial>Agente</razonSocial>'
        f"<ruc>{given['agent']}</ruc><claveAcceso>{key}</claveAcceso><codDoc>07</codDoc>"
        f"<estab>001</estab><ptoEmi>001</ptoEmi><secuencial>{given['sequence']:09d}</secuencial>"
        f"</infoTributaria><infoCompRetencion><fechaEmision>25/04/2026</fechaEmision>"
        f"<identificacionSujetoRetenido>{subject}</identificacionSujetoRetenido>"
        f"</infoCompRetencion>{lines}</comprobanteRetencion>"
    ).encode()


@pytest.fixture
def owed(tenant, draft, now):
    with unit_of_work(tenant.scope) as session:
        (ref,) = issue_invoices(session, [draft()], now=now)
    return ref


class Judge:
    """A signature checker that says what it is told to say."""

    def __init__(self, problem: str = "") -> None:
        self.answer = problem

    def problem(self, xml: bytes, *, now) -> str:
        return self.answer

    def is_issuers_own(self, xml: bytes, *, now) -> bool:
        return not self.answer


@pytest.fixture
def judged(monkeypatch, host):
    def by(problem: str = "") -> None:
        monkeypatch.setitem(plugins.host().services, SignatureChecking, Judge(problem))

    return by


def test_both_versions_and_the_envelope_read_the_same():
    for version in (1, 2):
        xml = certificate("1790000000001", version=version)
        envelope = (
            b"<autorizacion><estado>AUTORIZADO</estado><comprobante><![CDATA["
            + xml
            + b"]]></comprobante></autorizacion>"
        )
        for form in (xml, envelope):
            found = read_certificate(form)
            assert found.amount == Decimal("4.05")
            assert found.number == "001-001-000000007"
            assert found.issued_on == date(2026, 4, 25)
            assert {one.invoice_number for one in found.parts} == {"001-001-000000001"}


def test_sris_own_sample_is_read(vectors):
    path = vectors / "sri" / "samples" / "synthetic" / "comprobanteRetencion_1.0.0.xml"
    if not path.exists():
        pytest.skip("../shared/sri is not here")
    content = path.read_bytes()
    with pytest.raises(DomainError):  # its key says 01 (factura), not 07
        read_certificate(content)
    right = key_of("1790013213001")
    assert is_access_key(right)
    found = read_certificate(re.sub(rb"[0-9]{49}", right.encode(), content))
    assert (found.agent_tax_id, found.issued_on) == ("1790013213001", date(2023, 7, 21))
    assert found.amount > 0
    assert all(one.invoice_number.count("-") == 2 for one in found.parts)


@pytest.mark.parametrize(
    "content",
    [b"", b"no", b"<a/>", b"<html><body/></html>",
     b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><comprobanteRetencion/>',
     b"<" * 400_000],
)  # fmt: skip
def test_foreign_files_are_refused(content):
    with pytest.raises(DomainError) as refused:
        read_certificate(content)
    assert refused.value.field == "file"


def test_the_withholding_vector_ends_paid(tenant, buyer, owed, judged, now):
    judged()
    with unit_of_work(tenant.scope) as session:
        record_payment(
            session,
            PaymentData(buyer, "transfer", Decimal("30.45"), now.date(),
                        (PaymentAllocation(owed.id, Decimal("30.45")),), "t"),
            now=now,
        )  # fmt: skip
        first = receive_certificate(session, certificate(tenant.tax_id), now=now)
        assert receive_certificate(session, certificate(tenant.tax_id), now=now) == first
        invoice = session.get(Invoice, owed.id)
        assert (invoice.state, invoice.balance) == ("paid", Decimal("0.00"))
        stored = session.scalars(select(Withholding)).one()
        assert (stored.state, stored.amount, stored.is_signature_valid) == (
            "accepted", Decimal("4.05"), True,
        )  # fmt: skip


def test_without_a_judge_a_person_accepts_or_refuses(tenant, owed, now, monkeypatch, host):
    monkeypatch.delitem(plugins.host().services, SignatureChecking, raising=False)
    with unit_of_work(tenant.scope) as session:
        one = receive_certificate(session, certificate(tenant.tax_id), now=now)
        two = receive_certificate(session, certificate(tenant.tax_id, sequence=8), now=now)
        assert session.get(Invoice, owed.id).balance == Decimal("34.50")
        accept_certificate(session, one, now=now)
        session.expire_all()
        assert session.get(Invoice, owed.id).balance == Decimal("30.45")
        reject_certificate(session, two, reason="Repetida")
    with pytest.raises(Conflict), unit_of_work(tenant.scope) as session:
        accept_certificate(session, two, now=now)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"number": "001001000000099"}, "foreign_invoice"),
        ({"agent": "1793456789001"}, "foreign_agent"),
        ({"income": "40.00"}, "more_than_invoiced"),
        ({"subject": "1790000000001"}, "foreign_subject"),
    ],
)
def test_a_certificate_that_does_not_fit_is_refused(tenant, owed, judged, now, change, code):
    judged()
    given = {"subject": tenant.tax_id} | change
    with pytest.raises(DomainError) as refused, unit_of_work(tenant.scope) as session:
        receive_certificate(session, certificate(**given), now=now)
    assert refused.value.code == code
    assert owed.number == "001-001-000000001"


def test_a_bad_signature_and_another_customers_invoice_are_refused(tenant, owed, judged, now):
    judged("fue alterado.")
    with pytest.raises(DomainError) as refused, unit_of_work(tenant.scope) as session:
        receive_certificate(session, certificate(tenant.tax_id), now=now)
    assert refused.value.code == "bad_signature"
    other = CustomerData("04", "1793456789001", "Otro S.A.")
    with unit_of_work(tenant.scope) as session:
        ensure_customers(session, [other])
    judged()
    foreign = certificate(tenant.tax_id, agent="1793456789001")
    with pytest.raises(DomainError) as refused, unit_of_work(tenant.scope) as session:
        receive_certificate(session, foreign, now=now)
    assert refused.value.code == "foreign_invoice"


def test_an_access_key_alone_waits_for_a_person(tenant, owed, now):
    with unit_of_work(tenant.scope) as session:
        made = receive_key(session, key_of(), invoice_id=owed.id, amount=Decimal("4.05"), now=now)
        assert session.get(Withholding, made).state == "received"
        accept_certificate(session, made, now=now)
        session.expire_all()
        assert session.get(Invoice, owed.id).balance == Decimal("30.45")
    for key in ("1" * 49, key_of(kind="01"), "abc"):
        with pytest.raises(DomainError), unit_of_work(tenant.scope) as session:
            receive_key(session, key, invoice_id=owed.id, amount=Decimal("1.00"), now=now)
    assert dashed("001002000000123") == "001-002-000000123"


@pytest.mark.parametrize(("signer", "state"), [(AGENT, "accepted"), ("1790085783001", "received")])
def test_the_real_judge_lets_only_the_agents_own_signature_count(
    tenant, owed, now, tmp_path, signer, state
):
    from core import settings
    from plugins.einvoice_sri.domain.xades import sign
    from tests.factories.sri import authority, signing_key

    (tmp_path / "ca.pem").write_bytes(authority().chain_pem())
    path = str(tmp_path / "ca.pem")
    settings.use(settings.current().model_copy(update={"sri_authorities": path}))
    first = sign(certificate(tenant.tax_id), signing_key(signer), signing_time=now)
    with unit_of_work(tenant.scope) as session:
        receive_certificate(session, first, now=now)
        assert session.scalars(select(Withholding)).one().state == state
    changed = sign(
        certificate(tenant.tax_id, sequence=8), signing_key(signer), signing_time=now
    ).replace(b"<valorRetenido>0.90", b"<valorRetenido>0.80")
    with pytest.raises(DomainError) as refused, unit_of_work(tenant.scope) as session:
        receive_certificate(session, changed, now=now)
    assert refused.value.code == "bad_signature"
