"""The simulator's judgement: ``receive``, ``authorize``, ``consult`` over a state.

No clock, no randomness, no input or output: time comes in as an argument, misbehaviour of the
wire lives in ``faults.py``. Calls may come from many threads; the state changes under one lock,
the dear checks (schema, signature) run outside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock

from plugins.einvoice_sri.simulator.comprobante import NAMES, Document, well_formed
from plugins.einvoice_sri.simulator.rules import Policy, at_authorization, at_reception, message
from plugins.einvoice_sri.simulator.state import (
    ANNULLED,
    AUTHORIZED,
    PENDING,
    REFUSED,
    STANDING,
    TO_BE_ANNULLED,
    Entry,
    Message,
    State,
)

WARNING_TEST_ENVIRONMENT = "60"


@dataclass(frozen=True, slots=True)
class Reception:
    """Answer of ``receive``: RECIBIDA, or DEVUELTA with one message."""

    estado: str
    clave: str = "N/A"
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Consultation:
    """Answer of ``consult``; ``error`` is code 99."""

    clave: str
    estado: str = ""
    tipo: str = ""
    ruc: str = ""
    at: datetime | None = None
    error: Message | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """What the fault script decided for one delivery or question."""

    returned: str = ""  # DEVUELTA with this code
    refused: str = ""  # NO AUTORIZADO with this code
    hold: int = 0  # EN PROCESO this many times
    silent: bool = False  # answer a question as if nothing had arrived
    several: bool = False  # add refused attempts around the authorised one
    lost: bool = False  # RECIBIDA, but nothing is kept


NOTHING = Script()


class Engine:
    """One simulated authority."""

    def __init__(self, policy: Policy | None = None, state: State | None = None) -> None:
        self.policy = policy or Policy()
        self.state = state or State()
        self._lock = Lock()

    def receive(self, content: bytes, now: datetime, script: Script = NOTHING) -> Reception:
        """Take one signed document in, or return it with the first fault found."""
        document, fault = at_reception(content, self.policy, now)
        with self._lock:
            self.state.receptions += 1
            if document is None or fault is not None:
                clave = document.clave if document and document.clave else "N/A"
                return Reception("DEVUELTA", clave, (fault,) if fault else ())
            fault = self._unique(document) or (
                message(script.returned) if script.returned else None
            )
            if fault is not None:
                return Reception("DEVUELTA", document.clave, (fault,))
            if script.lost:
                return Reception("RECIBIDA", document.clave)
            entry = Entry(
                xml=content,
                received_at=now,
                hold=script.hold,
                forced=message(script.refused) if script.refused else None,
            )
            earlier = self.state.entries.get(document.clave, ())
            self.state.entries[document.clave] = (*earlier, entry)
            self.state.numbers[document.number_key] = document.clave
            return Reception("RECIBIDA", document.clave)

    def _unique(self, document: Document) -> Message | None:
        latest = self.state.latest(document.clave)
        if latest is not None and latest.estado == PENDING:
            return message(
                "70",
                f"La clave de acceso {document.clave}  esta en procesamiento"
                " VALOR DEVUELTO POR EL PROCEDIMIENTO: SI",
            )
        if latest is not None and latest.estado in STANDING:
            return message("43")
        owner = self.state.numbers.get(document.number_key)
        if owner is not None and owner != document.clave:
            other = self.state.latest(owner)
            if other is not None and other.estado != REFUSED:
                return message("45")
        return None

    def authorize(self, clave: str, now: datetime, script: Script = NOTHING) -> tuple[Entry, ...]:
        """All deliveries of a key, the last one judged by now (or still EN PROCESO); empty when
        nothing has arrived.
        """
        with self._lock:
            self.state.questions += 1
            entries = self.state.entries.get(clave, ())
            if not entries or script.silent:
                return ()
            latest = entries[-1]
            if latest.estado == PENDING and latest.hold > 0:
                held = (*entries[:-1], replace(latest, hold=latest.hold - 1))
                self.state.entries[clave] = held
                return held
        if latest.estado == PENDING:
            entries = self._decide(clave, latest, now)
        return _with_attempts(entries) if script.several else entries

    def _decide(self, clave: str, latest: Entry, now: datetime) -> tuple[Entry, ...]:
        faults = (
            (latest.forced,)
            if latest.forced
            else at_authorization(latest.xml, self.policy, latest.received_at)
        )
        if faults:
            decided = replace(latest, estado=REFUSED, decided_at=now, messages=faults)
        else:
            notes: tuple[Message, ...] = ()
            if clave[23] == "1":
                notes = (message(WARNING_TEST_ENVIRONMENT, tipo="ADVERTENCIA"),)
            decided = replace(latest, estado=AUTHORIZED, decided_at=now, messages=notes)
        with self._lock:
            entries = self.state.entries[clave]
            if entries[-1] is latest:  # another question may have been faster
                self.state.entries[clave] = entries = (*entries[:-1], decided)
            return entries

    def consult(self, clave: str) -> Consultation:
        """The later state of a document (ConsultaComprobante)."""
        if not well_formed(clave):
            return Consultation(
                clave,
                error=message(
                    "99",
                    "Error al consultar la clave acceso. Error en el formato de la clave acceso.",
                ),
            )
        latest = self.state.latest(clave)
        if latest is None or latest.estado == PENDING:
            return Consultation(
                clave, error=message("99", "No existen datos para los parámetros ingresados")
            )
        return Consultation(
            clave, latest.estado, NAMES.get(clave[8:10], ""), clave[10:23], latest.decided_at
        )

    def annul(self, clave: str, *, accepted: bool = True) -> bool:
        """What the issuer does in the portal: annul an authorised document (``accepted`` False
        leaves it waiting for the receiver). False when the key is not authorised.
        """
        with self._lock:
            entries = self.state.entries.get(clave, ())
            if not entries or entries[-1].estado not in (AUTHORIZED, TO_BE_ANNULLED):
                return False
            estado = ANNULLED if accepted else TO_BE_ANNULLED
            self.state.entries[clave] = (*entries[:-1], replace(entries[-1], estado=estado))
            return True


def _with_attempts(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Refused attempts before and after the real one, as SRI sometimes lists them."""
    refused = replace(entries[-1], estado=REFUSED, messages=(message("39"),))
    return (refused, *entries, replace(refused, messages=(message("52"),)))
