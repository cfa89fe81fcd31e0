"""The life of a fiscal document at SRI, as a table: (state, answer) -> state, or a named error.

Never two, never none: once a byte may have left (``UNKNOWN``), only an answer about the key itself
moves the document; the same bytes may be sent again, never others. 43 and 70 mean "already there";
45 means that the number belongs to a key, perhaps ours: ask, and stop the point when it is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum

from plugins.einvoice_sri.domain import catalogos
from plugins.einvoice_sri.domain.ports import (
    AUTORIZADO_ESCRITOS,
    EN_PROCESO_ESCRITOS,
    RECIBIDA,
    Autorizacion,
    Mensaje,
    Recepcion,
    RespuestaAutorizacion,
)


class Estado(StrEnum):
    """Where a document stands."""

    REQUESTED = "requested"  # stored, no key yet
    SIGNED = "signed"  # key and bytes committed, nothing has left
    UNKNOWN = "unknown"  # a byte may have left, SRI's view is not known
    RECEIVED = "received"  # SRI has it, no verdict yet
    AUTHORIZED = "authorized"
    REJECTED = "rejected"  # a person must correct it: same number, same key
    PAUSED = "paused"  # waits until a person has settled something; then the same bytes
    ANNULMENT_REQUESTED = "annulment_requested"  # authorised; the issuer asked SRI to annul it
    ANNULLED = "annulled"


class Respuesta(StrEnum):
    """What has happened, seen by the state machine."""

    FIRMADO = "signed"
    NO_FIRMABLE = "not signable"  # our own checks refuse it
    ENVIANDO = "sending"
    NO_ENTREGADO = "not delivered"  # the request surely did not leave
    SIN_RESPUESTA = "no answer"
    RECIBIDA = "RECIBIDA"
    YA_ESTA = "already there"  # 43, 70
    SECUENCIAL_REGISTRADO = "number registered"  # 45
    TRANSITORIO = "transient"  # 50
    CORREGIR = "correct it"
    PERSONA = "person needed"  # the issuer is blocked
    AUTORIZADO = "AUTORIZADO"
    NO_AUTORIZADO_CORREGIR = "NO AUTORIZADO, correct it"
    NO_AUTORIZADO_PERSONA = "NO AUTORIZADO, person needed"
    EN_PROCESO = "EN PROCESO"
    NADA = "nothing known"
    NADA_TRAS_45 = "nothing known after 45"
    PLAZO_VENCIDO = "24 hours without a verdict"
    CORREGIDO = "corrected"
    REANUDADO = "resumed"
    ANULACION_PEDIDA = "annulment requested"
    ANULADO = "annulled"
    ANULACION_NEGADA = "annulment refused"


class TransicionInvalida(Exception):
    """The table has no row for this pair: a bug, or an answer about another document."""

    def __init__(self, estado: Estado, respuesta: Respuesta) -> None:
        super().__init__(f"{estado.value}: {respuesta.value}")
        self.estado = estado
        self.respuesta = respuesta


E, R = Estado, Respuesta
TABLA: dict[tuple[Estado, Respuesta], Estado] = {
    (E.REQUESTED, R.FIRMADO): E.SIGNED,
    (E.REQUESTED, R.NO_FIRMABLE): E.REJECTED,
    (E.SIGNED, R.ENVIANDO): E.UNKNOWN,
    (E.UNKNOWN, R.NO_ENTREGADO): E.SIGNED,
    (E.UNKNOWN, R.SIN_RESPUESTA): E.UNKNOWN,
    (E.UNKNOWN, R.RECIBIDA): E.RECEIVED,
    (E.UNKNOWN, R.YA_ESTA): E.RECEIVED,
    (E.UNKNOWN, R.SECUENCIAL_REGISTRADO): E.UNKNOWN,
    (E.UNKNOWN, R.TRANSITORIO): E.UNKNOWN,
    (E.UNKNOWN, R.CORREGIR): E.REJECTED,
    (E.UNKNOWN, R.PERSONA): E.PAUSED,
    (E.UNKNOWN, R.AUTORIZADO): E.AUTHORIZED,
    (E.UNKNOWN, R.NO_AUTORIZADO_CORREGIR): E.REJECTED,
    (E.UNKNOWN, R.NO_AUTORIZADO_PERSONA): E.PAUSED,
    (E.UNKNOWN, R.EN_PROCESO): E.RECEIVED,
    (E.UNKNOWN, R.NADA): E.SIGNED,
    (E.UNKNOWN, R.NADA_TRAS_45): E.PAUSED,
    (E.RECEIVED, R.NO_ENTREGADO): E.RECEIVED,
    (E.RECEIVED, R.SIN_RESPUESTA): E.RECEIVED,
    (E.RECEIVED, R.AUTORIZADO): E.AUTHORIZED,
    (E.RECEIVED, R.NO_AUTORIZADO_CORREGIR): E.REJECTED,
    (E.RECEIVED, R.NO_AUTORIZADO_PERSONA): E.PAUSED,
    (E.RECEIVED, R.EN_PROCESO): E.RECEIVED,
    (E.RECEIVED, R.NADA): E.RECEIVED,
    (E.RECEIVED, R.PLAZO_VENCIDO): E.UNKNOWN,
    (E.REJECTED, R.CORREGIDO): E.REQUESTED,
    # a late verdict of an earlier delivery of the same key is still a verdict
    (E.REJECTED, R.AUTORIZADO): E.AUTHORIZED,
    (E.PAUSED, R.REANUDADO): E.UNKNOWN,
    (E.PAUSED, R.CORREGIDO): E.REQUESTED,
    (E.PAUSED, R.AUTORIZADO): E.AUTHORIZED,
    (E.AUTHORIZED, R.AUTORIZADO): E.AUTHORIZED,
    (E.AUTHORIZED, R.ANULACION_PEDIDA): E.ANNULMENT_REQUESTED,
    (E.AUTHORIZED, R.ANULADO): E.ANNULLED,
    (E.ANNULMENT_REQUESTED, R.ANULADO): E.ANNULLED,
    (E.ANNULMENT_REQUESTED, R.ANULACION_NEGADA): E.AUTHORIZED,
}
#: Nothing more is asked of SRI about these by itself.
ENDS = frozenset({E.AUTHORIZED, E.REJECTED, E.PAUSED, E.ANNULLED, E.ANNULMENT_REQUESTED})
#: Authorised once, whatever came later.
STANDING = frozenset({E.AUTHORIZED, E.ANNULMENT_REQUESTED, E.ANNULLED})

YA_ESTA = frozenset({"43", "70"})
SECUENCIAL = "45"
TRANSITORIOS = frozenset({"50"})
PERSONA = frozenset({"2", "10", "27", "28", "33", "34", "37", "42", "46", "56", "57", "63"})
#: What stops only one establishment.
DEL_ESTABLECIMIENTO = frozenset({"10", "56"})
Alcance = tuple[str, str]  # establishment and point; an empty one is all of them


def requiere_persona(code: str) -> bool:
    """Does ``code`` stop emission until a person has settled it? One that no catalogue knows does, too:
    what it means for the next document is not known either, and a stop can be lifted.
    """
    return code in PERSONA or (code != "" and code not in catalogos.errores())


def alcance(code: str, establecimiento: str, punto: str) -> Alcance:
    """What ``code`` stops: a point (45), an establishment (10, 56), otherwise the issuer."""
    if code == SECUENCIAL:
        return establecimiento, punto
    return (establecimiento if code in DEL_ESTABLECIMIENTO else ""), ""


def alcanza(detenido: Alcance, establecimiento: str, punto: str) -> bool:
    """Does a stop of ``detenido`` keep a document of this establishment and point from leaving?"""
    return detenido[0] in ("", establecimiento) and detenido[1] in ("", punto)


def detiene(estado: Estado, code: str) -> bool:
    """Does a document that came to ``estado`` with ``code`` stop others of its issuer?"""
    return estado is Estado.PAUSED and (code == SECUENCIAL or requiere_persona(code))


def siguiente(estado: Estado, respuesta: Respuesta) -> Estado:
    """The next state. Raises ``TransicionInvalida``."""
    try:
        return TABLA[estado, respuesta]
    except KeyError:
        raise TransicionInvalida(estado, respuesta) from None


def codigo(mensajes: tuple[Mensaje, ...]) -> str:
    """The code that decides: of several errors 45, then one that needs a person, then the first; the
    first message of an answer without errors.
    """
    found = _codigos([one for one in mensajes if not one.is_warning] or mensajes[:1])
    stopping = [one for one in found if one == SECUENCIAL] or list(filter(requiere_persona, found))
    return next(iter(stopping or found), "")


def _codigos(mensajes: Iterable[Mensaje]) -> list[str]:
    return [one.identificador.strip().lstrip("0") for one in mensajes]


def de_recepcion(answer: Recepcion) -> Respuesta:
    """What an answer of the reception means."""
    if answer.estado == RECIBIDA:
        return R.RECIBIDA
    codes = set(_codigos(one for one in answer.mensajes if not one.is_warning))
    if codes & YA_ESTA:
        return R.YA_ESTA
    if SECUENCIAL in codes:
        return R.SECUENCIAL_REGISTRADO
    if any(map(requiere_persona, codes)):
        return R.PERSONA
    if not codes or codes <= TRANSITORIOS:
        return R.TRANSITORIO
    return R.CORREGIR


def elegir(answer: RespuestaAutorizacion) -> Autorizacion | None:
    """The node that counts: AUTORIZADO wins, otherwise the latest by date; None when there is none."""
    nodes = answer.autorizaciones
    for one in nodes:
        if one.estado.strip().upper() in AUTORIZADO_ESCRITOS:
            return one
    return max(enumerate(nodes), key=lambda place: (place[1].fecha, place[0]), default=(0, None))[1]


def de_autorizacion(answer: RespuestaAutorizacion, ultimo_codigo: str = "") -> Respuesta:
    """What an answer about a key means. ``ultimo_codigo`` is the code of the last reception."""
    node = elegir(answer)
    if node is None:
        return R.NADA_TRAS_45 if ultimo_codigo == SECUENCIAL else R.NADA
    estado = node.estado.strip().upper()
    if estado in AUTORIZADO_ESCRITOS:
        return R.AUTORIZADO
    if estado in EN_PROCESO_ESCRITOS or not estado:
        return R.EN_PROCESO
    if requiere_persona(codigo(node.mensajes)):
        return R.NO_AUTORIZADO_PERSONA
    return R.NO_AUTORIZADO_CORREGIR


PLAZO = timedelta(hours=24)
_PAUSAS = (2, 3, 5, 10, 15, 30, 60, 120, 300, 600, 900)


def pausa(intentos: int) -> timedelta:
    """How long to wait before the next question after ``intentos`` of them: 2 s, growing to 15 min."""
    return timedelta(seconds=_PAUSAS[min(max(intentos, 1), len(_PAUSAS)) - 1])
