"""Rules about who receives a document."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain import tax_ids
from core.i18n import _
from plugins.einvoice_sri.domain.factura import Factura
from plugins.einvoice_sri.domain.hallazgos import Contexto, Hallazgo
from plugins.einvoice_sri.domain.liquidacion import LiquidacionCompra
from plugins.einvoice_sri.domain.nota_credito import NotaCredito
from plugins.einvoice_sri.domain.nota_debito import NotaDebito
from plugins.einvoice_sri.domain.retencion import ComprobanteRetencion
from plugins.einvoice_sri.domain.tipos import (
    CONSUMIDOR_FINAL,
    LIMITE_CONSUMIDOR_FINAL,
    TipoIdentificacion,
)


def identificacion(tipo_id: str, numero: str, campo: str) -> Iterator[Hallazgo]:
    """Structure is an error; the old check digit of companies only a warning (62)."""
    if tipo_id == TipoIdentificacion.CONSUMIDOR_FINAL:
        return
    finding = tax_ids.check(tipo_id, numero)
    if finding.code:
        yield Hallazgo(
            "identificacion",
            campo,
            str(finding.sentence),
            grave=not finding.is_valid and tipo_id in (TipoIdentificacion.RUC, "05"),
            codigo_sri="62",
        )


def _no_consumidor_final(tipo_id: str, numero: str, campo: str) -> Iterator[Hallazgo]:
    if tipo_id == TipoIdentificacion.CONSUMIDOR_FINAL or numero == CONSUMIDOR_FINAL:
        yield Hallazgo(
            "consumidor_final",
            campo,
            _(
                "Only a factura may be issued to “consumidor final”: name who receives this document."
            ),
            codigo_sri="69",
        )


def comprador_de_factura(factura: Factura, _contexto: Contexto) -> Iterator[Hallazgo]:
    """Consumidor final only with its own number, and at most 50 USD."""
    info = factura.info_factura
    numero = info.identificacion_comprador
    final = info.tipo_identificacion_comprador == TipoIdentificacion.CONSUMIDOR_FINAL
    if final != (numero == CONSUMIDOR_FINAL):
        yield Hallazgo(
            "consumidor_final_numero",
            "identificacionComprador",
            _("“Consumidor final” goes with type 07 and number 9999999999999, and only together."),
            codigo_sri="69",
        )
    elif final and info.importe_total > LIMITE_CONSUMIDOR_FINAL:
        yield Hallazgo(
            "consumidor_final_limite",
            "importeTotal",
            _(
                "A factura to “consumidor final” may come to %(most)s USD and this one is %(total)s: ask for the buyer's identification.",
                most=LIMITE_CONSUMIDOR_FINAL,
                total=info.importe_total,
            ),
        )
    elif not final:
        yield from identificacion(
            info.tipo_identificacion_comprador, numero, "identificacionComprador"
        )


def comprador_de_nota(nota: NotaCredito | NotaDebito, _contexto: Contexto) -> Iterator[Hallazgo]:
    """A note names a buyer and comes after what it modifies."""
    info = nota.info_nota_credito if isinstance(nota, NotaCredito) else nota.info_nota_debito
    partes = info.tipo_identificacion_comprador, info.identificacion_comprador
    yield from _no_consumidor_final(*partes, "identificacionComprador")
    yield from identificacion(*partes, "identificacionComprador")
    if info.fecha_emision_doc_sustento > info.fecha_emision:
        yield Hallazgo(
            "sustento_posterior",
            "fechaEmisionDocSustento",
            _("The document that is modified is dated after the note: check both dates."),
            codigo_sri="67",
        )


def proveedor(liquidacion: LiquidacionCompra, _contexto: Contexto) -> Iterator[Hallazgo]:
    """Who sells in a liquidación has an identification."""
    info = liquidacion.info_liquidacion_compra
    partes = info.tipo_identificacion_proveedor, info.identificacion_proveedor
    yield from _no_consumidor_final(*partes, "identificacionProveedor")
    yield from identificacion(*partes, "identificacionProveedor")


def sujeto_retenido(retencion: ComprobanteRetencion, _contexto: Contexto) -> Iterator[Hallazgo]:
    """Whose income is retained has an identification; his kind only when foreign."""
    info = retencion.info_comp_retencion
    partes = info.tipo_identificacion_sujeto_retenido, info.identificacion_sujeto_retenido
    yield from _no_consumidor_final(*partes, "identificacionSujetoRetenido")
    yield from identificacion(*partes, "identificacionSujetoRetenido")
    exterior = partes[0] == TipoIdentificacion.EXTERIOR
    if info.tipo_sujeto_retenido is not None and not exterior:
        yield Hallazgo(
            "tipo_sujeto",
            "tipoSujetoRetenido",
            _("The kind of subject goes only with a foreign identification (08): leave it out."),
        )
