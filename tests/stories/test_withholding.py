"""The withholding vector as it happens: the agent makes out the retención on its page, SRI's simulator
authorises it, the file is uploaded by the link of the invoice, and the invoice is paid.
"""

from __future__ import annotations

import re
from decimal import Decimal
from io import BytesIO

import pytest
from sqlalchemy import func, select

from core import settings
from core.db.scope import Scope
from core.db.session import unit_of_work
from core.models import Blob, CompanyProfile, TaxRegime, Tenant
from core.services.companies import add_branch, add_issue_point
from plugins.einvoice_sri.domain.xades import sign
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.services.certificates import add_certificate
from plugins.licensing.services import queue
from plugins.sales.models import Invoice, Payment, Withholding
from plugins.sales.services.payment_links import sign_link
from tests.conftest import Company
from tests.factories.licensing import CLIENT_RUC, make_vendor
from tests.factories.sri import (
    NOW,
    authority,
    give_certificate,
    signing_file,
    signing_key,
    simulated,
    simulator,
)
from tests.plugins.sales.services.test_withholdings import certificate

OTHER = "1790085783001"


@pytest.fixture
def vendor(make_tenant, clock, drain):
    return make_vendor(make_tenant, clock, drain)


@pytest.fixture
def trusting(tmp_path):
    """The installation trusts the authority that signs in this test."""
    file = tmp_path / "authorities.pem"
    file.write_bytes(authority().chain_pem())
    before = settings.current()
    settings.use(before.model_copy(update={"sri_authorities": str(file)}))
    yield
    settings.use(before)


def agent_of(tenant_id) -> tuple[Company, str]:
    """The client as a company that issues documents, with its own signing file; its emission point."""
    scope = Scope(tenant_id=tenant_id)
    with unit_of_work(scope) as session:
        regime = session.scalars(select(TaxRegime)).one()
        regime.withholding_agent_resolution = "1"
        file = signing_file(CLIENT_RUC)
        add_certificate(session, data=file.content, password=file.password, now=NOW, signer="")
        session.scalars(select(CompanyProfile)).one().head_office_address = "Quito"
        branch = add_branch(session, code="001", address="Quito")
        point = add_issue_point(session, branch, code="001")
        name = session.scalars(select(Tenant.name).where(Tenant.id == tenant_id)).one()
    return Company(tenant_id, CLIENT_RUC, name, branch, point, point), str(point)


@pytest.mark.usefixtures("trusting")
def test_the_agent_uploads_its_certificate_and_is_never_blocked(
    vendor, client, sign_in, post, csrf, drain, clock
):
    """34.50 = 30.45 transferred + 0.90 renta (3 %) + 3.15 IVA (70 %) withheld."""
    site = simulator()
    site.clock = clock.now
    with simulated(site):
        vendor.at("2026-05-01")
        give_certificate(vendor.operator, clock.now())
        tenant_id = vendor.contract()
        vendor.enable(tenant_id)
        agent, point = agent_of(tenant_id)
        vendor.run("2026-05-25")  # June, due 06-05
        seen = []

        def watch(day: str) -> None:
            vendor.night(day)
            now = vendor.at(day, 12)
            seen.append((day, vendor.may_issue(tenant_id, now)))

        with unit_of_work(vendor.operator.scope) as session:
            invoice = session.scalars(select(Invoice).where(Invoice.state == "issued")).one()
            key = session.scalars(
                select(FiscalDocument.access_key).where(FiscalDocument.id == invoice.id)
            ).one()
            link = sign_link(session, invoice.id)
        for day in ("2026-05-26", "2026-06-01", "2026-06-05"):
            watch(day)
        report = vendor.report(tenant_id, "30.45", withheld=Decimal("4.05"))
        vendor.drain()
        watch("2026-06-06")
        confirm(vendor, report)
        watch("2026-06-08")

        sign_in(client, agent, "owner")
        form = {
            "access_key": key, "support_code": "01", "payment": "20", "tax_rate": "4",
            "tax_base": "30", "tax_amount": "", "held_what": ["1:3440", "2:2"],
            "held_base": ["", ""], "held_percent": ["", ""], "issue_point_id": point,
            "legal_name": "", "purchase_key": "r-1",
        }  # fmt: skip
        found = post(client, "/sri/purchases/withholding", **form, do="find").text
        typed = {
            name: value
            for value, name in re.findall(
                r'value="([^"]*)"\s+id="(tax_id|number|issued_on)"', found
            )
        }
        assert typed == {
            "tax_id": vendor.operator.tax_id, "number": invoice.number, "issued_on": "2026-05-25",
        }  # fmt: skip
        form |= typed | {"tax_id_type": "04", "support_kind": "01", "legal_name": "Operadora"}
        made = post(client, "/sri/purchases/withholding", **form, do="issue")
        assert made.status_code == 303, sentences(made)
        drain()
        xml = client.get(f"{made.location}/xml").data
        assert b"<estado>AUTORIZADO</estado>" in xml
        assert client.get(f"{made.location}/ride").data.startswith(b"%PDF")

        anybody = client.application.test_client()

        def upload(content: bytes | None):
            given = {"csrf_token": csrf(anybody), "do": "certificate"}
            if content is not None:
                given["file"] = (BytesIO(content), "retencion.xml")
            return anybody.post(link, data=given, content_type="multipart/form-data")

        for says, content in bad_files(vendor, xml, clock.now()):
            answer = upload(content)
            assert answer.status_code == 422, says
            assert says in answer.text, (says, sentences(answer))
        with unit_of_work(vendor.operator.scope) as session:
            assert session.scalar(select(func.count()).select_from(Withholding)) == 0
            blobs = (
                select(func.count()).select_from(Blob).where(Blob.media_type == "application/xml")
            )
            assert session.scalar(blobs) == 0
            assert session.get(Invoice, invoice.id).balance == Decimal("4.05")

        assert upload(xml).status_code == 200
        assert upload(xml).status_code == 200  # sent twice, it counts once
        vendor.drain()
        with unit_of_work(vendor.operator.scope) as session:
            (stored,) = session.scalars(select(Withholding)).all()
            assert (stored.state, stored.amount) == ("accepted", Decimal("4.05"))
            covers = session.execute(
                select(Payment.method, Payment.amount).order_by(Payment.id)
            ).all()
            assert [tuple(one) for one in covers[-2:]] == [
                ("transfer", Decimal("30.45")),
                ("withholding", Decimal("4.05")),
            ]
            paid = session.get(Invoice, invoice.id)
            assert (paid.state, paid.balance) == ("paid", 0)
        assert "pagada" in anybody.get(link).text
        for day in ("2026-06-10", "2026-06-20"):
            watch(day)
    assert all(may for _day, may in seen), seen
    assert vendor.invoices(tenant_id)[1] == ("2026-06-01", "2026-06-30", "34.50", "paid")
    assert vendor.state(tenant_id) == "active"


def bad_files(vendor, good: bytes, now) -> list[tuple[str, bytes | None]]:
    """What else arrives, with the words that say what is wrong."""
    own, number = vendor.operator.tax_id, "001002000000001"

    def signed(subject: str, at: str = number, **change) -> bytes:
        agent = change.setdefault("agent", CLIENT_RUC)
        return sign(certificate(subject, at, **change), signing_key(agent), signing_time=now)

    with unit_of_work(vendor.operator.scope) as session:
        number = (
            session.scalars(select(Invoice.number).where(Invoice.state == "issued"))
            .one()
            .replace("-", "")
        )
    return [
        ("Elija el XML de la retención", None),
        ("no es el XML de un comprobante de retención", b"%PDF-1.7 no soy XML"),
        ("no es el XML de un comprobante de retención", b"<html><body>Descarga</body></html>"),
        ("no es el XML de un comprobante de retención", b"\x00\xff\xfe" * 99),
        ("320 KB", b"<a>" + b" " * 380_000 + b"</a>"),
        (f"para el RUC {OTHER}", signed(OTHER, number)),
        ("no es cliente", signed(own, number, agent=OTHER)),
        ("999-999-999999999", signed(own, "999999999999999")),
        ("supera el valor", signed(own, number, income="30.00", iva="30.00")),
        ("no está firmado", certificate(own, number, agent=CLIENT_RUC)),
        ("modificado después de firmarse", good.replace(b"<valorRetenido>0.90", b"<valorRetenido>0.91")),
        ("El SRI no lo autorizó", good.replace(b"<estado>AUTORIZADO", b"<estado>NO AUTORIZADO")),
    ]  # fmt: skip


def sentences(answer) -> list[str]:
    """What the page refuses."""
    return re.findall(
        r'(?:class="refusal"|callout-bad)[^>]*>.*?</svg>\s*(?:<p>)?([^<]+)<', answer.text
    )


def confirm(vendor, report_id) -> None:
    """The distributor confirms a report."""
    with unit_of_work(vendor.north.scope) as session:
        queue.confirm_reports(session, [report_id], now=vendor.clock.now())
    vendor.drain()
