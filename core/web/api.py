"""Base of all JSON APIs: same doors, transactions and words as pages, in RFC 9457 problems.

class InvoiceApi(Api):
    route_base = "/api/v1/sales/invoices"
    permission = "sales.invoice"

    @endpoint("/", "GET", action="read")
    def index(self, ctx): return {"invoices": [...]}

    @endpoint("/", "POST", action="issue")
    def create(self, ctx): return {"id": ...}, 201
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, g, jsonify, make_response, request
from sqlalchemy.exc import SQLAlchemyError

from core import runtime
from core.db.session import unit_of_work
from core.errors import DomainError
from core.web import access
from core.web.context import Context, plain
from core.web.errors import as_domain_error
from core.web.views import Handler, Route, Routed, _mark, add_routes, looks_only


def endpoint(
    rule: str, method: str = "GET", *, action: str = "read"
) -> Callable[[Handler], Handler]:
    """One operation of an API."""
    return _mark("endpoint", rule, action, (method.upper(),))


class Api(Routed):
    """Base class of APIs; ``route_base`` begins with ``/api/v1/``."""


def register_api(app: Flask, cls: type[Api], *, plugin: str) -> None:
    """Add the operations of ``cls``; endpoint ``api.<permission>.<method>``."""
    if not cls.route_base.startswith("/api/"):
        raise TypeError(f"{cls.__name__}.route_base must begin with /api/")
    add_routes(app, cls, plugin=plugin, prefix=f"api.{cls.prefix()}", run=run_endpoint)


def run_endpoint(api: Routed, name: str, route: Route, values: dict[str, Any]) -> Response:
    """Authorise, open the transaction, call the handler, answer in JSON."""
    access.admit(api, route)
    who = access.identity()
    try:
        with unit_of_work(access.scope(who)) as session:
            if route.methods[0] == "GET":
                looks_only(session)
            ctx = Context(
                session=session,
                identity=who,
                now=runtime.clock().now(),
                args=request.args,
                submitted=route.methods[0] != "GET",
            )
            g.ctx = ctx
            try:
                return as_json(getattr(api, name)(ctx, **values))
            finally:
                g.pop("ctx", None)
    except SQLAlchemyError as error:
        refusal = as_domain_error(error)
        if isinstance(refusal, DomainError):
            raise refusal from error
        raise


def as_json(answer: Any) -> Response:
    """A dict or (dict, status) as a JSON response; a response stays as it is."""
    if isinstance(answer, Response):
        return answer
    body, status = answer if isinstance(answer, tuple) else (answer, 200)
    if body is None:
        return make_response("", 204 if status == 200 else status)
    return make_response(jsonify(plain(body)), status)
