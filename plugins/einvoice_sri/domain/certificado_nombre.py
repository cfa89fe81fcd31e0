"""Distinguished names as SRI's Java writes them: ``X500Principal.getName()`` (RFC 2253).

SRI compares ``X509IssuerName`` with what Java prints for the certificate, so this follows Java's
output to the letter: most specific part first, nine known keywords, every other attribute as its
OID with the value's DER in hex.
"""

from __future__ import annotations

from plugins.einvoice_sri.domain.certificado_der import SEQUENCE, SET, DerError, Tlv, parse

_KEYWORDS = {
    "2.5.4.3": "CN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
}
_JAVA_STRINGS = {0x0C, 0x13, 0x14, 0x16, 0x1B, 0x1E}
_ESCAPED = frozenset(',=+<>#;"\\')


def attributes(name_der: bytes) -> list[list[tuple[str, Tlv]]]:
    """The parts of an encoded Name in their encoded order, each a list of (OID, value)."""
    parts: list[list[tuple[str, Tlv]]] = []
    for part in parse(name_der).expect(SEQUENCE).children():
        pairs: list[tuple[str, Tlv]] = []
        for pair in part.expect(SET).children():
            items = pair.expect(SEQUENCE).children()
            if len(items) != 2:
                raise DerError("a name's attribute is not a pair")
            pairs.append((items[0].oid(), items[1]))
        parts.append(pairs)
    return parts


def java_name(name_der: bytes) -> str:
    """``C=EC, O=A, CN=B`` in DER becomes ``CN=B,O=A,C=EC``. Raises ``DerError``."""
    return ",".join(
        "+".join(_pair(oid, value) for oid, value in part)
        for part in reversed(attributes(name_der))
    )


def _pair(oid: str, value: Tlv) -> str:
    keyword = _KEYWORDS.get(oid)
    if keyword is None or value.tag not in _JAVA_STRINGS:
        return f"{keyword or oid}=#{value.raw.hex()}"
    # Java decodes the bytes of every string type as UTF-8, BMPString included.
    return f"{keyword}={_escape(value.content.decode('utf-8', 'replace'))}"


def _escape(text: str) -> str:
    core = text.strip(" \n")
    lead = len(text) - len(text.lstrip(" \n"))
    tail = len(text) - lead - len(core)
    escaped = "".join(
        "\\00" if char == "\0" else f"\\{char}" if char in _ESCAPED else char for char in core
    )
    before, after = text[:lead], text[len(text) - tail :] if tail else ""
    return (
        "".join(f"\\{char}" for char in before) + escaped + "".join(f"\\{char}" for char in after)
    )
