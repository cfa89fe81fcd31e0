"""Taking a document out of SRI's authorisation envelope."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from core.i18n import _
from plugins.einvoice_sri.domain.canonical import XmlRefused, read_xml

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>\s*")


@dataclass(frozen=True, slots=True)
class Sobre:
    """A document and what SRI said about it; empty strings where there was no envelope."""

    comprobante: bytes
    estado: str = ""
    numero_autorizacion: str = ""
    fecha_autorizacion: str = ""
    ambiente: str = ""


def open_envelope(data: bytes) -> Sobre:
    """The document inside ``<autorizacion>`` (CDATA or escaped), or ``data`` itself without one.

    An answer with several authorisations gives the authorised one. Raises ``XmlRefused``.
    """
    root = read_xml(data)
    found = [one for one in root.iter(etree.Element) if _local(one) == "autorizacion"]
    if not found:
        return Sobre(data)
    fields = [
        {_local(child): (child.text or "") for child in one if _local(child)} for one in found
    ]
    best = next(
        (one for one in fields if one.get("estado", "").strip() == "AUTORIZADO"), fields[-1]
    )
    text = best.get("comprobante", "")
    if not text.strip():
        raise XmlRefused(
            _("The authorisation holds no document (comprobante)."), code="sri_envelope_empty"
        )
    return Sobre(
        comprobante=_DECLARATION.sub("", text).encode(),
        estado=best.get("estado", "").strip(),
        numero_autorizacion=best.get("numeroAutorizacion", "").strip(),
        fecha_autorizacion=best.get("fechaAutorizacion", "").strip(),
        ambiente=best.get("ambiente", "").strip(),
    )


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""
