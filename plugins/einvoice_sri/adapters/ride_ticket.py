"""A factura on a roll of 80 mm: one long page, the key as QR, which a thermal head prints legibly.

The 49 digits as Code 128 would need modules of 0.22 mm on this paper, finer than two dots of the
usual 203 dpi head; a QR of the same digits has modules of more than a millimetre.
"""

from __future__ import annotations

from functools import lru_cache

from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel

from plugins.einvoice_sri.adapters.pdf_paper import BOLD, REGULAR, SOFT, Page, wrap, write
from plugins.einvoice_sri.domain.ride_partes import Hoja

WIDE = 226.77  # 80 mm
LEFT, RIGHT = 11.0, 226.77 - 11.0  # the head prints 72 mm
ROOM = RIGHT - LEFT
MIDDLE = WIDE / 2
_TALL = 14_000.0
_LEAD = 1.25
_QR = 96.0


class _Roll:
    """Lines one under the other; cut to length in the end."""

    def __init__(self) -> None:
        self.page = Page(_TALL)
        self.y = 14.0

    def line(
        self, text: str, size: float = 8, *, font: str = REGULAR, centred: bool = False
    ) -> None:
        for one in wrap(text, ROOM, size, font):
            self.y += size * _LEAD
            if centred:
                self.page.centre(MIDDLE, self.y, one, size, font=font)
            else:
                self.page.text(LEFT, self.y, one, size, font=font)

    def ends(self, left: str, right: str, size: float = 8, *, font: str = REGULAR) -> None:
        """Words on the left, a figure on the right."""
        lines = wrap(left, ROOM - 70, size, font)
        for one in lines:
            self.y += size * _LEAD
            self.page.text(LEFT, self.y, one, size, font=font)
        self.page.right(RIGHT, self.y, right, size, font=font)

    def rule(self) -> None:
        self.y += 5
        self.page.rule(LEFT, self.y, RIGHT, ink=SOFT)
        self.y += 1


def render(hoja: Hoja) -> bytes:
    """The sheet of a factura as PDF for a thermal printer; the same sheet gives the same bytes."""
    roll = _Roll()
    _head(roll, hoja)
    for seccion in hoja.secciones:
        roll.rule()
        for label, value in seccion.pares:
            roll.line(f"{label}: {value}")
        if seccion.tabla is not None:
            _rows(roll, seccion.tabla.filas)
    roll.rule()
    for label, value in hoja.totales:
        roll.ends(label, value)
    if hoja.total:
        roll.ends(hoja.total[0], f"$ {hoja.total[1]}", 11, font=BOLD)
    _foot(roll, hoja)
    return _cut(roll, hoja)


def _head(roll: _Roll, hoja: Hoja) -> None:
    if hoja.aviso:
        roll.line(hoja.aviso, 8, font=BOLD, centred=True)
        roll.rule()
    roll.line(hoja.nombre_comercial or hoja.razon_social, 11, font=BOLD, centred=True)
    if hoja.nombre_comercial:
        roll.line(hoja.razon_social, 8, centred=True)
    roll.line(f"R.U.C. {hoja.ruc}", 9, centred=True)
    roll.line(hoja.dir_establecimiento or hoja.dir_matriz, 7.5, centred=True)
    for leyenda in hoja.leyendas:
        roll.line(leyenda, 7.5, centred=True)
    roll.rule()
    roll.line(hoja.titulo, 10, font=BOLD, centred=True)
    roll.line(f"No. {hoja.numero}", 10, font=BOLD, centred=True)
    roll.line(f"Ambiente: {hoja.ambiente} · Emisión: {hoja.emision}", 7.5, centred=True)
    if hoja.fecha_autorizacion:
        roll.line(f"Autorizado: {hoja.fecha_autorizacion}", 7.5, centred=True)


def _rows(roll: _Roll, filas: tuple[tuple[str, ...], ...]) -> None:
    """Description on its own line, then quantity by price, and the amount at the right."""
    for _code, description, quantity, price, *_others, amount in filas:
        roll.line(description.split("\n")[0])
        roll.ends(f"   {quantity} × {price}", amount)  # noqa: RUF001


def _foot(roll: _Roll, hoja: Hoja) -> None:
    roll.rule()
    for form, amount, term in hoja.pagos:
        roll.ends(f"{form} {term}".strip(), amount, 7.5)
    for label, value in hoja.adicionales:
        roll.line(f"{label}: {value}", 7.5)
    roll.rule()
    roll.line("Clave de acceso / autorización", 7.5, centred=True)
    for at in (0, 25):
        roll.line(hoja.clave_acceso[at : at + 25], 9, centred=True)
    roll.y += 6
    modules = _qr(hoja.clave_acceso)
    side = _QR / len(modules)
    left = MIDDLE - _QR / 2
    for row, line in enumerate(modules):
        dark = [(place, 1) for place, on in enumerate(line) if on]
        roll.page.bars(left, roll.y + row * side, side, side + 0.02, dark)
    roll.y += _QR + 8
    roll.line("Consulte su documento en el portal del SRI", 7, centred=True)
    roll.y += 12


@lru_cache(maxsize=256)
def _qr(text: str) -> tuple[tuple[bool, ...], ...]:
    code = QRCode(None, QRErrorCorrectLevel.M)
    code.addData(text)
    code.make()
    size = code.getModuleCount()
    return tuple(tuple(bool(code.isDark(row, at)) for at in range(size)) for row in range(size))


def _cut(roll: _Roll, hoja: Hoja) -> bytes:
    """The roll as long as what is on it: everything moves down to the bottom of a shorter page."""
    shift = _TALL - roll.y
    roll.page.ops.insert(0, f"1 0 0 1 0 {-shift:.2f} cm")
    return write(
        [roll.page],
        (WIDE, roll.y),
        title=f"{hoja.titulo} {hoja.numero}",
        author=hoja.razon_social,
    )
