"""The documents that ``yupana bench emission`` works with: one realistic factura of ten lines."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from uuid import UUID

from PIL import Image, ImageDraw

from core.contracts.fiscal import FiscalLine, FiscalPayment, FiscalTax, InvoiceRequest
from core.contracts.sales import CustomerData
from plugins.einvoice_sri.domain.emisor import Emisor
from plugins.einvoice_sri.domain.tipos import Ambiente

RUC = "1790012345001"
LINES = (
    ("SRV-0001", "Servicio mensual de soporte y mantenimiento de sistemas", "1", "120.00"),
    ("SRV-0002", "Hora adicional de consultoría especializada", "3.5", "45.00"),
    ("LIC-0010", "Licencia anual, usuario adicional", "12", "8.50"),
    ("PRD-1101", "Cable de red categoría 6, color azul, 2 metros", "20", "2.15"),
    ("PRD-1102", "Conmutador de 8 puertos administrable", "1", "89.90"),
    ("PRD-1103", "Disco de estado sólido de 1 TB", "2", "74.25"),
    ("PRD-1104", "Memoria de 16 GB para computador portátil", "2", "51.40"),
    ("SRV-0003", "Instalación y puesta en marcha en sitio", "1", "60.00"),
    ("SRV-0004", "Movilización dentro de la ciudad de Quito", "1", "10.00"),
    ("SRV-0005", "Capacitación al personal, sesión de dos horas", "2", "35.00"),
)


def issuer() -> Emisor:
    """A company with everything that an issuer prints."""
    return Emisor(
        ruc=RUC,
        razon_social="COMERCIALIZADORA Y SERVICIOS ANDINOS DEL ECUADOR S.A.",
        nombre_comercial="Andinos",
        dir_matriz="Av. Amazonas N36-152 y Naciones Unidas, Quito",
        dir_establecimiento="Av. 6 de Diciembre N33-42, Quito",
        ambiente=Ambiente.PRUEBAS,
        obligado_contabilidad=True,
    )


def request(sequence: int, issued_on: date) -> InvoiceRequest:
    """The invoice with this number."""
    lines = tuple(_line(*one) for one in LINES)
    total = sum((one.subtotal + one.taxes[0].amount for one in lines), Decimal("0.00"))
    return InvoiceRequest(
        document_id=UUID(int=sequence),
        branch_code="001",
        issue_point_code="002",
        sequence=sequence,
        issued_on=issued_on,
        counterpart=CustomerData(
            "04", "1791234567001", "DISTRIBUIDORA PEÑA & HIJOS CÍA. LTDA.",
            email="compras@example.com", address="Calle Larga 10-20 y Benigno Malo, Cuenca",
        ),
        additional_info=(
            ("Correo", "compras@example.com"),
            ("Teléfono", "0987654321"),
            ("Vendedor", "Ana Prueba"),
        ),
        lines=lines,
        payments=(FiscalPayment("20", total, 30),),
    )  # fmt: skip


def _line(code: str, description: str, quantity: str, price: str) -> FiscalLine:
    subtotal = (Decimal(quantity) * Decimal(price)).quantize(Decimal("0.01"))
    tax = (subtotal * Decimal("0.15")).quantize(Decimal("0.01"))
    return FiscalLine(
        code=code,
        description=description,
        quantity=Decimal(quantity),
        unit_price=Decimal(price),
        discount=Decimal("0.00"),
        subtotal=subtotal,
        taxes=(FiscalTax("2", "4", Decimal("15.00"), subtotal, tax),),
        auxiliary_code=f"A{code[-4:]}",
    )


def logo() -> bytes:
    """A small logo, PNG."""
    image = Image.new("RGB", (240, 80), "#0b5c6b")
    draw = ImageDraw.Draw(image)
    draw.ellipse((14, 14, 66, 66), fill="#ffffff")
    draw.rectangle((90, 30, 220, 50), fill="#5cc3d4")
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()
