"""Electronic signatures that a distributor sells to his clients (PW-29): an invoice of his own company."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from core import plugins
from core.adapters.clock import to_local_date
from core.contracts.sales import CustomerData, InvoiceDraft, InvoiceLineDraft, InvoiceRef
from core.contracts.services import CustomerDirectory, InvoiceIssuing
from core.domain.money import ZERO
from core.domain.tax_ids import RUC
from core.errors import DomainError
from core.i18n import _
from core.services import settings
from plugins.licensing.models import PortfolioClient
from plugins.licensing.services.bill_tickets import run_point
from plugins.licensing.services.support_tickets import GENERAL_RATE

PRICE = "licensing.certificate_price"


def certificate_price(session: Session) -> Decimal:
    """What the company in scope asks for a signature, in USD before IVA; zero: it sells none."""
    return Decimal(settings.read(session, PRICE))


def sell_certificate(session: Session, client: PortfolioClient, *, now: datetime) -> InvoiceRef:
    """Invoice one electronic signature to a client, with today's date.

    The same again, for a certificate with the same end and on the same day, is the same invoice.
    Raises ``DomainError`` when the distributor has not set a price.
    """
    price = certificate_price(session)
    if price <= ZERO:
        raise DomainError(
            _("Write in the settings what an electronic signature costs; then sell it here."),
            code="licensing.certificate_price",
        )
    buyer = CustomerData(RUC, client.client_tax_id, client.client_name, client.client_email)
    [customer_id] = plugins.service(CustomerDirectory).ensure(session, [buyer])
    today = to_local_date(now)
    draft = InvoiceDraft(
        customer_id=customer_id,
        issue_point_id=run_point(session),
        issued_on=today,
        lines=(
            InvoiceLineDraft(
                code="FIRMA",
                description="Firma electrónica en archivo P12",
                quantity=Decimal(1),
                unit_price=price,
                tax_code=GENERAL_RATE,
            ),
        ),
        source="licensing",
        source_key=f"certificate:{client.client_tenant_id}:{client.certificate_until}:{today}",
    )
    [ref] = plugins.service(InvoiceIssuing).issue(session, [draft], now=now)
    return ref
