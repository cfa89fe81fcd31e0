"""Damaged files that people bring: envelopes and RIDEs, withholdings, slips, bank statements.

20,000 inputs a reader under ``make fuzz``; in the suite as many as a second or two allow.
"""

from __future__ import annotations

import io
import random
import re
import resource
import zipfile
import zlib
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from openpyxl import Workbook
from PIL import Image

from core.adapters.images import reencode
from core.errors import DomainError
from plugins.einvoice_sri.adapters import pdf_paper, ride_pdf
from plugins.einvoice_sri.domain import xml
from plugins.einvoice_sri.domain.from_request import comprobante
from plugins.einvoice_sri.domain.ride import DatosAutorizacion, hoja
from plugins.einvoice_sri.domain.verify_envelope import open_envelope
from plugins.sales.adapters.pdf_slips import written_anew
from plugins.sales.adapters.spreadsheets import MAX_ROWS, read_table
from plugins.sales.domain.slips import check_pdf
from plugins.sales.domain.statements import (
    FIELDS,
    from_header,
    guess_mapping,
    parse_amount,
    read_credits,
)
from plugins.sales.domain.withholding import read_certificate
from tests.fuzz.test_certificates_and_xml import COUNT, hammer, mutated
from tests.fuzz.trees import bent_tree
from tests.plugins.einvoice_sri.domain.peticiones import EMISOR, RETENCION, TODAS

NOW = datetime(2026, 4, 25, 13, 0, tzinfo=UTC)
DOCUMENTS = [xml.build(comprobante(one, EMISOR)) for one in TODAS]


def share(part: int) -> int:
    """Slow readers get a part of the suite's inputs, and 20,000 in the long form."""
    return min(COUNT // part, 20_000) if COUNT <= 2000 else 20_000


def enveloped(document: bytes) -> bytes:
    return (
        b"<autorizacion><estado>AUTORIZADO</estado><numeroAutorizacion>"
        + b"1" * 49
        + b"</numeroAutorizacion><fechaAutorizacion>2026-04-25T08:00:00-05:00</fechaAutorizacion>"
        b"<ambiente>PRUEBAS</ambiente><comprobante><![CDATA["
        + document
        + b"]]></comprobante></autorizacion>"
    )


def bent_inside(content: bytes, number: int) -> bytes:
    """Bytes, the tree, or the document within its envelope."""
    if number % 3 == 0:
        return mutated(content, number)
    if number % 3 == 1:
        return bent_tree(content, number)
    return enveloped(bent_tree(open_envelope(content).comprobante, number))


def named(error: DomainError) -> str:
    return error.code if error.sentence else "no sentence"


def test_envelopes_and_their_printed_sheets():
    def attempt(data: bytes) -> str:
        try:
            sobre = open_envelope(data)
            document = xml.read(sobre.comprobante)
        except DomainError as error:
            return named(error)
        given = DatosAutorizacion(numero=sobre.numero_autorizacion, fecha=NOW)
        assert ride_pdf.render(hoja(document, given)).startswith(b"%PDF-")
        return "printed"

    originals = [*DOCUMENTS, *map(enveloped, DOCUMENTS)]
    outcomes = hammer(originals, attempt, count=share(8), bend=bent_inside)
    assert {"printed", "sri_xml_malformed"} <= outcomes.keys()


@pytest.mark.parametrize("letter", ["ñ", "\x7f", "é", "€"])
def test_an_access_key_that_no_bars_can_say_is_printed_without_them(letter):
    text = DOCUMENTS[0].decode()
    clave = re.search("<claveAcceso>([^<]+)", text)[1]
    document = xml.read(text.replace(clave, clave[:20] + letter + clave[21:]).encode())
    assert ride_pdf.render(hoja(document, None)).startswith(b"%PDF-")


def test_withholdings_that_customers_upload():
    def attempt(data: bytes) -> str:
        try:
            found = read_certificate(data)
        except DomainError as error:
            return named(error)
        for part in found.parts:
            assert part.rate.is_finite()
            assert max(abs(part.base), abs(part.amount)) <= Decimal(10) ** 12
        return "read"

    original = xml.build(comprobante(RETENCION, EMISOR))
    outcomes = hammer([original, enveloped(original)], attempt, bend=bent_inside)
    assert {"read", "not_a_certificate"} <= outcomes.keys()


def pictures() -> list[bytes]:
    """Small pictures of every kind that is taken, turned by EXIF, with and without transparency."""
    dice = random.Random(1)
    noise = Image.frombytes("RGBA", (40, 30), dice.randbytes(40 * 30 * 4))
    exif = Image.Exif()
    exif[0x0112] = 6
    found = []
    for kind, mode, options in (
        ("PNG", "RGBA", {"exif": exif}), ("PNG", "P", {}), ("PNG", "L", {}), ("JPEG", "RGB", {"exif": exif}),
        ("JPEG", "CMYK", {}), ("JPEG", "RGB", {"progressive": True}), ("WEBP", "RGB", {}), ("WEBP", "RGBA", {}),
        ("GIF", "P", {}),
    ):  # fmt: skip
        out = io.BytesIO()
        noise.convert("RGB").convert(mode).save(out, kind, **options)
        found.append(out.getvalue())
    return found


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow tells of broken EXIF and reads on
def test_slips_that_are_pictures():
    def attempt(data: bytes) -> str:
        try:
            content, kind = reencode(data, field="slip")
        except DomainError as error:
            return named(error)
        assert kind in ("image/png", "image/jpeg")
        assert content
        return "drawn anew"

    outcomes = hammer(pictures(), attempt, count=share(4))
    assert {"drawn anew", "picture"} <= outcomes.keys()


def slips() -> list[bytes]:
    """PDFs of three makers: ours, one with a classic table of objects, one with object streams."""
    from pypdf import PdfReader, PdfWriter

    ours = ride_pdf.render(hoja(xml.read(DOCUMENTS[0]), None))
    out = io.BytesIO()
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(ours)))
    writer.add_blank_page(200, 200)
    writer.write(out)
    with Image.new("RGB", (30, 20), "white") as page:
        drawn = io.BytesIO()
        page.save(drawn, "PDF")
    return [ours, out.getvalue(), drawn.getvalue()]


def test_slips_that_are_pdfs():
    def attempt(data: bytes) -> str:
        try:
            check_pdf(data)
            return "kept" if written_anew(data).startswith(b"%PDF-") else "no sentence"
        except DomainError as error:
            return named(error)

    outcomes = hammer(slips(), attempt, count=share(8))
    assert {"kept", "slip_unsafe"} <= outcomes.keys()


ROWS = (
    ("Banco de Prueba", "", "", ""),
    ("Fecha", "Concepto", "Documento", "Crédito"),
    ("25/04/2026", "Transferencia Ñandú", "000123", "1.234,56"),
    ("26/04/2026", "Depósito", "000124", "12.5"),
    ("27/04/2026", "Cargo", "000125", "-3,00"),
)


def statement_csv(separator: str, encoding: str) -> bytes:
    return "\r\n".join(separator.join(row) for row in ROWS).encode(encoding)


def statement_xlsx() -> bytes:
    book = Workbook()
    for row in ROWS:
        book.active.append(row)
    book.active.append((datetime(2026, 4, 28), "Valor", 126, 10.25))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read_statement(data: bytes) -> str:
    try:
        rows = from_header(read_table(data))
        mapping = guess_mapping(rows[0]) or dict(zip(FIELDS, range(len(FIELDS)), strict=True))
        found = read_credits(rows, mapping, account="")
    except DomainError as error:
        return named(error)
    assert all(0 < one.amount < Decimal(10) ** 12 for one in found)
    return "read"


def test_statements_as_csv():
    originals = [
        statement_csv(";", "utf-8-sig"), statement_csv(",", "cp1252"), statement_csv("\t", "utf-8"),
    ]  # fmt: skip
    outcomes = hammer(originals, read_statement, count=share(4))
    assert {"read", "statement_empty"} <= outcomes.keys()


def rezipped(content: bytes, number: int) -> bytes:
    """The ZIP's bytes bent, or one of its parts, packed again."""
    if number % 4 == 0:
        return mutated(content, number)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        names = old.namelist()
        victim = names[random.Random(number).randrange(len(names))]
        for name in names:
            part = old.read(name)
            if name == victim:
                part = (mutated if number % 4 == 1 else bent_tree)(part, number)
            new.writestr(name, part)
    return out.getvalue()


@pytest.mark.filterwarnings("ignore:::openpyxl")  # it comments on crooked cells
def test_statements_as_xlsx():
    outcomes = hammer([statement_xlsx()], read_statement, count=share(16), bend=rezipped)
    assert {"read", "statement_unreadable"} <= outcomes.keys()


NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def hostile_xlsx(name: str, content: str) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(statement_xlsx())) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for one in old.namelist():
            new.writestr(one, content if one == name else old.read(one))
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "around", "one"),
    [
        ("xl/styles.xml", f"<styleSheet {NS}><fonts>|</fonts></styleSheet>", "<font/>"),
        (
            "xl/worksheets/sheet1.xml",
            f"<worksheet {NS}><sheetData><row>|</row></sheetData></worksheet>",
            "<c/>",
        ),
    ],
    ids=["fonts", "cells"],
)
def test_a_small_statement_that_unpacks_to_a_million_parts(name, around, one):
    content = hostile_xlsx(name, around.replace("|", one * 1_200_000))
    assert len(content) < 100_000
    assert hammer([content], read_statement, count=1, bend=unbent) == {"statement_unreadable": 1}


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        (b"Fecha;Monto" + b"\n" * 5_000_000, "statement_unreadable"),
        (b"Fecha;Monto\n25/04/2026;" + b"1" * 100_000 + b"x\n", "statement_empty"),
        (b"Fecha;Monto\n25/04/2026;" + b"9" * 30 + b"\n", "statement_empty"),
        (b";" * 5_000_000, "statement_unreadable"),
    ],
    ids=["lines", "digits", "large amount", "columns"],
)
def test_long_statements(content, outcome):
    """CPU and memory stay in bounds (``hammer`` asserts them)."""
    assert hammer([content], read_statement, count=1, bend=unbent) == {outcome: 1}


def test_rows_beyond_the_limit_are_not_kept():
    assert len(read_table(b"Fecha;Monto\n" + b"25/04/2026;1,5\n" * 300_000)) == MAX_ROWS


def test_amounts_no_column_of_money_holds():
    for cell in (1e300, float("inf"), float("nan"), 10**4000, Decimal("1e13"), "1" * 5000):
        assert parse_amount(cell) is None


def unbent(content: bytes, number: int) -> bytes:
    return content


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"<porcentajeRetener>[^<]*", "<porcentajeRetener>NaN"),
        (r"<porcentajeRetener>[^<]*", "<porcentajeRetener>1e999999"),
        (r"<valorRetenido>[^<]*", "<valorRetenido>1000000000000"),
        (r"<estab>[^<]*", "<estab>00001"),
        (r"<secuencial>[^<]*", "<secuencial>-1"),
    ],
)
def test_withholdings_that_no_row_could_hold(old, new):
    good = xml.build(comprobante(RETENCION, EMISOR)).decode()
    assert read_certificate(good.encode()).parts
    bad, changed = re.subn(old, new, good)
    assert changed
    with pytest.raises(DomainError) as refused:
        read_certificate(bad.encode())
    assert refused.value.code == "not_a_certificate"


def test_a_word_of_a_million_letters_is_cut_in_one_pass():
    lines = pdf_paper.wrap("9" * 1_000_000, 60, 8)
    assert "".join(lines) == "9" * 1_000_000
    assert len({len(one) for one in lines[:-1]}) == 1


@pytest.mark.parametrize(("colour", "bits"), [(6, 8), (2, 8), (3, 8), (0, 16)])
def test_a_picture_that_would_fill_the_memory(colour, bits):
    """6,300 × 6,300 pixels announced by a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    head = (6300).to_bytes(4, "big") * 2 + bytes([bits, colour, 0, 0, 0])
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"PLTE", bytes(3))
    content += chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    with pytest.raises(DomainError) as refused:
        reencode(content, field="slip")
    assert (refused.value.code, refused.value.field) == ("picture_pixels", "slip")


def test_a_large_photo_is_read_at_the_size_that_is_kept():
    out = io.BytesIO()
    Image.new("RGB", (6300, 3150), "navy").save(out, "JPEG")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    content, kind = reencode(out.getvalue())
    with Image.open(io.BytesIO(content)) as drawn:
        assert (drawn.size, kind) == ((2000, 1000), "image/jpeg")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
