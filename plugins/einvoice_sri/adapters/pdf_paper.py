"""A PDF written fast: text, lines and one picture on pages, the same bytes every time.

reportlab knows how wide the letters are; the rest is put together here, because a sheet has some
three hundred strings and one call each would cost more than everything else together.
Coordinates are points from the *top* left corner.
"""

from __future__ import annotations

import zlib
from functools import cache, lru_cache
from hashlib import md5
from io import BytesIO

from PIL import Image
from reportlab.pdfbase import pdfmetrics

REGULAR, BOLD = "Helvetica", "Helvetica-Bold"
INK, SOFT, LINE, GHOST = "0.11 0.14 0.16", "0.35 0.39 0.43", "0.78 0.77 0.74", "0.93 0.93 0.92"
#: A logo is printed at most this wide; more pixels only make the file larger.
_LOGO_PIXELS = (360, 180)
#: What a PDF string cannot hold as it is: its own signs, and everything that is not plain ASCII.
_ESCAPES = {ord(sign): f"\\{sign}" for sign in "\\()"} | {
    code: f"\\{code:03o}" for code in (*range(32), *range(127, 256))
}

_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /%b /Encoding /WinAnsiEncoding >>"
_LONGEST = 1000  # letters; no line of a sheet holds more
_LEVEL = 5  # of compression: beyond it a sheet costs more time than it saves bytes


@cache
def _widths(font: str) -> list[int]:
    widths: list[int] = pdfmetrics.getFont(font).widths
    return widths


def encode(text: str) -> bytes:
    """WinAnsi, as the standard fonts know it; what it lacks becomes a question mark."""
    return text.encode("cp1252", "replace")


@lru_cache(maxsize=4096)
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
    if len(text) <= _LONGEST and width(text, size, font) <= room:
        return [text]
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if len(longer) <= _LONGEST and width(longer, size, font) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        *whole, line = _pieces(word, room, size, font)
        lines += whole
    return [*lines, line]


def _pieces(word: str, room: float, size: float, font: str) -> list[str]:
    """A word cut where the room ends, each letter looked at once; a piece has at least one letter."""
    table, found, start, used = _widths(font), [], 0, 0
    for at, byte in enumerate(encode(word)):
        used += table[byte]
        if used * size / 1000 > room and at > start:
            found.append(word[start:at])
            start, used = at, table[byte]
    return [*found, word[start:]]


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
        rects = " ".join([f"{place} 0 {wide} 1 re" for place, wide in bars])
        self.ops.append(f"q 0 g {module:.5f} 0 0 {high:.2f} {x:.3f} {low:.2f} cm {rects} f Q")

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
            f"q {wide:.2f} 0 0 {high:.2f} {x:.2f} {self.height - y - high:.2f} cm /Logo Do Q"
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
    """The file. The same pages give the same bytes: no date, no random id.

    It is put together here and not by a library: a catalogue, two of the fonts that every reader has,
    a picture and the pages are a dozen objects, and a general writer takes longer for them than the
    whole sheet takes to be drawn.
    """
    first = 6 + (picture is not None)  # the first page's number; its content follows it
    kids = " ".join(f"{first + 2 * at} 0 R" for at in range(len(pages)))
    box = f"[0 0 {size[0]:g} {size[1]:g}]"
    name = " /XObject << /Logo 6 0 R >>" if picture is not None else ""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (es-EC) /ViewerPreferences << /DisplayDocTitle true >> >>",
        (
            f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] /MediaBox {box} /Resources "
            f"<< /Font << /F1 4 0 R /F2 5 0 R >>{name} >> >>"
        ).encode(),
        f"<< /Title {_info(title)} /Author {_info(author)} /Creator (Yupana) /Producer (Yupana) >>".encode(),
        *(_FONT % font.encode() for font in (REGULAR, BOLD)),
    ]
    if picture is not None:
        wide, high = _pixels(picture)
        kind = f"/Type /XObject /Subtype /Image /Width {wide} /Height {high} /ColorSpace /DeviceRGB"
        objects.append(_stream(f"{kind} /BitsPerComponent 8 /Filter /DCTDecode", picture))
    for at, page in enumerate(pages):
        content = zlib.compress("\n".join(page.ops).encode("latin-1"), _LEVEL)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /Contents {first + 2 * at + 1} 0 R >>".encode()
        )
        objects.append(_stream("/Filter /FlateDecode", content))
    return _file(objects)


def _file(objects: list[bytes]) -> bytes:
    """Objects 1 (the catalogue), 2 … with their table and trailer; object 3 is the information."""
    out = [b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"]
    at, table = len(out[0]), ["0000000000 65535 f \n"]
    for number, content in enumerate(objects, start=1):
        table.append(f"{at:010d} 00000 n \n")
        out.append(b"%d 0 obj\n%b\nendobj\n" % (number, content))
        at += len(out[-1])
    body = b"".join(out)
    mark = md5(body, usedforsecurity=False).hexdigest()
    count = len(objects) + 1
    end = (
        f"xref\n0 {count}\n{''.join(table)}trailer\n<< /Size {count} /Root 1 0 R /Info 3 0 R "
        f"/ID [<{mark}> <{mark}>] >>\nstartxref\n{at}\n%%EOF\n"
    )
    return body + end.encode()


def _stream(entries: str, content: bytes) -> bytes:
    head = f"<< {entries} /Length {len(content)} >>\nstream\n".encode()
    return head + content + b"\nendstream"


def _info(text: str) -> str:
    """A text of the document's information, in UTF-16 where it is not plain."""
    if text.isascii() and text.isprintable():
        return f"({_string(text)})"
    return f"<feff{text.encode('utf-16-be', 'replace').hex()}>"


@lru_cache(maxsize=64)
def _pixels(picture: bytes) -> tuple[int, int]:
    with Image.open(BytesIO(picture)) as opened:
        return opened.size
