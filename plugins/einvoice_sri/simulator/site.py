"""The simulator's addresses: two SOAP services, the consultation, their descriptions, the control page.

``Site.answer`` turns a request into a reply; sockets are ``server.py``'s, a call without a socket is
``inprocess.py``'s. ``Reply.ending`` tells the carrier how the reply misbehaves.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lxml import etree

from plugins.einvoice_sri.simulator import answers, faults
from plugins.einvoice_sri.simulator.authority import TestAuthority
from plugins.einvoice_sri.simulator.comprobante import Unreadable, parse
from plugins.einvoice_sri.simulator.control import control_page
from plugins.einvoice_sri.simulator.engine import NOTHING, Engine
from plugins.einvoice_sri.simulator.faults import BadFault, Fault, FaultPlan, read_outage
from plugins.einvoice_sri.simulator.rules import message
from plugins.einvoice_sri.simulator.state import State

BASE = "/comprobantes-electronicos-ws/"
SERVICES = {
    "RecepcionComprobantesOffline": faults.RECEPTION,
    "AutorizacionComprobantesOffline": faults.AUTHORIZATION,
    "ConsultaComprobante": faults.CONSULTATION,
}
XML = "text/xml;charset=UTF-8"
HTML = "text/html;charset=UTF-8"
JSON = "application/json"
MAX_REQUEST = 2 * 1024 * 1024
WAF = b"<html><title>Request Rejected</title></html>"
_KEY = re.compile(rb"<claveAcceso>\s*([0-9]{49})\s*</claveAcceso>")


@dataclass(frozen=True, slots=True)
class Request:
    """What the carrier received. ``host`` and ``origin`` are the headers of these names."""

    method: str
    target: str
    body: bytes = b""
    host: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the carrier sends. ``ending``: "" well-behaved, "hold" never answers, "drop" closes,
    "truncate" sends half; ``delay`` seconds before.
    """

    status: int
    content_type: str
    body: bytes
    ending: str = ""
    delay: float = 0.0
    location: str = ""


class Site:
    """One simulator. ``clock`` gives the instant of each call."""

    def __init__(
        self,
        engine: Engine,
        plan: FaultPlan,
        clock: Callable[[], datetime],
        authority: TestAuthority | None = None,
    ) -> None:
        self.engine = engine
        self.plan = plan
        self.clock = clock
        self.authority = authority

    def answer(self, request: Request) -> Reply:
        """The reply to one request."""
        address = urlsplit(request.target)
        if address.path.startswith(BASE):
            name = address.path.removeprefix(BASE)
            if name not in SERVICES:
                return Reply(404, HTML, b"<html><title>404 - SIMULACION</title></html>")
            if request.method == "GET":
                return self._description(name, request.host)
            return self._soap(SERVICES[name], request.body)
        return self._control(request, address.path)

    def dump(self) -> dict[str, Any]:
        """What it remembers and how it is told to misbehave, as JSON values."""
        return {**self.engine.state.dump(), "plan": self.plan.dump()}

    def load(self, data: dict[str, Any]) -> None:
        """Go on from a ``dump``; one of before, without a plan, leaves the plan as it is."""
        state = State.load(data)
        if "plan" in data:
            self.plan.load(data["plan"])
        self.engine.state = state

    def _description(self, name: str, host: str) -> Reply:
        text = (files("plugins.einvoice_sri.simulator") / "wsdl" / f"{name}.wsdl").read_text(
            "utf-8"
        )
        address = f"http://{host}{BASE}{name}"
        return Reply(200, XML, text.replace("http://address.invalid/", address).encode())

    def _soap(self, service: str, body: bytes) -> Reply:
        call = _read_call(service, body)
        if call is None:
            return Reply(500, XML, answers.fault())
        clave = call if isinstance(call, str) else _key_inside(call)
        now = self.clock()
        fault = self.plan.decide(service, clave, now)
        kind = fault.kind if fault else ""
        early = _before(kind)
        if early is not None:
            return early
        content = self._done(service, call, now, fault)
        return _after(kind, Reply(200, XML, content, delay=fault.seconds if fault else 0.0))

    def _done(self, service: str, call: bytes | str, now: datetime, fault: Fault | None) -> bytes:
        script = fault.script if fault else NOTHING
        if isinstance(call, bytes):
            return answers.reception(self.engine.receive(call, now, script))
        if service == faults.CONSULTATION:
            return answers.consultation(self.engine.consult(call))
        return answers.authorization(call, self.engine.authorize(call, now, script))

    def _control(self, request: Request, path: str) -> Reply:
        if request.method == "GET":
            return self._show(path)
        if request.origin and urlsplit(request.origin).netloc != request.host:
            return _json({"error": "cross-origin"}, 403)
        return self._steer(path, request.body)

    def _show(self, path: str) -> Reply:
        if path == "/":
            return Reply(200, HTML, control_page(self.engine, self.plan).encode())
        if path == "/control/state":
            return _json(self.dump())
        if path == "/control/documents":
            return _json({k: v[-1].estado for k, v in self.engine.state.entries.items()})
        if path == "/control/ca.pem" and self.authority:
            return Reply(200, "application/x-pem-file", self.authority.chain_pem())
        return Reply(404, HTML, b"<html><title>404 - SIMULACION</title></html>")

    def _steer(self, path: str, body: bytes) -> Reply:
        if path == "/control/state":
            self.load(json.loads(body))
            return _json({"ok": True})
        form = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        if path in ("/control/faults", "/control/outages"):
            try:
                if path == "/control/faults":
                    self.plan.add(Fault.parse(form.get("fault", "")))
                else:
                    self.plan.add_outage(read_outage(form.get("outage", "")))
            except BadFault as error:
                return _json({"error": str(error)}, 422)
        elif path == "/control/good":
            self.plan.clear()
        elif path == "/control/annul":
            accepted = form.get("accepted", "yes") == "yes"
            if not self.engine.annul(form.get("clave", ""), accepted=accepted):
                return _json({"error": message("99").mensaje}, 422)
        elif path == "/control/p12" and self.authority:
            file = self.authority.issue(
                form["ruc"], form.get("name", "PERSONA DE PRUEBA"), form["password"], self.clock()
            )
            return Reply(200, "application/x-pkcs12", file.content)
        else:
            return _json({"error": "404"}, 404)
        return Reply(303, HTML, b"", location="/")


def _read_call(service: str, body: bytes) -> bytes | str | None:
    """The argument of a SOAP call: the document's bytes, or a key; None when it can't be read."""
    names = {
        faults.RECEPTION: ("validarComprobante", "xml"),
        faults.AUTHORIZATION: ("autorizacionComprobante", "claveAccesoComprobante"),
        faults.CONSULTATION: ("consultarEstadoAutorizacionComprobante", "claveAcceso"),
    }
    spaces = {
        faults.RECEPTION: answers.RECEPTION,
        faults.AUTHORIZATION: answers.AUTHORIZATION,
        faults.CONSULTATION: answers.CONSULTATION,
    }
    operation, argument = names[service]
    try:
        root = parse(body)
    except Unreadable:
        return None
    call = root.find(f"{{{answers.ENVELOPE}}}Body/{{{spaces[service]}}}{operation}")
    if call is None or any(etree.QName(one).localname != argument for one in call):
        return None
    text = (call.findtext(argument) or "").strip()
    if service != faults.RECEPTION:
        return text
    try:
        return base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError):
        return None


def _key_inside(document: bytes) -> str:
    found = _KEY.search(document)
    return found.group(1).decode() if found else ""


def _before(kind: str) -> Reply | None:
    """Misbehaviour before anything is stored."""
    simple = {
        "timeout-before": Reply(0, "", b"", ending="hold"),
        "drop-before": Reply(0, "", b"", ending="drop"),
        "http500": Reply(500, HTML, b"<html><title>Error 500</title></html>"),
        "soap-fault": Reply(500, XML, answers.fault()),
        "html403": Reply(403, HTML, WAF),
    }
    return simple.get(kind)


def _after(kind: str, reply: Reply) -> Reply:
    """Misbehaviour after the work is done."""
    endings = {"timeout-after": "hold", "drop-after": "drop", "truncated": "truncate"}
    if kind == "garbage":
        return Reply(200, HTML, b"<html>Servicio temporalmente no disponible</html>")
    if kind in endings:
        return Reply(reply.status, reply.content_type, reply.body, ending=endings[kind])
    return reply


def _json(value: Any, status: int = 200) -> Reply:
    return Reply(status, JSON, json.dumps(value, ensure_ascii=False).encode())
