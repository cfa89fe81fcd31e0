"""Passwords: what is asked of them, how they are kept, what a change does."""

from __future__ import annotations

import secrets
import string
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from core.errors import DomainError
from core.i18n import gettext as _
from core.security.models import OneTimeLink, Person

SHORTEST = 12
LONGEST = 256  # a longer one only keeps the hash busy
# scrypt of the same cost as FAB's, of a password nobody knows: unknown people take as long as known ones
NOBODYS_HASH = (
    "scrypt:32768:8:1$wiDa0ruWlIPhp9LM$6e409d093e62ad54df2af895d0e125b05ff6cf6414"
    "8350189ffc4bcc71286edf1b8ad94a442c00f890224bf2b32153d0750c89ee9401e62f9dcee5399065e4e5"
)


def check_policy(password: str, *, again: str | None = None, field: str = "password") -> None:
    """At least 12 characters with upper case, lower case, digit and punctuation (SE-37, CF-13).

    Raises:
        DomainError: naming everything that is missing.
    """
    missing = [
        word
        for is_there, word in (
            (len(password) >= SHORTEST, _("%(count)s characters", count=SHORTEST)),
            (any(one.isupper() for one in password), _("an upper-case letter")),
            (any(one.islower() for one in password), _("a lower-case letter")),
            (any(one.isdigit() for one in password), _("a digit")),
            (
                any(
                    one in string.punctuation or not (one.isalnum() or one.isspace())
                    for one in password
                ),
                _("a punctuation sign"),
            ),
        )
        if not is_there
    ]
    if missing:
        raise DomainError(
            _("The password needs also: %(missing)s.", missing=", ".join(missing)),
            code="password.weak",
            field=field,
        )
    if len(password) > LONGEST:
        raise DomainError(
            _("The password is longer than %(count)s characters: shorten it.", count=LONGEST),
            code="password.long",
            field=field,
        )
    if again is not None and password != again:
        raise DomainError(
            _("The two passwords differ: type the same one twice."),
            code="password.differs",
            field="again",
        )


def hash_password(password: str) -> str:
    """Werkzeug's scrypt, as Flask-AppBuilder keeps it."""
    return generate_password_hash(password, method="scrypt")


def is_right(stored: str | None, typed: str) -> bool:
    """Does the typed password match? Takes as long when there is none to match (unknown or unset)."""
    usable = bool(stored) and len(typed) <= LONGEST
    found = check_password_hash(stored if usable else NOBODYS_HASH, typed[:LONGEST])  # type: ignore[arg-type]
    return usable and found and bool(typed.strip("\x00 "))


def change_password(session: Session, user_id: int, password: str, *, now: datetime) -> str:
    """Store a new password; the new session stamp. Other sessions, tokens and open links end."""
    stamp = secrets.token_hex(8)
    session.execute(
        update(Person)
        .where(Person.id == user_id)
        .values(password=hash_password(password), password_changed_at=now, session_stamp=stamp),
        execution_options={"synchronize_session": False},
    )
    session.execute(
        update(OneTimeLink)
        .where(OneTimeLink.user_id == user_id, OneTimeLink.used_at.is_(None))
        .values(used_at=now),
        execution_options={"synchronize_session": False},
    )
    return stamp


def check_own(session: Session, user_id: int, typed: str) -> bool:
    """Is this the person's present password?"""
    return is_right(session.scalar(select(Person.password).where(Person.id == user_id)), typed)
