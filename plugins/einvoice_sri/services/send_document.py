"""The conversation with SRI about one document: no database, no decision of its own (``estados`` decides).

It begins where the last one ended. A document that may have been sent is asked for by its key before
its bytes leave again, and the bytes are always those that were signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from core.failpoints import failpoint
from plugins.einvoice_sri.domain import estados
from plugins.einvoice_sri.domain.estados import PLAZO, Estado, Respuesta, siguiente
from plugins.einvoice_sri.domain.ports import (
    Autorizacion,
    Intento,
    Mensaje,
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


class _Talk:
    def __init__(self, gateway: SriGateway, delivery: Delivery, at: datetime) -> None:
        self.gateway = gateway
        self.delivery = delivery
        self.at = at
        self.outcome = Outcome(delivery.document_id, delivery.estado, code=delivery.last_code)

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

    def send(self) -> None:
        """One delivery. Before it ``estado`` is UNKNOWN, as it stands in the database."""
        self.outcome.sends += 1
        failpoint("sri.before_send")
        try:
            answer = self.gateway.receive(self.delivery.xml)
        except SriUnavailable as error:
            self.note("recepcion", error.kind, error.duration_ms, self.delivery.xml)
            delivered = error.delivered
            self.step(Respuesta.NO_ENTREGADO if delivered is False else Respuesta.SIN_RESPUESTA)
            return
        except SriRejected as error:
            self.note("recepcion", error.kind, error.duration_ms, self.delivery.xml)
            self.outcome.is_blocked = True
            self.step(Respuesta.NO_ENTREGADO)
            return
        failpoint("sri.after_send")
        self.note(
            "recepcion", answer.estado, answer.duration_ms, self.delivery.xml, answer.mensajes
        )
        self.outcome.mensajes = answer.mensajes
        self.outcome.code = estados.codigo(answer.mensajes)
        self.step(estados.de_recepcion(answer))

    def ask(self) -> None:
        """One question about the key."""
        self.outcome.questions += 1
        failpoint("sri.before_ask")
        clave = self.delivery.clave
        try:
            answer = self.gateway.authorization(clave, self.delivery.xml)
        except (SriUnavailable, SriRejected) as error:
            self.note("autorizacion", error.kind, error.duration_ms, clave.encode())
            self.outcome.is_blocked = isinstance(error, SriRejected)
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


def converse(gateway: SriGateway, delivery: Delivery, at: datetime) -> Outcome:
    """Ask, send, ask, as far as the answers allow; at most one delivery."""
    talk = _Talk(gateway, delivery, at)
    if not (delivery.is_fresh and delivery.estado is Estado.UNKNOWN):
        talk.ask()
        if talk.outcome.estado is not Estado.SIGNED:
            return talk.outcome
        talk.step(Respuesta.ENVIANDO)  # SRI has nothing for the key: the same bytes once more
    talk.send()
    if _wants_answer(talk.outcome):
        talk.ask()
    return talk.outcome


def _wants_answer(outcome: Outcome) -> bool:
    """RECIBIDA, 43, 70: ask for the verdict at once; 45: ask whose number it is."""
    number_taken = outcome.estado is Estado.UNKNOWN and outcome.code == estados.SECUENCIAL
    return outcome.estado is Estado.RECEIVED or number_taken


def converse_all(
    gateway: SriGateway, deliveries: Sequence[Delivery], at: datetime, *, parallel: int
) -> Iterator[Outcome]:
    """Conversations about many documents, ``parallel`` at a time, in the order given."""
    if parallel <= 1 or len(deliveries) == 1:
        for one in deliveries:
            yield converse(gateway, one, at)
        return
    with ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="sri") as pool:
        yield from pool.map(lambda one: converse(gateway, one, at), deliveries)
