"""A customer whose reported payment was not found is told so, with the reason and the way to report again."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from core import runtime
from core.db.session import unit_of_work
from plugins.sales.services.issue_invoices import issue_invoices
from plugins.sales.services.payment_links import sign_link
from plugins.sales.services.report_payments import ReportData, reject_report, report_payment


def test_a_rejected_report_is_answered_by_mail_with_its_reason(tenant, draft, now, outbox, drain):
    with unit_of_work(tenant.scope) as session:
        [made] = issue_invoices(session, [draft("a", due_on=date(2026, 5, 5))], now=now)
        report = ReportData(draft().customer_id, "Banco Guayaquil", Decimal("34.50"), now.date(),
                            [made.id], reference="777")  # fmt: skip
        ref = report_payment(session, report, report_key="k" * 20, now=now)
        link = runtime.current().settings.address + sign_link(session, made.id)
    drain()
    outbox.mails.clear()
    with unit_of_work(tenant.scope) as session:
        reject_report(session, ref.id, reason="No consta en la cuenta", user_id=None, now=now)
    drain()
    (mail,) = outbox.mails
    assert mail.to == "compras@andina.ec"
    assert "$ 34,50" in mail.subject
    for part in ("Banco Guayaquil 777", "No consta en la cuenta", made.number, "05/05/2026", link):
        assert part in mail.text, part
    with unit_of_work(tenant.scope) as session:  # answered once
        report = ReportData(draft().customer_id, "Banco Guayaquil", Decimal("34.50"), now.date(),
                            [made.id], reference="778")  # fmt: skip
        report_payment(session, report, report_key="l" * 20, now=now)
    drain()
    assert len(outbox.mails) == 1
