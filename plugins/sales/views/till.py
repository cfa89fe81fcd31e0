"""The sale screen: a till. One form, one address; every step works without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from markupsafe import Markup
from sqlalchemy import select

from core import plugins
from core.contracts.sales import CustomerData, InvoiceDraft, PaymentAllocation, PaymentData
from core.contracts.services import FiscalIssuing
from core.errors import DomainError, NotFound, ServiceMissing
from core.i18n import _, lazy
from core.services import settings
from core.web.context import Context
from core.web.formats import clock_time, money
from core.web.typed import form_key, read_money, read_whole
from core.web.views import Pages, form, page
from plugins.sales.domain.customers import guess_type
from plugins.sales.domain.vocabulary import practice_source
from plugins.sales.models import Customer, Invoice, Product, Salesperson
from plugins.sales.services import find_sales
from plugins.sales.services.check_pins import PinAnswer, check_pin
from plugins.sales.services.issue_invoices import issue_invoices
from plugins.sales.services.keep_customers import create_customer, final_consumer
from plugins.sales.services.practice import SHOWN, is_practising, settle_practice
from plugins.sales.services.record_payment import record_payment
from plugins.sales.views.till_cart import Cart, choose, read_cart

SOURCE = "till"
ON_CREDIT = "credit"
FORMS = (
    ("01", lazy("Cash")),
    ("16", lazy("Debit card")),
    ("19", lazy("Credit card")),
    ("20", lazy("Transfer received")),
    (ON_CREDIT, lazy("On credit")),
)
METHODS = {"01": "cash", "16": "card", "19": "card", "20": "transfer"}
FINAL_STATES = frozenset({"authorized", "rejected", ""})
TONES = {"authorized": "ok", "rejected": "bad", "unknown": "warn", "paused": "warn", "": "ok"}


class TillPages(Pages):
    """Sell: products, customer, payment, PIN, and the document's state on the same screen."""

    route_base = "/sales/till"
    permission = "sales.till"

    @form("/", action="issue")
    def sell(self, ctx: Context) -> Any:
        """The till. Each button of the form says in ``do`` what it wants."""
        cart = read_cart(ctx)
        shown: dict[str, Any] = {"focus": "product_q"}
        if ctx.submitted:
            done = self._act(ctx, cart, ctx.form.get("do", "enter"), shown)
            if done is not None:
                return done
        elif ctx.error is not None:
            shown["focus"] = ""
        problem = cart.total_up(ctx.session, ctx.today)
        if problem is not None and ctx.error is None and cart.lines:
            ctx.error = problem
        people = find_sales.salespeople(ctx.session)
        return ctx.render(
            "sales/till.html",
            cart=cart,
            people=people,
            seller=ctx.form.get("salesperson_id")
            or ctx.args.get("seller")
            or (str(people[0].id) if len(people) == 1 else ""),
            points=_tills(ctx),
            forms=FORMS,
            paying=ctx.form.get("payment")
            or settings.read(ctx.session, "sales.default_payment_form"),
            sale_key=form_key(ctx.form.get("sale_key")),
            **shown,
        )

    def _act(self, ctx: Context, cart: Cart, do: str, shown: dict[str, Any]) -> Any:
        if do == "enter":
            do = self._meant(ctx)
        if do == "charge":
            return self._charge(ctx, cart, shown)
        if do == "find_product":
            self._find_product(ctx, cart, shown)
        elif do == "find_customer":
            self._find_customer(ctx, cart, shown)
        elif do == "create_customer":
            self._create_customer(ctx, cart, shown)
        elif do == "final_consumer":
            choose(ctx.session, cart, None)
        elif do.startswith("add-"):
            self._add(ctx, cart, do.removeprefix("add-"))
        elif do.startswith("pick-"):
            self._pick(ctx, cart, do.removeprefix("pick-"))
        elif do.startswith("remove-") and do.removeprefix("remove-").isdigit():
            at = int(do.removeprefix("remove-"))
            del cart.lines[at : at + 1]
        return None

    @staticmethod
    def _meant(ctx: Context) -> str:
        """What Enter means: the field that holds something not yet dealt with."""
        if ctx.form.get("product_q", "").strip():
            return "find_product"
        if ctx.form.get("new_name", "").strip() and ctx.form.get("new_tax_id", "").strip():
            return "create_customer"
        if ctx.form.get("customer_q", "").strip():
            return "find_customer"
        return "charge" if ctx.form.get("pin") else "nothing"

    @staticmethod
    def _find_product(ctx: Context, cart: Cart, shown: dict[str, Any]) -> None:
        query = ctx.form.get("product_q", "")
        found = find_sales.find_products(ctx.session, query)
        if len(found) == 1:
            cart.add(found[0])
            return
        shown["products"] = found
        shown["product_q"] = query
        shown["focus"] = "product_0" if found else "product_q"

    @staticmethod
    def _find_customer(ctx: Context, cart: Cart, shown: dict[str, Any]) -> None:
        query = ctx.form.get("customer_q", "")
        found = find_sales.find_customers(ctx.session, query)
        exact = [one for one in found if one.tax_id == "".join(query.split())]
        if len(exact or found) == 1:
            choose(ctx.session, cart, (exact or found)[0].id)
            return
        shown["customers"] = found
        shown["creating"] = not found
        if found:
            shown["customer_q"] = query
            shown["focus"] = "customer_0"
            return
        plain = "".join(query.split())
        if plain.isalnum() and any(one.isdigit() for one in plain):
            shown.update(new_tax_id=plain, focus="new_name")
        else:
            shown.update(new_name=query.strip(), focus="new_tax_id")

    @staticmethod
    def _create_customer(ctx: Context, cart: Cart, shown: dict[str, Any]) -> None:
        typed = {name: ctx.form.get(f"new_{name}", "") for name in ("tax_id", "name", "email")}
        number = "".join(typed["tax_id"].split())
        known = ctx.session.scalar(select(Customer.id).where(Customer.tax_id == number).limit(1))
        if known is None:
            try:
                with ctx.session.begin_nested():
                    known = create_customer(
                        ctx.session,
                        CustomerData(guess_type(number), number, typed["name"], typed["email"]),
                    )
            except DomainError as error:
                name = {"tax_id": "new_tax_id", "legal_name": "new_name", "email": "new_email"}
                ctx.error = DomainError(
                    error.sentence, code=error.code, field=name.get(error.field or "", "new_tax_id")
                )
                shown.update(
                    creating=True,
                    focus=ctx.error.field,
                    **{f"new_{key}": value for key, value in typed.items()},
                )
                return
        choose(ctx.session, cart, known)

    @staticmethod
    def _add(ctx: Context, cart: Cart, wanted: str) -> None:
        product = ctx.session.scalar(select(Product).where(Product.id == _uuid(wanted)))
        if product is None:
            raise NotFound
        cart.add(product)

    @staticmethod
    def _pick(ctx: Context, cart: Cart, wanted: str) -> None:
        choose(ctx.session, cart, _uuid(wanted))

    def _charge(self, ctx: Context, cart: Cart, shown: dict[str, Any]) -> Any:
        key = form_key(ctx.form.get("sale_key"))
        source = practice_source(SOURCE) if is_practising(ctx.session) else SOURCE
        again = ctx.session.scalar(
            select(Invoice.id)
            .where(Invoice.source == source, Invoice.source_key == key)
            .execution_options(**SHOWN)
        )
        if again is not None:
            return ctx.go("sales.till.done", invoice_id=again)
        seller = ctx.uuid("salesperson_id")
        if seller is None:
            raise DomainError(
                _("Choose who sells, then give the PIN."),
                code="seller_missing",
                field="salesperson_id",
            )
        pin = ctx.form.get("pin", "").strip()
        if not pin:
            raise DomainError(_("Give the PIN of who sells."), code="pin_missing", field="pin")
        drafts = cart.drafts()
        if not drafts:
            raise DomainError(
                _("The sale has no lines. Search a product with F3 and add it with Enter."),
                code="sale_empty",
                field="product_q",
            )
        answer = check_pin(ctx.session, seller, pin, now=ctx.now)
        if not answer.is_right:
            ctx.error = DomainError(_pin_sentence(answer), code="wrong_pin", field="pin")
            shown["focus"] = "pin"
            return None
        try:
            with ctx.session.begin_nested():
                invoice_id, change = self._issue(ctx, cart, drafts, seller, key)
        except NotFound:
            raise
        except DomainError as error:
            ctx.error = error
            shown["focus"] = ""
            return None
        if change:
            ctx.flash(_("Change to give: %(amount)s", amount=money(change)), "ok")
        return ctx.go("sales.till.done", invoice_id=invoice_id)

    @staticmethod
    def _issue(
        ctx: Context, cart: Cart, drafts: Sequence[Any], seller: UUID, key: str
    ) -> tuple[UUID, Any]:
        """Issue the invoice and record what was paid; the invoice's id and the change."""
        payment = ctx.form.get("payment", "01")
        points = _tills(ctx)
        if not points:
            raise DomainError(
                _("The company has no emission point yet. Create one under Company."),
                code="point_missing",
            )
        on_credit = payment == ON_CREDIT
        days = read_whole(ctx.form.get("term_days", ""), "term_days", empty=30) if on_credit else 0
        (ref,) = issue_invoices(
            ctx.session,
            [
                InvoiceDraft(
                    customer_id=cart.customer_id or final_consumer(ctx.session),
                    issue_point_id=ctx.uuid("issue_point_id") or points[0].id,
                    issued_on=ctx.today,
                    lines=tuple(drafts),
                    source=SOURCE,
                    source_key=key,
                    due_on=ctx.today + timedelta(days=days),
                    payment_method="20" if on_credit else payment,
                    payment_term_days=days,
                    salesperson_id=seller,
                )
            ],
            now=ctx.now,
        )
        if on_credit:
            return ref.id, None
        received = ctx.form.get("received", "").strip()
        change = read_money(received, "received") - ref.total if received else None
        if change is not None and change < 0:
            raise DomainError(
                _("The money received is less than the total. Correct it or leave it empty."),
                code="received_short",
                field="received",
            )
        if is_practising(ctx.session):
            settle_practice(ctx.session, ref.id, now=ctx.now)
            return ref.id, change
        record_payment(
            ctx.session,
            PaymentData(
                customer_id=cart.customer_id or final_consumer(ctx.session),
                method=METHODS.get(payment, "cash"),
                amount=ref.total,
                value_on=ctx.today,
                allocations=(PaymentAllocation(ref.id, ref.total),),
                idempotency_key=f"till:{key}",
                reference=ctx.form.get("reference", ""),
            ),
            now=ctx.now,
        )
        return ref.id, change

    @page("/done/<uuid:invoice_id>", action="read")
    def done(self, ctx: Context, invoice_id: UUID) -> Any:
        """The same screen after the PIN: the number, the document's state, *Nueva venta*."""
        return ctx.render("sales/till_done.html", **self._state(ctx, invoice_id))

    @page("/done/<uuid:invoice_id>/state", action="read")
    def state(self, ctx: Context, invoice_id: UUID) -> Any:
        """The state alone, asked again by the screen until it is final."""
        return ctx.fragment("sales/till_state.html", **self._state(ctx, invoice_id))

    @staticmethod
    def _state(ctx: Context, invoice_id: UUID) -> dict[str, Any]:
        invoice = ctx.session.execute(
            select(
                Invoice.id,
                Invoice.number,
                Invoice.customer_name,
                Invoice.customer_email,
                Invoice.total,
                Invoice.balance,
                Invoice.state,
                Invoice.issued_at,
                Salesperson.name.label("seller"),
            )
            .outerjoin(Salesperson, Salesperson.id == Invoice.salesperson_id)
            .where(Invoice.id == invoice_id)
            .execution_options(**SHOWN)
        ).one_or_none()
        if invoice is None:
            raise NotFound
        return {"invoice": invoice, **fiscal_state(ctx, invoice_id)}


def fiscal_state(ctx: Context, document_id: UUID) -> dict[str, Any]:
    """Where the fiscal document stands (``state``, ``tone``, ``sentence``, ``is_final``) and what other
    plugins show in the place ``sales.invoice`` (``blocks``).
    """
    try:
        status = (
            plugins.service(FiscalIssuing).statuses(ctx.session, [document_id]).get(document_id)
        )
    except ServiceMissing:
        status = None
    state = status.state if status else ""
    blocks = plugins.call(
        "page_blocks",
        tenant=ctx.tenant_id,
        place="sales.invoice",
        session=ctx.session,
        subject_id=document_id,
        now=ctx.now,
    )
    return {
        "fiscal": status,
        "tone": TONES.get(state, "wait"),
        "sentence": status.sentence if status else _("Issued."),
        "is_final": state in FINAL_STATES,
        "blocks": [Markup(one) for one in blocks if one],  # noqa: S704  (made by plugins as HTML)
    }


def _pin_sentence(answer: PinAnswer) -> str:
    if answer.locked_until is not None:
        return _(
            "Too many wrong PINs. The next attempt is possible at %(time)s.",
            time=clock_time(answer.locked_until),
        )
    if not answer.has_pin:
        return _("This salesperson has no PIN yet. Send the link to set one from Salespeople.")
    return _("The PIN is not right. Attempts left: %(count)s.", count=answer.tries_left)


def _tills(ctx: Context) -> Sequence[Any]:
    """The points a counter sells at: those for tills, or whatever there is."""
    points = find_sales.issue_points(ctx.session)
    return [one for one in points if one.purpose == "till"] or points


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None
