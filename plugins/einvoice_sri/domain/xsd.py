"""Our own schemas of the 13 versions: a document's bytes to what is wrong with them.

The schemas in ``schemas/`` are written from the facts, not copied; a test holds them against SRI's
own. They differ on purpose in four points: the legend of the negocio popular is allowed (SRI
authorises it), ``version`` and ``id`` are obligatory and must be the right ones, the contents of
``ds:Signature`` are left to the verification, and only a whole document is a document.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from lxml import etree

from core.i18n import _, lazy
from plugins.einvoice_sri.domain import xml
from plugins.einvoice_sri.domain.errores import DocumentoIlegible
from plugins.einvoice_sri.domain.tipos import RAICES, VERSIONES, TipoComprobante

_explaining = threading.Lock()
_TIPO_POR_RAIZ = {raiz: tipo for tipo, raiz in RAICES.items()}


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing the schema forbids. ``rule`` is stable (``length``, ``order`` …), ``sentence`` is for people."""

    element: str
    line: int
    rule: str
    sentence: str
    technical: str


def violations(tipo: TipoComprobante, version: str, content: bytes) -> list[Violation]:
    """What is wrong with ``content`` as a document of that kind and version; empty when it is right.

    Raises ``DocumentoIlegible`` when it is not XML, too large, declares entities, or when the
    version is not one of the 13.
    """
    return violations_of(tipo, version, xml.parse(content))


def violations_of(tipo: TipoComprobante, version: str, root: Any) -> list[Violation]:
    """As :func:`violations`, for a root element that :func:`xml.parse` returned."""
    if root.tag == RAICES[tipo] and _schema(tipo, version).validate(root):
        return []
    if root.tag != RAICES[tipo]:
        sentence = _(
            "The root element is %(found)s; a document of this kind starts with %(wanted)s.",
            found=root.tag,
            wanted=RAICES[tipo],
        )
        return [Violation(str(root.tag), root.sourceline or 0, "root", sentence, "root")]
    with _explaining:  # lxml keeps the log on the schema: one explanation at a time
        schema = _explainer(tipo, version)
        schema.validate(root)
        return [_violation(entry, root) for entry in schema.error_log]


def kind_of(root: Any) -> tuple[TipoComprobante, str]:
    """Kind and version of a parsed document, by root element and ``version``.

    Raises ``DocumentoIlegible`` (SRI's codes 47 and 48) when either is unknown.
    """
    tipo = _TIPO_POR_RAIZ.get(str(root.tag))
    if tipo is None:
        raise DocumentoIlegible(
            _("The root element %(tag)s is none of SRI's six documents.", tag=root.tag),
            code="sri_xml_root",
        )
    version = str(root.get("version", ""))
    _check_version(tipo, version)
    return tipo, version


def _check_version(tipo: TipoComprobante, version: str) -> None:
    if version not in VERSIONES[tipo]:
        raise DocumentoIlegible(
            _(
                "Version “%(version)s” of %(tag)s does not exist; SRI knows %(known)s.",
                version=version,
                tag=RAICES[tipo],
                known=", ".join(VERSIONES[tipo]),
            ),
            code="sri_xml_version",
            field="version",
        )


# libxml2 sets up its built-in types with the first schema and guards that by no lock: two threads
# doing it at once crash the process (5 of 60 tries). So the first schema is made here, at import.
etree.XMLSchema(etree.XML('<schema xmlns="http://www.w3.org/2001/XMLSchema"/>'))


@cache
def _schema(tipo: TipoComprobante, version: str) -> etree.XMLSchema:
    return _compile(tipo, version)


@cache
def _explainer(tipo: TipoComprobante, version: str) -> etree.XMLSchema:
    """A second compiled schema, so that explaining never disturbs a validation in another thread."""
    return _compile(tipo, version)


def _compile(tipo: TipoComprobante, version: str) -> etree.XMLSchema:
    _check_version(tipo, version)
    folder = resources.files("plugins.einvoice_sri") / "schemas"
    with resources.as_file(folder) as path:
        parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
        return etree.XMLSchema(etree.parse(str(path / f"{RAICES[tipo]}_{version}.xsd"), parser))


def warm_up() -> None:
    """Compile the 13 schemas now (some 20 ms), so that no request pays for it."""
    for tipo, versions in VERSIONES.items():
        for version in versions:
            _schema(tipo, version)


def _violation(entry: Any, root: Any) -> Violation:
    element, value = _where(entry, root)
    rule = _RULES.get(entry.type_name, "content")
    sentence = str(_SENTENCES.get(rule, _SENTENCES["content"])) % {"tag": element, "value": value}
    return Violation(element, entry.line, rule, sentence, entry.message)


def _where(entry: Any, root: Any) -> tuple[str, str]:
    found = root.getroottree().xpath(entry.path) if entry.path else []
    node = found[0] if found else root
    return etree.QName(node).localname, str(node.text or "").strip()[:40]


#: libxml2's names of its findings to ours.
_RULES: dict[str, str] = {
    "SCHEMAV_ELEMENT_CONTENT": "order",
    "SCHEMAV_CVC_MAXLENGTH_VALID": "length",
    "SCHEMAV_CVC_MINLENGTH_VALID": "empty",
    "SCHEMAV_CVC_LENGTH_VALID": "length",
    "SCHEMAV_CVC_PATTERN_VALID": "pattern",
    "SCHEMAV_CVC_ENUMERATION_VALID": "pattern",
    "SCHEMAV_CVC_ATTRIBUTE_4": "version",
    "SCHEMAV_CVC_ELT_5_2_2_2_1": "version",
    "SCHEMAV_CVC_AU": "version",
    "SCHEMAV_CVC_TOTALDIGITS_VALID": "digits",
    "SCHEMAV_CVC_FRACTIONDIGITS_VALID": "digits",
    "SCHEMAV_CVC_MININCLUSIVE_VALID": "negative",
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_1": "number",
    "SCHEMAV_CVC_COMPLEX_TYPE_4": "attribute_missing",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "attribute_unknown",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_2": "attribute_unknown",
    "SCHEMAV_CVC_TYPE_3_1_1": "attribute_unknown",
    "SCHEMAV_CVC_ELT_1": "root",
}


_SENTENCES = {
    "order": lazy("%(tag)s: an element is missing, repeated, unknown or out of order."),
    "length": lazy("%(tag)s is too long: “%(value)s…”; shorten it."),
    "empty": lazy("%(tag)s is empty; fill it or leave it out."),
    "pattern": lazy("%(tag)s does not have the form that SRI demands: “%(value)s”."),
    "digits": lazy("%(tag)s has too many digits or decimals: %(value)s."),
    "negative": lazy("%(tag)s is negative: %(value)s; it must be zero or more."),
    "number": lazy("%(tag)s is not a number: “%(value)s”."),
    "version": lazy("The version of the document is not the one of its schema."),
    "attribute_missing": lazy("%(tag)s lacks an obligatory attribute."),
    "attribute_unknown": lazy("%(tag)s has an attribute that SRI does not know."),
    "content": lazy("%(tag)s holds something that SRI does not allow there."),
}
