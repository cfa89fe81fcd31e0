from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text

from core.contracts.sales import InvoiceLineDraft
from core.db.scope import in_scope
from core.db.session import unit_of_work
from core.errors import DomainError, NotFound
from core.models import StoredEvent
from plugins.sales.models import Invoice, InvoiceLine
from plugins.sales.services.issue_invoices import issue_invoices
from plugins.sales.services.keep_customers import final_consumer
from plugins.sales.services.read_invoices import open_for, snapshots


def test_a_draft_becomes_a_numbered_invoice_with_lines_taxes_and_an_event(tenant, draft, now):
    lines = (
        InvoiceLineDraft(
            "PLAN", "Plan mensual", Decimal(1), Decimal("13.33"), "4",
            derivation={"days": 20, "rule": "R3"},
        ),
        InvoiceLineDraft("PAN", "Pan", Decimal(3), Decimal("0.25"), "0"),
    )  # fmt: skip
    with unit_of_work(tenant.scope) as session:
        (ref,) = issue_invoices(session, [draft(lines=lines, due_on=date(2026, 5, 5))], now=now)
        snapshot = snapshots(session, [ref.id], lines=True)[ref.id]
        assert [one.id for one in open_for(session, snapshot.customer_id)] == [ref.id]
    assert (ref.number, ref.total, ref.created) == ("001-001-000000001", Decimal("16.08"), True)
    assert (snapshot.subtotal, snapshot.tax, snapshot.balance) == (
        Decimal("14.08"), Decimal("2.00"), Decimal("16.08"),
    )  # fmt: skip
    assert [(t.tax_code, t.base, t.amount) for t in snapshot.taxes] == [
        ("4", Decimal("13.33"), Decimal("2.00")),
        ("0", Decimal("0.75"), Decimal("0.00")),
    ]
    assert snapshot.lines[0].derivation == {"days": 20, "rule": "R3"}
    assert snapshot.customer.legal_name == "Comercial Andina S.A."
    with unit_of_work(tenant.scope) as session:
        event = session.scalars(select(StoredEvent)).all()
        assert [one.name for one in event] in ([], ["InvoicesIssued"])


def test_the_same_draft_twice_is_one_invoice(tenant, draft, now):
    with unit_of_work(tenant.scope) as session:
        (first,) = issue_invoices(session, [draft("k")], now=now)
    with unit_of_work(tenant.scope) as session:
        again = issue_invoices(session, [draft("new"), draft("k"), draft("new")], now=now)
    assert [one.created for one in again] == [True, False, True]
    assert again[1].id == first.id
    assert again[0].id == again[2].id
    assert again[0].number == "001-001-000000002"


def test_refused_batches_write_nothing_and_leave_no_gap(tenant, draft, now):
    bad = draft("bad", issued_on=now.date() + timedelta(days=1))
    with pytest.raises(DomainError) as refused, unit_of_work(tenant.scope) as session:
        issue_invoices(session, [draft("good"), bad], now=now)
    assert refused.value.field == "issued_on"
    with unit_of_work(tenant.scope) as session:
        assert session.scalar(select(func.count()).select_from(Invoice)) == 0
        (ref,) = issue_invoices(session, [draft("next")], now=now)
    assert ref.number == "001-001-000000001"


def test_final_consumer_may_buy_for_fifty_dollars_and_no_more(tenant, draft, now):
    with unit_of_work(tenant.scope) as session:
        nobody = final_consumer(session)
        fits = draft("a", price="43.48", customer_id=nobody)  # 43.48 + 6.52 = 50.00
        assert issue_invoices(session, [fits], now=now)[0].total == Decimal("50.00")
    with pytest.raises(DomainError) as refused, unit_of_work(tenant.scope) as session:
        issue_invoices(session, [draft("b", price="43.49", customer_id=nobody)], now=now)
    assert refused.value.code == "final_consumer_limit"


def test_ids_of_another_tenant_do_not_exist(tenant, other_tenant, draft, now):
    good = draft()
    for wrong in (
        replace(good, issue_point_id=other_tenant.till_id),
        replace(good, customer_id=other_tenant.id),
        replace(good, salesperson_id=other_tenant.id),
    ):
        with pytest.raises(NotFound), unit_of_work(tenant.scope) as session:
            issue_invoices(session, [wrong], now=now)
    with pytest.raises(NotFound), unit_of_work(other_tenant.scope) as session:
        issue_invoices(session, [good], now=now)


def test_a_run_is_written_in_bulk_with_one_series(tenant, draft, now):
    drafts = [draft(f"k{n}", issue_point_id=tenant.run_id) for n in range(120)]
    with unit_of_work(tenant.scope) as session:
        refs = issue_invoices(session, drafts, now=now)
    assert [one.number[-3:] for one in refs] == [f"{n:03d}" for n in range(1, 121)]
    with unit_of_work(tenant.scope) as session:
        assert session.scalar(select(func.count()).select_from(InvoiceLine)) == 120


class Dropped(Exception):
    """A sale that dies between its number and its commit."""


def test_fifty_sellers_on_one_point_make_no_duplicate_gap_or_deadlock(tenant, draft, now):
    """Fifty threads with a connection each, four sales each, and one that dies with its number taken."""
    sellers, sales, failures = 50, 4, []
    sold: dict[int, list[str]] = {seller: [] for seller in range(sellers)}
    together = threading.Barrier(sellers)
    drafts = {n: [draft(f"s{n}-{i}") for i in range(sales + 1)] for n in range(sellers)}

    def sell(seller: int) -> None:
        try:
            *kept, dropped = drafts[seller]
            with in_scope(tenant.scope), unit_of_work() as session:
                session.execute(text("SELECT 1"))  # everybody holds a connection of his own
                together.wait(120)
            for nth, one in enumerate(kept):
                if nth == seller % sales:
                    with suppress(Dropped), in_scope(tenant.scope), unit_of_work() as session:
                        assert issue_invoices(session, [dropped], now=now)[0].number
                        raise Dropped
                with in_scope(tenant.scope), unit_of_work() as session:
                    (ref,) = issue_invoices(session, [one], now=now)
                sold[seller].append(ref.number)
        except Exception as error:  # noqa: BLE001  (whatever it is, the test shows it)
            failures.append(error)

    threads = [threading.Thread(target=sell, args=(n,)) for n in range(sellers)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(240)
    assert failures == []
    assert not any(one.is_alive() for one in threads)
    with unit_of_work(tenant.scope) as session:
        numbers = sorted(session.scalars(select(Invoice.number)))
        (following,) = session.scalars(text("SELECT next_number FROM core_number_series"))
        count = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert session.scalar(text(count)) == 0
    assert numbers == [f"001-001-{n:09d}" for n in range(1, sellers * sales + 1)]
    assert following == sellers * sales + 1
    assert sorted(number for mine in sold.values() for number in mine) == numbers
    assert all(mine == sorted(mine) for mine in sold.values())  # each seller's numbers go up


def test_a_double_click_waits_for_the_first_and_gets_its_invoice(tenant, draft, now):
    refs, failures = [], []
    start = threading.Barrier(2)

    def click() -> None:
        try:
            start.wait(60)
            with in_scope(tenant.scope), unit_of_work() as session:
                refs.extend(issue_invoices(session, [same], now=now))
        except Exception as error:  # noqa: BLE001  (whatever it is, the test shows it)
            failures.append(error)

    same = draft("one-sale")
    threads = [threading.Thread(target=click) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert failures == []
    assert len({one.id for one in refs}) == 1
    assert sorted(one.created for one in refs) == [False, True]


def test_what_sri_annulled_is_annulled_in_the_books(tenant, draft, now):
    from core.contracts.events import AnnulmentChanged
    from plugins.sales.services.reactions import hear_annulment

    with unit_of_work(tenant.scope) as session:
        one, two = (issue_invoices(session, [draft(key)], now=now)[0] for key in ("a", "b"))

        def told(ref, kind: str, step: str) -> None:
            hear_annulment(session, AnnulmentChanged(ref.id, kind, "", ref.number, "1", step, now))
            session.expire_all()

        for kind, step in (("01", "requested"), ("04", "annulled"), ("01", "withdrawn")):
            told(one, kind, step)
            assert session.get(Invoice, one.id).state == "issued"
        told(one, "01", "annulled")
        told(one, "01", "annulled")  # told twice, done once
        states = [session.get(Invoice, ref.id).state for ref in (one, two)]
        assert states == ["cancelled", "issued"]
