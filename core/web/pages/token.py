"""Signing in for software: a token for one company, and who the token stands for."""

from __future__ import annotations

from typing import Any

from core.errors import DomainError, Unauthorized
from core.i18n import gettext as _
from core.security import door, sessions
from core.web.api import Api, endpoint
from core.web.context import Context


class TokenApi(Api):
    """``POST /api/v1/token`` with username, password and company (RUC)."""

    route_base = "/api/v1/token"
    blueprint = "core.token"
    public = True

    @endpoint("/", "POST", action="write")
    def create(self, ctx: Context) -> Any:
        """A bearer token for an hour; limited and locked exactly as the form is."""
        username, password = text(ctx, "username"), text(ctx, "password")
        person = door.authenticate(username, password, now=ctx.now)
        if person is None:
            raise Unauthorized(door.wrong().sentence, code="credentials")
        try:
            tenant_id = door.choose(door.tenancies_of(person.id), text(ctx, "company", ""))
        except DomainError as error:
            raise Unauthorized(error.sentence, code="credentials") from error
        if tenant_id is None:
            raise DomainError(
                _("Say which company you work for: its RUC."), code="company", field="company"
            )
        token, ends = sessions.issue_token(person.id, person.session_stamp, tenant_id, ctx.now)
        return {"token": token, "token_type": "Bearer", "expires_at": ends}, 201


class MeApi(Api):
    """``GET /api/v1/me``."""

    route_base = "/api/v1/me"
    blueprint = "core.me"

    @endpoint("/", "GET", action="read")
    def show(self, ctx: Context) -> Any:
        """The person, the company and what is permitted."""
        who = ctx.identity
        assert who is not None
        company = who.tenancy
        return {
            "name": who.name,
            "username": who.username,
            "company": None
            if company is None
            else {
                "id": company.tenant_id,
                "tax_id": company.tax_id,
                "name": company.name,
                "role": company.role,
            },
            "permissions": sorted(who.permissions),
        }


def text(ctx: Context, name: str, default: str | None = None) -> str:
    """A text field of the JSON body. Raises ``DomainError`` when it is missing or no text."""
    value = ctx.json.get(name, default)
    if not isinstance(value, str):
        raise DomainError(
            _("The field %(name)s must be a text.", name=name), code="json.text", field=name
        )
    return value


APIS = (TokenApi, MeApi)
