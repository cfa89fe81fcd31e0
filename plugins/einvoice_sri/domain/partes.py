"""Pieces that every ``from_<kind>`` needs: the key, the lines, the payments, the additional fields."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from core.contracts.fiscal import (
    FiscalLine,
    FiscalPayment,
    FiscalRequest,
    FiscalTax,
    SupportedDocument,
)
from core.contracts.sales import CustomerData
from core.domain.money import ZERO
from core.i18n import _
from plugins.einvoice_sri.domain import clave_acceso as claves
from plugins.einvoice_sri.domain import secuencial as numeros
from plugins.einvoice_sri.domain.bloques import (
    CampoAdicional,
    DetAdicional,
    Detalle,
    Impuesto,
    InfoTributaria,
    Pago,
)
from plugins.einvoice_sri.domain.emisor import Emisor, una_linea
from plugins.einvoice_sri.domain.errores import DocumentoIncompleto
from plugins.einvoice_sri.domain.tipos import (
    CONSUMIDOR_FINAL,
    MAX_CAMPOS_ADICIONALES,
    NOMBRE_CONSUMIDOR_FINAL,
    TipoComprobante,
    TipoIdentificacion,
)

_CON_DIRECCION = frozenset({TipoComprobante.FACTURA, TipoComprobante.LIQUIDACION_COMPRA})


def incompleto(field: str, sentence: str) -> DocumentoIncompleto:
    """The error for a request that lacks something; ``field`` is the request's."""
    return DocumentoIncompleto(sentence, code=f"sri_request_{field}", field=field)


def sustento(supported: SupportedDocument | None) -> SupportedDocument:
    """The document that a note or a retención refers to; without one there is nothing to write."""
    if supported is None:
        raise incompleto("supported", _("Name the document that this one refers to."))
    return supported


@dataclass(frozen=True, slots=True)
class Receptor:
    """Who receives, as the schema wants him."""

    tipo: str
    identificacion: str
    razon_social: str
    direccion: str | None


def receptor(who: CustomerData) -> Receptor:
    """The counterpart in SRI's words; consumidor final gets the number and name that SRI fixes."""
    if who.tax_id_type == TipoIdentificacion.CONSUMIDOR_FINAL:
        return Receptor(who.tax_id_type, CONSUMIDOR_FINAL, NOMBRE_CONSUMIDOR_FINAL, None)
    return Receptor(
        who.tax_id_type,
        una_linea(who.tax_id),
        una_linea(who.legal_name),
        una_linea(who.address) or None,
    )


def info_tributaria(
    request: FiscalRequest, emisor: Emisor, tipo: TipoComprobante
) -> InfoTributaria:
    """The opening block with the access key, the same whenever the same request is built again."""
    clave = claves.build(
        fecha_emision=request.issued_on,
        cod_doc=tipo,
        ruc=emisor.ruc,
        ambiente=emisor.ambiente,
        establecimiento=request.branch_code,
        punto_emision=request.issue_point_code,
        secuencial=request.sequence,
        codigo_numerico=claves.codigo_numerico(request.document_id),
    )
    return emisor.info_tributaria(
        clave_acceso=clave,
        cod_doc=tipo,
        establecimiento=request.branch_code,
        punto_emision=request.issue_point_code,
        secuencial=numeros.texto(request.sequence),
    )


def si_no(value: bool) -> str:
    """``SI`` or ``NO``."""
    return "SI" if value else "NO"


def impuesto(tax: FiscalTax) -> Impuesto:
    """A tax of a line."""
    return Impuesto(
        codigo=tax.code,
        codigo_porcentaje=tax.rate_code,
        tarifa=tarifa(tax.rate),
        base_imponible=tax.base,
        valor=tax.amount,
    )


def tarifa(rate: Decimal) -> Decimal:
    """A rate with the two decimals that fit SRI's field: ``15 -> 15.00``."""
    return rate.quantize(ZERO)


def medida(value: Decimal) -> Decimal:
    """A quantity or price with two to six decimals: ``1 -> 1.00``, ``0.333333`` as it is."""
    cents = value.quantize(ZERO)
    return cents if cents == value else value.normalize()


def detalle(line: FiscalLine) -> Detalle:
    """A line of goods or services."""
    return Detalle(
        codigo_principal=una_linea(line.code) or None,
        codigo_auxiliar=una_linea(line.auxiliary_code) or None,
        descripcion=una_linea(line.description),
        unidad_medida=una_linea(line.unit) or None,
        cantidad=medida(line.quantity),
        precio_unitario=medida(line.unit_price),
        precio_sin_subsidio=(
            None if line.price_without_subsidy is None else medida(line.price_without_subsidy)
        ),
        descuento=line.discount,
        precio_total_sin_impuesto=line.subtotal,
        detalles_adicionales=det_adicionales(line) if line.details else (),
        impuestos=tuple(map(impuesto, line.taxes)),
    )


def det_adicionales(line: FiscalLine) -> tuple[DetAdicional, ...]:
    """The line's pairs of words that are not empty."""
    return tuple(
        DetAdicional(nombre=una_linea(name), valor=una_linea(value))
        for name, value in line.details
        if name.strip() and value.strip()
    )


def pagos(payments: Iterable[FiscalPayment]) -> tuple[Pago, ...]:
    """The payment forms; a term of zero days is left out."""
    return tuple(
        Pago(
            forma_pago=one.method,
            total=one.total,
            plazo=Decimal(one.term_days) if one.term_days > 0 else None,
            unidad_tiempo="dias" if one.term_days > 0 else None,
        )
        for one in payments
    )


def info_adicional(
    request: FiscalRequest, emisor: Emisor, tipo: TipoComprobante, *, contacto: bool = True
) -> tuple[CampoAdicional, ...]:
    """Contact of the receiver, what the request adds, and what the law demands, at most 15.

    The address is added only where the document has no element of its own for it.

    Raises ``DocumentoIncompleto`` when they are more: nothing is dropped in silence.
    """
    who = request.counterpart
    pairs = list(request.additional_info)
    if contacto:
        names = {name.strip().lower() for name, _value in pairs}
        address = "" if tipo in _CON_DIRECCION else who.address
        known = (("Email", who.email), ("Teléfono", who.phone), ("Dirección", address))
        pairs = [(name, value) for name, value in known if name.lower() not in names] + pairs
    campos = [
        CampoAdicional(nombre=una_linea(name), valor=una_linea(value))
        for name, value in pairs
        if name.strip() and value.strip()
    ]
    de_ley = emisor.campos_de_ley(tipo, request.issued_on)
    if len(campos) + len(de_ley) > MAX_CAMPOS_ADICIONALES:
        raise DocumentoIncompleto(
            _(
                "The document would have %(count)s additional fields and SRI takes %(most)s: remove %(gap)s.",
                count=len(campos) + len(de_ley),
                most=MAX_CAMPOS_ADICIONALES,
                gap=len(campos) + len(de_ley) - MAX_CAMPOS_ADICIONALES,
            ),
            code="sri_additional_info",
            field="additional_info",
        )
    return (*campos, *de_ley)
