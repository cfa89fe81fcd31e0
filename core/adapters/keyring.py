"""The keys of an installation: envelope encryption with AES-256-GCM.

Each sealed value has a data key of its own, wrapped by the master key; value and wrapping are bound
to their ``context`` (table, column, tenant), so that a row copied elsewhere does not open. The master
key comes from the environment or from ``<home>/master.key``, made at the first start with mode 0600.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import SetupError, YupanaError
from core.i18n import _
from core.settings import Settings
from core.system_words import why

KEY_BYTES = 32
FORMER = "master.key.former"
FORMER_KEPT = 2
_MAGIC = b"YU1"
_NONCE, _KEY_ID, _TAG = 12, 8, 16
_WRAPPED = KEY_BYTES + _TAG
_HEAD = len(_MAGIC) + _KEY_ID + _NONCE + _WRAPPED + _NONCE


class SecretUnreadable(YupanaError):
    """A sealed value does not open: another master key, another context, or damaged."""


class Keyring:
    """Seals with the first of its master keys, opens with any (rotation keeps the old one a while).

    ``former`` keys open nothing: what they signed (sessions, links in mails) is still believed.
    """

    def __init__(self, keys: Sequence[bytes], *, former: Sequence[bytes] = ()) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in (*keys, *former)):
            raise SetupError(_("A master key has exactly 32 bytes."))
        self._keys = {_key_id(key): key for key in keys}
        self._first = keys[0]
        self._signed = tuple(dict.fromkeys((*keys, *former)))

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Encrypt; opening needs the same ``context``."""
        bound = context.encode()
        data_key = os.urandom(KEY_BYTES)
        outer, inner = os.urandom(_NONCE), os.urandom(_NONCE)
        wrapped = AESGCM(self._first).encrypt(outer, data_key, bound)
        body = AESGCM(data_key).encrypt(inner, plain, bound)
        return _MAGIC + _key_id(self._first) + outer + wrapped + inner + body

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Decrypt. Raises ``SecretUnreadable``."""
        data_key, inner, body = self._unwrap(sealed, context)
        try:
            return AESGCM(data_key).decrypt(inner, body, context.encode())
        except InvalidTag:
            raise SecretUnreadable("A sealed value is damaged or belongs elsewhere.") from None

    def rewrap(self, sealed: bytes, *, context: str) -> bytes:
        """The same value with its data key wrapped by the first master key (rotation)."""
        data_key, inner, body = self._unwrap(sealed, context)
        outer = os.urandom(_NONCE)
        wrapped = AESGCM(self._first).encrypt(outer, data_key, context.encode())
        return _MAGIC + _key_id(self._first) + outer + wrapped + inner + body

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose (signing sessions, hashing PINs), always the same for this key."""
        return _derived(self._first, purpose)

    def derive_all(self, purpose: str) -> tuple[bytes, ...]:
        """``derive`` for every key whose signatures still count, the one that signs now first."""
        return tuple(_derived(key, purpose) for key in self._signed)

    def _unwrap(self, sealed: bytes, context: str) -> tuple[bytes, bytes, bytes]:
        if len(sealed) < _HEAD + _TAG or not sealed.startswith(_MAGIC):
            raise SecretUnreadable("A sealed value is damaged.")
        at = len(_MAGIC)
        key = self._keys.get(sealed[at : at + _KEY_ID])
        if key is None:
            raise SecretUnreadable("A sealed value needs another master key than the one in use.")
        at += _KEY_ID
        outer, wrapped = sealed[at : at + _NONCE], sealed[at + _NONCE : at + _NONCE + _WRAPPED]
        at += _NONCE + _WRAPPED
        try:
            data_key = AESGCM(key).decrypt(outer, wrapped, context.encode())
        except InvalidTag:
            raise SecretUnreadable("A sealed value is damaged or belongs elsewhere.") from None
        return data_key, sealed[at : at + _NONCE], sealed[at + _NONCE :]


def open_keyring(settings: Settings) -> Keyring:
    """The keyring of an installation. Makes ``<home>/master.key`` where neither it nor the setting exist.

    A file ``master.key.old`` beside it (left by an interrupted ``yupana secrets rotate``) opens older
    values; the keys in ``master.key.former`` only vouch for what they signed.
    Raises ``SetupError`` when a key is not one.
    """
    given = settings.master_key.get_secret_value()
    keys = [_decode(part, "YUPANA_MASTER_KEY") for part in given.split(",")] if given else []
    if not keys:
        keys.append(_read_or_make(settings.home / "master.key"))
    old = settings.home / "master.key.old"
    if old.exists():
        keys.append(_decode(old.read_text(), str(old)))
    return Keyring(keys, former=read_former(settings.home))


def read_former(home: Path) -> list[bytes]:
    """The master keys before the last rotations, newest first; none where nothing was rotated."""
    file = home / FORMER
    if not file.exists():
        return []
    return [_decode(line, str(file)) for line in file.read_text().splitlines() if line.strip()]


def keep_former(home: Path, key: bytes) -> None:
    """Let what ``key`` signed count until it ends by itself; the ``FORMER_KEPT`` last keys are kept."""
    kept = list(dict.fromkeys([key, *read_former(home)]))[:FORMER_KEPT]
    write_key(home / FORMER, *kept)


def forget_former(home: Path) -> None:
    """Believe no former key any more (one leaked): people sign in again, links in mails end."""
    (home / FORMER).unlink(missing_ok=True)


def new_master_key() -> bytes:
    """A fresh master key."""
    return os.urandom(KEY_BYTES)


def write_key(file: Path, *keys: bytes) -> None:
    """Write a key file, one key a line, with mode 0600, whole or not at all."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.writelines(base64.b64encode(key) + b"\n" for key in keys)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)


def read_key(file: Path) -> bytes:
    """The key in a key file. Raises ``SetupError`` when it holds none."""
    return _decode(file.read_text(), str(file))


def _read_or_make(file: Path) -> bytes:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            draft = file.with_name(f"{file.name}.new{os.getpid()}")
            write_key(draft, new_master_key())
            try:
                os.link(draft, file)  # two first starts at once: one of them wins
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return read_key(file)
    except OSError as error:
        raise SetupError(
            _(
                "The master key %(file)s cannot be read or made (%(why)s): correct YUPANA_HOME or the"
                " rights of its folder.",
                file=file,
                why=why(error),
            )
        ) from None


def _decode(text: str, source: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SetupError(
            _("The master key in %(source)s is not the Base64 of 32 bytes.", source=source)
        )
    return key


def _derived(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, f"yupana/{purpose}".encode(), "sha256")


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"yupana/id" + key).digest()[:_KEY_ID]
