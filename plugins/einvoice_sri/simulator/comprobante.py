"""What the judge reads out of a document: its own reading, independent of the emitter's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from lxml import etree

ROOTS = {
    "factura": "01",
    "liquidacionCompra": "03",
    "notaCredito": "04",
    "notaDebito": "05",
    "guiaRemision": "06",
    "comprobanteRetencion": "07",
}
NAMES = {
    "01": "Factura",
    "03": "Liquidación de compra",
    "04": "Nota de crédito",
    "05": "Nota de débito",
    "06": "Guía de remisión",
    "07": "Comprobante de retención",
}
MAX_BYTES = 320 * 1024  # ficha: 320 KB per document
WEIGHTS = (2, 3, 4, 5, 6, 7)


class Unreadable(Exception):
    """The bytes are not an XML document that can be judged."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document and the fields that the checks compare."""

    tree: etree._Element
    root: str
    version: str
    clave: str
    cod_doc: str
    ruc: str
    ambiente: str
    estab: str
    pto_emi: str
    secuencial: str
    fecha_emision: date | None

    @property
    def number_key(self) -> str:
        """What may exist only once: issuer, environment, type and number."""
        point = f"{self.ruc}-{self.ambiente}-{self.cod_doc}-{self.estab}-{self.pto_emi}"
        return f"{point}-{self.secuencial}"

    def text(self, path: str) -> str:
        """The text at an element path below the root; empty when absent."""
        return (self.tree.findtext(path) or "").strip()


def parse(content: bytes) -> etree._Element:
    """Parse without entities, network or a document type. Raises ``Unreadable``."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=False
    )
    try:
        tree = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable(str(error)) from error
    if tree.getroottree().docinfo.doctype:
        raise Unreadable("DOCTYPE no permitido")
    return tree


def read(content: bytes) -> Document:
    """The document in ``content``. Raises ``Unreadable`` when it is not XML."""
    tree = parse(content)

    def tax(name: str) -> str:
        return (tree.findtext(f"infoTributaria/{name}") or "").strip()

    issued = next((one.text or "" for one in tree.iterfind("*/fechaEmision")), "")
    if not issued:
        issued = tree.findtext("infoGuiaRemision/fechaIniTransporte") or ""
    return Document(
        tree=tree,
        root=etree.QName(tree).localname if isinstance(tree.tag, str) else "",
        version=tree.get("version", ""),
        clave=tax("claveAcceso"),
        cod_doc=tax("codDoc"),
        ruc=tax("ruc"),
        ambiente=tax("ambiente"),
        estab=tax("estab"),
        pto_emi=tax("ptoEmi"),
        secuencial=tax("secuencial"),
        fecha_emision=_day(issued.strip()),
    )


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%d/%m/%Y").date()  # noqa: DTZ007  a day has no zone
    except ValueError:
        return None


def check_digit(first_48: str) -> str:
    """The last digit of an access key (modulo 11, weights 2 to 7 from the right; ficha 5.2)."""
    total = sum(int(d) * WEIGHTS[i % 6] for i, d in enumerate(reversed(first_48)))
    digit = 11 - total % 11
    return {11: "0", 10: "1"}.get(digit, str(digit))


def well_formed(clave: str) -> bool:
    """Is it 49 digits with the right check digit?"""
    return (
        len(clave) == 49
        and clave.isascii()
        and clave.isdigit()
        and check_digit(clave[:48]) == clave[48]
    )
