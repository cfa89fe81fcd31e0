"""The middle of a RIDE on A4: pairs of words and tables that flow over pages."""

from __future__ import annotations

from dataclasses import dataclass

from plugins.einvoice_sri.adapters.pdf_paper import BOLD, INK, REGULAR, SOFT, Page, width, wrap
from plugins.einvoice_sri.domain.ride_partes import Columna, Hoja, Seccion, Tabla

WIDE, HIGH = 595.28, 841.89
LEFT, RIGHT, TOP, BOTTOM = 36.0, WIDE - 36.0, 34.0, HIGH - 40.0
INNER = RIGHT - LEFT
SHADE = "0.95 0.95 0.93"
LEAD = 1.28  # line height by font size


@dataclass
class Cursor:
    """Where the next thing goes; ``pages`` grow as needed."""

    hoja: Hoja
    pages: list[Page]
    y: float = TOP

    @property
    def page(self) -> Page:
        """The page at hand."""
        return self.pages[-1]

    def room(self, high: float) -> bool:
        """Whether ``high`` points still fit on this page."""
        return self.y + high <= BOTTOM

    def need(self, high: float) -> None:
        """Start a page unless ``high`` points fit on this one."""
        if not self.room(high):
            self.turn()

    def turn(self) -> None:
        """A new page with the short head that tells whose it is."""
        self.pages.append(Page(HIGH))
        hoja, page = self.hoja, self.page
        watermark(hoja, page)
        page.text(LEFT, TOP + 8, f"{hoja.titulo} {hoja.numero}", 9, font=BOLD)
        whose = wrap(f"RUC {hoja.ruc} · {hoja.razon_social}", INNER - 180, 8)[0]
        page.right(RIGHT, TOP + 8, whose, 8, ink=SOFT)
        page.rule(LEFT, TOP + 14, RIGHT)
        self.y = TOP + 24


def watermark(hoja: Hoja, page: Page) -> None:
    """The word across a sheet that has no tax value."""
    if hoja.marca:
        page.ghost(WIDE / 2, HIGH / 2 + 40, hoja.marca, 58 if len(hoja.marca) < 14 else 46)


def write_lines(
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
        y += size * LEAD
    return y


def section(cursor: Cursor, seccion: Seccion) -> None:
    """Title, pairs and table, each where it is present."""
    if seccion.titulo:
        cursor.need(40)
        cursor.page.text(LEFT, cursor.y + 9, seccion.titulo, 9, font=BOLD)
        cursor.y += 15
    if seccion.pares:
        _pairs(cursor, seccion.pares)
    if seccion.tabla is not None:
        _table(cursor, seccion.tabla)


def _pairs(cursor: Cursor, pares: tuple[tuple[str, str], ...]) -> None:
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


def _pair_row(cursor: Cursor, row: tuple[tuple[str, str], ...]) -> None:
    room = INNER / 2 - 12 if len(row) > 1 else INNER
    wrapped = [(label, wrap(value, room, 9)) for label, value in row]
    high = 9 + max(len(lines) for _label, lines in wrapped) * 9 * LEAD
    cursor.need(high)
    for place, (label, lines) in enumerate(wrapped):
        x = LEFT + place * INNER / 2
        cursor.page.text(x, cursor.y + 7, label, 7, ink=SOFT)
        write_lines(cursor.page, x, cursor.y + 17, lines, 9)
    cursor.y += high + 3


def _table(cursor: Cursor, tabla: Tabla) -> None:
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


def _table_head(cursor: Cursor, columnas: tuple[Columna, ...], edges: list[float]) -> None:
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


def _row(cursor: Cursor, tabla: Tabla, edges: list[float], cells: list[_Cell]) -> None:
    """A row, broken over pages only when it alone is longer than one."""
    at = 0
    deepest = max(len(cell.lines) for cell in cells)
    while at < deepest:
        rest = max(_height(cell.lines[at:]) for cell in cells)
        if not cursor.room(min(rest, 200) + 8):
            cursor.page.rule(LEFT, cursor.y, RIGHT)
            cursor.turn()
            _table_head(cursor, tabla.columnas, edges)
        room = int((BOTTOM - cursor.y - 8) / (8 * LEAD))
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
    return sum(size * LEAD for _text, size in lines)


def _draw_cell(
    cursor: Cursor,
    column: Columna,
    edges: list[float],
    place: int,
    lines: list[tuple[str, float]],
) -> float:
    y = cursor.y
    for text, size in lines:
        y += size * LEAD
        ink = INK if size == 8 else SOFT
        if column.derecha:
            cursor.page.right(edges[place + 1] - 4, y, text, size, ink=ink)
        else:
            cursor.page.text(edges[place] + 4, y, text, size, ink=ink)
    return y - cursor.y
