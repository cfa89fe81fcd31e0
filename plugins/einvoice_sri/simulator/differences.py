"""The authority's arithmetic (code 52): it adds up again what the document says."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from lxml import etree

from plugins.einvoice_sri.simulator.comprobante import Document

CENT = Decimal("0.01")
ZERO = Decimal(0)
INFO = {
    "factura": "infoFactura",
    "liquidacionCompra": "infoLiquidacionCompra",
    "notaCredito": "infoNotaCredito",
    "notaDebito": "infoNotaDebito",
}


def _number(text: str | None) -> Decimal:
    try:
        return Decimal((text or "0").strip() or "0")
    except InvalidOperation:
        return ZERO


def _sum(tree: etree._Element, path: str) -> Decimal:
    return sum((_number(one.text) for one in tree.iterfind(path)), ZERO)


def differences(document: Document) -> list[str]:
    """Sentences about every sum that does not come out; empty when all do."""
    info = INFO.get(document.root)
    if info is None:
        return []
    tree = document.tree
    if document.root == "notaDebito":
        return _debit_note(tree)
    found = _lines(tree)
    net = _number(tree.findtext(f"{info}/totalSinImpuestos"))
    by_line = _sum(tree, "detalles/detalle/precioTotalSinImpuesto")
    if abs(net - by_line) > ZERO:
        found.append(f"- El totalSinImpuestos {net} no coincide con el calculado {by_line}")
    found += _taxes(tree, info)
    found += _credit_note(tree) if document.root == "notaCredito" else _total(tree, info)
    return found


def _lines(tree: etree._Element) -> list[str]:
    found = []
    for place, line in enumerate(tree.iterfind("detalles/detalle"), start=1):
        gross = _number(line.findtext("cantidad")) * _number(line.findtext("precioUnitario"))
        expected = gross - _number(line.findtext("descuento"))
        stated = _number(line.findtext("precioTotalSinImpuesto"))
        if abs(expected - stated) > CENT:
            found.append(
                f"- Detalle {place}: precioTotalSinImpuesto {stated} no coincide con el"
                f" calculado {expected.quantize(CENT)}"
            )
    return found


def _taxes(tree: etree._Element, info: str) -> list[str]:
    found = []
    for one in tree.iterfind(f"{info}/totalConImpuestos/totalImpuesto"):
        code, rate_code = one.findtext("codigo"), one.findtext("codigoPorcentaje")
        base = _number(one.findtext("baseImponible"))
        lines = [
            line
            for line in tree.iterfind("detalles/detalle/impuestos/impuesto")
            if line.findtext("codigo") == code and line.findtext("codigoPorcentaje") == rate_code
        ]
        if not lines:
            continue
        tag = f"[codigo={code}, codigoPorcentaje={rate_code}]"
        expected = sum((_number(line.findtext("baseImponible")) for line in lines), ZERO)
        expected -= _number(one.findtext("descuentoAdicional"))
        if abs(expected - base) > ZERO:
            found.append(f"- Base imponible {tag} {base} no coincide con la calculada {expected}")
        rate = _number(lines[0].findtext("tarifa"))
        stated = _number(one.findtext("valor"))
        by_line = sum((_number(line.findtext("valor")) for line in lines), ZERO)
        if code == "2" and min(abs(base * rate / 100 - stated), abs(by_line - stated)) > CENT:
            found.append(
                f"- ImpuestoTotalizado: El valor total FacturaTotalConImpuesto {tag} esperado"
                f" {stated} no coincide con el calculado {(base * rate / 100).quantize(CENT)}"
            )
    return found


def _total(tree: etree._Element, info: str) -> list[str]:
    discount = _sum(tree, "detalles/detalle/descuento")
    extra = _sum(tree, f"{info}/totalConImpuestos/totalImpuesto/descuentoAdicional")
    stated_discount = _number(tree.findtext(f"{info}/totalDescuento"))
    found = []
    if stated_discount != discount + extra:
        found.append(
            f"- Factura: El valor del total de descuento {stated_discount} debe ser igual el"
            f" calculado (total descuento + total descuento adicional) {discount} + {extra}"
        )
    parts = {
        "total sin impuestos": _number(tree.findtext(f"{info}/totalSinImpuestos")),
        "- total descuento adicional": -extra,
        "- total devolucion iva": -_sum(
            tree, f"{info}/totalConImpuestos/totalImpuesto/valorDevolucionIva"
        ),
        "- total compensaciones": -_sum(tree, f"{info}/compensaciones/compensacion/valor"),
        "+ total impuestos": _sum(tree, f"{info}/totalConImpuestos/totalImpuesto/valor"),
        "+ propina": _number(tree.findtext(f"{info}/propina")),
        "+ total retenciones": _sum(tree, "retenciones/retencion/valor"),
        "+ totalExportaciones": sum(
            (
                _number(tree.findtext(f"{info}/{name}"))
                for name in (
                    "fleteInternacional",
                    "seguroInternacional",
                    "gastosAduaneros",
                    "gastosTransporteOtros",
                )
            ),
            ZERO,
        ),
        "+ total rubros terceros": _sum(tree, "otrosRubrosTerceros/rubro/total"),
    }
    expected = sum(parts.values(), ZERO)
    stated = _number(tree.findtext(f"{info}/importeTotal"))
    if stated != expected:
        terms = " ".join(f"{name} {abs(value)}" for name, value in parts.items())
        found.append(
            f"- El importe total esperado {stated} no coincide con el calculado {expected}: {terms}"
        )
    return found


def _credit_note(tree: etree._Element) -> list[str]:
    info = "infoNotaCredito"
    expected = _number(tree.findtext(f"{info}/totalSinImpuestos")) + _sum(
        tree, f"{info}/totalConImpuestos/totalImpuesto/valor"
    )
    stated = _number(tree.findtext(f"{info}/valorModificacion"))
    if stated == expected:
        return []
    return [f"- El valorModificacion {stated} no coincide con el calculado {expected}"]


def _debit_note(tree: etree._Element) -> list[str]:
    info = "infoNotaDebito"
    net = _number(tree.findtext(f"{info}/totalSinImpuestos"))
    reasons = _sum(tree, "motivos/motivo/valor")
    taxes = _sum(tree, f"{info}/impuestos/impuesto/valor")
    stated = _number(tree.findtext(f"{info}/valorTotal"))
    found = []
    if net != reasons:
        found.append(f"- El totalSinImpuestos {net} no coincide con el calculado {reasons}")
    if stated != net + taxes:
        found.append(f"- El valorTotal {stated} no coincide con el calculado {net + taxes}")
    return found
