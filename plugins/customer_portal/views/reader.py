"""Who reads: the portal's own cookie, apart from the sign-in of companies.

The cookie carries the account and its stamp; the identities are looked up anew at each request, in
the account's own scope, so a right that was taken away is gone at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Response, current_app, request
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy.orm import Session

from core.db.scope import Scope
from core.db.session import unit_of_work
from core.errors import NotFound
from core.security.sessions import signing_keys
from core.web.context import Context
from plugins.customer_portal.models import Account, Grant
from plugins.customer_portal.services.accounts import grants_of

COOKIE = "yupana_portal"
IDLE_HOURS = 12


@dataclass(frozen=True, slots=True)
class Reader:
    """A signed-in receiver and what he may read."""

    account_id: UUID
    email: str
    grants: tuple[Grant, ...]

    @property
    def scope(self) -> Scope:
        """The scope of everything this reader does."""
        ids = tuple(grant.receiver_id for grant in self.grants)
        return Scope(receiver_ids=ids, account_id=self.account_id)

    def grant_of(self, receiver_id: UUID) -> Grant:
        """The right over one identity. Raises ``NotFound``."""
        for grant in self.grants:
            if grant.receiver_id == receiver_id:
                return grant
        raise NotFound

    @contextmanager
    def work(self) -> Iterator[Session]:
        """One transaction in the reader's scope."""
        with unit_of_work(self.scope) as session:
            yield session


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(signing_keys(), salt="portal.session")


def remember(response: Response, account: Account, now: datetime) -> Response:
    """Sign the browser in."""
    value = _signer().dumps([str(account.id), account.stamp, int(now.timestamp())])
    response.set_cookie(
        COOKIE,
        str(value),
        max_age=IDLE_HOURS * 3600,
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        path="/portal",
    )
    return response


def forget(response: Response) -> Response:
    """Sign the browser out."""
    response.delete_cookie(COOKIE, path="/portal")
    return response


def current_reader(ctx: Context) -> Reader | None:
    """The reader of this request; None when nobody is signed in or the password changed since."""
    try:
        account_id, stamp, since = _signer().loads(request.cookies.get(COOKIE, ""))
        account_uuid = UUID(account_id)
        is_idle = ctx.now.timestamp() - since > IDLE_HOURS * 3600
    except (BadData, ValueError, TypeError):
        return None
    if is_idle:
        return None
    with unit_of_work(Scope(account_id=account_uuid)) as session:
        account = session.get(Account, account_uuid)
        if account is None or account.stamp != stamp:
            return None
        return Reader(account.id, account.email, tuple(grants_of(session, account.id)))
