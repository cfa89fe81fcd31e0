"""What SRI would refuse is refused here: before a number is used when a person waits, else before sending."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from core.contracts.fiscal import CreditNoteRequest, FiscalPayment, FiscalTax, SupportedDocument
from core.contracts.sales import CustomerData
from core.db.session import unit_of_work
from core.errors import DomainError
from core.models import TaxRegime
from core.services import settings as tenant_settings
from plugins.einvoice_sri import settings
from plugins.einvoice_sri.services.read_documents import problem_of
from plugins.einvoice_sri.services.read_issuer import IssuerReader
from plugins.einvoice_sri.services.request_documents import BULK_FROM
from tests.factories.sri import TODAY, invoice_request, line, new_document_id

FINAL = CustomerData("07", "9999999999999", "CONSUMIDOR FINAL")
OFF_BY_A_CENT = replace(
    line(), taxes=(FiscalTax("2", "4", Decimal(15), Decimal("10.00"), Decimal("1.52")),)
)
FREE = replace(line(), taxes=(FiscalTax("2", "0", Decimal(0), Decimal("10.00"), Decimal("0.00")),))
GOOD = invoice_request(1)


@pytest.fixture
def popular(tenant) -> None:
    """From January 2026 the company is a RIMPE negocio popular; before, it was in the general regime."""
    with unit_of_work(tenant.scope) as session:
        session.add(TaxRegime(valid_from=date(2022, 1, 1), regime="general"))
        session.add(TaxRegime(valid_from=date(2026, 1, 1), regime="rimpe_popular"))


@pytest.mark.parametrize(
    ("request_", "code", "words"),
    [
        (invoice_request(1, lines=(line(price="60.00"),)), "sri_consumidor_final_limite", "50.00"),
        (invoice_request(1, lines=(OFF_BY_A_CENT,)), "sri_totales", "1.52"),
        (replace(GOOD, payments=(FiscalPayment("99", Decimal("11.50")),)), "sri_esquema_pattern", "99"),
        (replace(GOOD, issued_on=TODAY + timedelta(days=1)), "sri_fecha_futura", "Fecha de emisión: "),
        (replace(GOOD, counterpart=replace(GOOD.counterpart, tax_id="1710034066")),
         "sri_identificacion", "Identificación del cliente: "),
        (replace(GOOD, payments=(FiscalPayment("20", Decimal("11.00")),)), "sri_totales", "11.00"),
    ],
)  # fmt: skip
def test_a_person_is_told_before_the_number_is_used(
    tenant, request_fiscal, documents, request_, code, words
):
    if code == "sri_consumidor_final_limite":
        request_ = replace(request_, counterpart=FINAL)
    with pytest.raises(DomainError) as told:
        request_fiscal(request_)
    assert told.value.code == code
    assert words in str(told.value)
    assert documents() == []


def test_a_negocio_popular_that_charges_iva_is_stopped_with_an_explanation(
    popular, request_fiscal, documents
):
    with pytest.raises(
        DomainError, match="negocio popular no cobra IVA: use la tarifa del 0"
    ) as told:
        request_fiscal(*(invoice_request(number) for number in range(1, BULK_FROM + 5)))
    assert told.value.code == "sri_negocio_popular_iva"
    request_fiscal(invoice_request(1, lines=(FREE,)))
    gives_back = CreditNoteRequest(
        new_document_id(77), "001", "002", 1, TODAY, GOOD.counterpart,
        supported=SupportedDocument("01", "001-002-000000009", date(2025, 12, 30)),
        reason="Devolución", lines=(line(),),
    )  # fmt: skip
    request_fiscal(gives_back)  # what was charged in the general regime is given back with its IVA
    later = replace(
        gives_back,
        sequence=2,
        document_id=new_document_id(78),
        supported=SupportedDocument("01", "001-002-000000010", date(2026, 1, 30)),
    )
    with pytest.raises(DomainError, match="negocio popular"):
        request_fiscal(later)
    assert [one.kind for one in documents()] == ["01", "04"]


@pytest.mark.usefixtures("key")
def test_a_large_run_is_refused_one_by_one_before_sending(
    site, tenant, request_fiscal, documents, drain
):
    wrong = invoice_request(3, lines=(OFF_BY_A_CENT,), email="")
    good = [invoice_request(n, email="") for n in range(4, 4 + BULK_FROM)]
    request_fiscal(wrong, *good)
    drain()
    first, *rest = documents()
    assert (first.state, first.code, first.access_key) == ("rejected", "local", None)
    assert {one.state for one in rest} == {"authorized"}
    assert len(site.engine.state.entries) == BULK_FROM
    with unit_of_work(tenant.scope) as session:
        problem = problem_of(session, first)
    assert any("1.52" in one and "1.50" in one for one in problem.said)  # the cents are named


def test_the_operators_ruc_is_the_provider_unless_the_company_runs_the_software_itself(
    tenant, make_tenant
):
    def provider() -> str:
        with unit_of_work(tenant.scope) as session:
            reader = IssuerReader(session)
            return reader.emisor(
                branch_code="001", on=date(2026, 9, 26), environment=2
            ).ruc_proveedor

    assert provider() == ""  # nobody operates this installation for others
    operator = make_tenant("Yupana Servicios", kind="operator")
    assert provider() == operator.tax_id
    with unit_of_work(tenant.scope) as session:
        tenant_settings.write(session, settings.IN_HOUSE, value=True)
    assert provider() == ""
