"""What a company practises against: a simulated SRI inside the process, and keys that only it trusts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from core import runtime
from plugins.einvoice_sri.adapters.p12_store import open_signing_file
from plugins.einvoice_sri.adapters.sri_soap import PATH, SriSoap
from plugins.einvoice_sri.adapters.wire import Answer
from plugins.einvoice_sri.domain.xades import SigningKey
from plugins.einvoice_sri.services.certificates import company_ruc
from plugins.einvoice_sri.simulator.authority import TestAuthority
from plugins.einvoice_sri.simulator.engine import Engine
from plugins.einvoice_sri.simulator.faults import FaultPlan
from plugins.einvoice_sri.simulator.inprocess import carried
from plugins.einvoice_sri.simulator.rules import Policy
from plugins.einvoice_sri.simulator.site import Request, Site

HOST = "practica.invalid"


class Practice:
    """The practice SRI. What it knew is forgotten with the process: a document that was on its way is
    simply sent again.
    """

    def __init__(self, now: datetime) -> None:
        self._authority = TestAuthority.create(now)
        policy = Policy(trusted=None, max_age_days=None)
        self._site = Site(
            Engine(policy), FaultPlan(), lambda: runtime.clock().now(), self._authority
        )
        self._keys: dict[str, SigningKey] = {}
        self.gateway = SriSoap(f"http://{HOST}{PATH}", is_simulated=True, post=self._post)

    def _post(self, address: str, body: bytes, _headers: Mapping[str, str]) -> Answer:
        path = urlsplit(address).path
        reply = carried(self._site.answer(Request("POST", path, body, host=HOST)))
        return Answer(reply.status, reply.content_type, reply.body)

    def key_for(self, session: Session, now: datetime) -> SigningKey:
        """A key that says SIMULACIÓN, for the company in scope."""
        ruc = company_ruc(session)
        if ruc not in self._keys:
            file = self._authority.issue(ruc, "PRACTICA", "practica", now)
            self._keys[ruc] = open_signing_file(file.content, file.password, now).key
        return self._keys[ruc]
