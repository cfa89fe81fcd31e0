"""Base of all pages: who may open them, in which transaction they run, what a refusal looks like.

class InvoicePages(Pages):
    route_base = "/sales/invoices"
    permission = "sales.invoice"

    @page("/", action="read")
    def index(self, ctx): return ctx.render("sales/invoices.html", rows=...)

    @form("/new", action="issue")
    def new(self, ctx):
        if ctx.submitted: ...; return ctx.go("sales.invoice.show", invoice_id=...)
        return ctx.render("sales/invoice_new.html")

    @command("/<uuid:invoice_id>/cancel", action="cancel")
    def cancel(self, ctx, invoice_id): ...; return ctx.go("sales.invoice.show", invoice_id=...)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from flask import Flask, Response, g, make_response, request
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from core import runtime
from core.db.session import unit_of_work
from core.errors import DomainError, Forbidden, NotFound
from core.web import access
from core.web.context import EMPTY, Context
from core.web.errors import as_domain_error, status_of
from core.web.referrer import page_before

Handler = TypeVar("Handler", bound=Callable[..., Any])
METHODS = {"page": ("GET",), "command": ("POST",), "form": ("GET", "POST"), "endpoint": ()}


@dataclass(frozen=True, slots=True)
class Route:
    """One route of a class of pages: its kind, address and what it asks of the person."""

    kind: str
    rule: str
    action: str
    methods: tuple[str, ...]
    one_click: bool = (
        False  # also takes the POST of a mail program (RFC 8058): the link is the proof
    )


def _mark(
    kind: str, rule: str, action: str, methods: tuple[str, ...], *, one_click: bool = False
) -> Callable[[Handler], Handler]:
    def mark(handler: Handler) -> Handler:
        handler.__route__ = Route(kind, rule, action, methods, one_click)  # type: ignore[attr-defined]
        return handler

    return mark


def page(rule: str, *, action: str = "read") -> Callable[[Handler], Handler]:
    """A page opened by GET; it changes nothing."""
    return _mark("page", rule, action, METHODS["page"])


def command(rule: str, *, action: str) -> Callable[[Handler], Handler]:
    """A button: POST with CSRF token. A ``DomainError`` rolls back and shows the page it came from
    with the sentence on top.
    """
    return _mark("command", rule, action, METHODS["command"])


def form(rule: str, *, action: str, one_click: bool = False) -> Callable[[Handler], Handler]:
    """A form: GET shows it, POST saves (``ctx.submitted``). On a ``DomainError`` the same handler runs
    again with ``ctx.error`` set, ``ctx.submitted`` False and ``ctx.form`` as typed; the answer is 422.

    ``one_click``: of a public page behind a signed link; the POST that a mail program makes of a mail's
    ``List-Unsubscribe`` header needs no CSRF token.
    """
    return _mark("form", rule, action, METHODS["form"], one_click=one_click)


class Routed:
    """What pages and APIs share. ``permission`` None: any member; ``public``: anybody at all."""

    route_base: ClassVar[str] = ""
    permission: ClassVar[str | None] = None
    blueprint: ClassVar[str | None] = None  # first part of the endpoint; default: the permission
    public: ClassVar[bool] = False
    plugin: str = "core"

    @classmethod
    def routes(cls) -> Iterator[tuple[str, Route]]:
        """Method names with their routes."""
        for name in dir(cls):
            route = getattr(getattr(cls, name), "__route__", None)
            if route is not None:
                yield name, route

    @classmethod
    def prefix(cls) -> str:
        """First part of the endpoint names."""
        found = cls.blueprint or cls.permission
        if not found:
            raise TypeError(f"{cls.__name__} needs a permission or a blueprint name")
        return found

    @classmethod
    def key(cls, route: Route) -> str | None:
        """The permission asked, such as ``sales.invoice:issue``; None: none."""
        return f"{cls.permission}:{route.action}" if cls.permission else None


class Pages(Routed):
    """Base class of pages."""


def add_routes(
    app: Flask, cls: type[Routed], *, plugin: str, prefix: str, run: Callable[..., Any]
) -> None:
    """Register every route of ``cls``; endpoint ``<prefix>.<method>``."""
    instance = cls()
    instance.plugin = plugin
    for name, route in cls.routes():

        def view(_name: str = name, _route: Route = route, **values: Any) -> Any:
            return run(instance, _name, _route, values)

        view.routed = (instance, name, route)  # type: ignore[attr-defined]
        app.add_url_rule(
            (cls.route_base + route.rule).rstrip("/") or "/",
            endpoint=f"{prefix}.{name}",
            view_func=view,
            methods=list(route.methods),
            strict_slashes=False,
        )


def register_pages(app: Flask, cls: type[Pages], *, plugin: str) -> None:
    """Add the pages of ``cls`` to the application."""
    add_routes(app, cls, plugin=plugin, prefix=cls.prefix(), run=run_page)


def run_page(pages: Routed, name: str, route: Route, values: dict[str, Any]) -> Any:
    """Authorise, open the transaction, call the handler, turn a refusal into a page."""
    detour = access.admit(pages, route)
    if detour is not None:
        return detour
    submitted = request.method == "POST"
    try:
        return _call(pages, name, values, form=request.form, args=request.args, submitted=submitted)
    except (DomainError, SQLAlchemyError) as problem:
        error = as_domain_error(problem)
        if not isinstance(error, DomainError) or not submitted:
            raise
        if isinstance(error, (NotFound, Forbidden)):
            raise error from None
        if route.kind == "form":
            return _call(pages, name, values, form=request.form, args=request.args, error=error)
        return _show_where_it_came_from(error)


def _show_where_it_came_from(error: DomainError) -> Any:
    """The page whose button was pressed, again, with the sentence on top; else the error page."""
    before = page_before()
    if before is None:
        raise error
    view, values, args = before
    pages, name, route = view.routed
    try:
        if access.admit(pages, route) is not None:
            raise error
        response = _call(pages, name, values, form=EMPTY, args=args, error=error)
    except NotFound:
        raise error from None
    response.status_code = status_of(error)
    return response


def looks_only(session: Session) -> None:
    """Let PostgreSQL refuse every write of this transaction: GET changes nothing, whatever the code says."""

    @event.listens_for(session, "after_begin")
    def read_only(_: Session, __: Any, connection: Connection) -> None:
        connection.execute(text("SET TRANSACTION READ ONLY"))


def _call(
    pages: Routed,
    name: str,
    values: dict[str, Any],
    *,
    form: MultiDict[str, str],
    args: MultiDict[str, str],
    submitted: bool = False,
    error: DomainError | None = None,
) -> Response:
    identity = access.identity()
    with unit_of_work(access.scope(identity)) as session:
        if not submitted:
            looks_only(session)
        ctx = Context(
            session=session,
            identity=identity,
            now=runtime.clock().now(),
            form=form,
            args=args,
            files=request.files if submitted or error else ImmutableMultiDict(),
            submitted=submitted,
            error=error,
        )
        g.ctx = ctx
        try:
            return make_response(getattr(pages, name)(ctx, **values))
        finally:
            g.pop("ctx", None)  # an error page must not open this transaction again
