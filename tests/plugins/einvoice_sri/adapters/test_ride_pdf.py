"""The printed sheet as a file: readable, small, the same every time."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image
from pypdf import PdfReader

from plugins.einvoice_sri.adapters import code128, pdf_paper, ride_pdf, ride_ticket
from plugins.einvoice_sri.domain import ride
from plugins.einvoice_sri.domain.bloques import CampoAdicional
from plugins.einvoice_sri.domain.from_request import comprobante
from tests.plugins.einvoice_sri.domain.peticiones import FACTURA, LINEA, TODAS
from tests.plugins.einvoice_sri.domain.test_ride import PRODUCCION, autorizada, hoja

needs_eyes = pytest.mark.skipif(
    not (shutil.which("pdftoppm") and shutil.which("zbarimg")),
    reason="pdftoppm and zbarimg are not installed",
)


def picture(size=(900, 400), mode="RGBA", form="PNG"):
    out = BytesIO()
    image = Image.new(mode, size, (11, 92, 107, 255)[: len(mode)])
    image.paste((200, 120, 30, 255)[: len(mode)], (0, 0, size[0] // 2, size[1] // 2))
    image.save(out, form)
    return out.getvalue()


LOGO = picture()


def words(content):
    """The text of all pages, white space made single."""
    pages = PdfReader(BytesIO(content), strict=True).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def scanned(content, tmp_path, dots):
    """What a scanner reads from a rendering with so many dots an inch."""
    source = tmp_path / "hoja.pdf"
    source.write_bytes(content)
    subprocess.run(
        ["pdftoppm", "-r", str(dots), "-gray", "-png", "-f", "1", "-l", "1", source, tmp_path / "hoja"],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    (image,) = tmp_path.glob("hoja*.png")
    read = subprocess.run(
        ["zbarimg", "-q", "--raw", image], check=False, capture_output=True, text=True, timeout=120
    )
    return read.stdout.split()


@pytest.mark.parametrize("request_", TODAS, ids=lambda one: type(one).__name__)
def test_every_document_is_printed_alike_and_small(request_):
    sheet = replace(hoja(request_), logo=LOGO)
    content = ride_pdf.render(sheet)
    assert content == ride_pdf.render(sheet)
    assert content.startswith(b"%PDF-")
    assert len(content) <= 10_000
    assert b"CreationDate (D:2000" in content or b"CreationDate" not in content
    shown = words(content)
    for expected in (
        sheet.titulo,
        sheet.numero,
        sheet.ruc,
        sheet.clave_acceso,
        "Ñandú Fit",
        "Página 1 de 1",
    ):
        assert expected in shown
    assert "SIN VALIDEZ" not in shown
    document = PdfReader(BytesIO(content), strict=True)
    assert document.metadata.title == f"{sheet.titulo} {sheet.numero}"
    assert document.trailer["/Root"]["/Lang"] == "es-EC"


@needs_eyes
def test_the_barcode_is_read_at_300_dots(tmp_path):
    sheet = replace(hoja(FACTURA), logo=LOGO)
    assert scanned(ride_pdf.render(sheet), tmp_path, 300) == [sheet.clave_acceso]


@needs_eyes
def test_the_ticket_is_read_at_203_dots(tmp_path):
    sheet = hoja(FACTURA)
    assert scanned(ride_ticket.render(sheet), tmp_path, 203) == [sheet.clave_acceso]


@pytest.mark.parametrize("render", [ride_pdf.render, ride_ticket.render])
def test_without_tax_value_says_so_on_paper(render):
    documento = comprobante(FACTURA, PRODUCCION)
    assert "SIN VALIDEZ TRIBUTARIA" in words(render(ride.hoja(documento, None)))
    simulada = ride.hoja(documento, autorizada(documento, simulada=True))
    assert "AUTORIZADO POR EL SIMULADOR, NO POR EL SRI" in words(render(simulada))


def test_many_lines_flow_over_pages_and_none_is_lost():
    lines = tuple(
        replace(LINEA, code=f"P{n:03d}", description=f"Producto {n:03d} " + "ancho " * (n % 25))
        for n in range(150)
    )
    documento = comprobante(replace(FACTURA, lines=lines, payments=()), PRODUCCION)
    content = ride_pdf.render(ride.hoja(documento, autorizada(documento), logo=LOGO))
    pages = [" ".join(page.extract_text().split()) for page in PdfReader(BytesIO(content)).pages]
    assert len(pages) > 3
    for number, page in enumerate(pages, start=1):
        assert f"Página {number} de {len(pages)}" in page
        assert "001-002-000000123" in page
    codes = re.findall(r"\bP\d{3}\b", " ".join(pages))
    assert codes == [f"P{n:03d}" for n in range(150)]
    assert "VALOR TOTAL" in pages[-1]


def test_one_endless_line_is_broken_over_pages():
    documento = comprobante(FACTURA, PRODUCCION)
    sheet = ride.hoja(documento, autorizada(documento))
    table = sheet.secciones[1].tabla
    endless = " ".join(f"palabra{n:04d}" for n in range(1500))
    row = (table.filas[0][0], endless, *table.filas[0][2:])
    section = replace(sheet.secciones[1], tabla=replace(table, filas=(row,)))
    content = ride_pdf.render(replace(sheet, secciones=(sheet.secciones[0], section)))
    shown = words(content)
    assert all(f"palabra{n:04d}" in shown for n in range(1500))
    assert len(PdfReader(BytesIO(content)).pages) > 2


def test_many_additional_fields_and_payments_flow_too():
    sheet = hoja(FACTURA)
    sheet = replace(
        sheet,
        adicionales=tuple((f"Campo {n:02d}", f"valor{n:02d} " * 40) for n in range(15)),
        pagos=tuple((f"Forma {n:02d} de pago", "1,00", "") for n in range(40)),
    )
    content = ride_pdf.render(sheet)
    shown = words(content)
    assert all(f"valor{n:02d}" in shown for n in range(15))
    assert all(f"Forma {n:02d}" in shown for n in range(40))
    assert len(PdfReader(BytesIO(content)).pages) == 3
    only_paid = replace(sheet, adicionales=())
    assert "Información adicional" not in words(ride_pdf.render(only_paid))


def test_a_long_name_of_a_total_is_shown_whole():
    sheet = hoja(FACTURA)
    sheet = replace(
        sheet, totales=(*sheet.totales, ("Tasa de recolección de basura del municipio", "5,00"))
    )
    assert "Tasa de recolección de basura del municipio" in words(ride_pdf.render(sheet))


def test_odd_texts_are_printed_not_obeyed():
    documento = comprobante(FACTURA, PRODUCCION)
    odd = CampoAdicional(nombre="Nota (uno\\dos)", valor="a\nb ) Tj ET \\( € “ñ” 😀")
    documento = replace(documento, info_adicional=(odd,))
    for render in (ride_pdf.render, ride_ticket.render):
        shown = words(render(ride.hoja(documento, None)))
        assert "Nota (uno\\dos)" in shown
        assert "a b ) Tj ET \\( € “ñ” ?" in shown


@pytest.mark.parametrize(
    ("logo", "images"),
    [
        (None, 0),
        (b"no es una imagen", 0),
        (LOGO, 1),
        (picture((20, 900)), 1),
        (picture((300, 100), "RGB", "JPEG"), 1),
        (picture((100, 100), "L"), 1),
    ],
    ids=["none", "broken", "png", "tall", "jpeg", "grey"],
)
def test_logos_of_all_kinds(logo, images):
    content = ride_pdf.render(replace(hoja(FACTURA), logo=logo))
    assert len(PdfReader(BytesIO(content)).pages[0].images) == images


def test_a_ticket_whole():
    lines = (LINEA, replace(LINEA, description="Toalla " * 12))
    documento = comprobante(replace(FACTURA, lines=lines, payments=()), PRODUCCION)
    sheet = ride.hoja(documento, autorizada(documento))
    content = ride_ticket.render(sheet)
    assert content == ride_ticket.render(sheet)
    (page,) = PdfReader(BytesIO(content)).pages
    assert round(float(page.mediabox.width) / 72 * 25.4) == 80
    shown = words(content)
    for expected in (
        "FACTURA",
        "No. 001-002-000000123",
        "Ñandú Fit",
        "IVA 15 %",
        "$ 46,00",
        "Autorizado: 25/04/2026 08:03:05",
    ):
        assert expected in shown
    longer = ride_ticket.render(
        ride.hoja(comprobante(replace(FACTURA, lines=lines * 10, payments=()), PRODUCCION), None)
    )
    assert PdfReader(BytesIO(longer)).pages[0].mediabox.height > page.mediabox.height


def test_code_128():
    """The pairs of the specification: 12 34 in set C, an odd digit and letters in set B."""
    assert code128.symbols("1234") == [105, 12, 34, (105 + 12 + 2 * 34) % 103]
    assert code128.symbols("12345") == [105, 12, 34, 100, 21, (105 + 12 + 68 + 300 + 84) % 103]
    assert code128.symbols("A1") == [104, 33, 17, (104 + 33 + 34) % 103]
    assert code128.width("1" * 49) == 321
    bars = code128.bars("1234")
    assert bars[0] == (0, 2)
    assert sum(wide for _place, wide in bars) < code128.width("1234")
    assert bars[-1][0] + bars[-1][1] == code128.width("1234")


def test_lines_are_wrapped_where_they_fit():
    assert pdf_paper.wrap("corto", 100, 8) == ["corto"]
    lines = pdf_paper.wrap("una frase que no cabe en tan poco espacio", 60, 8)
    assert " ".join(lines) == "una frase que no cabe en tan poco espacio"
    assert all(pdf_paper.width(one, 8) <= 60 for one in lines)
    cut = pdf_paper.wrap("x" * 100, 60, 8)
    assert "".join(cut) == "x" * 100
    assert all(pdf_paper.width(one, 8) <= 60 for one in cut)
    assert pdf_paper.wrap("WW", 1, 8) == ["W", "W"]
