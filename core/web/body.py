"""Fields of an API's JSON body, and the ``Idempotency-Key``; each refusal names its field."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy import select

from core.db.locks import wait_for
from core.domain.money import to_cents, to_micros
from core.domain.periods import parse_day
from core.errors import Conflict, DomainError
from core.i18n import gettext as _
from core.models import ApiRequest
from core.web.context import Context, plain
from core.web.paging import Page

MISSING = object()
SIZES = range(1, 201)


def refuse(field: str, sentence: str, code: str = "bad_field") -> DomainError:
    """A refusal of one field."""
    return DomainError(sentence, code=code, field=field)


def text(body: Mapping[str, Any], name: str, default: Any = MISSING) -> str:
    """A text without the blanks round it. Raises ``DomainError`` when it is missing (without
    default) or no text.
    """
    value = body.get(name, default)
    if value is MISSING or value is None:
        if default is not MISSING:
            return str(default)
        raise refuse(name, _("The field %(name)s is missing. Send a text.", name=name), "missing")
    if not isinstance(value, str):
        raise refuse(name, _("The field %(name)s must be a text.", name=name))
    return value.strip()


def flag(body: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    """True or false."""
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise refuse(name, _("The field %(name)s must be true or false.", name=name))
    return value


def whole(
    body: Mapping[str, Any], name: str, default: int, *, least: int = 0, largest: int = 365
) -> int:
    """A whole number from ``least`` to ``largest``."""
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= largest:
        raise refuse(
            name,
            _("The field %(name)s must be a whole number from %(least)s to %(largest)s.",
              name=name, least=least, largest=largest),
        )  # fmt: skip
    return value


def _decimal(body: Mapping[str, Any], name: str, default: Any) -> Decimal:
    value = body.get(name, default)
    if value is MISSING:
        raise refuse(name, _("The field %(name)s is missing. Send a number.", name=name), "missing")
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise TypeError
        number = Decimal(value)
    except (TypeError, ArithmeticError):
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) > Decimal(10) ** 11:
        raise refuse(name, _('The field %(name)s must be a number such as "12.50".', name=name))
    return number


def money(body: Mapping[str, Any], name: str, default: Any = MISSING) -> Decimal:
    """An amount in whole cents, as text or number."""
    number = _decimal(body, name, default)
    if to_cents(number) != number:
        raise refuse(name, _("The field %(name)s has more than two decimals.", name=name))
    return to_cents(number)


def fine(body: Mapping[str, Any], name: str, default: Any = MISSING) -> Decimal:
    """A quantity or price with at most six decimals, as text or number."""
    number = _decimal(body, name, default)
    if to_micros(number) != number:
        raise refuse(name, _("The field %(name)s has more than six decimals.", name=name))
    return to_micros(number)


def day(body: Mapping[str, Any], name: str, default: date | None = None) -> date:
    """A day as ``2026-04-25``."""
    value = body.get(name)
    if value is None and default is not None:
        return default
    try:
        if not isinstance(value, str):
            raise TypeError
        return parse_day(value)
    except (TypeError, ValueError):
        raise refuse(
            name, _("The field %(name)s must be a day such as 2026-04-25.", name=name)
        ) from None


def optional_day(body: Mapping[str, Any], name: str) -> date | None:
    """A day, or None when it is absent."""
    return None if body.get(name) is None else day(body, name)


def identifier(body: Mapping[str, Any], name: str) -> UUID:
    """An id. Raises ``DomainError`` for what is none; whether it exists the service says."""
    found = optional_identifier(body, name)
    if found is None:
        raise refuse(name, _("The field %(name)s is missing. Send an id.", name=name), "missing")
    return found


def optional_identifier(body: Mapping[str, Any], name: str) -> UUID | None:
    """An id, or None when it is absent."""
    value = body.get(name)
    if value is None:
        return None
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise refuse(name, _("The field %(name)s must be an id (UUID).", name=name)) from None


def objects(body: Mapping[str, Any], name: str, *, largest: int = 500) -> list[Mapping[str, Any]]:
    """A list of objects."""
    value = body.get(name, [])
    if (
        not isinstance(value, list)
        or len(value) > largest
        or any(not isinstance(one, dict) for one in value)
    ):
        raise refuse(
            name,
            _("The field %(name)s must be a list of at most %(largest)s objects.",
              name=name, largest=largest),
        )  # fmt: skip
    return value


def size(ctx: Context) -> int:
    """The page size asked for with ``?size=``: 1 to 200, 50 without it."""
    typed = ctx.args.get("size", "50")
    if not typed.isdigit() or not typed.isascii() or len(typed) > 3 or int(typed) not in SIZES:
        raise refuse("size", _("The page size lies between 1 and 200."))
    return int(typed)


def page_body(page: Page, name: str, show: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """A page of a list with the keys of its neighbours for ``?after=``."""
    return {name: [show(one) for one in page.rows], "next": page.next, "previous": page.previous}


def request_key() -> str:
    """The header ``Idempotency-Key``, 1 to 100 characters; refused without it, because a repeat
    could not be told from a second wish.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if not 0 < len(key) <= 100:
        raise refuse(
            "Idempotency-Key",
            _("Send the header Idempotency-Key with 1 to 100 characters of your own."),
            "idempotency_key",
        )
    return key


def once(ctx: Context, route: str, make: Callable[[str], UUID]) -> tuple[UUID, bool]:
    """Run ``make`` once per ``Idempotency-Key``: ``(id, whether it was made now)``.

    ``route`` (``sales/invoices``) keeps the keys of different operations apart; ``make`` gets the
    key. The same key with another body is refused (``Conflict``). Two at the same moment wait for
    each other. Keys are remembered for 90 days (``core.core_tasks``).
    """
    key = request_key()
    wait_for(ctx.session, f"api/{route}/{key}")
    digest = sha256(json.dumps(plain(ctx.json), sort_keys=True).encode()).hexdigest()
    known = ctx.session.execute(
        select(ApiRequest.subject_id, ApiRequest.body_sha256).where(
            ApiRequest.route == route, ApiRequest.request_key == key
        )
    ).one_or_none()
    if known is not None:
        if known.body_sha256 != digest:
            raise Conflict(
                _("This Idempotency-Key was used with another body. Use a new key."),
                code="idempotency_mismatch",
                field="Idempotency-Key",
            )
        return known.subject_id, False
    made = make(key)
    ctx.session.add(
        ApiRequest(
            route=route, request_key=key, body_sha256=digest, subject_id=made, created_at=ctx.now
        )
    )
    ctx.session.flush()
    return made, True
