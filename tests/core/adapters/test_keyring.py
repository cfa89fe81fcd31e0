"""Sealed values: bound to their context, opened by their master key, rotated without loss."""

from __future__ import annotations

import base64
import stat

import pytest

from core.adapters.keyring import Keyring, SecretUnreadable, open_keyring, read_key, write_key
from core.errors import SetupError
from core.settings import read_settings

OLD, NEW = b"o" * 32, b"n" * 32


def test_sealing_hides_and_binds():
    ring = Keyring([OLD])
    sealed = ring.seal(b"the word", context="table/column/tenant")
    assert b"the word" not in sealed
    assert sealed != ring.seal(b"the word", context="table/column/tenant")
    assert ring.open(sealed, context="table/column/tenant") == b"the word"
    for wrong in (sealed[:-1], sealed[:50], b"", b"YU1" + sealed, sealed[:-1] + b"\x00"):
        with pytest.raises(SecretUnreadable):
            ring.open(wrong, context="table/column/tenant")
    with pytest.raises(SecretUnreadable):
        ring.open(sealed, context="table/column/other")
    with pytest.raises(SecretUnreadable, match="another master key"):
        Keyring([NEW]).open(sealed, context="table/column/tenant")


def test_rotation_keeps_old_values_and_then_needs_the_new_key_only():
    sealed = Keyring([OLD]).seal(b"x", context="c")
    both = Keyring([NEW, OLD])
    assert both.open(sealed, context="c") == b"x"
    moved = both.rewrap(sealed, context="c")
    assert Keyring([NEW]).open(moved, context="c") == b"x"


def test_purposes_have_keys_of_their_own():
    ring = Keyring([OLD])
    assert ring.derive("a") == Keyring([OLD]).derive("a")
    assert ring.derive("a") != ring.derive("b") != Keyring([NEW]).derive("b")


def test_the_key_file_is_private_and_made_once(tmp_path):
    settings = read_settings(home=tmp_path / "home")
    first, second = open_keyring(settings), open_keyring(settings)
    file = tmp_path / "home" / "master.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert second.open(first.seal(b"x", context="c"), context="c") == b"x"
    assert [one.name for one in (tmp_path / "home").iterdir()] == ["master.key"]
    write_key(file, NEW)
    assert read_key(file) == NEW


@pytest.mark.parametrize("words", ["", "short", base64.b64encode(b"x" * 31).decode(), "ñ" * 44])
def test_a_broken_key_is_refused_with_its_place(tmp_path, words):
    home = tmp_path / "home"
    home.mkdir()
    (home / "master.key").write_text(words)
    with pytest.raises(SetupError, match=r"master\.key no es el Base64 de 32 bytes"):
        open_keyring(read_settings(home=home))
    if words:
        with pytest.raises(SetupError, match="YUPANA_MASTER_KEY"):
            open_keyring(read_settings(home=tmp_path / "other", master_key=words))


def test_the_key_of_the_environment_wins(tmp_path):
    given = ",".join(base64.b64encode(key).decode() for key in (NEW, OLD))
    ring = open_keyring(read_settings(home=tmp_path / "home", master_key=given))
    assert ring.open(Keyring([OLD]).seal(b"x", context="c"), context="c") == b"x"
    assert not (tmp_path / "home").exists()
