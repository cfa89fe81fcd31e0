"""A RIDE on A4: data to PDF. The same sheet always gives the same bytes."""

from __future__ import annotations

from plugins.einvoice_sri.adapters import code128
from plugins.einvoice_sri.adapters.pdf_paper import BOLD, SOFT, Page, logo, wrap, write
from plugins.einvoice_sri.adapters.ride_tablas import (
    BOTTOM,
    HIGH,
    INNER,
    LEAD,
    LEFT,
    RIGHT,
    SHADE,
    TOP,
    WIDE,
    Cursor,
    section,
    watermark,
    write_lines,
)
from plugins.einvoice_sri.domain.ride_partes import Hoja

BARCODE_HIGH = 34.0
HALF = LEFT + 252.0
STRIP = "0.96 0.89 0.76"


def render(hoja: Hoja) -> bytes:
    """The sheet as PDF; one page costs some milliseconds and less than ten kilobytes."""
    cursor = Cursor(hoja, [Page(HIGH)])
    watermark(hoja, cursor.page)
    picture = _head(cursor)
    for seccion in hoja.secciones:
        section(cursor, seccion)
    _foot(cursor)
    for number, page in enumerate(cursor.pages, start=1):
        page.right(RIGHT, HIGH - 22, f"Página {number} de {len(cursor.pages)}", 7, ink=SOFT)
        page.text(
            LEFT,
            HIGH - 22,
            "Representación impresa de un documento electrónico (RIDE)",
            7,
            ink=SOFT,
        )
    return write(
        cursor.pages,
        (WIDE, HIGH),
        title=f"{hoja.titulo} {hoja.numero}",
        author=hoja.razon_social,
        picture=picture,
    )


# --- head ---------------------------------------------------------------------------------------


def _head(cursor: Cursor) -> bytes | None:
    hoja, page = cursor.hoja, cursor.page
    if hoja.aviso:
        page.box(LEFT, cursor.y, INNER, 16, fill=STRIP)
        page.centre(WIDE / 2, cursor.y + 11, hoja.aviso, 8, font=BOLD)
        cursor.y += 24
    top = cursor.y
    right_end = _document_box(page, hoja, top)
    picture, left_end = _issuer(page, hoja, top)
    cursor.y = max(right_end, left_end) + 10
    return picture


def _issuer(page: Page, hoja: Hoja, top: float) -> tuple[bytes | None, float]:
    """Logo, names, addresses and legends, on the left."""
    room = HALF - LEFT - 14
    y, picture = top, None
    made = logo(hoja.logo) if hoja.logo else None
    if made is not None:
        picture, wide, high = made
        scale = min(150 / wide, 56 / high)
        page.picture(LEFT, y, wide * scale, high * scale)
        y += high * scale + 8
    name = hoja.nombre_comercial or hoja.razon_social
    y = write_lines(page, LEFT, y + 10, wrap(name, room, 12, BOLD), 12, font=BOLD)
    if hoja.nombre_comercial and hoja.nombre_comercial != hoja.razon_social:
        y = write_lines(page, LEFT, y, wrap(hoja.razon_social, room, 9), 9)
    y += 3
    matriz = wrap(f"Matriz: {hoja.dir_matriz}", room, 8)
    y = write_lines(page, LEFT, y, matriz, 8, ink=SOFT)
    if hoja.dir_establecimiento and hoja.dir_establecimiento != hoja.dir_matriz:
        sucursal = wrap(f"Sucursal: {hoja.dir_establecimiento}", room, 8)
        y = write_lines(page, LEFT, y, sucursal, 8, ink=SOFT)
    y += 2
    for leyenda in hoja.leyendas:
        y = write_lines(page, LEFT, y, wrap(leyenda, room, 8), 8)
    return picture, y


def _document_box(page: Page, hoja: Hoja, top: float) -> float:
    """RUC, kind and number, authorisation and barcode, in the box on the right."""
    left, wide = HALF, RIGHT - HALF
    x, room = left + 12, wide - 24
    y = top + 18
    page.text(x, y, "R.U.C.", 8, ink=SOFT)
    page.text(x + 34, y, hoja.ruc, 11, font=BOLD)
    y = write_lines(page, x, y + 19, wrap(hoja.titulo, room, 13, BOLD), 13, font=BOLD)
    page.text(x, y + 1, f"No. {hoja.numero}", 11, font=BOLD)
    y += 17
    autorizacion = hoja.numero_autorizacion or "Pendiente"
    fecha = hoja.fecha_autorizacion or ("" if hoja.numero_autorizacion else "Pendiente")
    for label, value in (
        ("Número de autorización", autorizacion),
        ("Fecha y hora de autorización", fecha),
        ("Ambiente", hoja.ambiente),
        ("Emisión", hoja.emision),
    ):
        if not value:
            continue
        page.text(x, y, label, 7, ink=SOFT)
        if label.startswith("Número"):
            page.text(x, y + 10, value, 8)
            y += 21
        else:
            page.text(x + 104, y, value, 8)
            y += 11.5
    page.text(x, y + 1, "Clave de acceso", 7, ink=SOFT)
    _barcode(page, hoja.clave_acceso, left, wide, y + 6)
    page.centre(left + wide / 2, y + 50, hoja.clave_acceso, 8)
    page.box(left, top, wide, y + 58 - top)
    return y + 58


def _barcode(page: Page, clave: str, left: float, wide: float, y: float) -> None:
    """The access key as Code 128 with quiet zones of at least ten modules; none for what bars cannot say."""
    if not (clave.isascii() and clave.isprintable()):
        return
    modules = code128.width(clave)
    module = min(0.8, wide / (modules + 20))
    page.bars(left + (wide - modules * module) / 2, y, module, BARCODE_HIGH, code128.bars(clave))


# --- foot ---------------------------------------------------------------------------------------

_TOTALS = 212.0


def _foot(cursor: Cursor) -> None:
    """Additional fields and payment forms on the left, totals on the right."""
    hoja = cursor.hoja
    totals = sum(_total_high(label) for label, _value in hoja.totales) + (22 if hoja.total else 0)
    cursor.need(min(totals + 4, BOTTOM - TOP - 30))
    top, first = cursor.y, cursor.page
    _totals(first, hoja, top)
    room = INNER - (_TOTALS + 18 if hoja.totales or hoja.total else 0)
    _additional(cursor, hoja, room)
    _payments(cursor, hoja, room if cursor.page is first else INNER)


def _total_lines(label: str) -> list[str]:
    return wrap(label, _TOTALS - 80, 8)


def _total_high(label: str) -> float:
    return 13 + (len(_total_lines(label)) - 1) * 9


def _totals(page: Page, hoja: Hoja, y: float) -> None:
    left = RIGHT - _TOTALS
    for label, value in hoja.totales:
        for place, line in enumerate(_total_lines(label)):
            page.text(left + 6, y + 9 + place * 9, line, 8, ink=SOFT)
        page.right(RIGHT - 4, y + 9, value, 8.5)
        y += _total_high(label)
        page.rule(left, y, RIGHT, thick=0.25)
    if hoja.total:
        label, value = hoja.total
        page.box(left, y + 2, _TOTALS, 19, fill=SHADE)
        page.text(left + 6, y + 15, label, 8.5, font=BOLD)
        page.right(RIGHT - 4, y + 15, f"$ {value}", 11, font=BOLD)


def _additional(cursor: Cursor, hoja: Hoja, room: float) -> None:
    if not hoja.adicionales:
        return
    cursor.need(30)
    cursor.page.text(LEFT, cursor.y + 9, "Información adicional", 8.5, font=BOLD)
    cursor.y += 15
    for label, value in hoja.adicionales:
        names = wrap(label, 84, 7.5)
        lines = wrap(value, room - 92, 8)
        high = max(len(names), len(lines)) * 8 * LEAD + 1
        cursor.need(high)
        write_lines(cursor.page, LEFT, cursor.y + 8, names, 7.5, ink=SOFT)
        write_lines(cursor.page, LEFT + 92, cursor.y + 8, lines, 8)
        cursor.y += high
    cursor.y += 8


def _payments(cursor: Cursor, hoja: Hoja, room: float) -> None:
    if not hoja.pagos:
        return
    cursor.need(30)
    page, end = cursor.page, LEFT + room
    page.box(LEFT, cursor.y, room, 14, fill=SHADE)
    page.text(LEFT + 4, cursor.y + 10, "Forma de pago", 7.5, font=BOLD)
    page.right(end - 68, cursor.y + 10, "Valor", 7.5, font=BOLD)
    page.right(end - 4, cursor.y + 10, "Plazo", 7.5, font=BOLD)
    cursor.y += 14
    for form, amount, term in hoja.pagos:
        lines = wrap(form, room - 130, 8)
        cursor.need(len(lines) * 8 * LEAD + 5)
        page = cursor.page
        page.right(end - 68, cursor.y + 10, amount, 8)
        page.right(end - 4, cursor.y + 10, term, 8)
        write_lines(page, LEFT + 4, cursor.y + 10, lines, 8)
        cursor.y += len(lines) * 8 * LEAD + 5
        page.rule(LEFT, cursor.y, end, thick=0.25)
