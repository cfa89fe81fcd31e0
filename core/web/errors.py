"""Refusals and accidents as people (pages) and software (RFC 9457 problems) read them."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, SQLAlchemyError
from werkzeug.exceptions import HTTPException

from core.errors import Conflict, DomainError, Forbidden, NotFound, Overtaken, TooMany, Unauthorized
from core.i18n import gettext as _
from core.ids import new_id

log = logging.getLogger(__name__)


STATUS: tuple[tuple[type[DomainError], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (Forbidden, 403),
    (Unauthorized, 401),
    (TooMany, 429),
    (DomainError, 422),
)


def status_of(error: DomainError) -> int:
    """HTTP status of a refusal."""
    return next(status for kind, status in STATUS if isinstance(error, kind))


def as_domain_error(error: Exception) -> Exception:
    """What the database refused as a sentence: duplicates (409) and values out of range (422).

    Everything else comes back unchanged.
    """
    if isinstance(error, IntegrityError):
        log.warning("integrity: %s", error.orig)
        return Conflict(
            _("This already exists or is in use. Look at the list and correct what differs."),
            code="conflict",
        )
    if isinstance(error, DataError):
        log.warning("data: %s", error.orig)
        return DomainError(_("A value is too large or has a wrong form."), code="out_of_range")
    return error


def wants_problem() -> bool:
    """Does the caller want JSON? All under ``/api/``."""
    return request.path.startswith("/api/")


def respond(
    status: int,
    sentence: str,
    *,
    code: str,
    field: str | None = None,
    reference: str = "",
    url: str = "",
    title: str = "",
) -> Response:
    """The refusal as problem+json or as a page."""
    title = title or title_of(status)
    if wants_problem():
        body: dict[str, Any] = {
            "type": f"urn:yupana:problem:{code}",
            "title": title,
            "status": status,
            "detail": sentence,
            "code": code,
        }
        if field:
            body["field"] = field
        if reference:
            body["reference"] = reference
        response = make_response(jsonify(body), status)
        response.mimetype = "application/problem+json"
        if status == 401:
            response.headers["WWW-Authenticate"] = 'Bearer realm="yupana"'
        return response
    values = {
        "status": status,
        "heading": title,
        "sentence": sentence,
        "reference": reference,
        "url": url,
        "error": None,
    }
    try:
        html = render_template("core/error.html", **values)
    except Exception:  # (the frame needs what just failed: show the page without it)
        log.exception("error page")
        g.without_frame = True
        g.pop("shell", None)
        html = render_template("core/error.html", **values)
    return make_response(html, status)


def title_of(status: int) -> str:
    """The heading of an error page."""
    return {
        400: _("The request is not complete"),
        401: _("Please sign in"),
        403: _("You cannot do this"),
        404: _("This page does not exist"),
        405: _("This address does not take that"),
        409: _("This cannot be done"),
        413: _("The file is too large"),
        415: _("This format is not accepted"),
        422: _("Something needs a correction"),
        429: _("Too many attempts"),
        500: _("Something failed on our side"),
        503: _("One moment, please"),
    }.get(status, _("Something needs a correction"))


def _sentence_of(status: int) -> str:
    return {
        400: _("The browser sent something we cannot read. Go back and try again."),
        401: _("Send a valid key or sign in."),
        403: _("Your role does not allow this. Ask the owner of the company."),
        404: _("The address is wrong, or it belongs to another company. Check it or go home."),
        405: _("Open it from the page it belongs to."),
        413: _("The largest size is 16 MB. Choose a smaller file."),
        415: _("Send it in the format the page asks for."),
        503: _("The database does not answer. Try again in a minute; nothing was lost."),
    }.get(status, _("Go back and try again."))


def install(app: Flask) -> None:
    """Register the handlers."""
    _install_ours(app)
    _install_others(app)


def _install_ours(app: Flask) -> None:
    @app.errorhandler(DomainError)
    def refuse(error: DomainError) -> Response:
        status = status_of(error)
        response = respond(
            status,
            str(error.sentence) or _sentence_of(status),
            code=error.code,
            field=error.field,
            url=str(getattr(error, "url", "")),
            title=_("Somebody was faster") if isinstance(error, Overtaken) else "",
        )
        if isinstance(error, TooMany):
            response.headers["Retry-After"] = str(error.retry_after)
        return response

    @app.errorhandler(CSRFError)
    def refuse_forged(error: CSRFError) -> Response:
        return respond(
            400,
            _(
                "The page was open too long or came from elsewhere. Go back, reload and send it again."
            ),
            code="csrf",
        )


def _install_others(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def refuse_http(error: HTTPException) -> Any:
        if error.response is not None or (error.code or 500) < 400:
            return error.get_response()
        status = error.code or 500
        response = respond(status, _sentence_of(status), code=f"http_{status}")
        for name, value in error.get_headers():
            if name.lower() not in {"content-type", "content-length"}:
                response.headers[name] = value
        return response

    @app.errorhandler(SQLAlchemyError)
    def refuse_database(error: SQLAlchemyError) -> Response:
        translated = as_domain_error(error)
        if isinstance(translated, DomainError):
            return respond(status_of(translated), translated.sentence, code=translated.code)
        if isinstance(error, OperationalError):
            log.error("database unreachable: %s", error.orig)
            return respond(503, _sentence_of(503), code="database")
        return accident(error)

    @app.errorhandler(Exception)
    def accident(error: Exception) -> Response:
        reference = new_id().hex[-8:].upper()
        log.error("reference %s", reference, exc_info=error)
        return respond(
            500,
            _(
                "We wrote it down under the code %(code)s. Try again; if it stays, tell support this code.",
                code=reference,
            ),
            code="accident",
            reference=reference,
        )
