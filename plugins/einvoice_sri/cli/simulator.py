"""``yupana sri simulator``: a tax authority to practise against, on this machine only."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import click
from cryptography import x509

from core.adapters.clock import FixedClock, SharedClock, SystemClock
from core.contracts.ports import Clock
from core.errors import SetupError
from core.i18n import _
from core.settings import Settings
from plugins.einvoice_sri.cli.gateway import json_option
from plugins.einvoice_sri.simulator.authority import TestAuthority
from plugins.einvoice_sri.simulator.engine import Engine
from plugins.einvoice_sri.simulator.faults import MIXED, BadFault, Fault, FaultPlan, read_outage
from plugins.einvoice_sri.simulator.rules import Policy
from plugins.einvoice_sri.simulator.server import serving
from plugins.einvoice_sri.simulator.site import Site
from plugins.einvoice_sri.simulator.state import State

FOLDER = "sri_simulator"


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Puerto de esta máquina. Sin él, el de la configuración.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    help="Falla tipo[:argumento][@servicio][xVECES], como slow:2 o return:45x1; se puede repetir.",
)
@click.option(
    "--fault-rate",
    type=float,
    help="Parte de las llamadas que falla, de 0 a 1, según la semilla.",
)
@click.option("--seed", type=int, help="Semilla: la misma da las mismas fallas.")
@click.option(
    "--outage",
    "outages",
    multiple=True,
    help="Corte DESDE/HASTA, dos instantes ISO 8601: HTTP 500 mientras dura; se puede repetir.",
)
@click.option(
    "--ca",
    "authorities",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="Confía en estas entidades de certificación (PEM), además de la propia; se puede repetir.",
)
@click.option("--any-ca", is_flag=True, help="Confía en toda entidad de certificación.")
@click.option(
    "--max-age-days",
    type=int,
    default=90,
    help="Cuántos días de antigüedad acepta en la fecha de emisión (error 65).",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="Archivo del estado: empieza con él y lo guarda ahí. También guarda fallas, cortes y semilla,"
    " que siguen mientras no se den otras.",
)
@click.option("--now", "instant", help="Se queda en este instante (ISO 8601 con zona).")
@json_option
@click.pass_obj
def simulator(
    settings: Settings,
    *,
    port: int | None,
    faults: Sequence[str],
    fault_rate: float | None,
    seed: int | None,
    outages: Sequence[str],
    authorities: Sequence[Path],
    any_ca: bool,
    max_age_days: int,
    state: Path | None,
    instant: str | None,
    as_json: bool,
) -> None:
    """Simula los servicios web del SRI.

    Nada de lo que autoriza tiene validez tributaria. Con --json muestra un objeto cuando ya atiende y
    otro cuando se detuvo.

    Termina con 0 si lo detienen (Ctrl-C, SIGTERM) y guardó su estado; con 2 si el puerto está ocupado o
    una opción no se puede leer.
    """
    clock = _clock(settings, instant)
    kept = state or settings.home / FOLDER / "state.json"
    plan, given = _plan(faults, fault_rate, seed, outages), _trusted(authorities)
    asked = any((faults, outages, fault_rate is not None, seed is not None))
    known = read_state(kept, plan, is_planned=asked)
    authority = open_authority(settings.home, clock())
    trusted = None if any_ca else (*authority.trusted, *given)
    policy = Policy(trusted=trusted, max_age_days=max_age_days)
    site = Site(Engine(policy, known), plan, clock, authority)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    chosen = settings.sri_simulator_port if port is None else port
    try:
        with serving(site, chosen) as server:
            if as_json:
                click.echo(json.dumps({"url": server.url, "simulation": True}))
            else:
                click.echo(
                    _("SIMULATION of SRI at %(url)s: nothing here has tax value.", url=server.url)
                )
            sys.stdout.flush()
            while not stop.wait(0.5):
                pass
    except OSError as error:
        raise SetupError(
            _("Port %(port)s is taken: choose another with --port.", port=chosen)
        ) from error
    kept.parent.mkdir(parents=True, exist_ok=True)
    state_now = site.engine.state
    kept.write_text(json.dumps(site.dump()))
    if as_json:
        counts = {"receptions": state_now.receptions, "questions": state_now.questions}
        click.echo(json.dumps({"stopped": True, "state": str(kept)} | counts))


def open_authority(home: Path, now: datetime) -> TestAuthority:
    """The test authority of an installation, made at its first use."""
    file = home / FOLDER / "authority.pem"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".draft")
        draft.write_bytes(TestAuthority.create(now).to_pem())
        draft.replace(file)
    return TestAuthority.from_pem(file.read_bytes())


def _clock(settings: Settings, instant: str | None) -> Callable[[], datetime]:
    if instant:
        try:
            return FixedClock(datetime.fromisoformat(instant)).now
        except ValueError as error:
            raise click.BadParameter(
                _("Write an instant such as 2026-04-25T08:00-05:00."), param_hint="--now"
            ) from error
    clock: Clock = SharedClock(settings.clock_file) if settings.demo else SystemClock()
    return clock.now


def _trusted(paths: Sequence[Path]) -> list[x509.Certificate]:
    found: list[x509.Certificate] = []
    for path in paths:
        try:
            found += x509.load_pem_x509_certificates(path.read_bytes())
        except ValueError as error:
            raise click.BadParameter(
                _("%(file)s holds no certificate in PEM form.", file=path), param_hint="--ca"
            ) from error
    return found


def _plan(
    faults: Sequence[str], rate: float | None, seed: int | None, outages: Sequence[str]
) -> FaultPlan:
    try:
        script = [Fault.parse(one) for one in faults]
    except BadFault as error:
        raise click.BadParameter(str(error), param_hint="--fault") from error
    try:
        windows = [read_outage(one) for one in outages]
    except BadFault as error:
        raise click.BadParameter(str(error), param_hint="--outage") from error
    share = rate or 0.0
    if not 0 <= share <= 1:  # nor what is no number
        raise click.BadParameter(
            _("Write a share of the calls from 0 to 1, such as 0.2."), param_hint="--fault-rate"
        )
    return FaultPlan(script, windows, seed=seed or 0, rate=share, mix=MIXED)


def read_state(file: Path, plan: FaultPlan, *, is_planned: bool) -> State:
    """What the file remembers; its faults too unless there are others (``is_planned``)."""
    if not file.exists():
        return State()
    planned = plan.dump()
    try:
        data = json.loads(file.read_text())
        known = State.load(data)
        if "plan" in data:
            kept = data["plan"]
            plan.load({**planned, "seen": kept["seen"]} if is_planned else kept)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise click.BadParameter(
            _("%(file)s is no state of the simulator: name another file, or remove it.", file=file),
            param_hint="--state",
        ) from error
    return known
