"""Settings of the tenant in scope: a row where it differs from the default that a plugin declared."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import plugins
from core.contracts.events import SettingChanged
from core.contracts.hooks import SettingSpec
from core.db.events import emit
from core.db.tenancy import scope_of, utc_now
from core.errors import DomainError
from core.i18n import _
from core.ids import new_id
from core.models import Setting
from core.services.audit import write_audit


def spec(key: str) -> SettingSpec:
    """The declaration of a setting. Raises ``KeyError``: code asked for one that nobody declares."""
    return plugins.host().settings[key]


def read(session: Session, key: str) -> Any:
    """The tenant's value of a setting, or its default."""
    return read_many(session, (key,))[key]


def read_many(session: Session, keys: Iterable[str]) -> dict[str, Any]:
    """Several settings in one query."""
    specs = {key: spec(key) for key in keys}
    rows = session.execute(select(Setting.key, Setting.value).where(Setting.key.in_(specs)))
    own = {row.key: _from_stored(specs[row.key], row.value) for row in rows}
    return {key: own.get(key, one.default) for key, one in specs.items()}


def write(session: Session, key: str, value: Any) -> None:
    """Store a value of the declared type (text is converted, as a form sends it); audited, and told
    where others hold a copy of it.

    Raises:
        DomainError: the value is not of the type, a number below zero, or none of the choices.
    """
    one = spec(key)
    try:
        typed = _convert(one, value)
    except (ValueError, TypeError, InvalidOperation):
        raise DomainError(
            _("%(value)s is not a value of this setting: correct it.", value=value),
            code="setting_value",
            field=key,
        ) from None
    if one.choices and typed not in one.choices:
        raise DomainError(
            _(
                "%(value)s is not possible here: choose one of %(choices)s.",
                value=value,
                choices=", ".join(str(choice) for choice in one.choices),
            ),
            code="setting_choice",
            field=key,
        )
    stored = str(typed) if one.type in (Decimal, date) else typed
    now = utc_now()
    if one.is_told and read(session, key) != typed:
        emit(session, SettingChanged(key), now=now)
    row = insert(Setting).values(
        id=new_id(),
        tenant_id=scope_of(session).tenant_id,
        created_at=now,
        key=key,
        value=stored,
    )
    session.execute(
        row.on_conflict_do_update(
            index_elements=["tenant_id", "key"], set_={"value": row.excluded.value}
        )
    )
    write_audit(session, action="setting.write", reason=key, details={"value": stored})


def _convert(one: SettingSpec, value: Any) -> Any:
    if one.type is bool:
        if isinstance(value, str):
            words = {"1": True, "true": True, "on": True, "0": False, "false": False, "": False}
            if value.strip().lower() not in words:
                raise ValueError(value)
            return words[value.strip().lower()]
        return bool(value)
    if one.type in (int, Decimal):  # limits, days and amounts: none of them is below zero
        number = one.type(value)
        if not Decimal(number).is_finite() or number < 0:
            raise ValueError(value)
        return number
    if isinstance(value, one.type):
        return value
    if one.type is date:
        return date.fromisoformat(str(value))
    if one.type in (list, tuple, dict):
        raise TypeError(value)
    return one.type(value)


def _from_stored(one: SettingSpec, stored: Any) -> Any:
    if one.type is Decimal:
        return Decimal(stored)
    if one.type is date:
        return date.fromisoformat(stored)
    return tuple(stored) if one.type is tuple else stored
