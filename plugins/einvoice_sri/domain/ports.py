"""The authority as the emitter sees it: what can be asked, what can be answered, how it can fail.

What every implementation owes its caller (contract: ``tests/contracts/test_sri_gateway.py``):

* one document a call, the exact bytes given; no repeat inside the call;
* an answer is returned as it was said; nothing is decided here (``estados.py`` decides);
* a call without a usable answer raises ``SriUnavailable``; ``delivered`` False only when the request
  surely never reached SRI, otherwise its fate is unknown and the caller asks before sending again;
* ``SriRejected`` when the address answered but is not the service (wrong address, not a fault of
  the document): a person must look at the settings;
* safe to be used from several threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

RECIBIDA, DEVUELTA = "RECIBIDA", "DEVUELTA"
AUTORIZADO, NO_AUTORIZADO, EN_PROCESO = "AUTORIZADO", "NO AUTORIZADO", "EN PROCESO"
EN_PROCESO_ESCRITOS = frozenset({EN_PROCESO, "EN PROCESAMIENTO", "PPR"})
AUTORIZADO_ESCRITOS = frozenset({AUTORIZADO, "AUT"})


@dataclass(frozen=True, slots=True)
class Mensaje:
    """One ``mensaje`` of SRI. ``tipo`` is ERROR, ADVERTENCIA or INFORMATIVO."""

    identificador: str
    mensaje: str
    informacion_adicional: str = ""
    tipo: str = "ERROR"

    @property
    def is_warning(self) -> bool:
        """Does the document stand in spite of it?"""
        return self.tipo.upper() != "ERROR"


@dataclass(frozen=True, slots=True)
class Recepcion:
    """Answer of ``validarComprobante``; ``duration_ms`` as measured by the adapter."""

    estado: str
    mensajes: tuple[Mensaje, ...] = ()
    duration_ms: int = 0


@dataclass(frozen=True, slots=True)
class Autorizacion:
    """One ``autorizacion`` node. ``fecha`` keeps the text as SRI wrote it."""

    estado: str
    numero: str = ""
    fecha: str = ""
    ambiente: str = ""
    comprobante: str | None = None
    mensajes: tuple[Mensaje, ...] = ()


@dataclass(frozen=True, slots=True)
class RespuestaAutorizacion:
    """Answer of ``autorizacionComprobante``; no nodes means that SRI has nothing for the key (yet)."""

    clave: str
    autorizaciones: tuple[Autorizacion, ...] = ()
    duration_ms: int = 0


@dataclass(frozen=True, slots=True)
class Consulta:
    """Answer of ConsultaComprobante: AUTORIZADO, NO AUTORIZADO, PENDIENTE DE ANULAR or ANULADO;
    ``error`` holds code 99.
    """

    clave: str
    estado: str = ""
    tipo: str = ""
    ruc: str = ""
    fecha: str = ""
    error: Mensaje | None = None
    duration_ms: int = 0


class SriError(Exception):
    """A call to SRI without a usable answer. ``kind`` is stable and short, for the log of attempts."""

    def __init__(self, kind: str, detail: str = "", *, duration_ms: int = 0) -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.detail = detail
        self.duration_ms = duration_ms


class SriUnavailable(SriError):
    """SRI did not answer usably; try again later. ``delivered`` False: the request surely never
    reached it; True: an answer came but could not be read; None: nobody knows.
    """

    def __init__(
        self, kind: str, detail: str = "", *, delivered: bool | None, duration_ms: int = 0
    ) -> None:
        super().__init__(kind, detail, duration_ms=duration_ms)
        self.delivered = delivered


class SriRejected(SriError):
    """The address answered, but not as SRI's service: the settings are wrong, trying again is useless."""


class SriGateway(Protocol):
    """Talks to one environment of SRI."""

    is_simulated: bool

    def receive(self, xml: bytes) -> Recepcion:
        """Send a signed document (``validarComprobante``). Raises ``SriUnavailable``, ``SriRejected``."""
        ...

    def receive_all(self, documents: Sequence[bytes]) -> list[Recepcion | SriError]:
        """The same for several documents, each in a call of its own and all on their way at once: the
        answer, or what ``receive`` would raise, in the order of the documents.
        """
        ...

    def authorization(self, clave: str, sent: bytes = b"") -> RespuestaAutorizacion:
        """Ask for the authorisation of a key. Raises ``SriUnavailable``, ``SriRejected``.

        ``sent`` is the signed document where the caller has it: it makes the answer cheaper to read
        and changes nothing in it.
        """
        ...

    def authorization_all(
        self, questions: Sequence[tuple[str, bytes]]
    ) -> list[RespuestaAutorizacion | SriError]:
        """The same for several keys, each with ``sent``, all on their way at once."""
        ...

    def consult(self, clave: str) -> Consulta:
        """Ask for the later state of a key (annulled…). Raises ``SriUnavailable``, ``SriRejected``."""
        ...

    def close(self) -> None:
        """Close idle connections."""
        ...


@dataclass(frozen=True, slots=True)
class Intento:
    """What is kept of one call: which, when, how long, what came back."""

    operacion: str  # "recepcion", "autorizacion", "consulta"
    at: datetime
    duration_ms: int
    request_sha256: str
    resultado: str  # RECIBIDA, DEVUELTA, AUTORIZADO, …, NADA, or the kind of a SriError
    mensajes: tuple[Mensaje, ...] = ()
