"""A small reader of BER/DER that never trusts a declared length.

Certificates and P12 files come from outside and some Ecuadorian ones are malformed in places that
do not matter to us. This reader looks only where it is asked to, one level at a time, so nothing is
allocated or followed because a file says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

SEQUENCE = 0x30
SET = 0x31
BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OID = 0x06
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18

_CONSTRUCTED = 0x20
_MAX_DEPTH = 32
_MAX_CHILDREN = 5_000
_STRING_ENCODINGS = {
    0x0C: "utf-8",
    0x12: "ascii",
    0x13: "utf-8",
    0x14: "latin-1",
    0x16: "utf-8",
    0x1A: "utf-8",
    0x1B: "utf-8",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}


class DerError(ValueError):
    """The bytes are not the structure that was asked for."""


@dataclass(frozen=True, slots=True)
class Tlv:
    """One element: its identifier byte, its content, and all of its bytes."""

    tag: int
    content: bytes
    raw: bytes

    def children(self) -> list[Tlv]:
        """The elements inside. Raises ``DerError`` when the content is not made of elements."""
        if not self.tag & _CONSTRUCTED:
            raise DerError(f"element 0x{self.tag:02x} has no children")
        found: list[Tlv] = []
        at = 0
        while at < len(self.content):
            child, at = read(self.content, at)
            found.append(child)
            if len(found) > _MAX_CHILDREN:
                raise DerError("too many elements")
        return found

    def expect(self, tag: int) -> Tlv:
        """Itself when its tag is ``tag``; raises ``DerError`` otherwise."""
        if self.tag != tag:
            raise DerError(f"expected element 0x{tag:02x}, found 0x{self.tag:02x}")
        return self

    def octets(self, depth: int = 0) -> bytes:
        """The value of an OCTET STRING, also when BER cut it into pieces."""
        if not self.tag & _CONSTRUCTED:
            return self.content
        if depth > 4:
            raise DerError("octet string nested too deeply")
        return b"".join(child.octets(depth + 1) for child in self.children())

    def integer(self) -> int:
        """The value of an INTEGER."""
        self.expect(INTEGER)
        if not 0 < len(self.content) <= 2048:
            raise DerError("integer of impossible size")
        return int.from_bytes(self.content, "big", signed=True)

    def oid(self) -> str:
        """The value of an OBJECT IDENTIFIER in dotted form."""
        return dotted(self.expect(OID).content)

    def text(self) -> str:
        """The value of any character string; what cannot be decoded becomes U+FFFD."""
        encoding = _STRING_ENCODINGS.get(self.tag)
        if encoding is None:
            raise DerError(f"element 0x{self.tag:02x} is not a string")
        return self.content.decode(encoding, "replace")

    def instant(self) -> datetime:
        """The value of a UTCTime or GeneralizedTime (both Z), aware UTC."""
        digits = self.content.decode("ascii", "replace")
        if self.tag == UTC_TIME and len(digits) >= 2 and digits[:2].isdigit():
            digits = ("19" if int(digits[:2]) >= 50 else "20") + digits
        elif self.tag != GENERALIZED_TIME:
            raise DerError(f"element 0x{self.tag:02x} is not a time")
        try:
            return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
        except ValueError as error:
            raise DerError(f"not a time: {digits!r}") from error


def parse(data: bytes) -> Tlv:
    """The one element that starts ``data``; what follows it is ignored."""
    return read(data, 0)[0]


def read(data: bytes, at: int) -> tuple[Tlv, int]:
    """The element at offset ``at`` and the offset after it. Raises ``DerError``."""
    tag, start, length = _header(data, at)
    if length is None:
        end = _end_of_indefinite(data, start)
        return Tlv(tag, data[start : end - 2], data[at:end]), end
    end = start + length
    return Tlv(tag, data[start:end], data[at:end]), end


def _header(data: bytes, at: int) -> tuple[int, int, int | None]:
    """(identifier, offset of the content, its length or None when indefinite)."""
    if at + 2 > len(data):
        raise DerError("the data ends inside an element")
    tag, first = data[at], data[at + 1]
    if tag & 0x1F == 0x1F:
        raise DerError("tag numbers above 30 are not used here")
    start = at + 2
    if first < 0x80:
        length = first
    elif first == 0x80:
        if not tag & _CONSTRUCTED:
            raise DerError("indefinite length on a primitive element")
        return tag, start, None
    else:
        size = first & 0x7F
        if size > 4 or start + size > len(data):
            raise DerError("length of impossible size")
        length = int.from_bytes(data[start : start + size], "big")
        start += size
    if length > len(data) - start:
        raise DerError("an element claims to be longer than the data")
    return tag, start, length


def _end_of_indefinite(data: bytes, at: int) -> int:
    depth = 1
    while depth:
        if data[at : at + 2] == b"\x00\x00":
            depth -= 1
            at += 2
            continue
        _, start, length = _header(data, at)
        if length is None:
            depth += 1
            if depth > _MAX_DEPTH:
                raise DerError("elements nested too deeply")
            at = start
        else:
            at = start + length
    return at


def dotted(content: bytes) -> str:
    """The dotted form of an encoded OBJECT IDENTIFIER (at most 64 bytes)."""
    if not content or len(content) > 64 or content[-1] & 0x80:
        raise DerError("object identifier of impossible size")
    arcs: list[int] = []
    value = 0
    for byte in content:
        value = (value << 7) | (byte & 0x7F)
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))
