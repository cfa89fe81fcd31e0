"""A RIDE on A4: data to PDF. The same sheet always gives the same bytes."""

from __future__ import annotations

from dataclasses import dataclass

from plugins.einvoice_sri.adapters import code128
from plugins.einvoice_sri.adapters.pdf_paper import (
    BOLD,
    INK,
    REGULAR,
    SOFT,
    Page,
    logo,
    width,
    wrap,
    write,
)
from plugins.einvoice_sri.domain.ride_partes import Columna, Hoja, Seccion, Tabla

WIDE, HIGH = 595.28, 841.89
LEFT, RIGHT, TOP, BOTTOM = 36.0, WIDE - 36.0, 34.0, HIGH - 40.0
INNER = RIGHT - LEFT
BARCODE_HIGH = 34.0
HALF = LEFT + 252.0
STRIP = "0.96 0.89 0.76"
SHADE = "0.95 0.95 0.93"
_LEAD = 1.28  # line height by font size


@dataclass
class _Cursor:
    """Where the next thing goes; ``pages`` grow as needed."""

    hoja: Hoja
    pages: list[Page]
    y: float = TOP

    @property
    def page(self) -> Page:
        return self.pages[-1]

    def room(self, high: float) -> bool:
        return self.y + high <= BOTTOM

    def need(self, high: float) -> None:
        """Start a page unless ``high`` points fit on this one."""
        if not self.room(high):
            self.turn()

    def turn(self) -> None:
        """A new page with the short head that tells whose it is."""
        self.pages.append(Page(HIGH))
        hoja, page = self.hoja, self.page
        _watermark(hoja, page)
        page.text(LEFT, TOP + 8, f"{hoja.titulo} {hoja.numero}", 9, font=BOLD)
        page.right(RIGHT, TOP + 8, f"{hoja.razon_social} · RUC {hoja.ruc}"[:90], 8, ink=SOFT)
        page.rule(LEFT, TOP + 14, RIGHT)
        self.y = TOP + 24


def render(hoja: Hoja) -> bytes:
    """The sheet as PDF; one page costs some milliseconds and less than ten kilobytes."""
    cursor = _Cursor(hoja, [Page(HIGH)])
    _watermark(hoja, cursor.page)
    picture = _head(cursor)
    for seccion in hoja.secciones:
        _section(cursor, seccion)
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


def _watermark(hoja: Hoja, page: Page) -> None:
    if hoja.marca:
        page.ghost(WIDE / 2, HIGH / 2 + 40, hoja.marca, 58 if len(hoja.marca) < 14 else 46)


# --- head ---------------------------------------------------------------------------------------


def _head(cursor: _Cursor) -> bytes | None:
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
    y = _lines(page, LEFT, y + 10, wrap(name, room, 12, BOLD), 12, font=BOLD)
    if hoja.nombre_comercial and hoja.nombre_comercial != hoja.razon_social:
        y = _lines(page, LEFT, y, wrap(hoja.razon_social, room, 9), 9)
    y += 3
    matriz = wrap(f"Matriz: {hoja.dir_matriz}", room, 8)
    y = _lines(page, LEFT, y, matriz, 8, ink=SOFT)
    if hoja.dir_establecimiento and hoja.dir_establecimiento != hoja.dir_matriz:
        sucursal = wrap(f"Sucursal: {hoja.dir_establecimiento}", room, 8)
        y = _lines(page, LEFT, y, sucursal, 8, ink=SOFT)
    y += 2
    for leyenda in hoja.leyendas:
        y = _lines(page, LEFT, y, wrap(leyenda, room, 8), 8)
    return picture, y


def _document_box(page: Page, hoja: Hoja, top: float) -> float:
    """RUC, kind and number, authorisation and barcode, in the box on the right."""
    left, wide = HALF, RIGHT - HALF
    x, room = left + 12, wide - 24
    y = top + 18
    page.text(x, y, "R.U.C.", 8, ink=SOFT)
    page.text(x + 34, y, hoja.ruc, 11, font=BOLD)
    y = _lines(page, x, y + 19, wrap(hoja.titulo, room, 13, BOLD), 13, font=BOLD)
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
    """The access key as Code 128 with quiet zones of at least ten modules."""
    modules = code128.width(clave)
    module = min(0.8, wide / (modules + 20))
    page.bars(left + (wide - modules * module) / 2, y, module, BARCODE_HIGH, code128.bars(clave))


def _lines(
    page: Page,
    x: float,
    y: float,
    lines: list[str],
    size: float,
    *,
    font: str = REGULAR,
    ink: str = INK,
) -> float:
    """Lines from baseline ``y`` on; returns the baseline of the next."""
    for line in lines:
        page.text(x, y, line, size, font=font, ink=ink)
        y += size * _LEAD
    return y


# --- sections -----------------------------------------------------------------------------------


def _section(cursor: _Cursor, seccion: Seccion) -> None:
    if seccion.titulo:
        cursor.need(40)
        cursor.page.text(LEFT, cursor.y + 9, seccion.titulo, 9, font=BOLD)
        cursor.y += 15
    if seccion.pares:
        _pairs(cursor, seccion.pares)
    if seccion.tabla is not None:
        _table(cursor, seccion.tabla)


def _pairs(cursor: _Cursor, pares: tuple[tuple[str, str], ...]) -> None:
    """Label over value, two columns; a value that does not fit gets the whole width."""
    cursor.page.rule(LEFT, cursor.y, RIGHT)
    cursor.y += 5
    column = INNER / 2
    waiting: tuple[str, str] | None = None
    for pair in pares:
        fits = width(pair[1], 9) <= column - 12
        if fits and waiting is None:
            waiting = pair
        elif fits and waiting is not None:
            _pair_row(cursor, (waiting, pair))
            waiting = None
        else:
            if waiting is not None:
                _pair_row(cursor, (waiting,))
                waiting = None
            _pair_row(cursor, (pair,))
    if waiting is not None:
        _pair_row(cursor, (waiting,))
    cursor.y += 6


def _pair_row(cursor: _Cursor, row: tuple[tuple[str, str], ...]) -> None:
    room = INNER / 2 - 12 if len(row) > 1 else INNER
    wrapped = [(label, wrap(value, room, 9)) for label, value in row]
    high = 9 + max(len(lines) for _label, lines in wrapped) * 9 * _LEAD
    cursor.need(high)
    for place, (label, lines) in enumerate(wrapped):
        x = LEFT + place * INNER / 2
        cursor.page.text(x, cursor.y + 7, label, 7, ink=SOFT)
        _lines(cursor.page, x, cursor.y + 17, lines, 9)
    cursor.y += high + 3


def _table(cursor: _Cursor, tabla: Tabla) -> None:
    total = sum(column.ancho for column in tabla.columnas)
    edges = [LEFT]
    for column in tabla.columnas:
        edges.append(edges[-1] + INNER * column.ancho / total)
    cursor.need(46)
    _table_head(cursor, tabla.columnas, edges)
    for row in tabla.filas:
        cells = [_cell(text, edges[at + 1] - edges[at] - 8) for at, text in enumerate(row)]
        _row(cursor, tabla, edges, cells)
    cursor.page.rule(LEFT, cursor.y, RIGHT)
    cursor.y += 12


def _table_head(cursor: _Cursor, columnas: tuple[Columna, ...], edges: list[float]) -> None:
    page = cursor.page
    page.box(LEFT, cursor.y, INNER, 16, fill=SHADE)
    for place, column in enumerate(columnas):
        if column.derecha:
            page.right(edges[place + 1] - 4, cursor.y + 11, column.titulo, 7.5, font=BOLD)
        else:
            page.text(edges[place] + 4, cursor.y + 11, column.titulo, 7.5, font=BOLD)
    cursor.y += 16


@dataclass(frozen=True)
class _Cell:
    lines: list[tuple[str, float]]  # text and size


def _cell(text: str, room: float) -> _Cell:
    """The first line in normal size, what follows as small print."""
    head, *rest = text.split("\n")
    lines = [(line, 8.0) for line in wrap(head, room, 8)]
    for one in rest:
        lines += [(line, 7.0) for line in wrap(one, room, 7)]
    return _Cell(lines)


def _row(cursor: _Cursor, tabla: Tabla, edges: list[float], cells: list[_Cell]) -> None:
    """A row, broken over pages only when it alone is longer than one."""
    at = 0
    deepest = max(len(cell.lines) for cell in cells)
    while at < deepest:
        rest = max(_height(cell.lines[at:]) for cell in cells)
        if not cursor.room(min(rest, 200) + 8):
            cursor.page.rule(LEFT, cursor.y, RIGHT)
            cursor.turn()
            _table_head(cursor, tabla.columnas, edges)
        room = int((BOTTOM - cursor.y - 8) / (8 * _LEAD))
        end = min(deepest, at + max(1, room))
        if at == 0 and cursor.y > TOP:
            cursor.page.rule(LEFT, cursor.y, RIGHT, thick=0.25)
        high = 0.0
        for place, cell in enumerate(cells):
            high = max(
                high, _draw_cell(cursor, tabla.columnas[place], edges, place, cell.lines[at:end])
            )
        cursor.y += high + 6
        at = end


def _height(lines: list[tuple[str, float]]) -> float:
    return sum(size * _LEAD for _text, size in lines)


def _draw_cell(
    cursor: _Cursor,
    column: Columna,
    edges: list[float],
    place: int,
    lines: list[tuple[str, float]],
) -> float:
    y = cursor.y
    for text, size in lines:
        y += size * _LEAD
        ink = INK if size == 8 else SOFT
        if column.derecha:
            cursor.page.right(edges[place + 1] - 4, y, text, size, ink=ink)
        else:
            cursor.page.text(edges[place] + 4, y, text, size, ink=ink)
    return y - cursor.y


# --- foot ---------------------------------------------------------------------------------------

_TOTALS = 212.0


def _foot(cursor: _Cursor) -> None:
    """Additional fields and payment forms on the left, totals on the right."""
    hoja = cursor.hoja
    totals = len(hoja.totales) * 13 + (22 if hoja.total else 0)
    cursor.need(min(totals + 4, BOTTOM - TOP - 30))
    top, first = cursor.y, cursor.page
    _totals(first, hoja, top)
    room = INNER - (_TOTALS + 18 if hoja.totales or hoja.total else 0)
    _additional(cursor, hoja, room)
    _payments(cursor, hoja, room if cursor.page is first else INNER)


def _totals(page: Page, hoja: Hoja, y: float) -> None:
    left = RIGHT - _TOTALS
    for label, value in hoja.totales:
        page.text(left + 6, y + 9, wrap(label, _TOTALS - 80, 8)[0], 8, ink=SOFT)
        page.right(RIGHT - 4, y + 9, value, 8.5)
        page.rule(left, y + 13, RIGHT, thick=0.25)
        y += 13
    if hoja.total:
        label, value = hoja.total
        page.box(left, y + 2, _TOTALS, 19, fill=SHADE)
        page.text(left + 6, y + 15, label, 8.5, font=BOLD)
        page.right(RIGHT - 4, y + 15, f"$ {value}", 11, font=BOLD)


def _additional(cursor: _Cursor, hoja: Hoja, room: float) -> None:
    if not hoja.adicionales:
        return
    cursor.need(30)
    cursor.page.text(LEFT, cursor.y + 9, "Información adicional", 8.5, font=BOLD)
    cursor.y += 15
    for label, value in hoja.adicionales:
        names = wrap(label, 84, 7.5)
        lines = wrap(value, room - 92, 8)
        high = max(len(names), len(lines)) * 8 * _LEAD + 1
        cursor.need(high)
        _lines(cursor.page, LEFT, cursor.y + 8, names, 7.5, ink=SOFT)
        _lines(cursor.page, LEFT + 92, cursor.y + 8, lines, 8)
        cursor.y += high
    cursor.y += 8


def _payments(cursor: _Cursor, hoja: Hoja, room: float) -> None:
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
        cursor.need(len(lines) * 8 * _LEAD + 5)
        page = cursor.page
        page.right(end - 68, cursor.y + 10, amount, 8)
        page.right(end - 4, cursor.y + 10, term, 8)
        _lines(page, LEFT + 4, cursor.y + 10, lines, 8)
        cursor.y += len(lines) * 8 * _LEAD + 5
        page.rule(LEFT, cursor.y, end, thick=0.25)
