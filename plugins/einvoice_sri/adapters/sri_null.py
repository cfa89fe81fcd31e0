"""No SRI at all: for development without the simulator. It accepts nothing."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.einvoice_sri.domain.ports import (
    Consulta,
    Recepcion,
    RespuestaAutorizacion,
    SriError,
    SriUnavailable,
)


class SriNull:
    """Every call fails as if SRI could not be reached; documents wait, signed."""

    is_simulated = False

    def receive(self, xml: bytes) -> Recepcion:
        """Raises ``SriUnavailable``: surely not delivered."""
        raise SriUnavailable("null", delivered=False)

    def receive_all(self, documents: Sequence[bytes]) -> list[Recepcion | SriError]:
        """``SriUnavailable`` for each."""
        return [SriUnavailable("null", delivered=False) for _one in documents]

    def authorization(self, clave: str, sent: bytes = b"") -> RespuestaAutorizacion:
        """Raises ``SriUnavailable``."""
        raise SriUnavailable("null", delivered=False)

    def authorization_all(
        self, questions: Sequence[tuple[str, bytes]]
    ) -> list[RespuestaAutorizacion | SriError]:
        """``SriUnavailable`` for each."""
        return [SriUnavailable("null", delivered=False) for _one in questions]

    def consult(self, clave: str) -> Consulta:
        """Raises ``SriUnavailable``."""
        raise SriUnavailable("null", delivered=False)

    def close(self) -> None:
        """Nothing to close."""
