"""Sales' part of the two companies, and the cases of its routes."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

from core.contracts.sales import (
    CustomerData,
    InvoiceDraft,
    InvoiceLineDraft,
    PaymentAllocation,
    PaymentData,
)
from core.db.session import unit_of_work
from core.ids import new_id
from plugins.sales.models import BankAccount, Statement, StatementRow, Withholding
from plugins.sales.services.check_pins import create_salesperson, make_pin_link, set_pin
from plugins.sales.services.issue_credit_notes import issue_credit_note
from plugins.sales.services.issue_debit_notes import issue_debit_note
from plugins.sales.services.issue_guides import GuideData, issue_dispatch_guide
from plugins.sales.services.issue_invoices import issue_invoices
from plugins.sales.services.keep_customers import ensure_customers
from plugins.sales.services.keep_products import ProductData, save_product
from plugins.sales.services.keep_uploads import keep_upload
from plugins.sales.services.payment_links import sign_link
from plugins.sales.services.record_payment import record_payment
from plugins.sales.services.report_payments import ReportData, report_payment
from tests.isolation.objects_core import picture
from tests.isolation.world import Case, Side

DAY = date(2026, 4, 25)
BUYERS = {"a": "1792205859001", "b": "1790016919001"}
PIN = "482913"
STATEMENT = b"fecha;referencia;detalle;monto\n2026-04-25;R-9;Deposito;34.50\n"


def add(side: Side) -> None:
    """A customer, a product, a salesperson, invoices, notes, money, reports and a statement."""
    objects, now = side.objects, side.now
    with unit_of_work(side.scope) as session:
        buyer = CustomerData(
            "04", BUYERS[side.letter], f"Comprador {side.letter}", "compras@example.com", "Quito"
        )
        objects["customer"] = customer = ensure_customers(session, [buyer])[0]
        goods = ProductData("P-1", "Mensualidad", Decimal("30.00"), "4")
        objects["product"] = save_product(session, goods, today=DAY)
        objects["salesperson"] = create_salesperson(session, name=f"Vendedor {side.letter}")
        set_pin(session, objects["salesperson"], PIN, now=now)
        names = ("invoice", "paid_part", "credited", "debited", "guided", "reported", "annulled")
        line = InvoiceLineDraft(
            "P-1", "Mensualidad", Decimal(1), Decimal("30.00"), "4", product_id=objects["product"]
        )
        drafts = [InvoiceDraft(customer, side.till_id, DAY, (line,), "api", name) for name in names]
        for name, ref in zip(names, issue_invoices(session, drafts, now=now), strict=True):
            objects[name] = ref.id
        objects["signature"] = sign_link(session, objects["invoice"]).rpartition("/")[2]
        objects["pin_link"] = make_pin_link(session, objects["salesperson"], now=now)
        objects["payment"] = record_payment(
            session,
            PaymentData(
                customer,
                "transfer",
                Decimal("10.00"),
                DAY,
                (PaymentAllocation(objects["paid_part"], Decimal("10.00")),),
                "p1",
                bank="Pichincha",
                reference="R-1",
            ),
            now=now,
        )
        objects["credit_note"] = issue_credit_note(
            session, objects["credited"], reason="Devolución", source_key="c1", now=now
        ).id
        objects["debit_note"] = issue_debit_note(
            session,
            objects["debited"],
            reasons=[("Interés", Decimal("1.00"))],
            tax_code="4",
            source_key="d1",
            now=now,
        ).id
        guide = GuideData(buyer, "ABC-1234", "Quito", DAY, DAY, "Guayaquil", "Venta")
        objects["guide"] = issue_dispatch_guide(
            session, objects["guided"], guide, source_key="g1", now=now
        ).id
        objects["report"] = report_payment(
            session,
            ReportData(
                customer,
                "Pichincha",
                Decimal("34.50"),
                DAY,
                (objects["reported"],),
                "R-2",
                slip=picture(),
            ),
            report_key="r1",
            now=now,
        ).id
        objects["account"] = _account(session, side)
        objects["row"] = _row(session, side)
        objects["withholding"] = _withholding(session, side)
        objects["upload"] = keep_upload(session, STATEMENT, "extracto.csv")


def _account(session, side):
    account = BankAccount(
        id=new_id(), bank="Pichincha", number=f"22{side.letter}", holder=side.name, kind="savings"
    )
    session.add(account)
    session.flush()
    return account.id


def _row(session, side):
    statement = Statement(id=new_id(), mapping={}, imported_at=side.now)
    session.add(statement)
    session.flush()
    row = StatementRow(
        id=new_id(),
        statement_id=statement.id,
        value_on=DAY,
        amount=Decimal("5.00"),
        reference="R-3",
        fingerprint=side.letter * 64,
        state="unmatched",
    )
    session.add(row)
    session.flush()
    return row.id


def _withholding(session, side):
    row = Withholding(
        id=new_id(),
        customer_id=side["customer"],
        access_key=side.letter.upper().ljust(49, "1"),
        agent_tax_id=BUYERS[side.letter],
        issued_on=DAY,
        amount=Decimal("0.90"),
        received_at=side.now,
        parts=[["1", "303", "30.00", "3.00", "0.90", "001-001-000000001"]],
    )
    session.add(row)
    session.flush()
    return row.id


def _draft(side: Side) -> dict:
    return {
        "customer_id": str(side["customer"]),
        "issue_point_id": str(side["till"]),
        "lines": [
            {
                "product_id": str(side["product"]),
                "description": "Mensualidad",
                "quantity": "1",
                "unit_price": "30.00",
                "tax_code": "4",
                "code": "P-1",
            }
        ],
    }


def _payment(side: Side) -> dict:
    return {
        "customer_id": str(side["customer"]),
        "method": "transfer",
        "amount": "5.00",
        "value_on": "2026-04-25",
        "bank": "Pichincha",
        "reference": "R-7",
        "account_id": str(side["account"]),
        "allocations": [{"invoice_id": str(side["invoice"]), "amount": "5.00"}],
    }


def _report(side: Side) -> dict:
    return {
        "bank": "Pichincha",
        "amount": "34,50",
        "value_on": "2026-04-25",
        "reference": "R-5",
        "invoice_id": str(side["invoice"]),
        "account_id": str(side["account"]),
    }


def _customer(side: Side) -> dict:
    return {
        "tax_id_type": "05",
        "tax_id": "1710034065",
        "legal_name": "Ana",
        "email": "ana@example.com",
        "address": "Quito",
    }


def _sale(side: Side) -> dict:
    return {
        "do": "charge",
        "sale_key": "k1",
        "line_product": str(side["product"]),
        "line_quantity": "1",
        "line_price": "30,00",
        "line_discount": "",
        "customer_id": str(side["customer"]),
        "salesperson_id": str(side["salesperson"]),
        "issue_point_id": str(side["till"]),
        "pin": PIN,
        "payment": "20",
    }


PRODUCT = {"code": "P-2", "name": "Otro", "unit_price": "1.00", "tax_code": "4", "kind": "good"}

CASES = {
    "api.sales.customer.index": Case(),
    "api.sales.customer.show": Case(ids=lambda s: {"customer_id": s["customer"]}),
    "api.sales.customer.create": Case(json=_customer),
    "api.sales.customer.change": Case(ids=lambda s: {"customer_id": s["customer"]}, json=_customer),
    "api.sales.product.index": Case(),
    "api.sales.product.show": Case(ids=lambda s: {"product_id": s["product"]}),
    "api.sales.product.create": Case(json=lambda s: PRODUCT),
    "api.sales.product.change": Case(
        ids=lambda s: {"product_id": s["product"]}, json=lambda s: PRODUCT
    ),
    "api.sales.invoice.index": Case(),
    "api.sales.invoice.show": Case(ids=lambda s: {"invoice_id": s["invoice"]}),
    "api.sales.invoice.create": Case(json=_draft),
    "api.sales.invoice.credit": Case(
        ids=lambda s: {"invoice_id": s["invoice"]}, json=lambda s: {"reason": "Devolución"}
    ),
    "api.sales.payment.index": Case(),
    "api.sales.payment.show": Case(ids=lambda s: {"payment_id": s["payment"]}),
    "api.sales.payment.create": Case(json=_payment),
    "api.sales.report.index": Case(),
    "api.sales.report.show": Case(ids=lambda s: {"report_id": s["report"]}),
    "api.sales.report.create": Case(
        json=lambda s: {
            "customer_id": str(s["customer"]),
            "bank": "Pichincha",
            "amount": "34.50",
            "value_on": "2026-04-25",
            "reference": "R-6",
            "invoice_ids": [str(s["invoice"])],
            "account_id": str(s["account"]),
        }
    ),
    "api.sales.report.confirm": Case(ids=lambda s: {"report_id": s["report"]}, json=lambda s: {}),
    "api.sales.report.reject": Case(
        ids=lambda s: {"report_id": s["report"]}, json=lambda s: {"reason": "No llegó"}
    ),
    "sales.account.index": Case(),
    "sales.account.active": Case(ids=lambda s: {"account_id": s["account"]}, form=lambda s: {}),
    "sales.customer.ageing": Case(),
    "sales.customer.index": Case(),
    "sales.customer.new": Case(),
    "sales.customer.show": Case(ids=lambda s: {"customer_id": s["customer"]}),
    "sales.customer.edit": Case(ids=lambda s: {"customer_id": s["customer"]}, form=_customer),
    "sales.customer.hide": Case(ids=lambda s: {"customer_id": s["customer"]}, form=lambda s: {}),
    "sales.invoice.index": Case(),
    "sales.invoice.export": Case(),
    "sales.invoice.show": Case(ids=lambda s: {"invoice_id": s["invoice"]}),
    "sales.reissue.again": Case(  # one that stands shows itself instead
        ids=lambda s: {"invoice_id": s["invoice"]},
        form=lambda s: {"do": "update"},
        answers=(200, 303),
    ),
    "sales.invoice.annul": Case(
        ids=lambda s: {"invoice_id": s["annulled"]},
        form=lambda s: {"reason": "Error en el cliente"},
    ),
    "sales.note.credit": Case(ids=lambda s: {"invoice_id": s["invoice"]}),
    "sales.note.debit": Case(ids=lambda s: {"invoice_id": s["invoice"]}),
    "sales.note.guide": Case(ids=lambda s: {"invoice_id": s["invoice"]}),
    "sales.note.show": Case(ids=lambda s: {"kind": "credit", "note_id": s["credit_note"]}),
    "sales.pay.report": Case(
        ids=lambda s: {
            "tenant_id": s.tenant_id,
            "invoice_id": s["invoice"],
            "signature": s["signature"],
        },
        form=_report,
    ),
    "sales.payment.index": Case(),
    "sales.payment.new": Case(
        form=lambda s: {
            "customer_id": str(s["customer"]),
            "amount": "5,00",
            "method": "transfer",
            "value_on": "2026-04-25",
            "bank": "Pichincha",
            "reference": "R-8",
            "payment_key": "pk",
            "account_id": str(s["account"]),
            "invoice_id": str(s["invoice"]),
            "part": "5,00",
        }
    ),
    "sales.payment.show": Case(ids=lambda s: {"payment_id": s["payment"]}),
    "sales.payment.reverse": Case(
        ids=lambda s: {"payment_id": s["payment"]}, form=lambda s: {"reason": "Rebotado"}
    ),
    "sales.payment.withholdings": Case(),
    "sales.payment.take_withholding": Case(),
    "sales.payment.accept": Case(
        ids=lambda s: {"withholding_id": s["withholding"]}, form=lambda s: {}, answers=(303, 422)
    ),
    "sales.payment.reject": Case(
        ids=lambda s: {"withholding_id": s["withholding"]}, form=lambda s: {"reason": "No es mía"}
    ),
    "sales.pin.choose": Case(
        ids=lambda s: {
            "tenant_id": s.tenant_id,
            "salesperson_id": s["salesperson"],
            "token": s["pin_link"],
        }
    ),
    "sales.product.index": Case(),
    "sales.product.new": Case(form=lambda s: PRODUCT),
    "sales.product.edit": Case(ids=lambda s: {"product_id": s["product"]}, form=lambda s: PRODUCT),
    "sales.report.index": Case(),
    "sales.report.new": Case(ids=lambda s: {"customer_id": s["customer"]}, form=_report),
    "sales.report.show": Case(ids=lambda s: {"report_id": s["report"]}),
    "sales.report.slip": Case(ids=lambda s: {"report_id": s["report"]}),
    "sales.report.confirm": Case(ids=lambda s: {"report_id": s["report"]}, form=lambda s: {}),
    "sales.report.reject": Case(
        ids=lambda s: {"report_id": s["report"]}, form=lambda s: {"reason": "No llegó"}
    ),
    "sales.salesperson.index": Case(),
    "sales.salesperson.new": Case(form=lambda s: {"name": "Nueva", "email": ""}),
    "sales.salesperson.show": Case(ids=lambda s: {"salesperson_id": s["salesperson"]}),
    "sales.salesperson.active": Case(
        ids=lambda s: {"salesperson_id": s["salesperson"]}, form=lambda s: {}
    ),
    "sales.statement.index": Case(),
    "sales.statement.new": Case(
        form=lambda s: {"account_id": str(s["account"])},
        files=lambda s: {"file": (io.BytesIO(STATEMENT), "extracto.csv")},
    ),
    "sales.statement.columns": Case(
        ids=lambda s: {"blob_id": s["upload"]},
        form=lambda s: {
            "value_on": "0",
            "reference": "1",
            "description": "2",
            "amount": "3",
            "account_id": str(s["account"]),
        },
    ),
    "sales.statement.settle": Case(
        ids=lambda s: {"row_id": s["row"]}, form=lambda s: {"tax_id": "1792205859001"}
    ),
    "sales.statement.ignore": Case(ids=lambda s: {"row_id": s["row"]}, form=lambda s: {}),
    "sales.till.sell": Case(form=_sale),
    "sales.till.done": Case(ids=lambda s: {"invoice_id": s["invoice"]}),
    "sales.till.state": Case(ids=lambda s: {"invoice_id": s["invoice"]}),
}

OPEN: dict[str, str] = {}
