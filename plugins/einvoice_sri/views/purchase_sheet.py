"""A purchase document on the screen: what was typed, from one click of the form to the next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from core.contracts.codec import to_json
from core.contracts.fiscal import FiscalPayment, SupportedDocument, WithheldTax
from core.contracts.sales import CustomerData
from core.domain import tax_ids
from core.domain.money import ZERO, total
from core.errors import DomainError
from core.i18n import _
from core.services import tax_rates
from core.web.typed import read_day, read_decimal, read_fine, read_money, required
from plugins.einvoice_sri.domain import catalogos, purchase_sums
from plugins.einvoice_sri.domain import secuencial as numeros
from plugins.einvoice_sri.domain.purchase_sums import BoughtLine, PurchaseSums
from plugins.einvoice_sri.services.purchase_lookups import Supplier, Supported, known_supplier

Typed = MultiDict[str, str]

BOUGHT = ("code", "description", "quantity", "price", "discount", "rate")
TAXED = ("rate", "base", "amount")
WITHHELD = ("what", "base", "percent")
TABLES = {"1": "retencion_renta", "2": "retencion_iva", "6": "retencion_isd"}
RENTA, IVA_TAX = "1", "2"  # what is retained: income tax, IVA
MOST_ROWS = 60


@dataclass(frozen=True, slots=True)
class Code:
    """A retention code to choose: ``value`` is tax and code (``1:312``), ``rate`` "" where there are several."""

    value: str
    words: str
    rate: str


def rows_of(typed: Typed, prefix: str, names: tuple[str, ...]) -> list[dict[str, str]]:
    """The rows of a table of fields, one mapping each; missing cells are empty."""
    columns = {name: typed.getlist(f"{prefix}_{name}") for name in names}
    count = min(max(map(len, columns.values()), default=0), MOST_ROWS)
    return [
        {name: cells[at].strip() if at < len(cells) else "" for name, cells in columns.items()}
        for at in range(count)
    ]


def set_rows(typed: Typed, prefix: str, names: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    """Write rows back into what was typed."""
    for name in names:
        typed.setlist(f"{prefix}_{name}", [row.get(name, "") for row in rows])


def add_or_remove(
    typed: Typed, do: str, prefix: str, names: tuple[str, ...], new: dict[str, str]
) -> None:
    """What the buttons ``add-line`` and ``remove-line-2`` do to the rows of ``line``."""
    rows = rows_of(typed, prefix, names)
    if do == f"add-{prefix}" and len(rows) < MOST_ROWS:
        rows.append(new)
    at = do.removeprefix(f"remove-{prefix}-")
    if at != do and at.isdigit():
        del rows[int(at) : int(at) + 1]
    set_rows(typed, prefix, names, rows or [new])


def recall_supplier(session: Session, typed: Typed) -> None:
    """Fill in who it is when his number is known and nobody has written a name yet."""
    number = tax_ids.normalise(typed.get("tax_id", ""))
    if number and not typed.get("legal_name", "").strip():
        known = known_supplier(session, number)
        if known is not None:
            write_supplier(typed, known)


def write_supplier(typed: Typed, who: Supplier) -> None:
    """The supplier's fields; what is unknown stays as it was typed."""
    for name in ("tax_id_type", "tax_id", "legal_name", "email", "address"):
        value = getattr(who, name)
        if value:
            typed[name] = value


def write_supported(typed: Typed, found: Supported) -> None:
    """The fields of the document that is withheld from."""
    typed["support_kind"], typed["number"] = found.kind, found.number
    typed["issued_on"], typed["access_key"] = found.issued_on.isoformat(), found.access_key
    write_supplier(typed, found.supplier)
    if found.taxes:
        rows = [
            {"rate": one.rate_code, "base": _written(one.base), "amount": _written(one.amount)}
            for one in found.taxes
        ]
        set_rows(typed, "tax", TAXED, rows)


def _written(amount: Decimal) -> str:
    """An amount as people here write it: ``4,50``."""
    return str(amount).replace(".", ",")


def read_supplier(typed: Typed) -> CustomerData:
    """Who sold. Raises ``DomainError`` at the field."""
    kind = typed.get("tax_id_type", "")
    if kind == tax_ids.FINAL_CONSUMER or kind not in tax_ids.TYPES:
        raise DomainError(
            _("Choose the kind of identification: RUC, cédula, passport or foreign id."),
            code="type",
            field="tax_id_type",
        )
    finding = tax_ids.check(kind, typed.get("tax_id", ""))
    if not finding.is_valid:
        raise DomainError(str(finding.sentence), code=finding.code, field="tax_id")
    name = required(typed.get("legal_name", ""), "legal_name", _("Write the supplier's name."))
    return CustomerData(
        tax_id_type=kind,
        tax_id=finding.number,
        legal_name=name[:300],
        email=typed.get("email", "").strip()[:200],
        address=" ".join(typed.get("address", "").split())[:300],
    )


def iva_rates(session: Session, on: date) -> dict[str, Any]:
    """The rates of IVA in force on a day, by code."""
    return {one.code: one for one in tax_rates.current(session, tax_rates.IVA, on)}


def read_bought(typed: Typed, *, typing: bool = False) -> list[BoughtLine]:
    """The lines of a liquidación; while people are ``typing``, what is empty counts as nothing yet.

    Raises ``DomainError`` at ``line_quantity-0`` and the like.
    """
    later = "0" if typing else ""
    return [
        BoughtLine(
            code=(row["code"] or f"{at + 1:03d}")[:25],
            description=required(
                row["description"] or later,
                f"line_description-{at}",
                _("Write what was bought, or remove the line."),
            )[:300],
            quantity=_positive(
                read_fine(row["quantity"] or "1", f"line_quantity-{at}"), "quantity", at
            ),
            unit_price=read_fine(row["price"] or later, f"line_price-{at}"),
            discount=read_money(row["discount"] or "0", f"line_discount-{at}"),
            rate_code=row["rate"],
        )
        for at, row in enumerate(rows_of(typed, "line", BOUGHT))
    ]


def _positive(value: Decimal, name: str, at: int) -> Decimal:
    if value == 0:
        raise DomainError(_("Write a quantity above zero."), code="zero", field=f"line_{name}-{at}")
    return value


def add_up_settlement(typed: Typed, rates: dict[str, Any], *, typing: bool = False) -> PurchaseSums:
    """What the liquidación comes to. Raises ``DomainError`` at the field."""
    lines = read_bought(typed, typing=typing)
    for at, one in enumerate(lines):
        _known_rate(one.rate_code, rates, f"line_rate-{at}")
        if one.quantity * one.unit_price < one.discount:
            raise DomainError(
                _("The discount is larger than the line: lower it."),
                code="discount",
                field=f"line_discount-{at}",
            )
    sums = purchase_sums.settle(lines, {code: one.rate for code, one in rates.items()})
    if sums.total <= ZERO and not typing:
        raise DomainError(
            _("The document comes to zero: write the price."), code="zero", field="line_price-0"
        )
    return sums


def _known_rate(code: str, rates: dict[str, Any], field: str) -> None:
    if code not in rates:
        raise DomainError(
            _("Choose a rate of IVA that is in force on that day."), code="tax_code", field=field
        )


def settlement(typed: Typed, sums: PurchaseSums, today: date) -> dict[str, Any]:
    """The liquidación as ``issue_purchase`` takes it. Raises ``DomainError`` at the field."""
    return {
        "issued_on": today.isoformat(),
        "counterpart": to_json(read_supplier(typed)),
        "lines": to_json(sums.lines),
        "payments": to_json((FiscalPayment(_payment(typed, today), sums.total),)),
        "additional_info": _remark(typed),
    }


def _payment(typed: Typed, on: date) -> str:
    method = typed.get("payment", "")
    if catalogos.buscar("formas_pago", method, on) is None:
        raise DomainError(_("Choose a payment form."), code="payment", field="payment")
    return method


def _remark(typed: Typed) -> list[list[str]]:
    remark = " ".join(typed.get("remark", "").split())
    return [["Observación", remark[:300]]] if remark else []


def retention_codes(on: date) -> list[Code]:
    """Every retention code in force on a day; where the table of a tax begins later, all that it has."""
    found = []
    for tax, name in TABLES.items():
        rows = catalogos.tabla(name)
        for one in [row for row in rows if row.vigente(on)] or rows:
            rate = (
                f"{one.tarifas[0].normalize():f}".replace(".", ",") if len(one.tarifas) == 1 else ""
            )
            shown = " / ".join(f"{each.normalize():f}".replace(".", ",") for each in one.tarifas)
            words = f"{one.codigo} · {one.nombre}" + (f" · {shown} %" if shown else "")
            found.append(Code(f"{tax}:{one.codigo}", words, rate))
    return found


def read_supported(typed: Typed, rates: dict[str, Any], *, typing: bool = False) -> PurchaseSums:
    """The amounts of the document that is withheld from. Raises ``DomainError`` at the field."""
    bases = []
    for at, row in enumerate(rows_of(typed, "tax", TAXED)):
        _known_rate(row["rate"], rates, f"tax_rate-{at}")
        bases.append(
            (
                row["rate"],
                rates[row["rate"]].rate,
                read_money(row["base"] or ("0" if typing else ""), f"tax_base-{at}"),
                read_money(row["amount"], f"tax_amount-{at}") if row["amount"] else None,
            )
        )
    sums = purchase_sums.supported(bases)
    if sums.total <= ZERO and not typing:
        raise DomainError(
            _("Write the subtotal of the document that is withheld from."),
            code="zero",
            field="tax_base-0",
        )
    return sums


def fill_in(typed: Typed, sums: PurchaseSums, codes: list[Code]) -> None:
    """Base and percentage of each retention where they were left empty."""
    by_value = {one.value: one for one in codes}
    rows = rows_of(typed, "held", WITHHELD)
    for row in rows:
        code = by_value.get(row["what"])
        if code is None:
            continue
        row["percent"] = row["percent"] or code.rate
        if not row["base"] and sums.total > ZERO:
            iva = row["what"].startswith(f"{IVA_TAX}:")
            base = total(one.amount for one in sums.taxes) if iva else sums.subtotal
            row["base"] = _written(base)
    set_rows(typed, "held", WITHHELD, rows)


def read_withheld(typed: Typed, codes: list[Code], *, typing: bool = False) -> list[WithheldTax]:
    """The retained taxes. Raises ``DomainError`` at ``held_base-0`` and the like."""
    known = {one.value: one for one in codes}
    held = []
    for at, row in enumerate(rows_of(typed, "held", WITHHELD)):
        if typing and not (row["what"] and row["base"] and row["percent"]):
            held.append(WithheldTax("", "", ZERO, ZERO, ZERO))
            continue
        if row["what"] not in known:
            raise DomainError(
                _("Choose the retention code, or remove the line."),
                code="retention_code",
                field=f"held_what-{at}",
            )
        tax, code = row["what"].split(":", 1)
        rate = read_decimal(row["percent"], f"held_percent-{at}")
        if rate > 100:
            raise DomainError(
                _("A percentage is at most 100."), code="percent", field=f"held_percent-{at}"
            )
        fixed = known[row["what"]].rate
        if tax != RENTA and fixed and Decimal(fixed.replace(",", ".")) != rate:
            raise DomainError(
                _("This code retains %(rate)s %%: correct the percentage.", rate=fixed),
                code="percent",
                field=f"held_percent-{at}",
            )
        held.append(
            purchase_sums.withhold(tax, code, read_money(row["base"], f"held_base-{at}"), rate)
        )
    return held


def withholding(
    typed: Typed, sums: PurchaseSums, held: list[WithheldTax], today: date
) -> dict[str, Any]:
    """The retención as ``issue_purchase`` takes it. Raises ``DomainError`` at the field."""
    try:
        number = numeros.numero(*numeros.partes(typed.get("number", "").strip()))
    except ValueError as error:
        raise DomainError(
            _("Write the document's number as 001-002-000000123."), code="number", field="number"
        ) from error
    day = read_day(typed.get("issued_on", ""), "issued_on")
    if day > today:
        raise DomainError(
            _("The document that is withheld from cannot be of a later day than today."),
            code="later",
            field="issued_on",
        )
    key = "".join(typed.get("access_key", "").split())
    if key and not (key.isascii() and key.isdigit() and len(key) in (10, 37, 49)):
        raise DomainError(
            _("An authorisation has 10, 37 or 49 digits: copy it again, or leave it empty."),
            code="authorisation",
            field="access_key",
        )
    kind = typed.get("support_kind", "")
    if kind not in {one for one, _word in supported_kinds()}:
        raise DomainError(
            _("Choose what kind of document it is."), code="kind", field="support_kind"
        )
    support = typed.get("support_code", "")
    if catalogos.buscar("sustentos", support, day) is None:
        raise DomainError(
            _("Choose what the purchase is for."), code="support", field="support_code"
        )
    return {
        "issued_on": today.isoformat(),
        "counterpart": to_json(read_supplier(typed)),
        "fiscal_period": f"{day:%m/%Y}",
        "supported": to_json(SupportedDocument(kind, number, day, key)),
        "supported_subtotal": str(sums.subtotal),
        "supported_total": str(sums.total),
        "supported_taxes": to_json(sums.taxes),
        "taxes": to_json(tuple(held)),
        "payments": to_json((FiscalPayment(_payment(typed, day), sums.total),)),
        "support_code": support,
        "related_party": typed.get("related_party") == "1",
        "additional_info": _remark(typed),
    }


def supported_kinds() -> list[tuple[str, str]]:
    """What can be withheld from, as choices."""
    return [
        (one.codigo, one.nombre)
        for one in catalogos.tabla("documentos_sustento")
        if one.codigo not in {"04", "06", "07"}
    ]
