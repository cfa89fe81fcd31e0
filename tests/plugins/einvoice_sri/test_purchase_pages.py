"""The forms of liquidación de compra and retención: from what is typed to the authorised document."""

from __future__ import annotations

import re
from datetime import date

import pytest
from lxml import etree
from markupsafe import escape

from core.db.session import unit_of_work
from plugins.einvoice_sri.domain import from_request, xml
from plugins.einvoice_sri.domain.tipos import TipoComprobante
from plugins.einvoice_sri.domain.verify_envelope import open_envelope
from plugins.einvoice_sri.models.fetched import FetchedDocument
from plugins.einvoice_sri.services.document_files import files_of
from tests.plugins.einvoice_sri.domain.peticiones import EMISOR, FACTURA
from tests.plugins.einvoice_sri.domain.test_conformance import OFFICIAL, official

SETTLEMENT, WITHHOLDING = "/sri/purchases/settlement", "/sri/purchases/withholding"
SELLER = {
    "tax_id_type": "05",
    "tax_id": "1710034065",
    "legal_name": "María Ñato",
    "email": "maria@example.com",
    "address": "Quito",
    "payment": "20",
    "purchase_key": "k-1",
}
BOUGHT = {
    "line_code": ["A", ""],
    "line_description": ["Limpieza", "Jardín"],
    "line_quantity": ["3", "1"],
    "line_price": ["3,335", "10"],
    "line_discount": ["", "0,50"],
    "line_rate": ["4", "0"],
}
SUPPORT = {
    "support_kind": "01",
    "number": "001-002-000000123",
    "issued_on": "2026-04-20",
    "access_key": "",
    "support_code": "01",
    "tax_rate": "4",
    "tax_base": "30,00",
    "tax_amount": "",
}
HELD = {"held_what": ["1:343", "2:2"], "held_base": ["", ""], "held_percent": ["3", ""]}


@pytest.fixture
def fill(client, tenant, sign_in, post):
    sign_in(client, tenant, "accountant")
    return lambda path, *parts, **more: post(
        client,
        path,
        **{
            "issue_point_id": str(tenant.till_id),
            **{name: value for part in parts for name, value in part.items()},
            **more,
        },
    )


def shown(answer) -> str:
    """The total as the page shows it."""
    return re.search(r'id="total">\s*<span class="num">([^<]+)<', answer.text)[1].strip()


def errors(answer) -> list[tuple[str, str]]:
    """The fields that are refused, with their sentences."""
    return re.findall(r'class="refusal" id="([\w-]+)-error">.*?</svg>\s*([^<]+?)\s*<', answer.text)


def authorised(tenant, documents, kind: str, version: str):
    """The XML of the only authorised document of a root, proven against the official schema."""
    row = next(one for one in documents() if one.state == "authorized" and one.kind == kind)
    with unit_of_work(tenant.scope) as session:
        files = files_of(session, row)
    assert files.ride.startswith(b"%PDF")
    root = etree.fromstring(open_envelope(files.xml).comprobante)
    if OFFICIAL.exists():
        official(TipoComprobante(kind), version).assertValid(root)
    return row, lambda path: root.findtext(f".//{path}")


@pytest.mark.usefixtures("key")
def test_a_settlement_from_the_form_is_authorised_and_withheld_from(
    site, client, tenant, fill, documents, drain, outbox
):
    page = fill(SETTLEMENT, SELLER, BOUGHT, do="update")
    assert (page.status_code, shown(page)) == (200, "$ 21,01")  # 10,01 + 1,50 and 9,50
    assert documents() == []
    more = fill(SETTLEMENT, SELLER, BOUGHT, do="add-line")
    assert more.text.count('name="line_description"') == 3
    less = fill(SETTLEMENT, SELLER, BOUGHT, do="remove-line-1")
    assert shown(less) == "$ 11,51"
    made = fill(SETTLEMENT, SELLER, BOUGHT, do="issue")
    assert made.status_code == 303
    assert fill(SETTLEMENT, SELLER, BOUGHT, do="issue").location == made.location  # a double click
    drain()
    row, text = authorised(tenant, documents, "03", "1.1.0")
    assert (str(row.total), text("importeTotal"), text("codigoPrincipal")) == (
        "21.01", "21.01", "A",
    )  # fmt: skip
    assert len(outbox.to("maria@example.com")) == 1

    withhold = client.get(f"{WITHHOLDING}?document={row.id}")
    for value in (row.access_key, row.number, "María Ñato", "10,01", "1,50", "9,50"):
        assert value in withhold.text, value
    known = fill(SETTLEMENT, {"tax_id_type": "05", "tax_id": "1710034065"}, do="update")
    assert "María Ñato" in known.text  # who was typed once is known by the number


@pytest.mark.usefixtures("key")
def test_a_withholding_from_the_form_is_authorised(site, tenant, fill, documents, drain):
    page = fill(WITHHOLDING, SELLER, SUPPORT, HELD, do="update")
    assert (page.status_code, shown(page)) == (200, "$ 4,05")
    assert 'value="4,50"' in page.text  # the base of a retention of IVA is the IVA
    assert fill(WITHHOLDING, SELLER, SUPPORT, HELD, do="issue").status_code == 303
    drain()
    row, text = authorised(tenant, documents, "07", "2.0.0")
    assert (str(row.total), text("numDocSustento"), text("importeTotal"), text("periodoFiscal")) == (
        "4.05", "001002000000123", "34.50", "04/2026",
    )  # fmt: skip


def test_the_document_is_found_by_its_key(client, tenant, fill, now, documents, samples):
    key, content = samples
    bare = fill(WITHHOLDING, {"access_key": key, "tax_rate": "4"}, do="find").text
    number = f"{key[24:27]}-{key[27:30]}-{key[30:39]}"
    assert f'value="{number}"' in bare
    assert key[10:23] in bare
    with unit_of_work(tenant.scope) as session:
        session.add(
            FetchedDocument(
                access_key=key, state="found", requested_at=now, next_at=now, content=content
            )
        )
    listed = client.get(WITHHOLDING).text
    assert f'value="find-{key}"' in listed
    full = fill(WITHHOLDING, do=f"find-{key}").text
    root = etree.fromstring(content)
    assert f'value="{escape(root.findtext(".//razonSocial"))}"' in full
    assert f'value="{root.findtext(".//totalImpuesto/baseImponible").replace(".", ",")}"' in full
    for wrong in ("1" * 49, "hola"):
        refused = fill(WITHHOLDING, {"access_key": wrong}, do="find")
        assert refused.status_code == 422
        assert errors(refused)[0][0] == "access_key"


@pytest.fixture
def samples():
    """A made-up invoice of somebody else, as it is fetched."""
    made = from_request.comprobante(FACTURA, EMISOR)
    return made.info_tributaria.clave_acceso, xml.build(made)


WRONG = [
    (SETTLEMENT, {"tax_id": "1710034060"}, "tax_id", "dígito"),
    (SETTLEMENT, {"tax_id_type": "07"}, "tax_id_type", "Elija"),
    (SETTLEMENT, {"legal_name": " "}, "legal_name", "nombre del proveedor"),
    (SETTLEMENT, {"line_description": ["Limpieza", ""]}, "line_description-1", "qué se compró"),
    (SETTLEMENT, {"line_quantity": ["0", "1"]}, "line_quantity-0", "mayor que cero"),
    (SETTLEMENT, {"line_price": ["diez", "1"]}, "line_price-0", "1234,50"),
    (SETTLEMENT, {"line_price": ["-1", "1"]}, "line_price-0", "signo menos"),
    (SETTLEMENT, {"line_price": ["0", "0.50"]}, "line_price-0", "suma cero"),
    (SETTLEMENT, {"line_discount": ["99", ""]}, "line_discount-0", "descuento"),
    (SETTLEMENT, {"line_rate": ["2", "0"]}, "line_rate-0", "vigente"),
    (SETTLEMENT, {"payment": "99"}, "payment", "forma de pago"),
    (SETTLEMENT, {"issue_point_id": ""}, "issue_point_id", "punto de emisión"),
    (WITHHOLDING, {"number": "123"}, "number", "001-002-000000123"),
    (WITHHOLDING, {"issued_on": "2026-04-26"}, "issued_on", "posterior"),
    (WITHHOLDING, {"issued_on": "ayer"}, "issued_on", "25/04/2026"),
    (WITHHOLDING, {"access_key": "123"}, "access_key", "49"),
    (WITHHOLDING, {"support_code": "77"}, "support_code", "sustento"),
    (WITHHOLDING, {"tax_base": ""}, "tax_base-0", "1234,50"),
    (WITHHOLDING, {"held_what": ["", "2:2"]}, "held_what-0", "código de retención"),
    (WITHHOLDING, {"held_percent": ["3", "101"]}, "held_percent-1", "100"),
    (WITHHOLDING, {"held_percent": ["", "30"], "held_what": ["1:310", "2:1"]},
     "held_percent-0", "1234,50"),
    (WITHHOLDING, {"held_percent": ["3", "30"]}, "held_percent-1", "70 %"),
]  # fmt: skip


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(fill, documents):
    for path, change, field, says in WRONG:
        body = BOUGHT if path == SETTLEMENT else {**SUPPORT, **HELD}
        answer = fill(path, SELLER, body, change, do="issue")
        assert answer.status_code == 422, change
        ((where, sentence),) = errors(answer)
        assert where == field, (change, sentence)
        assert says in sentence, change
        assert "maria@example.com" in answer.text
    assert documents() == []


def test_only_who_may_issue_sees_the_forms(client, tenant, other_tenant, sign_in, post):
    sign_in(client, tenant, "salesperson")
    assert client.get(SETTLEMENT).status_code == 403
    assert "/sri/purchases/" not in client.get("/sri/documents").text
    sign_in(client, tenant, "owner")
    assert SETTLEMENT in client.get("/sri/documents").text
    assert client.get(f"{WITHHOLDING}?document={other_tenant.id}").status_code == 404
    assert date(2026, 4, 25).strftime("%d/%m/%Y") in client.get(SETTLEMENT).text
