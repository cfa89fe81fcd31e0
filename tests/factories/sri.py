"""An issuer, requests and a simulated SRI, valid by default; nothing here is secret or real."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from core.contracts.fiscal import FiscalLine, FiscalPayment, FiscalTax, InvoiceRequest
from core.contracts.sales import CustomerData
from core.db.session import unit_of_work
from core.domain.money import percent, to_cents
from core.ids import uuid7_from
from plugins.einvoice_sri.adapters.gateways import Gateways
from plugins.einvoice_sri.adapters.sri_soap import PATH, SriSoap
from plugins.einvoice_sri.adapters.wire import Answer, Timeouts, WireError
from plugins.einvoice_sri.domain import from_request, xml
from plugins.einvoice_sri.domain.emisor import Emisor
from plugins.einvoice_sri.domain.tipos import Ambiente
from plugins.einvoice_sri.domain.xades import SigningKey, sign_canonical
from plugins.einvoice_sri.services.certificates import add_certificate
from plugins.einvoice_sri.simulator.authority import SigningFile, TestAuthority
from plugins.einvoice_sri.simulator.engine import Engine
from plugins.einvoice_sri.simulator.faults import FaultPlan
from plugins.einvoice_sri.simulator.inprocess import NoAnswer, carried
from plugins.einvoice_sri.simulator.rules import Policy
from plugins.einvoice_sri.simulator.site import Request, Site

NOW = datetime(2026, 4, 25, 13, 0, tzinfo=UTC)
TODAY = date(2026, 4, 25)
RUC = "1790012345001"


@cache
def authority() -> TestAuthority:
    """The simulator's certification authority, made once per test run, valid for decades around NOW."""
    return TestAuthority.create(NOW)


@cache
def signing_file(ruc: str = RUC, password: str = "clave") -> SigningFile:
    """A P12 for a RUC, valid around NOW."""
    return authority().issue(ruc, "PERSONA DE PRUEBA", password, NOW, days=3650)


@cache
def signing_key(ruc: str = RUC) -> SigningKey:
    """The key of that P12, loaded."""
    file = signing_file(ruc)
    return load_key(file)


def load_key(file: SigningFile) -> SigningKey:
    """Any simulated signing file as a key."""
    key, certificate, _chain = pkcs12.load_key_and_certificates(
        file.content, file.password.encode()
    )
    assert key is not None
    assert certificate is not None
    return SigningKey.load(
        key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        certificate.public_bytes(serialization.Encoding.DER),
    )


def new_document_id(number: int) -> UUID:
    """An id that is the same in every run."""
    return uuid7_from(1_777_000_000_000 + number, number.to_bytes(10, "big"))


def line(price: str = "10.00", quantity: str = "1", rate: str = "15") -> FiscalLine:
    """A line with IVA."""
    subtotal = to_cents(Decimal(price) * Decimal(quantity))
    tax = FiscalTax("2", "4", Decimal(rate), subtotal, percent(subtotal, Decimal(rate)))
    return FiscalLine(
        code="P-1",
        description="Servicio mensual",
        quantity=Decimal(quantity),
        unit_price=Decimal(price),
        discount=Decimal("0.00"),
        subtotal=subtotal,
        taxes=(tax,),
    )


def invoice_request(
    number: int = 1,
    *,
    document_id: UUID | None = None,
    email: str = "cliente@example.com",
    priority: int = 0,
    issued_on: date = TODAY,
    point: str = "002",
    lines: tuple[FiscalLine, ...] | None = None,
) -> InvoiceRequest:
    """A factura's request."""
    chosen = lines if lines is not None else (line(),)
    total = sum(
        (one.subtotal + sum(tax.amount for tax in one.taxes) for one in chosen), Decimal("0.00")
    )
    return InvoiceRequest(
        document_id=document_id or new_document_id(number),
        branch_code="001",
        issue_point_code=point,
        sequence=number,
        issued_on=issued_on,
        counterpart=CustomerData(
            "05", "1710034065", "Ana Lucía Pérez", email, "Quito", "022222222"
        ),
        priority=priority,
        lines=chosen,
        payments=(FiscalPayment("20", total),),
    )


def emisor(ruc: str = RUC, environment: str = "1") -> Emisor:
    """An issuer."""
    return Emisor(
        ruc=ruc,
        razon_social="Compañía de Prueba S.A.",
        dir_matriz="Av. Amazonas N1-23, Quito",
        ambiente=Ambiente(environment),
    )


def signed_invoice(
    number: int = 1, *, at: datetime = NOW, environment: str = "1", **given: object
) -> tuple[str, bytes]:
    """Access key and signed bytes of a factura."""
    request = invoice_request(number, **given)  # type: ignore[arg-type]
    document = from_request.comprobante(request, emisor(environment=environment))
    content = sign_canonical(xml.build(document), signing_key(), signing_time=at)
    return document.info_tributaria.clave_acceso, content


class SettableClock:
    """The simulator's clock in tests."""

    def __init__(self, instant: datetime = NOW) -> None:
        self.instant = instant

    def __call__(self) -> datetime:
        """The present instant."""
        return self.instant

    def advance(self, **step: float) -> None:
        """Move on."""
        self.instant += timedelta(**step)


def simulator(**policy: object) -> Site:
    """A simulator that trusts the test authority; its clock is ``site.clock`` (settable)."""
    given = {"trusted": authority().trusted, **policy}
    return Site(Engine(Policy(**given)), FaultPlan(), SettableClock(), authority())  # type: ignore[arg-type]


def inprocess_gateway(site: Site) -> SriSoap:
    """The SOAP adapter with the simulator's replies carried without a socket."""

    def post(address: str, body: bytes, headers: object) -> Answer:
        path = "/" + address.split("//", 1)[-1].split("/", 1)[-1]
        try:
            reply = carried(site.answer(Request("POST", path, body, host="simulador.invalid")))
        except NoAnswer as error:
            raise WireError("timeout", str(error), delivered=None) from error
        return Answer(reply.status, reply.content_type, reply.body)

    return SriSoap(f"http://simulador.invalid{PATH}", is_simulated=True, post=post)


def http_gateway(url: str, *, read: float = 30.0) -> SriSoap:
    """The SOAP adapter over a socket."""
    return SriSoap(url + PATH, timeouts=Timeouts(connect=30.0, read=read), is_simulated=True)


def give_certificate(company: Any, now: datetime) -> None:
    """Put the test's signing file into a company's vault, as its owner would upload it."""
    file = signing_file()
    with unit_of_work(company.scope) as session:
        add_certificate(
            session, data=file.content, password=file.password, now=now, signer="Representante"
        )


@contextmanager
def simulated(site: Site) -> Iterator[Gateways]:
    """Make the simulator, in process, the SRI of this process."""
    from plugins.einvoice_sri import jobs

    gateway = inprocess_gateway(site)
    gateways = Gateways({1: gateway, 2: gateway})
    jobs.use_gateways(gateways)
    try:
        yield gateways
    finally:
        jobs.use_gateways(None)
        gateways.close()
