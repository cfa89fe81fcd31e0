"""Fields of a JSON body, and the ``Idempotency-Key``; each refusal names its field."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.db.tenancy import scope_of
from core.domain.money import to_cents
from core.errors import Conflict, DomainError
from core.i18n import _
from core.web.context import Context, plain
from plugins.billing.models import IdempotentRequest

REQUIRED = object()


def read(body: Mapping[str, Any], name: str, default: Any = REQUIRED) -> str:
    """A text; numbers are taken as written. Raises ``DomainError`` when it is missing."""
    value = body.get(name)
    if value is None:
        if default is REQUIRED:
            raise _refuse(name, _("The field %(name)s is missing.", name=name), "missing")
        return str(default)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal | float):
        raise _refuse(name, _("The field %(name)s must be a text.", name=name))
    return str(value).strip()


def money(body: Mapping[str, Any], name: str) -> Decimal:
    """An amount in whole cents."""
    typed = read(body, name)
    try:
        number = Decimal(typed)
    except ArithmeticError:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) > Decimal(10) ** 9 or to_cents(number) != number:
        raise _refuse(name, _("The field %(name)s must be an amount such as 30.00.", name=name))
    return to_cents(number)


def day(body: Mapping[str, Any], name: str, default: date | None = None) -> date:
    """A day as ``2026-04-25``."""
    typed = read(body, name, default or REQUIRED)
    try:
        return date.fromisoformat(typed)
    except ValueError:
        raise _refuse(
            name, _("The field %(name)s must be a day such as 2026-04-25.", name=name)
        ) from None


def whole(body: Mapping[str, Any], name: str, default: int, *, largest: int) -> int:
    """A whole number from 1 to ``largest``."""
    typed = read(body, name, default)
    if not (typed.isascii() and typed.isdigit()) or not 1 <= int(typed[:9]) <= largest:
        raise _refuse(
            name,
            _("The field %(name)s must be a whole number from 1 to %(largest)s.",
              name=name, largest=largest),
        )  # fmt: skip
    return int(typed)


def flag(body: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """True or false."""
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise _refuse(name, _("The field %(name)s must be true or false.", name=name))
    return value


def identifier(body: Mapping[str, Any], name: str) -> UUID:
    """An id; whether it exists the service says."""
    try:
        return UUID(read(body, name))
    except ValueError:
        raise _refuse(name, _("The field %(name)s must be an id (UUID).", name=name)) from None


def optional_identifier(body: Mapping[str, Any], name: str) -> UUID | None:
    """An id, or None when it is absent."""
    return None if body.get(name) is None else identifier(body, name)


def once(ctx: Context, route: str, make: Callable[[], UUID]) -> tuple[UUID, bool]:
    """Run ``make`` once per ``Idempotency-Key``: ``(id, whether it was made now)``.

    The same key with another body is refused (``Conflict``); without the header the request is
    refused, because a repeat could not be told from a second wish.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if not 0 < len(key) <= 100:
        raise _refuse(
            "Idempotency-Key",
            _("Send the header Idempotency-Key with 1 to 100 characters of your own."),
            "idempotency_key",
        )
    _lock(ctx.session, f"{route}/{key}")
    digest = sha256(json.dumps(plain(ctx.json), sort_keys=True).encode()).hexdigest()
    known = ctx.session.execute(
        select(IdempotentRequest.subject_id, IdempotentRequest.body_sha256).where(
            IdempotentRequest.route == route, IdempotentRequest.request_key == key
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
    made = make()
    ctx.session.add(
        IdempotentRequest(route=route, request_key=key, body_sha256=digest, subject_id=made)
    )
    ctx.session.flush()
    return made, True


def _lock(session: Session, name: str) -> None:
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 2))"),
        {"name": f"{scope_of(session).tenant_id}/billing.api/{name}"},
    )


def _refuse(field: str, sentence: str, code: str = "bad_field") -> DomainError:
    return DomainError(sentence, code=code, field=field)
