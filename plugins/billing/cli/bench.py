"""``yupana bench billing``: the run of a large issuer through the production entry point.

A server of its own (real indexes, row-level security, fsync on) is started in a temporary folder,
so that no installation is touched.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from core import plugins, runtime, settings
from core.adapters.clock import FixedClock, at_local
from core.adapters.embedded_postgres import EmbeddedPostgres
from core.db import migrate
from core.db.components import components
from core.db.session import Database, bind
from core.services.after_upgrade import after_upgrade
from plugins.billing.cli import bench_rows
from plugins.billing.cli.reading import one_sentence
from plugins.billing.domain.calendar import BillingCalendar
from plugins.billing.domain.invoicing import plan_charges
from plugins.billing.domain.policy import BASES
from plugins.billing.services.due import BATCH
from plugins.billing.services.run_batches import RunResult
from plugins.billing.services.run_billing import run_billing
from plugins.billing.services.sweep_day import sweep_day

RUN_ON, SWEEP_ON = date(2026, 3, 25), date(2026, 4, 6)
PRICES = (Decimal("30.00"), Decimal("19.99"), Decimal("24.90"))


@click.command("billing")
@click.option(
    "--subscriptions",
    type=click.IntRange(1, 1_000_000),
    default=10_000,
    show_default=True,
    help="Cuántas suscripciones.",
)
@click.option("--profile", type=click.Path(dir_okay=False), help="Archivo para el perfil.")
@click.option("--json", "as_json", is_flag=True, help="Salida en JSON.")
@one_sentence
def bench_command(*, subscriptions: int, profile: str | None, as_json: bool) -> None:
    """Mide el calendario, la corrida del día 25 y el barrido."""
    found: dict[str, Any] = {"subscriptions": subscriptions}
    found["engine_schedules_per_s"] = round(engine_speed())
    found |= measure(subscriptions, profile)
    if as_json:
        click.echo(json.dumps(found))
        return
    for name, value in found.items():
        click.echo(f"{name:24} {value}")


def engine_speed(schedules: int = 40_000) -> float:
    """Schedules of 12 invoices with derivations a second of one core: every start day, three prices, all bases."""
    calendar = BillingCalendar()
    begin = date(2024, 1, 1)
    cases = [
        (PRICES[n % 3], begin + timedelta(days=n % 4749), BASES[n % 4]) for n in range(schedules)
    ]
    started = time.process_time()
    for price, start, basis in cases:
        plan_charges(price, start, 12, calendar, basis)
    return schedules / (time.process_time() - started)


def measure(count: int, profile: str | None) -> dict[str, Any]:
    """Run and sweep ``count`` subscriptions of one issuer on a scratch server."""
    with tempfile.TemporaryDirectory(prefix="yupana-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder)) as server:
            migrate.upgrade(server.owner_url, "yupana_app", components(plugins.host().plugins))
            after_upgrade(server.owner_url)
            database = Database(server.runtime_url)
            bind(database)
            clock = FixedClock(at_local(RUN_ON, 2))
            before = settings.current()
            runtime.use(
                runtime.assemble(settings.use(settings.read_settings(home=Path(folder) / "home")))
            )
            try:
                return _measured(count, server.owner_url, clock, profile)
            finally:
                runtime.use(None)
                settings.use(before)
                bind(None)
                database.dispose()


def _measured(count: int, owner_url: str, clock: FixedClock, profile: str | None) -> dict[str, Any]:
    tenant = bench_rows.make_issuer(clock.now())
    _say(f"{count} suscripciones")
    bench_rows.make_subscriptions(tenant, count, RUN_ON, now=clock.now())
    bench_rows.settle(owner_url)
    gc.collect()
    begun_mb = _rss_mb()
    before = bench_rows.row_counts(owner_url)
    _say("corrida del día 25")
    server_pid = bench_rows.server_pid(owner_url)
    client, server = cpu_s(os.getpid(), server_pid), cpu_s(server_pid)
    result, seconds = _timed(
        lambda: run_billing(tenant, on=RUN_ON, now=clock.now(), progress=_show), profile
    )
    time.sleep(0.3)  # connections that have just ended are counted when the server has noticed
    client, server = cpu_s(os.getpid(), server_pid) - client, cpu_s(server_pid) - server
    peak_mb = _rss_mb()
    rows = bench_rows.row_counts(owner_url)
    written = {
        name: rows[name] - before.get(name, 0) for name in rows if rows[name] > before.get(name, 0)
    }
    again = run_billing(tenant, on=RUN_ON, now=clock.now())
    assert isinstance(result, RunResult)
    if result.invoices == 0 or again.invoices != 0:
        raise RuntimeError("the run did not issue what it should")
    _say("barrido")
    clock.set(at_local(SWEEP_ON))
    swept, sweep_seconds = _timed(lambda: sweep_day(tenant, on=SWEEP_ON, now=clock.now()), None)
    _say("COPY de las mismas filas")
    copy_seconds = bench_rows.plain_copy(owner_url, before, written)
    total = sum(written.values())
    return {
        "run_invoices_per_s": round(result.invoices / seconds),
        "copy_rows_per_s": round(total / copy_seconds),
        "share_of_copy": round(copy_seconds / seconds, 3),
        "peak_rss_mb": round(peak_mb, 1),
        "sweep_s": round(sweep_seconds, 2),
        "invoices": result.invoices,
        "amount": str(result.amount),
        "rows_written": total,
        "rows_by_table": written,
        "run_s": round(seconds, 2),
        "client_cpu_ms_per_1000": round(client * 1e6 / result.invoices),
        "server_cpu_ms_per_1000": round(server * 1e6 / result.invoices),
        "load_average": round(os.getloadavg()[0], 1),
        "rss_before_run_mb": round(begun_mb, 1),
        "suspended": swept.suspended,
    }


def _timed(work: Callable[[], Any], profile: str | None) -> tuple[Any, float]:
    if profile:
        import cProfile

        watch = cProfile.Profile()
        watch.enable()
    started = time.perf_counter()
    done = work()
    seconds = time.perf_counter() - started
    if profile:
        watch.disable()
        watch.dump_stats(profile)
    return done, seconds


def _say(what: str) -> None:
    click.echo(f"… {what}", err=True)


def _show(done: int, expected: int) -> None:
    if done % 10_000 < BATCH:
        _say(f"  {done} de {expected}")


def cpu_s(root: int, without: int = 0) -> float:
    """CPU seconds that a process and its children have used so far, those that have ended included
    (0 where none is told); ``without`` is a child that does not count.
    """
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            words = path.read_text().rpartition(")")[2].split()
            pid, parent = int(path.parent.name), int(words[1])
            if root in {pid, parent} and pid != without:
                ticks += sum(map(int, words[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _rss_mb() -> float:
    """The highest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
