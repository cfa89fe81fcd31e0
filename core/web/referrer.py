"""The page of ours a button was pressed on, so that a refusal can be shown there."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import current_app, request
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.urls import iri_to_uri


def page_before() -> tuple[Any, dict[str, Any], MultiDict[str, str]] | None:
    """(view, path values, query) of the referring page when it is one of our own, else None."""
    if not request.referrer:
        return None
    address = urlsplit(iri_to_uri(request.referrer))
    if address.netloc != request.host:
        return None
    try:
        endpoint, values = current_app.create_url_adapter(request).match(address.path, "GET")  # type: ignore[union-attr]
    except (HTTPException, RequestRedirect):
        return None
    view = current_app.view_functions[endpoint]
    if not hasattr(view, "routed") or view.routed[2].kind == "endpoint":
        return None
    return view, dict(values), ImmutableMultiDict(parse_qsl(address.query))
