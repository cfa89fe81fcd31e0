"""What is typed on the command line to values, each refusal one sentence (exit 2)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from core.domain.money import to_cents
from core.domain.periods import YEARS, parse_day
from core.errors import DomainError
from core.i18n import _
from plugins.billing.domain.policy import CHOICES, BillingPolicy, policy_from
from plugins.billing.domain.proration import check_price


def one_sentence(command: Callable[..., None]) -> Callable[..., None]:
    """Print a ``DomainError`` as one sentence on stderr, behind the option it is about, and exit 2."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except DomainError as error:
            click.echo(_behind_option(error), err=True)
            raise click.exceptions.Exit(2) from error

    return run


def _behind_option(error: DomainError) -> str:
    option = f"--{(error.field or '').replace('_', '-')}"
    options = [name for one in click.get_current_context().command.params for name in one.opts]
    if option not in options and error.field in CHOICES:
        option = "--policy"
    if option in options and option not in error.sentence:
        return f"{option}: {error.sentence}"
    return error.sentence


def read_date(text: str | None, option: str) -> date:
    """A day as YYYY-MM-DD. Raises ``DomainError`` for anything else, 31 February included."""
    if text is None:
        raise missing(option)
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        try:
            return parse_day(text)
        except ValueError:
            raise DomainError(
                _(
                    "%(option)s: the day %(text)s does not exist between %(first)s and %(last)s.",
                    option=option,
                    text=text,
                    first=YEARS[0],
                    last=YEARS[-1],
                ),
                code="billing.no_such_day",
                field=option,
            ) from None
    raise DomainError(
        _("%(option)s: write the date as 2026-03-12, not “%(text)s”.", option=option, text=text),
        code="billing.bad_date",
        field=option,
    )


def read_price(text: str | None, option: str = "--price") -> Decimal:
    """An amount such as 30.00, 30,00 or 1.234,50. Raises ``DomainError``."""
    if text is None:
        raise missing(option)
    plain = text.strip()
    if "," in plain:
        plain = plain.replace(".", "").replace(",", ".")
    try:
        price = Decimal(plain)
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or not re.fullmatch(r"-?[\d.]{1,40}", plain):
        raise DomainError(
            _(
                "%(option)s: “%(text)s” is not an amount; write it as 30.00.",
                option=option,
                text=text,
            ),
            code="billing.bad_price",
            field=option,
        )
    check_price(price)
    return to_cents(price)


def read_count(text: str | None, option: str) -> int:
    """A whole number. Raises ``DomainError``."""
    if text is None:
        raise missing(option)
    if not re.fullmatch(r"-?\d{1,9}", text.strip()):
        raise DomainError(
            _("%(option)s: “%(text)s” is not a whole number.", option=option, text=text),
            code="billing.bad_number",
            field=option,
        )
    return int(text)


def read_zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name. Raises ``DomainError`` when it is unknown."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise DomainError(
            _("The time zone “%(name)s” is unknown; use for example America/Guayaquil.", name=name),
            code="billing.unknown_zone",
            field="zone",
        ) from None


def read_policy(typed: Sequence[str]) -> BillingPolicy:
    """``name=value``, a value alone, several with commas, or a JSON object. Raises ``DomainError``."""
    values: dict[str, Any] = {}
    for text in typed:
        if text.lstrip().startswith("{"):
            values |= _json_object(text)
            continue
        for part in filter(None, (one.strip() for one in text.split(","))):
            name, equals, value = part.partition("=")
            if equals:
                values[name.strip()] = value.strip()
            else:
                values[_choice_of(part)] = part
    return policy_from(values)


def _json_object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise DomainError(
            _("--policy: that is not a JSON object."), code="billing.bad_policy", field="policy"
        )
    return found


def _choice_of(value: str) -> str:
    names = [name for name, allowed in CHOICES.items() if value in allowed]
    if len(names) != 1:
        raise DomainError(
            _(
                "--policy: write it as name=value; “%(value)s” is not the value of one choice.",
                value=value,
            ),
            code="billing.unknown_choice",
            field="policy",
        )
    return names[0]


def missing(option: str) -> DomainError:
    """The refusal of a command that lacks an option."""
    return DomainError(
        _("%(option)s is missing; see --help.", option=option),
        code="billing.missing_option",
        field=option,
    )
