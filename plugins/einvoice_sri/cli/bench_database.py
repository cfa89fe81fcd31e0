"""``yupana bench emission --database N``: from ``issue`` to authorised and mailed, with everything.

A PostgreSQL of its own (durable), a real worker and scheduler as processes, the simulator and an SMTP
server as others. Counted is the CPU time of every process of the product and of PostgreSQL; simulator
and SMTP server are not. Steps of 500 show whether the price of a document grows with their number.

The yardstick, one RSA signature, is measured all through each step: with both cores at work a processor
is slower for everything, so a signature measured before or after would be another processor's.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from core import plugins, runtime, settings
from core.adapters.clock import to_local_date
from core.adapters.embedded_postgres import EmbeddedPostgres
from core.contracts.sales import CustomerData, InvoiceDraft, InvoiceLineDraft
from core.contracts.services import CustomerDirectory, InvoiceIssuing
from core.db import migrate
from core.db.components import components
from core.db.session import Database, bind, tenant_work
from core.errors import SetupError
from core.services import settings as tenant_settings
from core.services.after_upgrade import after_upgrade
from core.services.companies import add_branch, add_issue_point, create_tenant
from plugins.einvoice_sri import settings as tenant_keys
from plugins.einvoice_sri.cli import bench_cpu, bench_document
from plugins.einvoice_sri.domain.p12 import choose_par, open_p12
from plugins.einvoice_sri.domain.xades import SigningKey
from plugins.einvoice_sri.services.certificates import add_certificate
from plugins.einvoice_sri.simulator.authority import TestAuthority

STEP = 500
WARM_UP = 500
LOOK_S = 1.0
P12_WORD = "clave"  # of the made-up signing file
PATIENCE_S = 900.0
ROOT = Path(__file__).resolve().parents[3]
_OPEN = (
    "SELECT (SELECT count(*) FROM sri_document WHERE state <> 'authorized'),"
    " (SELECT count(*) FROM sri_mail WHERE state <> 'sent'),"
    " (SELECT count(*) FROM procrastinate.procrastinate_jobs WHERE status IN ('todo', 'doing')"
    "  AND (scheduled_at IS NULL OR scheduled_at < now() + interval '1 minute'))"
)
_DONE = (
    "SELECT (SELECT count(*) FROM sri_document WHERE state = 'authorized'),"
    " (SELECT count(*) FROM sri_mail WHERE state = 'sent')"
)
_REFUSED = "SELECT count(*) FROM sri_document WHERE state IN ('rejected', 'paused')"


@dataclass(frozen=True, slots=True)
class _Place:
    """The installation under measurement."""

    tenant: UUID
    point: UUID
    customers: Sequence[UUID]
    looking: psycopg.Connection[Any]
    processes: dict[str, subprocess.Popen[bytes]]
    postmaster: int
    yardstick: bench_cpu.Yardstick


def measure_database(count: int, simulator: str, now: datetime) -> dict[str, Any]:
    """CPU of ``count`` invoices, all processes of the product together, in RSA signatures.

    ``simulator`` is the address of a simulated SRI. Before it is counted, some invoices are emitted and
    PostgreSQL is told to gather statistics, which it does by itself within a minute: an installation is
    that new once.
    """
    file = TestAuthority.create(now).issue(bench_document.RUC, "FIRMA DE PRUEBA", P12_WORD, now)
    par = choose_par(open_p12(file.content, P12_WORD), now).par
    with ExitStack() as stack:
        yardstick = bench_cpu.Yardstick(SigningKey.load(par.key_der, par.certificado.der))
        place = stack.enter_context(
            _installation(simulator, file.content, now, count, stack, yardstick=yardstick)
        )
        _emit(place, range(WARM_UP))
        place.looking.execute("ANALYZE")
        yardstick.read()
        spent: dict[str, float] = {}
        multiples: list[float] = []
        rsa: list[float] = []
        began = time.monotonic()
        for start in range(0, count, STEP):
            size = min(STEP, count - start)
            before = _cpu(place)
            _emit(place, range(WARM_UP + start, WARM_UP + start + size))
            step = {name: value - before[name] for name, value in _cpu(place).items()}
            rsa.append(yardstick.read())
            multiples.append(round(sum(step.values()) / size / rsa[-1], 1))
            spent = {name: spent.get(name, 0.0) + value for name, value in step.items()}
        passed = time.monotonic() - began
        _check(place, count + WARM_UP)
    total, mean = sum(spent.values()), sum(rsa) / len(rsa)
    return {
        "database_invoices": count,
        "database_cpu_ms_per_document": round(total / count * 1000, 2),
        "database_rsa_ms": round(mean * 1000, 3),
        "database_rsa_multiple": round(total / count / mean, 1),
        "database_rsa_multiple_by_500": multiples,
        "database_cpu_ms_by_process": {
            name: round(value / count * 1000, 2) for name, value in spent.items()
        },
        "database_docs_per_wall_s": round(count / passed, 1),
    }


def _emit(place: _Place, numbers: range) -> None:
    """Issue these invoices in one call and wait until each is authorised and mailed."""
    now = runtime.clock().now()
    drafts = [
        InvoiceDraft(
            customer_id=place.customers[number % len(place.customers)],
            issue_point_id=place.point,
            issued_on=to_local_date(now),
            lines=tuple(
                InvoiceLineDraft(
                    code=code,
                    description=text,
                    quantity=Decimal(quantity),
                    unit_price=Decimal(price),
                    tax_code="4",
                )
                for code, text, quantity, price in bench_document.LINES
            ),
            source="api",
            source_key=f"bench-{number}",
        )
        for number in numbers
    ]
    with tenant_work(place.tenant) as session:
        plugins.service(InvoiceIssuing).issue(session, drafts, now=now)
    deadline = time.monotonic() + PATIENCE_S
    while any(_row(place, _OPEN)):
        place.yardstick.measure()
        if any(_row(place, _REFUSED)):
            raise SetupError("An invoice of the benchmark was refused.")
        if time.monotonic() > deadline:
            raise SetupError("The invoices of the benchmark do not come to their end.")
        time.sleep(LOOK_S)


def _row(place: _Place, query: str) -> tuple[int, ...]:
    for name, process in place.processes.items():
        if process.poll() is not None:
            raise SetupError(f"The {name} of the benchmark has ended.")
    found = place.looking.execute(query.encode()).fetchone()
    assert found is not None
    return tuple(found)


def _check(place: _Place, expected: int) -> None:
    if _row(place, _DONE) != (expected, expected):
        raise SetupError(f"{_row(place, _DONE)} of {expected} are authorised and mailed.")


def _cpu(place: _Place) -> dict[str, float]:
    return {
        "issuing": bench_cpu.of_process(os.getpid()) - place.yardstick.spent,
        **{name: bench_cpu.of_process(one.pid) for name, one in place.processes.items()},
        "postgresql": bench_cpu.of_family(place.postmaster),
    }


@contextmanager
def _installation(
    simulator: str,
    p12: bytes,
    now: datetime,
    count: int,
    stack: ExitStack,
    *,
    yardstick: bench_cpu.Yardstick,
) -> Iterator[_Place]:
    folder = Path(
        stack.enter_context(
            tempfile.TemporaryDirectory(prefix="yupana-bench-", ignore_cleanup_errors=True)
        )
    )
    folder.chmod(0o755)
    server = stack.enter_context(EmbeddedPostgres(folder / "server"))
    migrate.upgrade(server.owner_url, "yupana_app", components(plugins.host().plugins))
    after_upgrade(server.owner_url)
    port = stack.enter_context(_sink())
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("YUPANA_")},
        "DATABASE_URL": server.runtime_url,
        "YUPANA_HOME": str(folder / "home"),
        "YUPANA_SRI_URL": simulator,
        "YUPANA_SMTP_URL": f"smtp://127.0.0.1:{port}",
    }
    before = settings.current()
    given = settings.read_settings(
        home=folder / "home", sri_url=simulator, smtp_url=f"smtp://127.0.0.1:{port}"
    )
    runtime.use(runtime.assemble(settings.use(given)))
    database = Database(server.runtime_url)
    bind(database)
    try:
        tenant, point, customers = _company(p12, now, min(count, 1000))
        with (
            psycopg.connect(server.owner_url.replace("+psycopg", ""), autocommit=True) as looking,
            _process("worker", environment) as worker,
            _process("scheduler", environment) as other,
        ):
            yield _Place(
                tenant,
                point,
                customers,
                looking,
                {"worker": worker, "scheduler": other},
                bench_cpu.postmaster(server.owner_url),
                yardstick,
            )
    finally:
        runtime.use(None)
        settings.use(before)
        bind(None)
        database.dispose()


def _company(p12: bytes, now: datetime, customers: int) -> tuple[UUID, UUID, list[UUID]]:
    tenant = create_tenant(
        tax_id=bench_document.RUC,
        name="Prueba de emisión S.A.",
        kind="operator",
        now=now,
        profile={"head_office_address": "Av. Amazonas N36-152, Quito", "email": "a@example.com"},
    )
    with tenant_work(tenant) as session:
        branch = add_branch(session, code="901", name="Carga", address="Quito")
        point = add_issue_point(session, branch_id=branch, code="902", purpose="run")
        tenant_settings.write(session, tenant_keys.DOCUMENTS_PER_MINUTE, 0)  # no pauses in between
        add_certificate(session, data=p12, password=P12_WORD, now=now, signer="Prueba")
        found = plugins.service(CustomerDirectory).ensure(
            session,
            [
                CustomerData(
                    "06", f"C{n:09d}", f"Cliente {n}", f"c{n}@example.com", "Quito", "022000000"
                )
                for n in range(customers)
            ],
        )
    return tenant, point, found


@contextmanager
def _process(name: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(  # noqa: S603  (our own program)
        [sys.executable, "-m", "core.cli", name], env=environment, cwd=ROOT
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _sink() -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-m", "plugins.einvoice_sri.cli.bench_sink"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield int(process.stdout.readline())
        process.stdin.close()
