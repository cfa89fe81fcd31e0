"""Bank statements: which column is what, and what a cell says. Banks differ; the mapping is data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any, Final

from core.domain.money import ZERO, to_cents
from core.errors import DomainError
from core.i18n import _
from plugins.sales.domain.customers import search_key

FIELDS: Final = ("value_on", "amount", "reference", "description", "kind")
REQUIRED: Final = ("value_on", "amount")
HINTS: Final[Mapping[str, tuple[str, ...]]] = {
    "value_on": ("fecha", "date", "fecha valor", "fecha contable", "fec"),
    "amount": ("credito", "creditos", "haber", "monto", "valor", "importe", "deposito", "amount"),
    "reference": ("referencia", "documento", "comprobante", "no. documento", "num", "reference"),
    "description": ("concepto", "descripcion", "detalle", "description", "ordenante"),
    "kind": ("tipo", "d/c", "c/d", "signo", "naturaleza"),
}
DEBITS: Final = frozenset({"d", "db", "deb", "debito", "nd", "n/d", "-", "cargo", "egreso"})
LONGEST_AMOUNT: Final = 40  # letters; a longer cell is a text
MOST: Final = Decimal(10) ** 12  # what a column of money holds
PREAMBLE: Final = 30  # rows that a bank may put before the header: account, holder, balance
_DATES: Final = ("%d/%m/%Y", "%Y-%m-%d", "%d-%m-%Y", "%Y/%m/%d", "%d/%m/%y", "%d.%m.%Y")


@dataclass(frozen=True, slots=True)
class Credit:
    """One credit on the account. ``fingerprint`` tells the same line of two exports apart from two
    equal payments of one file (their ordinal differs).
    """

    row: int
    value_on: date
    amount: Decimal
    reference: str
    description: str
    fingerprint: str


def guess_mapping(header: Sequence[Any]) -> dict[str, int]:
    """A first guess of which column holds which field; fields without a likely column are absent."""
    names = [search_key(str(cell or "")) for cell in header]
    found: dict[str, int] = {}
    for field, hints in HINTS.items():
        for hint in hints:
            for index, name in enumerate(names):
                if index not in found.values() and (name == hint or name.startswith(hint)):
                    found.setdefault(field, index)
            if field in found:
                break
    return found


def from_header(rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """``rows`` from the header on: the first row that names a day and an amount; else all of them."""
    for number, row in enumerate(rows[:PREAMBLE]):
        if set(REQUIRED) <= guess_mapping(row).keys():
            return rows[number:]
    return rows


def parse_amount(cell: Any) -> Decimal | None:
    """``"1.234,56"``, ``"1,234.56"``, ``"1.234"``, ``"$ 12.5"`` or a number as cents; None when there is none, or
    more than a column of money holds.
    """
    if cell is None or isinstance(cell, bool):
        return None
    if isinstance(cell, int | float | Decimal):
        return _cents(str(cell))
    if len(str(cell)) > LONGEST_AMOUNT:
        return None
    text = re.sub(r"[\s$]|USD", "", str(cell))
    if not re.fullmatch(r"[+-]?[\d.,]+", text):
        return None
    if "," in text and "." in text:
        decimal_mark = "," if text.rfind(",") > text.rfind(".") else "."
        text = text.replace("." if decimal_mark == "," else ",", "").replace(",", ".")
    elif "," in text:
        text = text.replace(",", ".") if re.search(r",\d{1,2}$", text) else text.replace(",", "")
    elif text.count(".") > 1 or re.fullmatch(r"[+-]?[1-9]\d{0,2}\.\d{3}", text):
        text = text.replace(".", "")
    return _cents(text)


def _cents(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return to_cents(number) if number.is_finite() and abs(number) < MOST - 1 else None


def parse_day(cell: Any) -> date | None:
    """The day a cell says, in the forms banks of Ecuador use; None when it says none."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = str(cell or "").strip()[:40].split(" ")[0].split("T")[0]
    for form in _DATES:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007  (a day, no instant)
        except ValueError:
            continue
    return None


def unread_days(rows: Sequence[Sequence[Any]], mapping: Mapping[str, int]) -> list[str]:
    """What stands as the day of rows with money in that ``read_credits`` leaves out because no such day
    exists, as ``"31/02/2026"``; a word (``"Total"``) is none.
    """
    found = []
    for row in rows[1:]:
        cell = _cell(row, mapping, "value_on")
        amount = parse_amount(_cell(row, mapping, "amount"))
        is_money = amount is not None and amount > ZERO and not _is_debit(row, mapping)
        if is_money and parse_day(cell) is None and re.match(r"\s*\d+[/.-]\d+[/.-]\d", str(cell)):
            found.append(str(cell).strip()[:20])
    return found


def _is_debit(row: Sequence[Any], mapping: Mapping[str, int]) -> bool:
    return search_key(str(_cell(row, mapping, "kind") or "")) in DEBITS


def read_credits(
    rows: Sequence[Sequence[Any]], mapping: Mapping[str, int], *, account: str
) -> list[Credit]:
    """The credits of a statement by ``mapping`` (field -> column, first row is the header).

    Rows without day or without a positive amount (debits, balances, subtitles) are left out.
    Raises ``DomainError`` when the mapping is unusable or nothing is left: a foreign file.
    """
    width = max((len(row) for row in rows), default=0)
    for field in REQUIRED:
        if not 0 <= mapping.get(field, -1) < width:
            raise DomainError(
                _("Say which column holds the day and which the amount of the credit."),
                code="mapping_incomplete",
                field=field,
            )
    seen: dict[str, int] = {}
    found = []
    for number, row in enumerate(rows[1:], start=2):
        value_on, amount = (
            parse_day(_cell(row, mapping, "value_on")),
            parse_amount(_cell(row, mapping, "amount")),
        )
        if value_on is None or amount is None or amount <= ZERO or _is_debit(row, mapping):
            continue
        reference = str(_cell(row, mapping, "reference") or "").strip()[:80]
        description = " ".join(str(_cell(row, mapping, "description") or "").split())[:300]
        base = "|".join((account, value_on.isoformat(), str(amount), reference, description))
        seen[base] = seen.get(base, 0) + 1
        found.append(
            Credit(
                number,
                value_on,
                amount,
                reference,
                description,
                sha256(f"{base}|{seen[base]}".encode()).hexdigest(),
            )
        )
    if not found:
        raise DomainError(
            _("No row of the file holds a day and a credit in these columns. Check the columns."),
            code="statement_empty",
            field="file",
        )
    return found


def _cell(row: Sequence[Any], mapping: Mapping[str, int], field: str) -> Any:
    index = mapping.get(field, -1)
    return row[index] if 0 <= index < len(row) else None


def same_reference(one: str, other: str) -> bool:
    """Are two references the same but for spaces, case and leading zeros?"""
    return bool(plain_reference(one)) and plain_reference(one) == plain_reference(other)


def plain_reference(reference: str) -> str:
    """A reference as it is compared: letters and digits only, upper case, no leading zeros."""
    return re.sub(r"[^0-9A-Z]", "", reference.upper()).lstrip("0")
