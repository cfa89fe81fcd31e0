"""Work of sales for the workers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from core import runtime
from core.contracts.hooks import Task
from core.contracts.ports import MailError
from core.db.session import tenant_work
from core.errors import TryLater
from plugins.sales.services import mail_receipts, mail_rejections


def mail_receipt(args: dict[str, Any], now: datetime) -> None:
    """Send the receipt of a payment; a repeat sends the same mail (same Message-ID) or nothing."""
    tenant, payment = UUID(args["tenant_id"]), UUID(args["payment_id"])
    with tenant_work(tenant) as session:
        mail = mail_receipts.compose_receipt(session, payment, now=now)
    if mail is None:
        return
    try:
        runtime.mailer().send(mail)
    except MailError as error:
        if not error.permanent:
            raise TryLater(str(error), seconds=60) from error
        return
    with tenant_work(tenant) as session:
        mail_receipts.mark_sent(session, payment, now=now)


def mail_rejection(args: dict[str, Any], now: datetime) -> None:
    """Tell a customer that the reported payment was rejected; a repeat sends the same mail."""
    with tenant_work(UUID(args["tenant_id"])) as session:
        mail = mail_rejections.compose_rejection(session, UUID(args["report_id"]), now=now)
    if mail is None:
        return
    try:
        runtime.mailer().send(mail)
    except MailError as error:
        if not error.permanent:
            raise TryLater(str(error), seconds=60) from error


TASKS = (
    Task(mail_receipts.TASK, mail_receipt, max_attempts=20),
    Task(mail_rejections.TASK, mail_rejection, max_attempts=20),
)
