"""One-time links by mail: activation (with a short code by a second channel) and forgotten password.

The token is made when the mail is written and only its hash is kept, so neither the database nor the
job queue ever holds it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.db.scope import NOBODY
from core.db.session import unit_of_work
from core.errors import DomainError
from core.i18n import gettext as _
from core.ids import new_id
from core.jobs import defer
from core.security.models import OneTimeLink, Person

RESET_LASTS = timedelta(minutes=60)
ACTIVATION_LASTS = timedelta(days=7)
CODE_TRIES = 5
TOKEN_LENGTH = 100


def hash_token(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def request_link(session: Session, user_id: int, purpose: str, *, now: datetime) -> str:
    """Have a link mailed after the commit. The short code of an activation (empty for a reset), to be
    told to the person by another channel. Earlier links of the person end.
    """
    _end_links(session, user_id, now)
    link_id = new_id()
    code = f"{secrets.randbelow(1_000_000):06d}" if purpose == "activation" else ""
    session.add(
        OneTimeLink(
            id=link_id,
            user_id=user_id,
            purpose=purpose,
            token_hash=hash_token(
                secrets.token_urlsafe(32)
            ),  # nobody knows it: the mail brings one
            code_hash=_code_hash(str(link_id), code) if code else "",
            expires_at=now + (ACTIVATION_LASTS if code else RESET_LASTS),
        )
    )
    session.flush()
    defer(session, "core.mail_link", {"link_id": str(link_id)}, priority=10)
    return code


def new_token(session: Session, link: OneTimeLink) -> str:
    """Give the link a fresh token, for the mail that is about to be written."""
    token = secrets.token_urlsafe(32)
    link.token_hash = hash_token(token)
    session.flush()
    return token


def find_link(session: Session, token: str, purpose: str, *, now: datetime) -> OneTimeLink | None:
    """The link of a token while it is good: right purpose, unused, not expired, code tries left."""
    if len(token) > TOKEN_LENGTH:
        return None
    return session.scalar(
        select(OneTimeLink).where(
            OneTimeLink.token_hash == hash_token(token),
            OneTimeLink.purpose == purpose,
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > now,
            OneTimeLink.failures < CODE_TRIES,
        )
    )


def check_code(link: OneTimeLink, token: str, code: str) -> None:
    """Compare the short code; five wrong ones end the link. Counted before it is compared, in a
    transaction of its own. Raises ``DomainError``.
    """
    typed = "".join(code.split())
    with unit_of_work(NOBODY) as session:
        tries = session.execute(
            update(OneTimeLink)
            .where(OneTimeLink.id == link.id, OneTimeLink.failures < CODE_TRIES)
            .values(failures=OneTimeLink.failures + 1)
            .returning(OneTimeLink.failures)
        ).scalar_one_or_none()
    good = (_code_hash(str(link.id), typed), _code_hash(token, typed))
    if tries is None or not any(hmac.compare_digest(link.code_hash, one) for one in good):
        raise DomainError(
            _(
                "The code is not right. Ask whoever invited you; after five wrong ones the link ends."
            ),
            code="activation.code",
            field="code",
        )


def _code_hash(bound_to: str, code: str) -> str:
    return hashlib.sha256(f"{bound_to}:{code}".encode()).hexdigest()


def _end_links(session: Session, user_id: int, now: datetime) -> None:
    session.execute(
        update(OneTimeLink)
        .where(OneTimeLink.user_id == user_id, OneTimeLink.used_at.is_(None))
        .values(used_at=now),
        execution_options={"synchronize_session": False},
    )


def person_of(session: Session, link: OneTimeLink) -> Person:
    """Whose link it is."""
    return session.get_one(Person, link.user_id)


def read_link(session: Session, link_id: UUID) -> OneTimeLink | None:
    """A link by id, if it is still open."""
    return session.scalar(
        select(OneTimeLink).where(OneTimeLink.id == link_id, OneTimeLink.used_at.is_(None))
    )
