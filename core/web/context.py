"""What a page or API handler gets: the transaction, the person, the clock and what was typed."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import (
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage, ImmutableMultiDict, MultiDict

from core.errors import DomainError, NotFound, TooMany
from core.i18n import gettext as _
from core.web.formats import local
from core.web.guards import refuse_bad_text

if TYPE_CHECKING:
    from core.security.identity import Identity

EMPTY: ImmutableMultiDict[str, str] = ImmutableMultiDict()
MAX_DIGITS = 18


@dataclass
class Context:
    """One request, as handlers see it.

    ``session`` is open in the scope of the active tenant and commits when the handler returns.
    ``form`` is what was typed (empty on GET), ``args`` the query, ``error`` the refusal of a first
    try when a form is shown again. ``submitted`` is True when the handler should save.
    """

    session: Session
    identity: Identity | None
    now: datetime
    form: MultiDict[str, str] = field(default_factory=lambda: EMPTY)
    args: MultiDict[str, str] = field(default_factory=lambda: EMPTY)
    files: MultiDict[str, FileStorage] = field(default_factory=ImmutableMultiDict)
    error: DomainError | None = None
    submitted: bool = False

    @property
    def today(self) -> date:
        """The business day in America/Guayaquil."""
        return local(self.now).date()

    @property
    def tenant_id(self) -> UUID:
        """The active tenant. Raises ``NotFound`` on a public page, where there is none."""
        if self.identity is None or self.identity.tenancy is None:
            raise NotFound
        return self.identity.tenancy.tenant_id

    @property
    def user_id(self) -> int:
        """The person (``ab_user.id``). Raises ``NotFound`` on a public page without one."""
        if self.identity is None:
            raise NotFound
        return self.identity.user_id

    @property
    def role(self) -> str:
        """The person's role in the active tenant; empty when there is none."""
        tenancy = self.identity.tenancy if self.identity else None
        return tenancy.role if tenancy else ""

    def may(self, key: str) -> bool:
        """Does the person's role in the active tenant carry this permission (``sales.invoice:issue``)?"""
        return self.identity is not None and key in self.identity.permissions

    def uuid(self, name: str) -> UUID | None:
        """The id typed in field ``name`` (form first, then query); empty is None.

        Raises ``NotFound`` when it is no UUID.
        """
        text = (self.form.get(name) or self.args.get(name) or "").strip()
        if not text:
            return None
        try:
            return UUID(text)
        except ValueError as error:
            raise NotFound from error

    @cached_property
    def json(self) -> dict[str, Any]:
        """The JSON body, an object; numbers with decimals are ``Decimal``. ``DomainError`` otherwise."""
        body = read_json(request.get_data(cache=True))
        if not isinstance(body, dict):
            raise DomainError(_("The body must be a JSON object."), code="json.object")
        return body

    def render(self, template: str, *, status: int | None = None, **values: Any) -> Response:
        """The page as a response: 200, or 422 (429) when the form is shown again with its error."""
        html = render_template(template, ctx=self, form=self.form, error=self.error, **values)
        response = make_response(html, status or (422 if self.error else 200))
        if isinstance(self.error, TooMany):
            response.status_code = 429
            response.headers["Retry-After"] = str(self.error.retry_after)
        return response

    def fragment(self, template: str, **values: Any) -> Response:
        """A piece of a page, for scripts that replace a part."""
        return self.render(template, **values)

    def go(self, endpoint: str, **values: Any) -> Response:
        """On to another page of ours (303)."""
        return make_response(redirect(url_for(endpoint, **values), 303))

    def flash(self, sentence: str, tone: str = "ok") -> None:
        """A sentence shown on the next page; ``tone`` ok, wait, warn or bad."""
        flash(str(sentence), tone)

    def file(
        self, content: bytes, filename: str, media_type: str, *, inline: bool = False
    ) -> Response:
        """A download (or, ``inline``, shown in the browser)."""
        response = send_file(
            io.BytesIO(content),
            mimetype=media_type,
            as_attachment=not inline,
            download_name=filename,
        )
        response.headers["Cache-Control"] = "private, no-store"
        return response


def read_json(data: bytes) -> Any:
    """Parse a JSON body strictly: no NaN, no NUL, no lone surrogates, no numbers out of reason.

    Raises ``DomainError``; decimals come out as ``Decimal``.
    """
    try:
        body = json.loads(
            data, parse_float=_decimal, parse_int=_integer, parse_constant=_no_constant
        )
        refuse_bad_text(body)
    except (ValueError, RecursionError) as error:
        raise DomainError(_("The body is not valid JSON."), code="json.invalid") from error
    return body


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if abs(value.adjusted()) > MAX_DIGITS:
        raise ValueError(text)
    return value


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > MAX_DIGITS:
        raise ValueError(text)
    return int(text)


def _no_constant(text: str) -> None:
    raise ValueError(text)


def plain(value: Any) -> Any:
    """A value as JSON likes it: money as text with its decimals, dates and ids as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one) for one in value]
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if value is None or isinstance(value, (str, int, bool)):
        return value
    return str(value)
