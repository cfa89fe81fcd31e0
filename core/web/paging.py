"""Pages of a list cut by key: next and previous cost the same on page 1 and page 10,000."""

from __future__ import annotations

import base64
import json
from collections import namedtuple
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, or_
from sqlalchemy import select as new_select
from sqlalchemy.orm import Session
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import UnaryExpression

from core.errors import NotFound
from core.web.formats import COUNT_CAP


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page; ``next`` and ``previous`` are values for ``?after=`` (None: no such page)."""

    rows: list[Any]
    next: str | None
    previous: str | None

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def page_by_key(
    session: Session,
    select: Select[Any],
    columns: Sequence[Any],
    *,
    after: str | None,
    size: int = 50,
) -> Page:
    """The rows of ``select`` ordered by ``columns``, ``size`` at a time.

    ``columns`` are NOT NULL columns that together name one row, such as
    ``[Invoice.issued_on.desc(), Invoice.id.desc()]``; ``select`` has no ORDER BY. A row is what was
    selected: an object, or a named tuple when it is several things. ``after`` comes from the address
    (``ctx.args.get("after")``). Raises ``NotFound`` for a forged ``after``.
    """
    keys = [(_column(one), _is_descending(one)) for one in columns]
    backwards, values = _read_token(after, [key for key, _ in keys])
    statement = select.add_columns(*(key for key, _ in keys))
    if values is not None:
        statement = statement.where(_beyond(keys, values, backwards=backwards))
    statement = statement.order_by(
        *(key.desc() if descending != backwards else key.asc() for key, descending in keys)
    ).limit(size + 1)
    result = session.execute(statement)
    names = list(result.keys())[: -len(keys)]
    shape = namedtuple("shape", names, rename=True)  # type: ignore[misc]  # noqa: PYI024  (its fields are known when it runs)
    found = list(result)
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    width = len(keys)
    rows = [shape(*tuple(row)[:-width]) for row in found]
    has_next = bool(found) and (backwards or more)
    has_previous = bool(found) and (more if backwards else values is not None)
    return Page(
        rows=[row[0] if len(row) == 1 else row for row in rows],
        next=_token(found[-1][-width:]) if has_next else None,
        previous="-" + _token(found[0][-width:]) if has_previous else None,
    )


def count_capped(session: Session, select: Select[Any], cap: int = COUNT_CAP) -> int:
    """How many rows ``select`` has, counting no further than ``cap + 1`` (show with ``|capped``)."""
    few = select.order_by(None).limit(cap + 1).subquery()
    counting = new_select(func.count()).select_from(few)
    return session.execute(
        counting.execution_options(**select.get_execution_options())
    ).scalar_one()


def _column(one: Any) -> Any:
    return one.element if isinstance(one, UnaryExpression) else one


def _is_descending(one: Any) -> bool:
    return isinstance(one, UnaryExpression) and one.modifier is operators.desc_op


def _beyond(keys: list[tuple[Any, bool]], values: list[Any], *, backwards: bool) -> Any:
    cases = []
    for at, (key, descending) in enumerate(keys):
        same = [earlier == values[n] for n, (earlier, _) in enumerate(keys[:at])]
        further = key < values[at] if descending != backwards else key > values[at]
        cases.append(and_(*same, further))
    return or_(*cases)


def _token(values: Sequence[Any]) -> str:
    text = json.dumps([one.isoformat() if isinstance(one, date) else str(one) for one in values])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_token(after: str | None, keys: list[Any]) -> tuple[bool, list[Any] | None]:
    if not after:
        return False, None
    backwards = after.startswith("-")
    body = after[1:] if backwards else after
    try:
        texts = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        if not isinstance(texts, list) or len(texts) != len(keys):
            raise NotFound
        return backwards, [
            _parse(key.type.python_type, one) for key, one in zip(keys, texts, strict=True)
        ]
    except (ValueError, TypeError, ArithmeticError, UnicodeError, RecursionError) as error:
        raise NotFound from error


def _parse(kind: type, text: Any) -> Any:
    if not isinstance(text, str) or "\x00" in text or len(text) > 400:
        raise ValueError(text)
    if issubclass(kind, datetime):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError(text)
        return moment
    if issubclass(kind, date):
        return date.fromisoformat(text)
    if issubclass(kind, Decimal):
        value = Decimal(text)
        if not value.is_finite():
            raise ValueError(text)
        return value
    if kind in (UUID, int, str):
        text.encode()
        return kind(text)
    raise ValueError(kind)
