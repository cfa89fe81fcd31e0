"""Entering a liquidación de compra or a retención: live totals, look-ups, the refusal at its field."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from core.domain.money import total
from core.errors import DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from core.web.context import Context
from core.web.views import Pages, form
from plugins.einvoice_sri.domain import catalogos
from plugins.einvoice_sri.domain.purchase_sums import PurchaseSums
from plugins.einvoice_sri.services import purchase_lookups as lookups
from plugins.einvoice_sri.services.issue_purchases import issue_purchase
from plugins.einvoice_sri.views import purchase_sheet as sheet
from plugins.einvoice_sri.views.purchase_sheet import Typed

ISSUE = "issue"
GENERAL_RATE = "4"
NEW_LINE = {"quantity": "1", "rate": GENERAL_RATE}
NEW_TAX = {"rate": GENERAL_RATE}
#: Our own checks speak of SRI's fields; the forms have these.
FIELDS = {
    "sri_identificacion": "tax_id",
    "sri_consumidor_final": "tax_id_type",
    "sri_sustento_posterior": "issued_on",
    "sri_tipo_sujeto": "tax_id_type",
    "sri_forma_pago": "payment",
    "sri_efectivo": "payment",
    "sri_retencion_codigo": "held_what-0",
    "sri_retencion_tarifa": "held_percent-0",
    "sri_iva_no_vigente": "line_rate-0",
    "sri_additional_info": "remark",
}


class PurchasePages(Pages):
    """Documents that the buyer makes out."""

    route_base = "/sri/purchases"
    permission = "einvoice_sri.purchase"

    @form("/settlement", action="issue")
    def settlement(self, ctx: Context) -> Any:
        """A liquidación de compra: for a seller who may give no invoice."""
        typed = _typed(ctx, payment="20", tax_id_type="05")
        do = ctx.form.get("do", ISSUE) if ctx.submitted else ""
        sheet.add_or_remove(typed, do, "line", sheet.BOUGHT, NEW_LINE)
        sheet.recall_supplier(ctx.session, typed)
        rates = sheet.iva_rates(ctx.session, ctx.today)
        if do == ISSUE:
            sums = sheet.add_up_settlement(typed, rates)
            return _issue(ctx, "settlement", sheet.settlement(typed, sums, ctx.today))
        sums = PurchaseSums()
        try:
            sums = sheet.add_up_settlement(typed, rates, typing=True)
        except DomainError as problem:
            _tell(ctx, typed, problem, do)
        ctx.form = typed
        return ctx.render(
            "einvoice_sri/settlement.html",
            rows=sheet.rows_of(typed, "line", sheet.BOUGHT),
            sums=sums,
            rates=_rate_choices(rates),
            **_shared(ctx, ctx.today),
        )

    @form("/withholding", action="issue")
    def withholding(self, ctx: Context) -> Any:
        """A comprobante de retención over an invoice or a liquidación."""
        typed = _typed(ctx, payment="20", tax_id_type="04", support_kind="01", support_code="01")
        do = ctx.form.get("do", ISSUE) if ctx.submitted else ""
        sheet.add_or_remove(typed, do, "tax", sheet.TAXED, NEW_TAX)
        sheet.add_or_remove(typed, do, "held", sheet.WITHHELD, {})
        self._find(ctx, typed, do)
        sheet.recall_supplier(ctx.session, typed)
        day = _day(typed, ctx.today)
        rates, codes = sheet.iva_rates(ctx.session, day), sheet.retention_codes(ctx.today)
        if do == ISSUE:
            sums = sheet.read_supported(typed, rates)
            sheet.fill_in(typed, sums, codes)
            held = sheet.read_withheld(typed, codes)
            return _issue(ctx, "withholding", sheet.withholding(typed, sums, held, ctx.today))
        sums, held = PurchaseSums(), []
        try:
            sums = sheet.read_supported(typed, rates, typing=True)
            sheet.fill_in(typed, sums, codes)
            held = sheet.read_withheld(typed, codes, typing=True)
        except DomainError as problem:
            _tell(ctx, typed, problem, do)
        ctx.form = typed
        return ctx.render(
            "einvoice_sri/withholding.html",
            taxed=sheet.rows_of(typed, "tax", sheet.TAXED),
            rows=sheet.rows_of(typed, "held", sheet.WITHHELD),
            sums=sums,
            held=held,
            retained=total(one.amount for one in held),
            rates=_rate_choices(rates),
            codes=codes,
            kinds=sheet.supported_kinds(),
            supports=_choices("sustentos", ctx.today),
            fetched=lookups.fetched_invoices(ctx.session),
            **_shared(ctx, ctx.today),
        )

    @staticmethod
    def _find(ctx: Context, typed: Typed, do: str) -> None:
        """Fill in the document withheld from: by its key, or the liquidación that one came from."""
        if do == "find" or do.startswith("find-"):
            key = do.removeprefix("find").removeprefix("-") or typed.get("access_key", "")
            sheet.write_supported(typed, lookups.find_supported(ctx.session, key))
        elif not ctx.submitted and ctx.args.get("document") and not ctx.form:
            found = lookups.find_settlement(ctx.session, ctx.uuid("document") or UUID(int=0))
            if found is None:
                raise NotFound
            sheet.write_supported(typed, found)


def _typed(ctx: Context, **defaults: str) -> Typed:
    """What was typed, or the form as it opens."""
    if ctx.form:
        return Typed(ctx.form)
    return Typed({**defaults, "purchase_key": str(new_id())})


def _day(typed: Typed, today: date) -> date:
    """The day of the document withheld from, as far as it can be read: its rates of IVA count."""
    try:
        return min(date.fromisoformat(typed.get("issued_on", "").strip()), today)
    except ValueError:
        return today


def _tell(ctx: Context, typed: Typed, problem: DomainError, do: str) -> None:
    """While people type, only what they have typed wrong is shown, not what is still empty."""
    if ctx.error is not None or not do:
        return
    name, _dash, at = (problem.field or "").partition("-")
    cells = typed.getlist(name)
    if at.isdigit() and int(at) < len(cells) and cells[int(at)].strip():
        ctx.error = problem


def _issue(ctx: Context, what: str, given: dict[str, Any]) -> Any:
    key = ctx.form.get("purchase_key", "")
    if not key or len(key) > 60:
        key = str(new_id())
    point = ctx.uuid("issue_point_id")
    if point not in {one.id for one in lookups.issue_points(ctx.session)}:
        raise DomainError(
            _("Choose the emission point that numbers the document."),
            code="point",
            field="issue_point_id",
        )
    assert point is not None
    try:
        made, _is_new = issue_purchase(
            ctx.session, what, given, issue_point_id=point, source_key=f"page:{key}", now=ctx.now
        )
    except DomainError as refusal:
        field = FIELDS.get(refusal.code or "")
        if refusal.field or field is None:
            raise
        raise DomainError(refusal.sentence, code=refusal.code, field=field) from refusal
    ctx.flash(_("Document %(number)s is on its way to SRI.", number=made.number), "wait")
    return ctx.go("einvoice_sri.document.show", document_id=made.id)


def _rate_choices(rates: dict[str, Any]) -> list[tuple[str, str]]:
    return [(code, str(one.label)) for code, one in rates.items()]


def _choices(table: str, on: date) -> list[tuple[str, str]]:
    return [
        (one.codigo, f"{one.codigo} · {one.nombre}")
        for one in catalogos.tabla(table)
        if one.vigente(on)
    ]


def _shared(ctx: Context, on: date) -> dict[str, Any]:
    return {
        "points": lookups.issue_points(ctx.session),
        "id_types": [
            (one.codigo, one.nombre)
            for one in catalogos.tabla("identificaciones")
            if one.codigo != "07"
        ],
        "payments": _choices("formas_pago", on),
    }
