"""What sales puts on the home page: dearest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.hooks import Attention
from core.i18n import ngettext
from plugins.sales.models import Invoice, PaymentReport

ROLES = frozenset({"owner", "operator", "distributor", "adviser", "accountant"})


def attention(session: Session, role: str, now: datetime) -> Sequence[Attention]:
    """Overdue invoices and reported payments to confirm."""
    if role not in ROLES:
        return ()
    found = []
    overdue = session.scalar(
        select(func.count())
        .select_from(Invoice)
        .where(Invoice.state == "issued", Invoice.due_on < to_local_date(now))
    )
    if overdue:
        found.append(
            Attention(
                ngettext("%(num)s invoice is overdue", "%(num)s invoices are overdue", overdue),
                "/sales/invoices?show=overdue",
                order=20,
                tone="warn",
                count=overdue,
            )
        )
    waiting = session.scalar(
        select(func.count()).select_from(PaymentReport).where(PaymentReport.state == "reported")
    )
    if waiting:
        found.append(
            Attention(
                ngettext(
                    "%(num)s reported payment waits to be confirmed",
                    "%(num)s reported payments wait to be confirmed",
                    waiting,
                ),
                "/sales/reports",
                order=30,
                tone="wait",
                count=waiting,
            )
        )
    return found
