"""Bytes that no handler should ever see: NUL, broken Unicode, bodies that are too big."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, abort, request

MAX_BODY = 16 * 1024 * 1024
MAX_FORM_FIELD = 2 * 1024 * 1024
MAX_FORM_PARTS = 5000


def refuse_bad_text(value: Any) -> None:
    """Raise ``ValueError`` when a text inside ``value`` holds NUL or cannot be written as UTF-8."""
    if isinstance(value, str):
        if "\x00" in value:
            raise ValueError("NUL")
        value.encode()  # lone surrogates raise UnicodeEncodeError, a ValueError
    elif isinstance(value, Mapping):
        for key, one in value.items():
            refuse_bad_text(key)
            refuse_bad_text(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            refuse_bad_text(one)


def install(app: Flask) -> None:
    """Check every request before anything else reads it: 400 for bad text, 413 for size."""
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_FIELD,
        MAX_FORM_PARTS=MAX_FORM_PARTS,
    )

    @app.before_request
    def refuse_bad_requests() -> None:
        is_form = request.mimetype == "application/x-www-form-urlencoded"
        if (request.content_length or 0) > (MAX_FORM_FIELD if is_form else MAX_BODY):
            abort(413)
        try:
            refuse_bad_text(request.path)
            refuse_bad_text(request.args.to_dict(flat=False))
            refuse_bad_text(request.form.to_dict(flat=False))
            refuse_bad_text([one.filename or "" for one in request.files.values()])
        except ValueError:
            abort(400)
