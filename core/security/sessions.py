"""The signed cookie of a browser and the bearer tokens of software."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from flask import current_app, request, session
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import select, update

from core.db.scope import Scope
from core.db.session import unit_of_work
from core.security.identity import Identity, read_identity
from core.security.models import ApiKey, Person

IDLE_MINUTES = 60
TOKEN_MINUTES = 60
KEY_MARK = "yk_"
SEEN_EVERY = 60  # seconds between two writes of the cookie's clock, and of a key's last use


def open_session(user_id: int, stamp: str, tenant_id: UUID | None, now: datetime) -> None:
    """Start a fresh browser session for a person; what the cookie held before is dropped."""
    session.clear()
    session["user"] = user_id
    session["stamp"] = stamp
    session["seen"] = int(now.timestamp())
    session["began"] = int(now.timestamp())
    if tenant_id is not None:
        session["tenant"] = str(tenant_id)


def choose_tenant(tenant_id: UUID) -> None:
    """Make a company the active one of this browser session."""
    session["tenant"] = str(tenant_id)


def close_session() -> None:
    """Sign out."""
    session.clear()


def read(now: datetime) -> Identity | None:
    """The identity of this request: a bearer token if one is sent, else the cookie; None: nobody."""
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return read_bearer(credential.strip(), now)
    return _read_cookie(now)


def carries_bearer() -> bool:
    """Does the request authenticate itself by a bearer token (then the cookie is not looked at)?"""
    return request.headers.get("Authorization", "").lower().startswith("bearer ")


def _read_cookie(now: datetime) -> Identity | None:
    user_id, stamp, seen = session.get("user"), session.get("stamp"), session.get("seen")
    if not isinstance(user_id, int) or not isinstance(stamp, str) or not isinstance(seen, int):
        return None
    idle = int(now.timestamp()) - seen
    if idle > IDLE_MINUTES * 60:
        session.clear()
        return None
    if abs(idle) >= SEEN_EVERY:
        session["seen"] = int(now.timestamp())
    found = read_identity(user_id, _as_uuid(session.get("tenant")), stamp=stamp)
    if found is None:
        session.clear()
    return found


def _as_uuid(text: object) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None


def signing_keys() -> list[bytes]:
    """Keys for ``itsdangerous``: the last one signs, former ones only verify (see ``secrets rotate``)."""
    config = current_app.config
    return [*config["SECRET_KEY_FALLBACKS"], config["SECRET_KEY"]]


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(signing_keys(), salt="yupana.api-token")


def issue_token(user_id: int, stamp: str, tenant_id: UUID, now: datetime) -> tuple[str, datetime]:
    """A token for ``TOKEN_MINUTES`` and the instant it ends; void when the password changes."""
    ends = now + timedelta(minutes=TOKEN_MINUTES)
    body = {"u": user_id, "s": stamp, "t": str(tenant_id), "e": int(ends.timestamp())}
    return str(_signer().dumps(body)), ends


def read_bearer(credential: str, now: datetime) -> Identity | None:
    """The identity behind a token or an API key; None when it is not valid now."""
    if credential.startswith(KEY_MARK):
        return _read_key(credential, now)
    try:
        body = _signer().loads(credential)
        if int(body["e"]) <= now.timestamp():
            return None
        return read_identity(int(body["u"]), _as_uuid(body["t"]), stamp=str(body["s"]), via="token")
    except (BadData, KeyError, TypeError, ValueError):
        return None


def make_key(tenant_id: UUID, key_id: UUID) -> tuple[str, str]:
    """A new API key (shown once) and the hash that is kept. It names its tenant, so that it can be
    looked up inside that tenant's scope.
    """
    secret = secrets.token_urlsafe(32)
    place = base64.urlsafe_b64encode(tenant_id.bytes + key_id.bytes).decode().rstrip("=")
    return f"{KEY_MARK}{place}.{secret}", hash_secret(secret)


def hash_secret(secret: str) -> str:
    """SHA-256: enough for secrets of 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _read_key(credential: str, now: datetime) -> Identity | None:
    place, _, secret = credential[len(KEY_MARK) :].partition(".")
    try:
        raw = base64.urlsafe_b64decode(place + "=" * (-len(place) % 4))
        tenant_id, key_id = UUID(bytes=raw[:16]), UUID(bytes=raw[16:])
    except ValueError:
        return None
    with unit_of_work(Scope(tenant_id=tenant_id)) as db:
        key = db.scalars(select(ApiKey).where(ApiKey.id == key_id)).one_or_none()
        if (
            key is None
            or not hmac.compare_digest(key.secret_hash, hash_secret(secret))
            or key.revoked_at is not None
            or (key.expires_at is not None and key.expires_at <= now)
        ):
            return None
        if key.last_used_at is None or abs((now - key.last_used_at).total_seconds()) >= SEEN_EVERY:
            db.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=now))
        stamp = db.scalars(select(Person.session_stamp).where(Person.id == key.user_id)).one()
        user_id, allowed = key.user_id, frozenset(key.allowed or ())
    found = read_identity(user_id, tenant_id, stamp=stamp, via="key")
    if found is None or found.tenancy is None:
        return None
    if not allowed:
        return found
    return Identity(
        **{
            **{name: getattr(found, name) for name in Identity.__dataclass_fields__},
            "permissions": found.permissions & allowed,
        }
    )
