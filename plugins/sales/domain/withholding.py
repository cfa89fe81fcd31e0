"""A withholding certificate (comprobante de retención) as it is read from its XML.

Versions 1.0.0 (``impuestos``) and 2.0.0 (``docsSustento``), bare or inside SRI's ``autorizacion``
envelope. This module is the place of sales where SRI's tags are read; outside they are English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from lxml import etree

from core.domain.money import ZERO, to_cents
from core.errors import DomainError
from core.i18n import _

LARGEST: Final = 330_000  # ficha: 320 KB per document
KIND: Final = "07"
MOST: Final = Decimal(10) ** 12  # what a column of money holds
HUNDRED: Final = Decimal(100)
_NUMBER: Final = re.compile(r"[0-9]{3}-[0-9]{3}-[0-9]{9}")


@dataclass(frozen=True, slots=True)
class WithheldPart:
    """One line: ``tax`` "1" renta, "2" IVA; ``invoice_number`` 001-002-000000123 or empty."""

    tax: str
    code: str
    base: Decimal
    rate: Decimal
    amount: Decimal
    invoice_number: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """Who withheld how much of which invoices of whom."""

    access_key: str
    number: str
    issued_on: date
    agent_tax_id: str
    agent_name: str
    subject_tax_id: str
    parts: tuple[WithheldPart, ...]

    @property
    def amount(self) -> Decimal:
        """All that was withheld (USD)."""
        return sum((one.amount for one in self.parts), ZERO)

    def amount_for(self, number: str) -> Decimal:
        """What was withheld of one invoice."""
        return sum((one.amount for one in self.parts if one.invoice_number == number), ZERO)


def is_access_key(key: str) -> bool:
    """49 digits with a right check digit (modulo 11, weights 2 to 7 from the right)."""
    if not re.fullmatch(r"[0-9]{49}", key):
        return False
    weighted = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(key[:48])))
    check = 11 - weighted % 11
    return int(key[48]) == {11: 0, 10: 1}.get(check, check)


def read_key(key: str) -> tuple[date, str, str, str]:
    """``(day, document kind, agent's RUC, number)`` of an access key. Raises ``DomainError``."""
    if not is_access_key(key):
        raise DomainError(
            _("The access key is not right: it has 49 digits. Copy it from the printed document."),
            code="bad_access_key",
            field="access_key",
        )
    try:
        day = datetime.strptime(key[:8], "%d%m%Y").date()  # noqa: DTZ007  (a day, no instant)
    except ValueError:
        raise DomainError(
            _("The access key holds no real day. Copy it from the printed document."),
            code="bad_access_key",
            field="access_key",
        ) from None
    return day, key[8:10], key[10:23], f"{key[24:27]}-{key[27:30]}-{key[30:39]}"


def read_certificate(xml: bytes) -> Certificate:
    """Read a certificate from its XML. Raises ``DomainError`` when the file is none."""
    root = _parse(xml)
    if root.tag == "autorizacion" or root.find(".//comprobante") is not None:
        inner = root.findtext(".//comprobante") or ""
        root = _parse(inner.encode())
    if root.tag != "comprobanteRetencion":
        raise _foreign()
    key = _text(root, "infoTributaria/claveAcceso")
    if not is_access_key(key) or key[8:10] != KIND:
        raise _foreign()
    try:
        issued_on = datetime.strptime(  # noqa: DTZ007  (a day, no instant)
            _text(root, "infoCompRetencion/fechaEmision"), "%d/%m/%Y"
        ).date()
        parts = tuple(_parts(root))
    except (ValueError, InvalidOperation):
        raise _foreign() from None
    if not parts or any(one.amount < ZERO for one in parts):
        raise _foreign()
    number = "-".join(
        _text(root, f"infoTributaria/{tag}") for tag in ("estab", "ptoEmi", "secuencial")
    )
    if sum(one.amount for one in parts) >= MOST or not _NUMBER.fullmatch(number):
        raise _foreign()
    return Certificate(
        access_key=key,
        number=number,
        issued_on=issued_on,
        agent_tax_id=_text(root, "infoTributaria/ruc"),
        agent_name=_text(root, "infoTributaria/razonSocial"),
        subject_tax_id=_text(root, "infoCompRetencion/identificacionSujetoRetenido"),
        parts=parts,
    )


def _parts(root: Any) -> Sequence[WithheldPart]:
    found = [
        _part(line, _text(line, "numDocSustento")) for line in root.findall("impuestos/impuesto")
    ]
    for document in root.findall("docsSustento/docSustento"):
        number = _text(document, "numDocSustento")
        found.extend(_part(line, number) for line in document.findall("retenciones/retencion"))
    return found


def _part(line: Any, number: str) -> WithheldPart:
    return WithheldPart(
        tax=_text(line, "codigo"),
        code=_text(line, "codigoRetencion"),
        base=_amount(line, "baseImponible"),
        rate=_bounded(line, "porcentajeRetener", HUNDRED),
        amount=_amount(line, "valorRetenido"),
        invoice_number=dashed(number),
    )


def dashed(number: str) -> str:
    """``001002000000123`` as ``001-002-000000123``; anything else as it is."""
    plain = number.replace("-", "")
    if re.fullmatch(r"[0-9]{15}", plain):
        return f"{plain[:3]}-{plain[3:6]}-{plain[6:]}"
    return number


def _amount(line: Any, tag: str) -> Decimal:
    return to_cents(_bounded(line, tag, MOST))


def _bounded(line: Any, tag: str, most: Decimal) -> Decimal:
    value = Decimal(_text(line, tag))
    if not value.is_finite() or abs(value) > most:
        raise InvalidOperation
    return value


def _text(node: Any, path: str) -> str:
    return str(node.findtext(path) or "").strip()


def _parse(xml: bytes) -> Any:
    if len(xml) > LARGEST:
        raise DomainError(
            _(
                "The file is larger than any document of SRI (320 KB). Choose the certificate's XML."
            ),
            code="xml_too_large",
            field="file",
        )
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise _foreign() from None
    if root.getroottree().docinfo.doctype:
        raise _foreign()
    return root


def _foreign() -> DomainError:
    return DomainError(
        _("The file is not the XML of a withholding certificate. Download it again and choose it."),
        code="not_a_certificate",
        field="file",
    )
