"""What the rules say about a document, and what they all need to know of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from plugins.einvoice_sri.domain import clave_acceso as claves
from plugins.einvoice_sri.domain.comprobantes import Comprobante
from plugins.einvoice_sri.domain.factura import Factura
from plugins.einvoice_sri.domain.guia_remision import GuiaRemision
from plugins.einvoice_sri.domain.liquidacion import LiquidacionCompra
from plugins.einvoice_sri.domain.nota_credito import NotaCredito
from plugins.einvoice_sri.domain.nota_debito import NotaDebito
from plugins.einvoice_sri.domain.retencion import ComprobanteRetencion
from plugins.einvoice_sri.domain.tipos import (
    Regimen,
)

#: What people call SRI's fields.
CAMPOS = {
    "claveAcceso": "Clave de acceso",
    "codDoc": "Tipo de documento",
    "codDocReembolso": "Código de reembolso",
    "codigoPorcentaje": "Tarifa de IVA",
    "codigoRetencion": "Código de retención",
    "direccionComprador": "Dirección del cliente",
    "fechaEmision": "Fecha de emisión",
    "fechaEmisionDocSustento": "Fecha del documento de sustento",
    "fechaFinTransporte": "Fin del traslado",
    "fechaIniTransporte": "Inicio del traslado",
    "formaPago": "Forma de pago",
    "identificacionComprador": "Identificación del cliente",
    "identificacionProveedor": "Identificación del proveedor",
    "identificacionSujetoRetenido": "Identificación del sujeto retenido",
    "importeTotal": "Total",
    "pagos": "Formas de pago",
    "placa": "Placa",
    "porcentajeRetener": "Porcentaje de retención",
    "precioTotalSinImpuesto": "Subtotal de la línea",
    "propina": "Propina",
    "rucTransportista": "Identificación del transportista",
    "tarifa": "Tarifa de IVA",
    "tipoSujetoRetenido": "Tipo de sujeto retenido",
    "totalDescuento": "Total de descuentos",
    "totalSinImpuestos": "Subtotal sin impuestos",
    "valor": "Valor del impuesto",
    "valorDevolucionIva": "Devolución de IVA",
    "valorModificacion": "Valor de la nota",
    "valorRetenido": "Valor retenido",
    "valorTotal": "Total",
}


@dataclass(frozen=True, slots=True)
class Hallazgo:
    """Something to say about a document before it is sent.

    ``grave``: it must not be sent. ``codigo_sri`` is the answer that SRI would give, "" if unknown.
    """

    codigo: str
    campo: str
    frase: str
    grave: bool = True
    codigo_sri: str = ""

    @property
    def en_palabras(self) -> str:
        """The sentence with the field in front, as its printed name: “Fecha de emisión: …”."""
        nombre = CAMPOS.get(self.campo)
        return f"{nombre}: {self.frase}" if nombre else self.frase


@dataclass(frozen=True, slots=True)
class Contexto:
    """The issuer's regime, and today in America/Guayaquil."""

    regimen: Regimen
    hoy: date


Regla = Callable[[Any, Contexto], Iterator[Hallazgo]]


def fecha_emision(comprobante: Comprobante) -> date:
    """The day in the document, or in its key for a guía, which has none."""
    match comprobante:
        case Factura():
            return comprobante.info_factura.fecha_emision
        case LiquidacionCompra():
            return comprobante.info_liquidacion_compra.fecha_emision
        case NotaCredito():
            return comprobante.info_nota_credito.fecha_emision
        case NotaDebito():
            return comprobante.info_nota_debito.fecha_emision
        case ComprobanteRetencion():
            return comprobante.info_comp_retencion.fecha_emision
        case GuiaRemision():
            return claves.parse(comprobante.info_tributaria.clave_acceso).fecha_emision


def fecha_que_cuenta(documento: Any) -> date:
    """The day whose rates apply: a note uses those of the document that it modifies."""
    if isinstance(documento, NotaCredito):
        return documento.info_nota_credito.fecha_emision_doc_sustento
    if isinstance(documento, NotaDebito):
        return documento.info_nota_debito.fecha_emision_doc_sustento
    return fecha_emision(documento)


def impuestos_de(documento: Any) -> Iterator[Any]:
    """The taxes of the lines, or of the whole where there are no lines."""
    if isinstance(documento, NotaDebito):
        yield from documento.info_nota_debito.impuestos
        return
    for detalle in documento.detalles:
        yield from detalle.impuestos
