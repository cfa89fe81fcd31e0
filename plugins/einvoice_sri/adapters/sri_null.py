"""No SRI at all: for development without the simulator. It accepts nothing."""

from __future__ import annotations

from plugins.einvoice_sri.domain.ports import (
    Consulta,
    Recepcion,
    RespuestaAutorizacion,
    SriUnavailable,
)


class SriNull:
    """Every call fails as if SRI could not be reached; documents wait, signed."""

    is_simulated = False

    def receive(self, xml: bytes) -> Recepcion:
        """Raises ``SriUnavailable``: surely not delivered."""
        raise SriUnavailable("null", delivered=False)

    def authorization(self, clave: str, sent: bytes = b"") -> RespuestaAutorizacion:
        """Raises ``SriUnavailable``."""
        raise SriUnavailable("null", delivered=False)

    def consult(self, clave: str) -> Consulta:
        """Raises ``SriUnavailable``."""
        raise SriUnavailable("null", delivered=False)

    def close(self) -> None:
        """Nothing to close."""
