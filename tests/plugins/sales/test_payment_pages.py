"""Money in, as people do it in pages: slips, withholdings by key, statements of banks, several invoices."""

from __future__ import annotations

import io
import zipfile
from datetime import date, timedelta
from decimal import Decimal

import openpyxl
import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject
from reportlab.pdfgen import canvas
from sqlalchemy import select

from core.db.session import unit_of_work
from core.domain.payment_codes import payment_code
from core.errors import DomainError
from core.models import Blob
from core.services import settings
from plugins.sales.adapters.pdf_slips import written_anew
from plugins.sales.adapters.spreadsheets import read_table
from plugins.sales.domain.statements import from_header, guess_mapping, read_credits
from plugins.sales.models import BankAccount, Invoice, PaymentReport, StatementRow, Withholding
from plugins.sales.services.issue_invoices import issue_invoices
from plugins.sales.services.payment_links import sign_link
from tests.plugins.sales.services.test_withholdings import key_of


@pytest.fixture
def owed(tenant, draft, now):
    """Two invoices of 34.50 of one customer, the second with its link."""
    with unit_of_work(tenant.scope) as session:
        one, two = issue_invoices(
            session, [draft("a", due_on=now.date()), draft("b", due_on=now.date())], now=now
        )
        return {"one": one.id, "two": two.id, "number": one.number,
                "link": sign_link(session, two.id)}  # fmt: skip


def pdf(*, pages: int = 1) -> bytes:
    out = io.BytesIO()
    paper = canvas.Canvas(out)
    for page in range(pages):
        paper.drawString(100, 700, f"Transferencia 34,50 hoja {page}")
        paper.linkURL("http://example.com/trampa", (100, 690, 300, 720))
        paper.showPage()
    paper.save()
    return out.getvalue()


def loaded_pdf() -> bytes:
    """A PDF with a program hidden in a compressed object, a file inside and a form."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf())))
    writer.add_attachment("virus.exe", b"MZ")
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(
        {NameObject("/S"): NameObject("/URI"), NameObject("/URI"): TextStringObject("http://x")}
    )
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def bomb_png() -> bytes:
    """A picture of 250 megapixels in a few kilobytes."""
    out = io.BytesIO()
    Image.new("1", (16000, 16000)).save(out, "PNG", optimize=True)
    return out.getvalue()


def zip_of_zeros() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("slip.jpg", bytes(30_000_000))
    return out.getvalue()


def test_a_pdf_slip_keeps_its_pages_and_nothing_else():
    kept = written_anew(loaded_pdf())
    assert "Transferencia 34,50" in PdfReader(io.BytesIO(kept)).pages[0].extract_text()
    for trace in (b"virus", b"/OpenAction", b"/EmbeddedFile", b"/Annots", b"trampa", b"/URI"):
        assert trace not in kept, trace
    locked = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf())))
    locked.encrypt("x")
    out = io.BytesIO()
    locked.write(out)
    for content in (b"%PDF-1.7\n%%EOF", pdf()[:400] + b"%%EOF", pdf(pages=11), out.getvalue()):
        with pytest.raises(DomainError) as refused:
            written_anew(content)
        assert refused.value.field == "slip"


def test_slips_by_the_link(app, tenant, owed, post):
    report = {"invoice_id": str(owed["two"]), "amount": "34.50", "value_on": "2026-04-25",
              "bank": "Pichincha", "reference": "123", "do": "report"}  # fmt: skip
    anybody = app.test_client()
    for n, bad in enumerate(
        (b"<!doctype html><script>1</script>", b"<svg xmlns='http://www.w3.org/2000/svg'/>",
         zip_of_zeros(), bomb_png(), b"MZ\x90", loaded_pdf())
    ):  # fmt: skip
        answer = post(anybody, owed["link"], **report, report_key=f"bad-{n}",
                      slip=(io.BytesIO(bad), "foto.jpg"))  # fmt: skip
        assert answer.status_code == 422, n
        assert 'id="slip-error"' in answer.text, n
    with unit_of_work(tenant.scope) as session:  # nothing half-written
        assert session.scalars(select(PaymentReport.id)).all() == []
        assert session.scalars(select(Blob.id)).all() == []
    sent = post(anybody, owed["link"], **report, report_key="good",
                slip=(io.BytesIO(pdf()), "foto.jpg"))  # fmt: skip
    assert sent.status_code == 200
    with unit_of_work(tenant.scope) as session:
        blob = session.scalars(select(Blob)).one()
        assert blob.media_type == "application/pdf"
        assert b"trampa" not in blob.content
    twin = post(anybody, owed["link"], **report, report_key="again")  # told, not refused
    assert twin.status_code == 200
    assert "Ya teníamos" in twin.text
    with unit_of_work(tenant.scope) as session:
        assert sorted(session.scalars(select(PaymentReport.is_twin))) == [False, True]


def test_a_withholding_by_access_key_from_the_link_and_from_the_office(
    client, app, tenant, owed, sign_in, post
):
    anybody = app.test_client()
    for field, fields in (
        ("access_key", {"access_key": "12345", "withheld": "4,05"}),
        ("access_key", {"access_key": key_of(kind="01"), "withheld": "4,05"}),
        ("access_key", {"access_key": key_of("1790000000001"), "withheld": "4,05"}),
        ("withheld", {"access_key": key_of(), "withheld": "99"}),
        ("withheld", {"access_key": key_of(), "withheld": "cuatro"}),
    ):
        refused = post(anybody, owed["link"], do="key", **fields)
        assert refused.status_code == 422, fields
        assert f'id="{field}-error"' in refused.text, fields
    sent = post(anybody, owed["link"], do="key", access_key=key_of(), withheld="4,05")
    assert sent.status_code == 200
    assert "$ 30,45" in anybody.get(owed["link"]).text  # what is left to transfer
    sign_in(client, tenant, "owner")
    typed = {"do": "key", "access_key": key_of(sequence=8), "amount": "4,05"}
    unknown = post(client, "/sales/payments/withholdings/new", **typed, invoice_number="001-001-9")
    assert 'id="invoice_number-error"' in unknown.text
    plain = owed["number"].replace("-", "")
    assert (
        post(client, "/sales/payments/withholdings/new", **typed, invoice_number=plain).status_code
        == 303
    )
    with unit_of_work(tenant.scope) as session:
        by_sequence = {one.number[-1]: one.id for one in session.scalars(select(Withholding))}
    assert set(by_sequence) == {"7", "8"}
    assert (
        post(client, f"/sales/payments/withholdings/{by_sequence['8']}/accept").status_code == 303
    )
    with unit_of_work(tenant.scope) as session:
        assert session.get(Invoice, owed["one"]).balance == Decimal("30.45")
        assert session.get(Invoice, owed["two"]).balance == Decimal("34.50")


def xlsx(rows) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def xlsx_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", bytes(70_000_000))
    return out.getvalue()


def test_a_statement_with_a_preamble_and_debits_beside_credits():
    rows = from_header(
        read_table(
            xlsx(
                [
                    ["Banco Pichincha", None, None, None, None],
                    ["Cuenta", "2200112233", None, "Saldo", 900],
                    [],
                    ["Fecha", "Concepto", "Tipo", "Documento", "Monto"],
                    [date(2026, 4, 24), "TRANSFERENCIA", "C", "000123", 34.5],
                    [date(2026, 4, 24), "PAGO LUZ", "D", "000124", 12.25],
                    [date(2026, 4, 25), "DEPOSITO", "CREDITO", "9", "1.234,50"],
                ]
            )
        )
    )
    mapping = guess_mapping(rows[0])
    assert mapping == {"value_on": 0, "description": 1, "kind": 2, "reference": 3, "amount": 4}
    found = [(one.reference, str(one.amount)) for one in read_credits(rows, mapping, account="")]
    assert found == [("000123", "34.50"), ("9", "1234.50")]


def test_a_statement_by_the_wizard(client, tenant, owed, buyer, sign_in, post):
    """Exact reference and amount settles; a payment code suggests whose it is; foreign files are told."""
    sign_in(client, tenant, "owner")
    code = payment_code(buyer)
    made = post(client, f"/sales/reports/new/{buyer}", report_key="k", amount="34.50", bank="Austro",
                reference="A-77", value_on="2026-04-24", invoice_id=str(owed["one"]))  # fmt: skip
    assert made.status_code == 303
    content = xlsx(
        [
            ["Fecha", "Detalle", "Referencia", "Crédito"],
            [date(2026, 4, 24), "TRANSF", "a77", 34.5],
            [date(2026, 4, 25), f"PAGO {code.lower()}", "555", 20],
            [date(2026, 4, 25), "OTRO", "556", 7],
        ]
    )
    for _ in range(2):  # the same file again changes nothing
        step = post(client, "/sales/statements/new", file=(io.BytesIO(content), "mes.xlsx"))
        where = step.headers["Location"]
        assert 'value="3" selected' in client.get(where).text
        done = post(client, where, value_on="0", description="1", reference="2", amount="3")
        assert done.status_code == 303, done.text
    with unit_of_work(tenant.scope) as session:
        rows = session.scalars(select(StatementRow).order_by(StatementRow.amount.desc())).all()
        assert [(one.state, one.suggested_customer_id) for one in rows] == [
            ("settled", None), ("suggested", buyer), ("unmatched", None),
        ]  # fmt: skip
        assert session.get(Invoice, owed["one"]).state == "paid"
        assert session.get(Invoice, owed["two"]).balance == Decimal("34.50")
    assert post(client, f"/sales/statements/rows/{rows[1].id}/settle").status_code == 303
    with unit_of_work(tenant.scope) as session:
        assert session.get(Invoice, owed["two"]).balance == Decimal("14.50")

    foreign = xlsx([["Nombre", "Edad"], ["Ana", "treinta"], ["Luis", "cuarenta"]])
    step = post(client, "/sales/statements/new", file=(io.BytesIO(foreign), "x.xlsx"))
    refused = post(client, step.headers["Location"], value_on="0", amount="1")
    assert refused.status_code == 422
    assert "ninguna fila" in refused.text.lower()
    incomplete = post(client, step.headers["Location"], value_on="0")
    assert 'id="amount-error"' in incomplete.text
    for junk in (b"\x00junk", b"una palabra", xlsx_bomb(), b"", content[:300]):
        bad = post(client, "/sales/statements/new", file=(io.BytesIO(junk), "x.xlsx"))
        assert bad.status_code == 422
        assert 'id="file-error"' in bad.text


def test_one_payment_over_two_invoices_by_hand_with_excess_and_receipt(
    client, tenant, owed, buyer, sign_in, post, drain, outbox
):
    with unit_of_work(tenant.scope) as session:
        session.add(
            BankAccount(bank="Banco Pichincha", number="2200", holder="Gimnasio", kind="savings")
        )
    sign_in(client, tenant, "owner")
    paid = post(
        client, "/sales/payments/new", customer_id=str(buyer), amount="60", value_on="2026-04-25",
        method="deposit", bank="Pichincha", reference="55", payment_key="pk",
        invoice_id=[str(owed["one"]), str(owed["two"])], part=["20", "34,50"],
    )  # fmt: skip
    assert paid.status_code == 303, paid.text
    with unit_of_work(tenant.scope) as session:
        assert session.get(Invoice, owed["one"]).balance == Decimal("14.50")
        assert session.get(Invoice, owed["two"]).state == "paid"
    account = client.get(f"/sales/customers/{buyer}").text
    for part in ("$ 14,50", "$ 5,50", "$ 60,00", "$ 34,50", payment_code(buyer)):
        assert part in account, part
    assert "$ 14,50" in client.get("/sales/customers/ageing").text
    drain()
    drain()  # once: it leaves no second time
    (receipt,) = [one for one in outbox.mails if "Recibo" in one.subject]
    for part in ("$ 60,00", "$ 20,00", "$ 34,50", "$ 5,50"):
        assert part in receipt.text, part
    too_much = post(
        client, "/sales/payments/new", customer_id=str(buyer), amount="10", value_on="2026-04-25",
        method="transfer", payment_key="pk2", invoice_id=str(owed["one"]), part="14,50",
    )  # fmt: skip
    assert too_much.status_code == 422


@pytest.mark.checklist("PW-12")
def test_only_deposits_and_transfers_unless_the_company_says_more(
    client, tenant, buyer, sign_in, post
):
    sign_in(client, tenant, "owner")
    form = f"/sales/payments/new?customer_id={buyer}"
    paid = {"customer_id": str(buyer), "amount": "5", "value_on": "2026-04-25", "method": "cash"}
    assert 'value="cash"' not in client.get(form).text
    refused = post(client, "/sales/payments/new", **paid, payment_key="one")
    assert refused.status_code == 422
    with unit_of_work(tenant.scope) as session:
        settings.write(session, "sales.payment_methods", "all")
    assert 'value="cash"' in client.get(form).text
    assert post(client, "/sales/payments/new", **paid, payment_key="two").status_code == 303


def test_a_credit_of_exactly_one_invoice_pays_that_one_and_its_row_says_whose(
    client, tenant, draft, buyer, now, sign_in, post
):
    """The only invoice with this balance made the suggestion, so taking it pays that invoice, although an
    older one is open.
    """
    with unit_of_work(tenant.scope) as session:
        made = issue_invoices(
            session,
            [
                draft("old", price="60.00", due_on=now.date()),
                draft("new", price="20.00", due_on=now.date() + timedelta(days=9)),
            ],
            now=now,
        )
    sign_in(client, tenant, "owner")
    content = b"Fecha;Referencia;Valor\n24/04/2026;B-1;23,00\n31/02/2026;B-2;5,00\n"
    step = post(client, "/sales/statements/new", file=(io.BytesIO(content), "mes.csv"))
    answer = post(client, step.headers["Location"], value_on="0", reference="1", amount="2")
    assert "31/02/2026" in client.get(answer.headers["Location"]).text
    with unit_of_work(tenant.scope) as session:
        [row] = session.scalars(select(StatementRow)).all()
    assert row.suggested_customer_id == buyer
    assert post(client, f"/sales/statements/rows/{row.id}/settle").status_code == 303
    with unit_of_work(tenant.scope) as session:
        assert [str(session.get(Invoice, one.id).balance) for one in made] == ["69.00", "0.00"]
    settled = client.get("/sales/statements/?show=settled").text
    assert "Comercial Andina S.A." in settled
    assert "/sales/payments/" in settled


def test_the_accountant_reads_the_withholdings_received_and_decides_nothing(
    client, app, tenant, owed, sign_in, post
):
    sent = post(app.test_client(), owed["link"], do="key", access_key=key_of(), withheld="4,05")
    assert sent.status_code == 200
    sign_in(client, tenant, "accountant")
    assert "/sales/payments/withholdings" in client.get("/sales/payments/").text
    shown = client.get("/sales/payments/withholdings").text
    assert "$ 4,05" in shown
    assert "Aceptar" not in shown
    assert "/sales/payments/withholdings/new" not in shown
    assert client.get("/sales/payments/withholdings/new").status_code == 403
