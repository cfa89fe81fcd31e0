"""CSRF on everything that a browser could be tricked into, and the headers that protect pages."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, abort, current_app, request
from flask_wtf.csrf import CSRFProtect

from core.plugins import remembering_entitlements
from core.security import sessions
from core.web.site import nonce

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
FAB_PAGES = frozenset({"UnusedIndexView", "UtilView", "LocaleView", "appbuilder"})  # never served
TOKEN_ENDPOINTS = frozenset({"api.core.token.create"})  # neither reads nor sets a cookie


def install(app: Flask) -> None:
    """Install both, and leave FAB's own pages unreachable."""
    csrf = CSRFProtect(app)
    app.jinja_env.globals["csp_nonce"] = nonce

    @app.before_request
    def refuse_fab_pages() -> None:
        if (request.endpoint or "").partition(".")[0] in FAB_PAGES:
            abort(404)

    @app.before_request
    def protect_from_forgery() -> None:
        if request.method in SAFE or request.endpoint is None:
            return
        if request.endpoint in TOKEN_ENDPOINTS or sessions.carries_bearer():
            return  # no cookie is looked at, so there is nothing to forge
        if _is_one_click():
            return  # the link itself is the proof; whoever holds it may press the button as well
        csrf.protect()

    inner = app.wsgi_app

    def remembering(environ: Any, start_response: Any) -> Any:
        with remembering_entitlements():
            return inner(environ, start_response)

    app.wsgi_app = remembering  # type: ignore[method-assign]

    @app.after_request
    def add_headers(response: Response) -> Response:
        return _protect(response)


def _is_one_click() -> bool:
    """The POST of a mail program (RFC 8058), on a page that declares that it takes it."""
    view = current_app.view_functions.get(request.endpoint or "")
    routed = getattr(view, "routed", None)
    if routed is None or not routed[2].one_click or not routed[0].public:
        return False
    return request.form.get("List-Unsubscribe") == "One-Click"


def _protect(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if response.mimetype == "text/html":
        headers.setdefault(
            "Content-Security-Policy",
            "default-src 'none'; img-src 'self' data:; style-src 'self'; font-src 'self'; "
            f"connect-src 'self'; script-src 'self' 'nonce-{nonce()}'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'",
        )
        headers.setdefault("Cache-Control", "private, no-store")
    elif request.path.startswith("/api/"):
        headers.setdefault("Cache-Control", "private, no-store")
    if current_app.config["SESSION_COOKIE_SECURE"]:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
