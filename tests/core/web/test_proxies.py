"""Forwarding headers count only from named proxies; counters are kept per real caller."""

from __future__ import annotations

import pytest

from core.app import create_app
from core.errors import SetupError
from core.settings import read_settings
from core.web.proxies import behind_proxies

OURS = read_settings(trusted_proxies="10.0.0.0/8, 192.0.2.7, fd00::/8").proxies
CLIENT = "203.0.113.9"

# REMOTE_ADDR, X-Forwarded-For, X-Forwarded-Proto -> what the application sees
CASES = [
    (CLIENT, "", "", CLIENT, "http"),
    (CLIENT, "1.2.3.4", "https", CLIENT, "http"),  # not one of ours: lies are dropped
    ("10.0.0.5", CLIENT, "https", CLIENT, "https"),
    ("10.0.0.5", "", "https", "10.0.0.5", "https"),
    (
        "10.0.0.5",
        f"1.2.3.4, {CLIENT}",
        "https",
        CLIENT,
        "https",
    ),  # the left end is the caller's word
    ("10.0.0.5", f"{CLIENT}, 192.0.2.7, 10.1.1.1", "https", CLIENT, "https"),  # proxies in a row
    ("10.0.0.5", f"{CLIENT}, 8.8.8.8", "ftp", "8.8.8.8", "http"),
    ("10.0.0.5", f"{CLIENT}, nonsense", "http, https", "10.0.0.5", "https"),
    ("10.0.0.5", "nonsense", "https, http", "10.0.0.5", "http"),
    ("10.0.0.5", f"{CLIENT}:4711", "", CLIENT, "http"),
    ("::ffff:10.0.0.5", "[2001:db8::1]:443", "https", "2001:db8::1", "https"),
    ("fd00::1", "2001:db8::2", "https", "2001:db8::2", "https"),
    ("", CLIENT, "https", "", "http"),
]


@pytest.mark.parametrize(("remote", "chain", "proto", "seen", "scheme"), CASES)
def test_who_calls(remote, chain, proto, seen, scheme):
    got = {}
    inner = lambda environ, _start: got.update(environ) or []  # noqa: E731
    environ = {"REMOTE_ADDR": remote, "wsgi.url_scheme": "http", "HTTP_FORWARDED": "for=1.1.1.1"}
    environ |= {"HTTP_X_FORWARDED_FOR": chain, "HTTP_X_FORWARDED_PROTO": proto}
    behind_proxies(inner, OURS)(environ, None)
    assert (got["REMOTE_ADDR"], got["wsgi.url_scheme"]) == (seen, scheme)
    assert not any("FORWARDED" in name for name in got)


def test_without_the_setting_nobody_is_believed():
    got = {}
    inner = lambda environ, _start: got.update(environ) or []  # noqa: E731
    environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": CLIENT}
    behind_proxies(inner, ())(environ, None)
    assert got == {"REMOTE_ADDR": "127.0.0.1"}


@pytest.mark.parametrize("text", ["here", "10.0.0.0/99", "10.0.0.5;10.0.0.6"])
def test_a_wrong_setting_is_named(text):
    with pytest.raises(SetupError, match="YUPANA_TRUSTED_PROXIES"):
        read_settings(trusted_proxies=text)


def test_failed_attempts_are_counted_on_the_real_caller(app, host, database, tmp_path):
    """Twenty callers behind one proxy do not lock each other; one caller is locked wherever he goes."""
    made = create_app(read_settings(home=tmp_path, trusted_proxies="10.0.0.5"), host)
    made.testing = True

    def attempt(caller: str, account: str, remote: str = "10.0.0.5") -> int:
        answer = made.test_client().post(
            "/api/v1/token/",
            json={"username": account, "password": "no", "company": ""},
            headers={"X-Forwarded-For": caller},
            environ_base={"REMOTE_ADDR": remote},
        )
        return answer.status_code

    spread = [attempt(f"203.0.113.{n}", f"a{n}") for n in range(22)]
    assert 429 not in spread, "one address each"
    alone = [attempt(CLIENT, f"b{n}") for n in range(22)]
    assert alone[0] != 429
    assert alone[-1] == 429, "the same caller"
    assert attempt("198.51.100.1", "c", remote="198.51.100.1") != 429
    # somebody who reaches the server past the proxy cannot pass for another
    forged = [attempt(f"198.18.0.{n}", f"d{n}", remote="198.51.100.2") for n in range(22)]
    assert forged[-1] == 429
