"""What the authority checks, in its order: form, access key, number and dates at reception;
signature, components and arithmetic at authorisation. Each rule answers with a message or None.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from cryptography import x509
from lxml import etree

from plugins.einvoice_sri.simulator.comprobante import (
    MAX_BYTES,
    ROOTS,
    Document,
    Unreadable,
    read,
    well_formed,
)
from plugins.einvoice_sri.simulator.differences import differences
from plugins.einvoice_sri.simulator.firma import SignatureFault, check_signature
from plugins.einvoice_sri.simulator.state import Message

GUAYAQUIL = ZoneInfo("America/Guayaquil")

TEXTS = {
    "2": "RUC DEL EMISOR NO SE ENCUENTRA ACTIVO",
    "10": "ESTABLECIMIENTO DEL EMISOR SE ENCUENTRA CLAUSURADO",
    "26": "TAMANO MAXIMO SUPERADO",
    "27": "CLASE NO PERMITIDO",
    "28": "ACUERDO DE MEDIOS ELECTRONICOS NO ACEPTADO",
    "34": "COMPROBANTE NO AUTORIZADO",
    "35": "ARCHIVO NO CUMPLE ESTRUCTURA XML",
    "36": "VERSION ESQUEMA DESCONTINUADA",
    "37": "RUC SIN AUTORIZACION DE EMISION",
    "39": "FIRMA INVALIDA",
    "40": "ERROR EN EL CERTIFICADO",
    "42": "CERTIFICADO REVOCADO",
    "43": "CLAVE ACCESO REGISTRADA",
    "45": "ERROR SECUENCIAL REGISTRADO",
    "46": "RUC NO EXISTE",
    "47": "TIPO DE COMPROBANTE NO EXISTE",
    "48": "ESQUEMA XSD NO EXISTE",
    "49": "ARGUMENTOS QUE ENVIAN AL WS NULOS",
    "50": "ERROR INTERNO GENERAL",
    "52": "ERROR EN DIFERENCIAS",
    "56": "ESTABLECIMIENTO CERRADO",
    "57": "AUTORIZACION SUSPENDIDA",
    "58": "ERROR EN LA ESTRUCTURA DE CLAVE ACCESO",
    "60": "ESTE PROCESO FUE REALIZADO EN EL AMBIENTE DE PRUEBAS",
    "63": "RUC CLAUSURADO",
    "64": "CODIGO DOCUMENTO SUSTENTO",
    "65": "FECHA DE EMISION EXTEMPORANEA",
    "67": "FECHA INVALIDA",
    "69": "IDENTIFICACION DEL RECEPTOR",
    "70": "CLAVE DE ACCESO EN PROCESAMIENTO ",
    "80": "ERROR EN LA ESTRUCTURA DE CLAVE ACCESO",
    "82": "ERROR EN LA FECHA DE INICIO DE TRANSPORTE",
    "92": "ERROR AL VALIDAR MONTO DE DEVOLUCION DEL IVA",
    "99": "ERROR AL CONSULTAR DATOS DEL SERVICIO WEB",
}
VERSIONS = {
    "factura": ("1.0.0", "1.1.0", "2.0.0", "2.1.0"),
    "liquidacionCompra": ("1.0.0", "1.1.0"),
    "notaCredito": ("1.0.0", "1.1.0"),
    "notaDebito": ("1.0.0",),
    "guiaRemision": ("1.0.0", "1.1.0"),
    "comprobanteRetencion": ("1.0.0", "2.0.0"),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """How strict the simulator is. ``trusted`` None accepts any certification authority;
    ``max_age_days`` bounds the issue date (code 65), None leaves it open.
    """

    trusted: tuple[x509.Certificate, ...] | None = None
    max_age_days: int | None = 90
    environments: tuple[str, ...] = ("1", "2")
    signatures: bool = True


def message(code: str, information: str = "", tipo: str = "ERROR") -> Message:
    """The message of a code with the authority's text."""
    return Message(code, TEXTS.get(code, "ERROR"), information, tipo)


def at_reception(
    content: bytes, policy: Policy, now: datetime
) -> tuple[Document | None, Message | None]:
    """Read the document and check its form, key and date. The first fault ends the visit."""
    if not content:
        return None, message("49")
    if len(content) > MAX_BYTES:
        return None, message(
            "26", f"El archivo tiene {len(content)} bytes; el máximo es {MAX_BYTES}."
        )
    try:
        document = read(content)
    except Unreadable as error:
        return None, message(
            "35", f"Se encontró el siguiente error en la estructura del comprobante: {error}"
        )
    fault = _form(document) or _key(document) or _dates(document, policy, now)
    return document, fault


def _form(document: Document) -> Message | None:
    if document.root not in ROOTS:
        return message("47", f"No existe el tipo de comprobante {document.root}.")
    if document.version not in VERSIONS[document.root]:
        return message("48", f"No existe el esquema {document.root} {document.version}.")
    if not document.clave:
        return message(
            "35",
            "Se encontró el siguiente error en la estructura del comprobante: "
            "No se ha encontrado información en el tag claveAcceso.",
        )
    schema = _schema(document.root, document.version)
    if schema.validate(document.tree):
        return None
    first = schema.error_log[0]
    return message(
        "35",
        f"Se encontró el siguiente error en la estructura del comprobante: {first.message}"
        f" (línea {first.line})",
    )


# libxml2 sets up its built-in types with the first schema and guards that by no lock: two threads
# doing it at once crash the process (5 of 60 tries). So the first schema is made here, at import.
etree.XMLSchema(etree.XML('<schema xmlns="http://www.w3.org/2001/XMLSchema"/>'))


@cache
def _schema(root: str, version: str) -> etree.XMLSchema:
    folder = files("plugins.einvoice_sri") / "schemas"
    return etree.XMLSchema(etree.parse(str(folder / f"{root}_{version}.xsd")))


def _key(document: Document) -> Message | None:
    if not well_formed(document.clave):
        return message("35", "La clave de acceso no es válida: dígito verificador incorrecto.")
    return None


def _dates(document: Document, policy: Policy, now: datetime) -> Message | None:
    issued = document.fecha_emision
    if issued is None:
        return message("67", "La fecha de emisión no es una fecha.")
    today = now.astimezone(GUAYAQUIL).date()
    late = policy.max_age_days is not None and today - issued > timedelta(days=policy.max_age_days)
    early = issued > today and document.root != "guiaRemision"  # transport may start tomorrow
    if late or early:
        return message(
            "65", f"La fecha de emisión {issued:%d/%m/%Y} está fuera del rango permitido."
        )
    return None


def at_authorization(content: bytes, policy: Policy, now: datetime) -> tuple[Message, ...]:
    """Judge what reception has let in. ``now`` is when the document was received."""
    document = read(content)
    if policy.signatures:
        try:
            check_signature(content, policy.trusted, now)
        except SignatureFault as refused:
            return (message(refused.code, str(refused)),)
    fault = _components(document) or _environment(document, policy)
    if fault:
        return (fault,)
    found = differences(document)
    if found:
        return (message("52", "\n\n--- Inventario de errores ---\n\n" + "\n".join(found)),)
    return ()


def _components(document: Document) -> Message | None:
    clave = document.clave
    parts = {
        "codDoc": (clave[8:10], document.cod_doc),
        "ruc": (clave[10:23], document.ruc),
        "ambiente": (clave[23], document.ambiente),
        "estab": (clave[24:27], document.estab),
        "ptoEmi": (clave[27:30], document.pto_emi),
        "secuencial": (clave[30:39], document.secuencial),
        "tipoEmision": (clave[47], document.text("infoTributaria/tipoEmision")),
        "tipo de documento": (clave[8:10], ROOTS[document.root]),
    }
    if document.root != "guiaRemision" and document.fecha_emision is not None:
        parts["fechaEmision"] = (clave[:8], f"{document.fecha_emision:%d%m%Y}")
    for name, (in_key, in_document) in parts.items():
        if in_key != in_document:
            return message(
                "58", f"La clave de acceso dice {name} {in_key}; el comprobante dice {in_document}."
            )
    return None


def _environment(document: Document, policy: Policy) -> Message | None:
    if document.ambiente in policy.environments:
        return None
    return message("34", "El comprobante no corresponde al ambiente de este servicio.")
