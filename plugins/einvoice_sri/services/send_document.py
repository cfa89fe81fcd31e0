"""The conversation with SRI about one document: no database, no decision of its own (``estados`` decides).

It begins where the last one ended. A document that may have been sent is asked for by its key before
its bytes leave again, and the bytes are always those that were signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from core.failpoints import failpoint
from plugins.einvoice_sri.domain import estados
from plugins.einvoice_sri.domain.estados import PLAZO, Alcance, Estado, Respuesta, siguiente
from plugins.einvoice_sri.domain.ports import (
    Autorizacion,
    Intento,
    Mensaje,
    Recepcion,
    RespuestaAutorizacion,
    SriError,
    SriGateway,
    SriRejected,
    SriUnavailable,
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed document. ``is_fresh``: no byte of it can have left since it was last known not to be there."""

    document_id: UUID
    clave: str
    xml: bytes
    estado: Estado
    is_fresh: bool
    last_code: str = ""
    sent_at: datetime | None = None
    branch_code: str = ""
    issue_point_code: str = ""


@dataclass(slots=True)
class Outcome:
    """What came of a conversation."""

    document_id: UUID
    estado: Estado
    intentos: list[Intento] = field(default_factory=list)
    autorizacion: Autorizacion | None = None
    mensajes: tuple[Mensaje, ...] = ()
    code: str = ""
    sends: int = 0
    questions: int = 0
    is_verdict: bool = False  # SRI has decided about the key
    is_blocked: bool = False  # SriRejected: the address is not SRI


class Stops:
    """What of an issuer may not leave now: the pauses in force and those that SRI's answers open
    while we talk. Practice heeds none (``is_heeded``): it stops nobody and nobody stops it.
    """

    def __init__(self, stopped: Iterable[Alcance] = (), *, is_heeded: bool = True) -> None:
        self.stopped = set(stopped)
        self.is_heeded = is_heeded
        self.is_to_record = False  # opened by an answer, and not yet in the database

    def hold(self, delivery: Delivery) -> bool:
        """May this one not leave?"""
        places = delivery.branch_code, delivery.issue_point_code
        return self.is_heeded and any(estados.alcanza(one, *places) for one in self.stopped)

    def learn(self, talks: Iterable[_Talk]) -> None:
        """Remember what the answers so far stop."""
        for one in talks:
            outcome, delivery = one.outcome, one.delivery
            if outcome.is_blocked:
                self._add(("", ""))
            if estados.detiene(outcome.estado, outcome.code):
                places = delivery.branch_code, delivery.issue_point_code
                self._add(estados.alcance(outcome.code, *places))

    def recorded(self, stopped: Iterable[Alcance]) -> None:
        """The database holds everything now, with what others have stopped or resumed meanwhile."""
        self.stopped = set(stopped)
        self.is_to_record = False

    def _add(self, stopped: Alcance) -> None:
        if stopped not in self.stopped:
            self.stopped.add(stopped)
            self.is_to_record = True


class _Talk:
    def __init__(self, delivery: Delivery, at: datetime) -> None:
        self.delivery = delivery
        self.at = at
        self.outcome = Outcome(delivery.document_id, delivery.estado, code=delivery.last_code)

    @property
    def is_unsent(self) -> bool:
        """Has nothing of it left since SRI was last asked, so that there is nothing to ask first?"""
        return self.delivery.is_fresh and self.delivery.estado is Estado.UNKNOWN

    def step(self, respuesta: Respuesta) -> None:
        self.outcome.estado = siguiente(self.outcome.estado, respuesta)

    def note(
        self,
        operacion: str,
        resultado: str,
        duration_ms: int,
        request: bytes,
        mensajes: tuple[Mensaje, ...] = (),
    ) -> None:
        digest = sha256(request).hexdigest()
        self.outcome.intentos.append(
            Intento(operacion, self.at, duration_ms, digest, resultado, mensajes)
        )
        self.at += timedelta(milliseconds=max(duration_ms, 1))  # in order, however fast

    def sent(self, answer: Recepcion | SriError) -> None:
        """What came of a delivery. Before it ``estado`` is UNKNOWN, as it stands in the database."""
        if isinstance(answer, SriError):
            self.note("recepcion", answer.kind, answer.duration_ms, self.delivery.xml)
            self.outcome.is_blocked = isinstance(answer, SriRejected)
            stays = isinstance(answer, SriUnavailable) and answer.delivered is not False
            self.step(Respuesta.SIN_RESPUESTA if stays else Respuesta.NO_ENTREGADO)
            return
        failpoint("sri.after_send")
        self.note(
            "recepcion", answer.estado, answer.duration_ms, self.delivery.xml, answer.mensajes
        )
        self.outcome.mensajes = answer.mensajes
        self.outcome.code = estados.codigo(answer.mensajes)
        self.step(estados.de_recepcion(answer))

    def told(self, answer: RespuestaAutorizacion | SriError) -> None:
        """What came of a question about the key."""
        clave = self.delivery.clave
        if isinstance(answer, SriError):
            self.note("autorizacion", answer.kind, answer.duration_ms, clave.encode())
            self.outcome.is_blocked = isinstance(answer, SriRejected)
            self.step(Respuesta.SIN_RESPUESTA)
            return
        failpoint("sri.after_ask")
        node = estados.elegir(answer)
        last_code = self.outcome.code if self.outcome.estado is Estado.UNKNOWN else ""
        respuesta = estados.de_autorizacion(answer, last_code)
        mensajes = () if node is None else node.mensajes
        said = "NADA" if node is None else node.estado[:40]
        self.note("autorizacion", said, answer.duration_ms, clave.encode(), mensajes)
        if respuesta is Respuesta.NADA and self._is_overdue():
            respuesta = Respuesta.PLAZO_VENCIDO
        if node is not None and respuesta is not Respuesta.EN_PROCESO:
            self.outcome.is_verdict = True
            self.outcome.mensajes = mensajes
            self.outcome.code = estados.codigo(mensajes)
        if respuesta is Respuesta.AUTORIZADO:
            self.outcome.autorizacion = node
            self.outcome.code = ""
        self.step(respuesta)

    def _is_overdue(self) -> bool:
        sent_at = self.delivery.sent_at
        is_received = self.outcome.estado is Estado.RECEIVED
        return is_received and sent_at is not None and self.at - sent_at > PLAZO


def _send(gateway: SriGateway, talks: Sequence[_Talk]) -> None:
    for one in talks:
        one.outcome.sends += 1
        failpoint("sri.before_send")
    answers = gateway.receive_all([one.delivery.xml for one in talks])
    for one, answer in zip(talks, answers, strict=True):
        one.sent(answer)


def _ask(gateway: SriGateway, talks: Sequence[_Talk]) -> None:
    for one in talks:
        one.outcome.questions += 1
        failpoint("sri.before_ask")
    answers = gateway.authorization_all([(one.delivery.clave, one.delivery.xml) for one in talks])
    for one, answer in zip(talks, answers, strict=True):
        one.told(answer)


def _wants_answer(outcome: Outcome) -> bool:
    """RECIBIDA, 43, 70: ask for the verdict at once; 45: ask whose number it is."""
    number_taken = outcome.estado is Estado.UNKNOWN and outcome.code == estados.SECUENCIAL
    return outcome.estado is Estado.RECEIVED or number_taken


def converse_all(
    gateway: SriGateway,
    deliveries: Sequence[Delivery],
    at: datetime,
    *,
    parallel: int,
    stops: Stops,
) -> Iterator[list[tuple[Delivery, Outcome]]]:
    """Conversations about many documents in the order given, ``parallel`` at a time and in step: ask,
    send, ask, as far as the answers to each allow; at most one delivery of each.

    Nothing leaves that ``stops`` hold, nor after an answer that stops it: what never left is
    SIGNED again, what may have left stays UNKNOWN and is asked for at its next turn.
    """
    size = max(1, parallel)
    for start in range(0, len(deliveries), size):
        talks = [_Talk(one, at) for one in deliveries[start : start + size]]
        asked = [one for one in talks if not one.is_unsent]
        _ask(gateway, asked)
        stops.learn(asked)
        sending = _may_leave(talks, stops)
        _send(gateway, sending)
        _ask(gateway, [one for one in sending if _wants_answer(one.outcome)])
        stops.learn(sending)
        yield [(one.delivery, one.outcome) for one in talks]


def _may_leave(talks: Sequence[_Talk], stops: Stops) -> list[_Talk]:
    """Those whose bytes are to leave now, UNKNOWN as in the database."""
    leaving: list[_Talk] = []
    for one in talks:
        is_known_absent = one.outcome.estado is Estado.SIGNED
        if not (is_known_absent or one.is_unsent):
            continue
        if is_known_absent:  # SRI has nothing for the key: the same bytes once more
            one.step(Respuesta.ENVIANDO)
        if not stops.hold(one.delivery):
            leaving.append(one)
        elif one.is_unsent:
            one.step(Respuesta.NO_ENTREGADO)
    return leaving
