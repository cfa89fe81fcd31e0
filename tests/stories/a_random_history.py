"""A history of one licence by chance: what people and days do to it, in any order (``test_random_histories``)."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from core import plugins
from core.adapters.clock import FixedClock, at_local
from core.contracts.sales import PaymentAllocation, PaymentData
from core.contracts.services import PaymentRecording
from core.db.scope import Scope
from core.db.session import tenant_work, unit_of_work
from core.domain.money import to_cents
from core.errors import DomainError
from core.ids import new_id
from core.services import settings
from plugins.billing import jobs as billing_jobs
from plugins.billing.models import Charge, Subscription
from plugins.billing.services import cancel
from plugins.billing.services.change_plan import change_plan
from plugins.billing.services.plans import create_plan
from plugins.billing.services.run_billing import run_billing
from plugins.billing.services.sweep_day import sweep_day
from plugins.licensing import jobs as licensing_jobs
from plugins.licensing.models import Contract, CreditDraft, QueuedReport
from plugins.licensing.services import (
    choose_plan,
    come_back,
    credit_drafts,
    keep_distributors,
    keep_licence,
    publish,
    queue,
)
from plugins.licensing.services.standing import Standing, read_standing
from plugins.sales.models import Invoice, Payment
from plugins.sales.services.issue_credit_notes import annul_invoice
from plugins.sales.services.reverse_payment import reverse_payment
from tests.factories.licensing import make_vendor

PRICES = {"BASICO": "10.05", "MAYOR": "45.00", "MINI": "6.50"}  # besides COMERCIO at 30.00
CHOICES = {
    "billing.overdue": "strict",
    "billing.lift_block": "on_confirmation",
    "billing.suspended_at_run": "keep_issuing",
    "billing.bridge_issue": "after_first",
    "licensing.order_enabled": "on_report",
}
TELLING_DAYS = {1, 2, 5, 6, 11, 25, 26}  # the others of a long wait bring nothing
WAITS = (1, 3, 5, 8, 10, 15, 20)
RUNNING = (
    *("days",) * 5, *("report",) * 4, *("answer",) * 4, *("pay", "plan", "draft", "come_back") * 2,
    "books_plan", "leave", "transfer", "bounce", "annul", "books_leave", "books_keep",
)  # fmt: skip
WAITING = ("day", "enable", "enable", "report", "answer")


class History:
    """A vendor, one client, and a die. ``log`` says what happened, for whom it went wrong."""

    def __init__(
        self,
        make_tenant: Callable[..., Any],
        clock: FixedClock,
        drain: Callable[..., int],
        seed: int,
        check: Callable[[History, str], None],
    ) -> None:
        self.die = random.Random(seed)
        self.log: list[str] = []
        self.check = check
        self.day = date(2026, 1, 1) + timedelta(days=self.die.randrange(90))
        self.vendor = make_vendor(make_tenant, clock, drain, self.day.isoformat())
        self.plans = {"COMERCIO": self.vendor.plan_id} | self._more_plans()
        with unit_of_work(self.vendor.operator.scope) as session:
            for key, value in CHOICES.items():
                if self.die.random() < 0.15:
                    settings.write(session, key, value)
                    self.log.append(f"{key} = {value}")
        self.vendor.plan_id = self.plans[self.die.choice(["COMERCIO", "BASICO", "MINI"])]
        self.vendor.drain()
        self.client = self.vendor.contract()
        self.log.append(f"ordered on {self.day}")

    def _more_plans(self) -> dict[str, UUID]:
        now = self.vendor.clock.now()
        with unit_of_work(self.vendor.operator.scope) as session:
            made = {
                code: create_plan(session, code=code, name=code.title(), price=Decimal(price),
                                  tax_code="4", now=now, valid_from=date(2025, 1, 1))
                for code, price in PRICES.items()
            }  # fmt: skip
            for plan_id in made.values():
                keep_distributors.set_plan_terms(
                    session, plan_id, included_minutes=0, entitlements={}
                )
            publish.publish_offers(session, now=now)
        return made

    # -- what is known of it -------------------------------------------------------------------

    def books(self) -> Any:
        """A transaction in the operator's books."""
        return tenant_work(self.vendor.operator.id)

    def own(self) -> Any:
        """A transaction in the client's scope."""
        return unit_of_work(Scope(tenant_id=self.client))

    def contract(self) -> Contract:
        """The last contract of the client, as the operator has it."""
        with self.books() as session:
            rows = select(Contract).order_by(Contract.ordered_on.desc(), Contract.id.desc())
            return session.scalars(rows).first()

    def standing(self) -> Standing:
        """The licence, worked out from the client's own scope."""
        with self.own() as session:
            return read_standing(session, now=self.vendor.clock.now())

    def setting(self, key: str) -> Any:
        """A choice of the vendor."""
        with self.books() as session:
            return settings.read(session, key)

    def distributor(self) -> Any:
        """Whose client it is."""
        is_north = self.contract().distributor_id == self.vendor.north.id
        return self.vendor.north if is_north else self.vendor.south

    def owed(self) -> list[Invoice]:
        """The open invoices, the first due first."""
        with self.books() as session:
            rows = select(Invoice).where(Invoice.state == "issued")
            return list(session.scalars(rows.order_by(Invoice.due_on, Invoice.id)))

    # -- days ----------------------------------------------------------------------------------

    def live(self, day: date, missed: date | None = None) -> None:
        """A day of the calendar: sweeps, the 25th, the run, the mails of 07:00. ``missed``: a 25th on which
        the machine was off.
        """
        self.day = day
        clock, drain = self.vendor.clock, self.vendor.drain
        clock.set(at_local(day, 0, 5))
        drain()
        licensing_jobs.run_sweep({}, clock.now())
        sweep_day(self.vendor.operator.id, on=day, now=clock.now())
        drain()
        self.check(self, f"swept on {day}")
        run_day = day if day.day == 25 else missed
        if run_day:
            clock.set(at_local(day, 1, 30))
            due_at = at_local(run_day, 1, 30).isoformat()
            licensing_jobs.run_day_25({"due_at": due_at}, clock.now())
            drain()
        clock.set(at_local(day, 2))
        self._run(day)
        self.check(self, f"run of {day}")
        clock.set(at_local(day, 7))
        billing_jobs.mail_all({}, clock.now())
        drain()
        clock.set(at_local(day, 9))

    def _run(self, day: date) -> None:
        """The run of a day invoices who is due, and nobody who is suspended (R15)."""
        contract, state = self.contract(), self.standing().state
        due, before = self._due(contract.subscription_id, day)
        run_billing(self.vendor.operator.id, on=day, now=self.vendor.clock.now())
        self.vendor.drain()
        made = self._due(contract.subscription_id, day)[1] - before
        is_left_out = state in ("suspended", "expired")
        if is_left_out and self.setting("billing.suspended_at_run") == "keep_issuing":
            return
        assert bool(made) == (due and not is_left_out), f"run of {day}: {state}, {made} invoiced"

    def _due(self, subscription_id: UUID | None, day: date) -> tuple[bool, int]:
        """Whether a subscription is due by a day, and how many periods it was charged."""
        mine = Charge.subscription_id == subscription_id
        with self.books() as session:
            row = session.get(Subscription, subscription_id) if subscription_id else None
            charged = session.scalar(select(func.count()).where(mine, Charge.kind != "change"))
        is_due = row is not None and row.state == "active" and row.next_issue_on <= day
        return is_due, charged or 0

    def wait(self, days: int, *, is_off: bool) -> None:
        """Live these days; ``is_off``: the machine stands still on the 25th."""
        last, missed = self.day + timedelta(days=days), None
        while self.day < last:
            day = self.day + timedelta(days=1)
            if is_off and day.day == 25 and day != last:
                self.day, missed = day, day
            elif day.day in TELLING_DAYS or day == last or missed or self._turns(day):
                self.live(day, missed)
                missed = None
            else:
                self.day = day

    def _turns(self, day: date) -> bool:
        with self.books() as session:
            issues = select(Subscription.id).where(
                Subscription.state == "active", Subscription.next_issue_on == day
            )
            is_issued = session.scalar(issues.limit(1)) is not None
        return is_issued or self.vendor.licence(self.client).next_check_on == day

    # -- what people do ------------------------------------------------------------------------

    def step(self) -> None:
        """One thing that somebody does; a refusal is an answer, too."""
        name = self.die.choice(WAITING if self.contract().state == "order" else RUNNING)
        self.vendor.clock.advance(minutes=7)
        self.vendor.drain()
        self.log.append(f"{self.vendor.clock.now():%m-%d %H:%M} {name}")
        try:
            getattr(self, f"do_{name}")()
        except DomainError as refusal:
            self.log.append(f"  refused: {refusal.code}")
            return
        self.vendor.drain()
        self.check(self, name)

    def do_day(self) -> None:
        self.wait(1, is_off=False)

    def do_days(self) -> None:
        self.wait(self.die.choice(WAITS), is_off=self.die.random() < 0.15)

    def do_enable(self) -> None:
        wanted = self.vendor.licence(self.client).first_total
        way = self.die.choice(["paid", "over", "short", "credit"])
        amount = {"over": wanted + 40, "short": wanted - Decimal("0.40")}.get(way, wanted)
        self.vendor.enable(
            self.client, distributor=self.distributor(), amount=str(amount),
            on_credit=way == "credit",
        )  # fmt: skip

    def do_report(self) -> None:
        owed = self.owed()
        some = owed if self.die.random() < 0.5 else owed[:1]
        whole = sum((one.balance for one in some), Decimal(0)) or (
            self.vendor.licence(self.client).first_total
        )
        part = self.die.choice(
            [Decimal(0), Decimal(0), Decimal("0.40"), whole / 2, -Decimal("5.5")]
        )
        about = {"invoice_ids": tuple(one.id for one in some)} if some else {}
        self.vendor.report(self.client, str(to_cents(whole - part)), **about)

    def do_answer(self) -> None:
        who = self.die.choice([self.distributor(), self.vendor.operator])
        now = self.vendor.clock.now()
        with unit_of_work(who.scope) as session:
            rows = select(QueuedReport.report_id).where(QueuedReport.state == "waiting")
            waiting = session.scalars(rows.order_by(QueuedReport.reported_at).limit(1)).all()
            if waiting and self.die.random() < 0.5:
                queue.confirm_reports(session, waiting, now=now)
            elif waiting:
                queue.reject_report(session, waiting[0], reason="No consta", now=now)

    def do_pay(self) -> None:
        for one in self.owed()[:1]:
            amount = self.die.choice([one.balance, one.balance - Decimal("0.30"), one.balance + 20])
            with self.books() as session:
                share = PaymentAllocation(one.id, min(amount, one.balance))
                data = PaymentData(
                    one.customer_id, "transfer", amount, self.day, (share,), str(new_id())
                )
                plugins.service(PaymentRecording).record(session, data, now=self.vendor.clock.now())

    def do_bounce(self) -> None:
        with self.books() as session:
            paid = select(Payment.id).where(
                Payment.state == "recorded", Payment.method == "transfer"
            )
            for payment_id in session.scalars(paid.order_by(Payment.id.desc()).limit(1)).all():
                reverse_payment(session, payment_id, reason="Rebotó", now=self.vendor.clock.now())

    def do_annul(self) -> None:
        for one in self.owed()[-1:]:
            with self.books() as session:
                annul_invoice(session, one.id, reason="No pagó", now=self.vendor.clock.now())

    def do_plan(self) -> None:
        with self.own() as session:
            wanted = self.plans[self.die.choice(list(self.plans))]
            choose_plan.ask_plan(session, wanted, now=self.vendor.clock.now())

    def do_books_plan(self) -> None:
        wanted, subscription = self.die.choice(list(self.plans)), self.contract().subscription_id
        with self.books() as session:
            change_plan(
                session, subscription, plan_id=self.plans[wanted], now=self.vendor.clock.now()
            )

    def do_leave(self) -> None:
        with self.own() as session:
            keep_licence.cancel_licence(session, now=self.vendor.clock.now())

    def do_books_leave(self) -> None:
        subscription = self.contract().subscription_id
        with self.books() as session:
            cancel.cancel(session, subscription, now=self.vendor.clock.now())

    def do_books_keep(self) -> None:
        subscription = self.contract().subscription_id
        with self.books() as session:
            cancel.keep(session, subscription, now=self.vendor.clock.now())

    def do_draft(self) -> None:
        with self.books() as session:
            drafts = select(CreditDraft.invoice_id).where(CreditDraft.state == "draft")
            for invoice_id in session.scalars(drafts.limit(1)).all():
                credit_drafts.confirm_draft(session, invoice_id, now=self.vendor.clock.now())

    def do_transfer(self) -> None:
        vendor = self.vendor
        other = vendor.south if self.distributor() is vendor.north else vendor.north
        with self.own() as session:
            keep_licence.ask_for_transfer(session, other.tax_id, now=vendor.clock.now())

    def do_come_back(self) -> None:
        renews = self.die.random() < 0.5
        with self.own() as session:
            come_back.order_month(
                session, plan_id=self.plans["COMERCIO"], renews=renews, now=self.vendor.clock.now()
            )
