"""Licensing's part: each side's company is the client of a distributor of its own; one operator."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from core import jobs
from core.adapters.clock import at_local
from core.contracts.events import LicenceOrdered
from core.db.scope import Scope
from core.db.session import bound, unit_of_work
from core.ids import new_id
from core.models import Tenant
from core.services import settings
from plugins.billing.services.plans import create_plan
from plugins.licensing.models import ClientInvoiceRow, CreditDraft, PortfolioClient
from plugins.licensing.services import (
    contracts,
    keep_distributors,
    keep_portfolio,
    publish,
    report_payment,
    sell_licences,
    support_tickets,
    trainings,
)
from tests.conftest import make_ruc
from tests.factories.sri import simulated, simulator
from tests.isolation.world import Case, Side, employ, found_company

LAST = True  # after einvoice_sri: what waits in the queue by then is licensing's own
SLIP = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
OWNER = {
    "identification": "1710034065",
    "first_name": "Ana",
    "last_name": "Paz",
    "email": "ana-nueva@example.com",
}
FREE_DISTRIBUTOR = make_ruc(300_009)  # nobody's; a client may ask for it


def add(side: Side) -> None:
    """A distributor with two people and an adviser's card; four clients in four states."""
    operator, plan_id = _operator(side)
    number = 300_010 if side.letter == "a" else 300_020
    seller = found_company(make_ruc(number), f"Distribuidora {side.letter}", "distributor")[0]
    for role in ("distributor", "adviser"):
        side.actors[role] = (seller, employ(seller, role, f"{role}-{side.letter}"))
    desk = Scope(tenant_id=seller)
    with unit_of_work(operator) as session:
        row = keep_distributors.add_distributor(
            session, seller, email="d@example.com", phone="02", credit_limit=Decimal(500), now=side.now
        )  # fmt: skip
        side.objects["distributor_row"] = row.id
    with unit_of_work(desk) as session:
        settings.write(session, "licensing.certificate_price", Decimal("25.00"))
        side.objects["adviser_card"] = keep_portfolio.add_adviser(
            session, name="Eva", email=f"eva-{side.letter}@example.com", phone="09"
        ).id
    # what A may choose, and in its place something of B's that is no such thing
    side.objects["licence_plan"] = plan_id if side.letter == "a" else side["plan"]
    with unit_of_work(operator) as session:
        other = next(one for one in publish.plan_offers(session) if one != plan_id)
    side.objects["other_plan"] = other if side.letter == "a" else side["plan"]
    side.objects["seller"] = seller if side.letter == "a" else side.tenant_id
    side.objects["company"] = side.tenant_id
    clients = {"client": side.tenant_id}
    for at, name in enumerate(("ordered", "lapsed", "paid")):
        clients[name] = found_company(make_ruc(number + 1 + at), f"Cliente {name}")[0]
    for name, client in clients.items():
        _order(side, operator, seller, plan_id, name, client)
    _work()
    _enable(side, desk, "client", on_credit=True)
    _enable(side, desk, "paid", on_credit=False)
    lapsed = clients["lapsed"]
    side.actors["lapsed_owner"] = (lapsed, employ(lapsed, "owner", f"lapsed-{side.letter}"))
    _report(side)
    _credit(side, desk, operator)
    _support(side, desk)
    with unit_of_work(desk) as session:
        data = trainings.TrainingData(at_local(date(2026, 5, 4), 15), 60, "Curso", "Quito")
        side.objects["training"] = trainings.set_training(session, data, now=side.now).session_id
    _work()


def _operator(side: Side) -> tuple[Scope, UUID]:
    """The one operator of the installation, with a plan on offer; made by the first side."""
    with unit_of_work(Scope()) as session:
        found = session.scalars(select(Tenant.id).where(Tenant.kind == "operator")).one_or_none()
    scope = Scope(tenant_id=found or found_company(make_ruc(300_000), "Yupana", "operator")[0])
    assert scope.tenant_id is not None
    side.actors["operator"] = (
        scope.tenant_id,
        employ(scope.tenant_id, "operator", f"operator-{side.letter}"),
    )
    with unit_of_work(scope) as session:
        offered = publish.plan_offers(session)
        if offered:
            return scope, next(iter(offered))
        plan_id = create_plan(
            session, code="COMERCIO", name="Comercio", price=Decimal("30.00"), tax_code="4",
            now=side.now, valid_from=date(2025, 1, 1),
        )  # fmt: skip
        create_plan(
            session, code="MAYOR", name="Mayor", price=Decimal("45.00"), tax_code="4",
            now=side.now, valid_from=date(2025, 1, 1),
        )  # fmt: skip
        keep_distributors.set_plan_terms(session, plan_id, included_minutes=120, entitlements={})
    found_company(FREE_DISTRIBUTOR, "Distribuidora Libre", "distributor")
    return scope, plan_id


def _work() -> None:
    with simulated(simulator()):
        jobs.run_due(bound().engine)


def _order(side: Side, operator: Scope, seller: UUID, plan: UUID, name: str, client: UUID) -> None:
    ordered_on = date(2026, 3, 1) if name == "lapsed" else date(2026, 4, 24)
    with unit_of_work(operator) as session:
        tenant = session.get_one(Tenant, client)
        order = LicenceOrdered(
            contract_id=new_id(), kind="first", client_tenant_id=client,
            client_tax_id=tenant.tax_id, client_name=tenant.name, client_email="c@example.com",
            distributor_id=seller, plan_id=plan, ordered_on=ordered_on, owner=OWNER,
        )  # fmt: skip
        row = contracts.place_order(session, order, now=side.now)
        side.objects[f"{name}_contract"] = row.id
    _work()
    with unit_of_work(Scope(tenant_id=seller)) as session:
        side.objects[f"{name}_row"] = session.scalars(
            select(PortfolioClient.id).where(PortfolioClient.client_tenant_id == client)
        ).one()


def _enable(side: Side, desk: Scope, name: str, *, on_credit: bool) -> None:
    """Enabled on credit the invoice stays open; with money it is paid."""
    money = sell_licences.Money(on_credit, Decimal(0 if on_credit else "34.50"), reference="T-1")
    with unit_of_work(desk) as session:
        row = session.get_one(PortfolioClient, side[f"{name}_row"])
        sell_licences.enable_client(session, row, money, now=side.now)
    _work()


def _report(side: Side) -> None:
    with unit_of_work(side.scope) as session:
        invoice = session.scalars(
            select(ClientInvoiceRow).order_by(ClientInvoiceRow.period_start).limit(1)
        ).one()
        side.objects["licence_invoice"] = invoice.invoice_id
        data = report_payment.ReportData(
            bank="Pichincha", value_on=date(2026, 4, 25), amount=Decimal("10.00"),
            reference="R-1", slip=SLIP,
        )  # fmt: skip
        side.objects["payment_report"] = report_payment.report_payment(
            session, data, now=side.now
        ).id
    _work()


def _credit(side: Side, *desks: Scope) -> None:
    """The draft of a credit note over the open invoice, at the distributor and at the operator."""
    for desk in desks:
        with unit_of_work(desk) as session:
            session.add(
                CreditDraft(
                    invoice_id=side["licence_invoice"], contract_id=side["client_contract"],
                    client_tenant_id=side.tenant_id, client_name="Cliente", number="001-001-000000001",
                    period_start=date(2026, 4, 25), total=Decimal("34.50"), reason="unpaid",
                    drafted_at=side.now,
                )
            )  # fmt: skip


def _support(side: Side, desk: Scope) -> None:
    names = ("asked", "quoted", "accepted")
    for name in names:
        with unit_of_work(side.scope) as session:
            row = support_tickets.open_ticket(session, f"Ayuda {name}", now=side.now)
            side.objects[f"{name}_ticket"] = row.ticket_id
    _work()
    for name in names[1:]:
        with unit_of_work(desk) as session:
            support_tickets.quote_ticket(session, side[f"{name}_ticket"], 30, now=side.now)
    _work()
    with unit_of_work(side.scope) as session:
        support_tickets.accept_quote(session, side["accepted_ticket"], now=side.now)
    _work()


def _typed_report(side: Side) -> dict:
    return {"amount": "34,50", "value_on": "2026-04-25", "bank": "Guayaquil", "reference": "R-2"}


def _typed_client(side: Side) -> dict:
    return {
        "tax_id": make_ruc(300_100),
        "name": "Cliente nuevo",
        "email": "nuevo@example.com",
        "plan_id": str(side["licence_plan"]),
        **{f"owner_{key}": value for key, value in OWNER.items()},
    }


def _typed_training(side: Side) -> dict:
    return {
        "topic": "Curso",
        "day": "2026-05-04",
        "hour": "15:00",
        "minutes": "60",
        "place": "https://zoom.example/1",
    }


def _slip(side: Side) -> dict:
    return {"slip": (io.BytesIO(SLIP), "slip.pdf")}


def _of(parameter: str, name: str):
    return lambda side: {parameter: side[name]}


def _none(side: Side) -> dict:
    return {}


def _money(side: Side) -> dict:
    return {"amount": "34,50", "value_on": "2026-04-25", "bank": "Pichincha", "reference": "T-9"}


def _ticked(side: Side) -> dict:
    return {"clients": [str(side["client_row"]), str(side["ordered_row"])]}


DESK = {"actor": "distributor"}
# there is one operator: from the other side its distributor asks, and its role does not allow it
OFFICE = {"actor": "operator", "stranger": "distributor", "refusals": (403, 404)}
CLIENT = _of("client_id", "client_row")
INVOICE = {"ids": _of("invoice_id", "licence_invoice"), "form": _none}
WAITS = {"answers": (409,)}  # not overdue; and its reported payment waits for an answer
ORDERED = _of("client_id", "ordered_row")

CASES = {
    "licensing.licence.index": Case(),
    "licensing.licence.report": Case(
        form=lambda s: {**_typed_report(s), "invoices": [str(s["licence_invoice"])]}, files=_slip
    ),
    "licensing.licence.report_many": Case(
        form=lambda s: {**_typed_report(s), "companies": [str(s["company"])]}
    ),
    "licensing.licence.slip": Case(ids=_of("report_id", "payment_report")),
    "licensing.licence.cancel": Case(form=_none),
    "licensing.licence.plan": Case(form=lambda s: {"plan_id": str(s["other_plan"])}),
    "licensing.licence.reenter": Case(
        actor="lapsed_owner", form=lambda s: {"plan_id": str(s["licence_plan"])}
    ),
    "licensing.licence.transfer": Case(form=lambda s: {"distributor": FREE_DISTRIBUTOR}),
    "licensing.copy.index": Case(),
    "licensing.copy.everything": Case(form=_none),
    "licensing.copy.documents": Case(),
    "licensing.licence.first_access": Case(),
    "licensing.licence.help": Case(),
    "licensing.licence.come_back": Case(actor="lapsed_owner"),
    "licensing.portfolio.index": Case(**DESK, query=lambda s: {"q": "Compa"}),
    "licensing.portfolio.new": Case(**DESK, form=_typed_client),
    "licensing.portfolio.report": Case(
        **DESK, form=lambda s: {**_typed_report(s), "companies": [str(s["company"])]}
    ),
    "licensing.portfolio.forecast": Case(**DESK),
    "licensing.portfolio.show": Case(**DESK, ids=CLIENT),
    "licensing.portfolio.remind_ticked": Case(**DESK, form=_ticked),
    "licensing.portfolio.first_access_ticked": Case(**DESK, form=_ticked),
    "licensing.portfolio.sell_certificate": Case(**DESK, ids=CLIENT, form=_none),
    "licensing.portfolio.enable": Case(**DESK, ids=ORDERED, form=_money),
    "licensing.portfolio.first_access": Case(**DESK, ids=ORDERED, form=_none),
    "licensing.portfolio.order_again": Case(**DESK, ids=_of("client_id", "lapsed_row"), form=_none),
    "licensing.portfolio.cancel": Case(**DESK, ids=CLIENT, form=_none),
    "licensing.portfolio.plan": Case(
        **DESK, ids=CLIENT, form=lambda s: {"plan_id": str(s["other_plan"])}
    ),
    "licensing.portfolio.assign": Case(
        **DESK, ids=CLIENT, form=lambda s: {"adviser_id": str(s["adviser_card"])}
    ),
    "licensing.portfolio.advisers": Case(
        **DESK, form=lambda s: {"name": "Luz", "email": "luz@example.com", "phone": "09"}
    ),
    "licensing.portfolio.unpaid": Case(**DESK),
    "licensing.portfolio.draft_credit": Case(**DESK, **INVOICE, **WAITS),
    "licensing.portfolio.confirm_credit": Case(**DESK, **INVOICE, **WAITS),
    "licensing.portfolio.dismiss_credit": Case(**DESK, **INVOICE),
    "licensing.office.unpaid": Case(**OFFICE),
    "licensing.office.draft_credit": Case(**OFFICE, **INVOICE, **WAITS),
    "licensing.office.confirm_credit": Case(**OFFICE, **INVOICE, **WAITS),
    "licensing.office.dismiss_credit": Case(**OFFICE, **INVOICE),
    "licensing.queue.index": Case(**DESK, query=lambda s: {"show": "waiting"}),
    "licensing.queue.confirm": Case(**DESK, form=lambda s: {"reports": [str(s["payment_report"])]}),
    "licensing.queue.reject": Case(
        **DESK, ids=_of("report_id", "payment_report"), form=lambda s: {"reason": "No llegó"}
    ),
    "licensing.queue.slip": Case(**DESK, ids=_of("report_id", "payment_report")),
    "licensing.lesson.take_seat": Case(
        ids=_of("session_id", "training"), form=lambda s: {"people": "2"}
    ),
    "licensing.lesson.leave": Case(ids=_of("session_id", "training"), form=_none),
    "licensing.training.index": Case(**DESK),
    "licensing.training.new": Case(**DESK, form=_typed_training),
    "licensing.training.show": Case(**DESK, ids=_of("session_id", "training")),
    "licensing.training.edit": Case(
        **DESK, ids=_of("session_id", "training"), form=_typed_training
    ),
    "licensing.training.call_off": Case(**DESK, ids=_of("session_id", "training"), form=_none),
    "licensing.support.index": Case(),
    "licensing.support.new": Case(form=lambda s: {"subject": "Impresora"}),
    "licensing.support.accept": Case(ids=_of("ticket_id", "quoted_ticket"), form=_none),
    "licensing.support.quote": Case(
        actor="adviser", ids=_of("ticket_id", "asked_ticket"), form=lambda s: {"minutes": "60"}
    ),
    "licensing.support.timer": Case(
        actor="adviser", ids=_of("ticket_id", "accepted_ticket"), form=_none
    ),
    "licensing.support.close": Case(
        actor="adviser", ids=_of("ticket_id", "accepted_ticket"), form=_none
    ),
    "licensing.office.index": Case(**OFFICE, query=lambda s: {"q": "Cliente"}),
    "licensing.office.new": Case(
        **OFFICE, form=lambda s: {**_typed_client(s), "distributor_id": str(s["seller"])}
    ),
    "licensing.office.show": Case(**OFFICE, ids=_of("contract_id", "client_contract")),
    "licensing.office.enable": Case(
        **OFFICE, ids=_of("contract_id", "ordered_contract"), form=_money
    ),
    "licensing.office.signed": Case(**OFFICE, ids=_of("contract_id", "paid_contract"), form=_none),
    "licensing.office.withdraw": Case(
        **OFFICE, ids=_of("contract_id", "ordered_contract"), form=_none
    ),
    "licensing.office.first_access": Case(
        **OFFICE, ids=_of("contract_id", "ordered_contract"), form=_none
    ),
    "licensing.office.distributors": Case(
        **OFFICE,
        form=lambda s: {
            "tax_id": make_ruc(300_200),
            "name": "Distribuidora nueva",
            "email": "d@example.com",
            "credit_limit": "10,00",
        },
    ),
    "licensing.office.set_limit": Case(
        **OFFICE,
        ids=_of("distributor_id", "distributor_row"),
        form=lambda s: {"credit_limit": "20,00"},
    ),
    "licensing.office.plans": Case(**OFFICE),
    "licensing.office.set_terms": Case(
        **OFFICE, ids=_of("plan_id", "licence_plan"), form=lambda s: {"included_minutes": "60"}
    ),
}

OPEN: dict[str, str] = {}
