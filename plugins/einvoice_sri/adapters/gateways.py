"""Which SRI this installation talks to: SRI's own two environments, the simulator, none, or an address."""

from __future__ import annotations

from core.errors import SetupError
from core.i18n import _
from core.settings import Settings
from plugins.einvoice_sri.adapters.sri_null import SriNull
from plugins.einvoice_sri.domain.ports import SriGateway

TESTS, PRODUCTION = 1, 2


class Gateways:
    """The gateways of a process, one per environment."""

    def __init__(self, by_environment: dict[int, SriGateway]) -> None:
        self._known = by_environment

    def of(self, environment: int) -> SriGateway:
        """The gateway of an environment (1 pruebas, 2 producción)."""
        return self._known[environment]

    @property
    def is_simulated(self) -> bool:
        """Do documents go to the simulator, so that nothing has tax value?"""
        return any(one.is_simulated for one in self._known.values())

    def close(self) -> None:
        """Close idle connections."""
        for one in self._known.values():
            one.close()


def open_gateways(settings: Settings) -> Gateways:
    """The gateways that ``YUPANA_SRI_URL`` names. Raises ``SetupError`` for a value that means nothing."""
    where = settings.sri_url or ("simulator" if settings.demo else "")
    if where == "null":
        null = SriNull()
        return Gateways({TESTS: null, PRODUCTION: null})
    if where == "simulator":
        where = f"http://127.0.0.1:{settings.sri_simulator_port}"
    from plugins.einvoice_sri.adapters.sri_soap import PATH, PRODUCCION, PRUEBAS, SriSoap  # zeep

    if where.startswith(("http://", "https://")):
        simulated = SriSoap(where.rstrip("/") + PATH, is_simulated=True)
        return Gateways({TESTS: simulated, PRODUCTION: simulated})
    if where:
        raise SetupError(_("YUPANA_SRI_URL is empty, simulator, null, or starts with http."))
    return Gateways({TESTS: SriSoap(PRUEBAS), PRODUCTION: SriSoap(PRODUCCION)})


def is_simulated(settings: Settings) -> bool:
    """Does this installation send its documents to a simulator?"""
    where = settings.sri_url or ("simulator" if settings.demo else "")
    return where == "simulator" or where.startswith(("http://", "https://"))
