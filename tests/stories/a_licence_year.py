"""A licence from contract to re-entry: twelve months, month ends and a leap February.

Every step ends with the whole of what was invoiced, mailed and may be used; services and pages walk the
same story. Dates and amounts are worked by hand from the calendar (R1 to R15): US$ 30.00, IVA 15 %.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core import plugins
from core.adapters.clock import at_local
from core.contracts.sales import InvoiceSnapshot
from core.contracts.services import InvoiceIssuing
from core.db.scope import Scope
from core.db.session import tenant_work, unit_of_work
from plugins.billing import jobs as billing_jobs
from plugins.billing.models import Charge
from plugins.licensing.services import come_back, keep_licence, queue
from tests.factories.licensing import CLIENT_RUC, Vendor

MAIL = "hola@gimnasio.ec"
REPORTED = "Tenemos su reporte de pago"


@dataclass
class LicenceYear:
    """The vendor and its one client."""

    vendor: Vendor
    outbox: Any
    client: UUID

    def on(self, day: str) -> None:
        """Live through a day: midnight's sweeps, the run of 02:00, the mails of 07:00; then it is 09:00."""
        billing_jobs.sweep_all({}, self.vendor.at(day, 0, 5))
        self.vendor.night(day)
        self.vendor.run(day)
        billing_jobs.mail_all({}, self.vendor.at(day, 7))
        self.vendor.at(day, 9)

    def pay(self, amount: str) -> None:
        """The client reports a transfer, which gives access at once; its distributor confirms it."""
        report = self.vendor.report(self.client, amount)
        assert self.vendor.state(self.client) == "reported"
        assert self.vendor.may_issue(self.client)
        self.vendor.drain()
        with unit_of_work(self.vendor.north.scope) as session:
            queue.confirm_reports(session, [report], now=self.vendor.clock.now())
        self.vendor.drain()

    def invoices(self) -> list[InvoiceSnapshot]:
        """The vendor's invoices to the client, oldest first."""
        with tenant_work(self.vendor.operator.id) as session:
            ids = [one for one in session.scalars(select(Charge.invoice_id)) if one is not None]
            found = plugins.service(InvoiceIssuing).snapshots(session, ids, lines=True)
        return sorted(found.values(), key=lambda one: one.number)

    def states(self) -> str:
        """``p`` for each invoice that is paid, ``i`` for each that is not."""
        return "".join(one.state[0] for one in self.invoices())

    def mails(self) -> list[str]:
        """Subjects of the mails to the client since the last time somebody asked."""
        told = sorted(one.subject for one in self.outbox.mails if one.to == MAIL)
        self.outbox.mails.clear()
        return told

    def stands(self, state: str, *, may_issue: bool = True) -> None:
        """Where the licence stands, and what every page, API and job is answered."""
        assert self.vendor.state(self.client) == state
        assert self.vendor.may_issue(self.client) is may_issue

    def billed(self, number: int, issued: str, due: str, first: str, last: str, **why: Any) -> None:
        """The newest invoice, whole: a month at US$ 30.00 (R4) but for what ``why`` says."""
        days = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
        net, tax, rule = why.get("net", "30.00"), why.get("tax", "4.50"), why.get("rule", "R4")
        printed = [f"{date.fromisoformat(one):%d/%m/%Y}" for one in (first, last)]
        derived = why.get("derived", {"flat": True})
        one = self.invoices()[number - 1]
        assert len(self.invoices()) == why.get("of", number)
        assert one.number == f"001-002-{number:09d}"
        assert (one.issued_on, one.due_on) == (
            date.fromisoformat(issued),
            date.fromisoformat(due) if due else None,
        )
        who = one.customer
        assert (who.tax_id_type, who.tax_id, who.legal_name, who.email) == (
            *("04", CLIENT_RUC, "Gimnasio Andino"),
            MAIL,
        )
        assert (one.subtotal, one.tax, one.total) == (
            Decimal(net),
            Decimal(tax),
            Decimal(net) + Decimal(tax),
        )
        (iva,) = one.taxes
        assert (iva.tax_code, iva.rate, iva.base, iva.amount) == (
            *("4", Decimal(15)),
            Decimal(net),
            Decimal(tax),
        )
        (line,) = one.lines
        assert (line.code, line.quantity, line.unit_price, line.discount, line.tax_code) == (
            *("COMERCIO", 1, Decimal(net), 0),
            "4",
        )
        assert line.description == f"Comercio, del {printed[0]} al {printed[1]}"
        assert dict(line.details) == {
            "Periodo": f"{printed[0]} al {printed[1]}",
            "Cálculo": why.get("sum", f"{days} días, precio del plan"),
            "Regla": rule,
        }
        told = {key: value for key, value in (line.derivation or {}).items() if key != "kind"}
        assert told == {
            "days": days,
            "from": first,
            "to": last,
            "price": "30.00",
            "rule": rule,
            **derived,
        }


def walk(year: LicenceYear, see: Callable[[], None]) -> None:
    """From the order of payment to the second end; ``see`` is called at each step."""
    vendor, client = year.vendor, year.client
    year.stands("order", may_issue=False)
    (order,) = year.mails()
    assert order == f"Orden de pago {vendor.licence(client).payment_code}"
    assert year.invoices() == []

    # 31 October: paid and enabled, the first 30 days
    vendor.at("2027-10-31", 10)
    vendor.enable(client)
    year.billed(1, "2027-10-31", "", "2027-10-31", "2027-11-29", rule="R2")
    year.stands("active")
    assert (year.states(), year.mails()) == ("p", ["Bienvenido a Yupana"])
    see()

    # November: the bridge is the one day that is left of the month
    year.on("2027-11-25")
    bridge = {
        "basis": "actual_30",
        "counted_days": 1,
        "divisor": 30,
        "daily_rate": "1.000000",
        "flat": False,
        "capped": False,
        "parts": [],
    }
    year.billed(
        *(2, "2027-11-25", "2027-12-05", "2027-11-30", "2027-11-30"),
        net="1.00",
        tax="0.15",
        rule="R3",
        sum="1 día × 1,00",
        of=3,
        derived=bridge,
    )
    year.billed(3, "2027-11-25", "2027-12-05", "2027-12-01", "2027-12-31")
    year.stands("due")
    assert (year.states(), year.mails()) == ("pii", [])
    see()
    year.on("2027-11-30")
    assert year.mails() == [f"Su factura 001-002-00000000{n} vence el 05/12/2027" for n in (2, 3)]
    year.on("2027-12-04")
    assert year.mails() == [f"Su factura 001-002-00000000{n} vence mañana" for n in (2, 3)]
    year.pay("35.65")  # both at once
    year.stands("active")
    assert (year.states(), year.mails()) == ("ppp", [REPORTED])
    see()
    year.on("2027-12-05")
    year.on("2027-12-06")
    year.stands("active")
    assert year.mails() == []

    # the turn of the year and a February of 29 days: whole months at the same price
    for number, run, due, first, last in (
        (4, "2027-12-25", "2028-01-05", "2028-01-01", "2028-01-31"),
        (5, "2028-01-25", "2028-02-05", "2028-02-01", "2028-02-29"),
        (6, "2028-02-25", "2028-03-05", "2028-03-01", "2028-03-31"),
    ):
        year.on(run)
        year.billed(number, run, due, first, last)
        year.stands("due")
        see()
        year.pay("34.50")
        year.stands("active")
        assert (year.states(), year.mails()) == ("p" * number, [REPORTED])

    # April is not paid: served through the 5th, blocked at the midnight after it, scheduler or not
    year.on("2028-03-25")
    year.billed(7, "2028-03-25", "2028-04-05", "2028-04-01", "2028-04-30")
    for day, told in (
        ("2028-03-31", "vence el 05/04/2028"),
        ("2028-04-04", "vence mañana"),
        ("2028-04-05", "vence hoy"),
    ):
        year.on(day)
        year.stands("due")
        assert year.mails() == [f"Su factura 001-002-000000007 {told}"]
    midnight = at_local(date(2028, 4, 6))
    assert vendor.may_issue(client, midnight - timedelta(microseconds=1))
    assert not vendor.may_issue(client, midnight)
    year.on("2028-04-06")
    year.stands("suspended", may_issue=False)
    assert year.mails() == [
        "Su factura 001-002-000000007 venció ayer",
        "Su licencia está suspendida",  # once: billing leaves it to the licence
    ]
    see()
    year.on("2028-04-25")
    assert (year.states(), year.mails()) == (
        "ppppppi",
        ["Su licencia termina el 30/04/2028"],
    )  # R15
    year.stands("suspended", may_issue=False)
    year.on("2028-04-27")
    year.pay("34.50")
    year.stands("active")
    assert (year.states(), year.mails()) == ("ppppppp", [REPORTED])
    see()

    # paid in time to go on: May is issued the next day, with its real date and the same due date
    year.on("2028-04-28")
    year.billed(8, "2028-04-28", "2028-05-05", "2028-05-01", "2028-05-31")
    year.stands("due")
    see()
    year.pay("34.50")
    year.on("2028-05-25")
    year.billed(9, "2028-05-25", "2028-06-05", "2028-06-01", "2028-06-30")
    year.pay("34.50")
    year.stands("active")
    assert year.mails() == [REPORTED, REPORTED]

    # cancelled before the 25th: it runs to what is paid
    year.on("2028-06-10")
    with unit_of_work(Scope(tenant_id=client)) as session:
        answer = keep_licence.cancel_licence(session, now=vendor.clock.now())
    vendor.drain()
    assert (answer.ends_on, answer.open_numbers) == (date(2028, 6, 30), ())
    year.stands("cancelled")
    assert year.mails() == ["Su cancelación", "Su licencia: Cancelada"]
    see()
    year.on("2028-06-25")
    assert year.states() == "p" * 9
    year.on("2028-06-30")
    year.stands("cancelled")
    year.mails()
    year.on("2028-07-01")
    year.stands("expired", may_issue=False)
    assert year.mails() == ["Su licencia venció"]
    see()

    # back in September for one month, which does not renew itself
    year.on("2028-09-12")
    with unit_of_work(Scope(tenant_id=client)) as session:
        come_back.order_month(session, now=vendor.clock.now())
    vendor.drain()
    year.stands("order", may_issue=False)
    assert year.mails() == [f"Orden de pago {vendor.licence(client).payment_code}"]
    see()
    vendor.enable(client)
    year.billed(10, "2028-09-12", "", "2028-09-12", "2028-10-11", rule="R2")
    year.stands("reentered")
    assert (year.states(), year.mails()) == (
        "p" * 10,
        ["Bienvenido a Yupana", "Su licencia: De vuelta por un mes"],
    )
    see()
    year.on("2028-09-25")
    year.on("2028-10-11")
    year.stands("reentered")
    assert (year.states(), year.mails()) == ("p" * 10, ["Su licencia termina el 11/10/2028"])
    year.on("2028-10-12")
    year.stands("expired", may_issue=False)
    assert year.mails() == ["Su licencia venció"]
    see()
