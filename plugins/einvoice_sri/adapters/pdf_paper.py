"""A PDF written fast: text, lines and one picture on pages, the same bytes every time.

reportlab writes the file; the contents of a page are put together here, because a sheet has some
three hundred strings and one call each would cost more than everything else together.
Coordinates are points from the *top* left corner.
"""

from __future__ import annotations

from functools import cache, lru_cache
from io import BytesIO
from typing import Any

from PIL import Image
from reportlab import rl_config
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

REGULAR, BOLD = "Helvetica", "Helvetica-Bold"
INK, SOFT, LINE, GHOST = "0.11 0.14 0.16", "0.35 0.39 0.43", "0.78 0.77 0.74", "0.93 0.93 0.92"
#: A logo is printed at most this wide; more pixels only make the file larger.
_LOGO_PIXELS = (360, 180)
#: What a PDF string cannot hold as it is: its own signs, and everything that is not plain ASCII.
_ESCAPES = {ord(sign): f"\\{sign}" for sign in "\\()"} | {
    code: f"\\{code:03o}" for code in (*range(32), *range(127, 256))
}

rl_config.useA85 = 0  # plain compressed streams: a quarter smaller, and faster


@cache
def _widths(font: str) -> list[int]:
    widths: list[int] = pdfmetrics.getFont(font).widths
    return widths


def encode(text: str) -> bytes:
    """WinAnsi, as the standard fonts know it; what it lacks becomes a question mark."""
    return text.encode("cp1252", "replace")


def _string(text: str) -> str:
    return encode(text).decode("latin-1").translate(_ESCAPES)


@lru_cache(maxsize=4096)
def width(text: str, size: float, font: str = REGULAR) -> float:
    """Width of a line in points."""
    table = _widths(font)
    return sum(table[byte] for byte in encode(text)) * size / 1000


def wrap(text: str, room: float, size: float, font: str = REGULAR) -> list[str]:
    """The text in lines that fit; a word longer than the room is cut, a line break is a space."""
    if not text.isprintable():
        text = " ".join(text.split())
    if width(text, size, font) <= room:
        return [text]
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if width(longer, size, font) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while width(line, size, font) > room and len(line) > 1:
            fit = _fit(line, room, size, font)
            lines.append(line[:fit])
            line = line[fit:]
    return [*lines, line]


def _fit(word: str, room: float, size: float, font: str) -> int:
    fit = len(word) - 1
    while fit > 1 and width(word[:fit], size, font) > room:
        fit -= 1
    return fit


class Page:
    """One page under construction."""

    def __init__(self, height: float) -> None:
        self.height = height
        self.ops: list[str] = []

    def text(
        self, x: float, y: float, text: str, size: float = 8, *, font: str = REGULAR, ink: str = INK
    ) -> None:
        """A line that starts at ``x`` with its baseline at ``y``."""
        if not text:
            return
        shown = text if text.isalnum() and text.isascii() else _string(text)
        name = "F2" if font == BOLD else "F1"
        self.ops.append(
            f"{ink} rg BT /{name} {size:g} Tf {x:.2f} {self.height - y:.2f} Td ({shown}) Tj ET"
        )

    def right(
        self, x: float, y: float, text: str, size: float = 8, *, font: str = REGULAR, ink: str = INK
    ) -> None:
        """A line that ends at ``x``."""
        self.text(x - width(text, size, font), y, text, size, font=font, ink=ink)

    def centre(
        self, x: float, y: float, text: str, size: float = 8, *, font: str = REGULAR, ink: str = INK
    ) -> None:
        """A line around ``x``."""
        self.text(x - width(text, size, font) / 2, y, text, size, font=font, ink=ink)

    def rule(self, x1: float, y: float, x2: float, *, thick: float = 0.5, ink: str = LINE) -> None:
        """A horizontal hairline."""
        self.ops.append(
            f"{ink} RG {thick:g} w {x1:.2f} {self.height - y:.2f} m {x2:.2f} {self.height - y:.2f} l S"
        )

    def box(self, x: float, y: float, wide: float, high: float, *, fill: str = "") -> None:
        """A rectangle with a hairline, or filled without one."""
        paint = f"{fill} rg" if fill else f"{LINE} RG 0.5 w"
        end = "f" if fill else "S"
        self.ops.append(
            f"{paint} {x:.2f} {self.height - y - high:.2f} {wide:.2f} {high:.2f} re {end}"
        )

    def bars(
        self, x: float, y: float, module: float, high: float, bars: list[tuple[int, int]]
    ) -> None:
        """The dark bars of a barcode as one path."""
        low = self.height - y - high
        rects = " ".join(
            f"{x + place * module:.3f} {low:.2f} {wide * module:.3f} {high:.2f} re"
            for place, wide in bars
        )
        self.ops.append(f"0 g {rects} f")

    def ghost(self, x: float, y: float, text: str, size: float) -> None:
        """A word across the page, behind everything else."""
        shown = _string(text)
        half = width(text, size, BOLD) / 2 * 0.8192
        drop = width(text, size, BOLD) / 2 * 0.5736
        self.ops.insert(
            0,
            f"{GHOST} rg BT /F2 {size:g} Tf 0.8192 0.5736 -0.5736 0.8192 "
            f"{x - half:.2f} {self.height - y - drop:.2f} Tm ({shown}) Tj ET",
        )

    def picture(self, x: float, y: float, wide: float, high: float) -> None:
        """The document's picture, already placed in the file under the name ``Logo``."""
        self.ops.append(
            f"q {wide:.2f} 0 0 {high:.2f} {x:.2f} {self.height - y - high:.2f} cm /@logo@ Do Q"
        )


@lru_cache(maxsize=64)
def logo(content: bytes) -> tuple[bytes, int, int] | None:
    """A logo made small (JPEG on white) with its size in pixels; None when it is no picture."""
    try:
        with Image.open(BytesIO(content)) as opened:
            opened.thumbnail(_LOGO_PIXELS)
            picture = opened.convert("RGBA")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    paper = Image.new("RGB", picture.size, "white")
    paper.paste(picture, mask=picture.getchannel("A"))
    out = BytesIO()
    paper.save(out, "JPEG", quality=80, optimize=True)
    return out.getvalue(), picture.width, picture.height


def write(
    pages: list[Page],
    size: tuple[float, float],
    *,
    title: str,
    author: str,
    picture: bytes | None = None,
) -> bytes:
    """The file. The same pages give the same bytes: no date, no random id."""
    out = BytesIO()
    canvas: Any = Canvas(out, pagesize=size, invariant=1, pageCompression=1, lang="es-EC")
    canvas.setTitle(title)
    canvas.setAuthor(author)
    canvas.setProducer("Yupana")
    canvas.setCreator("Yupana")
    names = [canvas._doc.getInternalFontName(font) for font in (REGULAR, BOLD)]  # noqa: SLF001
    if names != ["/F1", "/F2"]:
        raise AssertionError(names)
    for page in pages:
        form = ""
        if picture is not None and any("/@logo@" in op for op in page.ops):
            form = _embed(canvas, picture)
        canvas._code.extend(op.replace("@logo@", form) for op in page.ops)  # noqa: SLF001
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _embed(canvas: Any, picture: bytes) -> str:
    """Put the picture into the file and return its name; drawn of size zero, used where wanted."""
    canvas.drawImage(ImageReader(BytesIO(picture)), 0, 0, width=0.001, height=0.001)
    drawn = next(op for op in reversed(canvas._code) if " Do" in op)  # noqa: SLF001
    return str(drawn).split("/")[1].split(" ")[0]
