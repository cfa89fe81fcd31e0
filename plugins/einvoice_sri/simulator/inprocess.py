"""The same simulator without a socket: a transport for zeep, and a plain ``post``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
from zeep.transports import Transport

from plugins.einvoice_sri.simulator.site import Reply, Request, Site

HOST = "simulador.invalid"


class InProcessTransport(Transport):
    """Gives zeep the simulator's replies. A held or dropped call raises as ``requests`` would."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.site = site

    def post(self, address: str, message: Any, headers: Mapping[str, str]) -> requests.Response:
        """Deliver one message to the site."""
        body = message if isinstance(message, bytes) else str(message).encode()
        path = "/" + address.split("//", 1)[-1].split("/", 1)[-1]
        reply = self.site.answer(Request("POST", path, body, host=HOST))
        return _response(address, carried(reply))


class NoAnswer(ConnectionError):
    """The call was held or dropped by the fault script; whether it was stored is unknown."""


def carried(reply: Reply) -> Reply:
    """What arrives of a reply. Raises ``NoAnswer`` when nothing does."""
    if reply.ending in ("hold", "drop", "truncate"):
        raise NoAnswer(reply.ending)
    return reply


def _response(address: str, reply: Reply) -> requests.Response:
    response = requests.Response()
    response.status_code = reply.status
    response.url = address
    response.headers["Content-Type"] = reply.content_type
    response._content = reply.body  # noqa: SLF001  (the way requests itself fills it)
    return response
