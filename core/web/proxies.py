"""Who really calls, behind a proxy: ``X-Forwarded-For`` and ``-Proto`` count only from named proxies.

Counters of failed attempts, links and ``Secure`` cookies all start from what is set here. Anybody can
send these headers, so from an address that is not in ``YUPANA_TRUSTED_PROXIES`` they are dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
HEADERS = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_REAL_IP",
    "HTTP_FORWARDED",
)


def behind_proxies(inner: Wsgi, trusted: tuple[Network, ...]) -> Wsgi:
    """``inner`` with the caller's own address in ``REMOTE_ADDR`` and the scheme that it used."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        caller = _address(str(environ.get("REMOTE_ADDR", "")))
        if _is_in(caller, trusted):
            chain = [_address(one) for one in environ.get("HTTP_X_FORWARDED_FOR", "").split(",")]
            environ["REMOTE_ADDR"] = str(_client(caller, chain, trusted) or "")
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
        for name in HEADERS:
            environ.pop(name, None)
        return inner(environ, start_response)

    return application


def _client(
    caller: Address | None, chain: list[Address | None], trusted: tuple[Network, ...]
) -> Address | None:
    """The last address before the first proxy of ours, read from the right: left of it anybody may
    have written anything.
    """
    for one in reversed(chain):
        if one is None:
            break
        caller = one
        if not _is_in(one, trusted):
            break
    return caller


def _is_in(one: Address | None, networks: tuple[Network, ...]) -> bool:
    return one is not None and any(
        one.version == network.version and one in network for network in networks
    )


def _address(text: str) -> Address | None:
    text = text.strip().strip('"')
    if text.startswith("["):  # [2001:db8::1]:443
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:  # 203.0.113.7:51000
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found
