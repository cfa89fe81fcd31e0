"""``yupana bench emission``: signing and the whole emission path, measured in CPU time of one core.

Blocks of the compared operations alternate, so that a machine that slows down or speeds up does so
for all of them. The fastest quarter of the blocks counts, for each operation alike: what other
programs take from the processor's caches is not this program's cost.
"""

from __future__ import annotations

import gc
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import click
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from core import runtime
from core.adapters.clock import to_local_date
from core.adapters.keyring import Keyring
from core.contracts.fiscal import InvoiceRequest
from core.errors import SetupError
from plugins.einvoice_sri import settings
from plugins.einvoice_sri.adapters import ride_pdf
from plugins.einvoice_sri.adapters.sri_soap import SriSoap
from plugins.einvoice_sri.cli import bench_document
from plugins.einvoice_sri.cli.bench_database import measure_database
from plugins.einvoice_sri.domain import from_request, totales, xml, xsd
from plugins.einvoice_sri.domain.p12 import choose_par, open_p12
from plugins.einvoice_sri.domain.ports import SriError
from plugins.einvoice_sri.domain.ride import DatosAutorizacion, hoja
from plugins.einvoice_sri.domain.tipos import TipoComprobante
from plugins.einvoice_sri.domain.xades import SigningKey, sign, sign_canonical
from plugins.einvoice_sri.simulator.authority import TestAuthority

BLOCK = 10
PARALLEL = next(int(one.default) for one in settings.SPECS if one.key == settings.PARALLEL_CALLS)
CHUNK = PARALLEL  # documents of the pipeline in a block
_SMALL = b"twenty bytes of text"


@click.command()
@click.option(
    "--rounds", type=click.IntRange(1, 1000), default=120, show_default=True, help="Cuántas rondas."
)
@click.option(
    "--database",
    type=click.IntRange(0, 100_000),
    default=0,
    show_default=True,
    help="También tantas facturas con base de datos, trabajos y correo; 0: ninguna.",
)
@click.option("--json", "as_json", is_flag=True, help="Salida en JSON.")
def emission(rounds: int, database: int, as_json: bool) -> None:
    """Mide la firma, el envío al simulador y el RIDE."""
    now = runtime.clock().now()
    file = TestAuthority.create(now).issue(bench_document.RUC, "FIRMA DE PRUEBA", "clave", now)
    par = choose_par(open_p12(file.content, "clave"), now).par
    key = SigningKey.load(par.key_der, par.certificado.der, validate=True)
    answer = {
        **measure_rates(key, now, rounds=rounds),
        "cold_key_ms": measure_cold_key(par.key_der, par.certificado.der, now),
        **measure_ride(now),
    }
    if database:
        with _simulator(None) as address:  # the worker signs by the real clock
            where = address.removesuffix("comprobantes-electronicos-ws/")
            answer |= measure_database(database, where, now)
    if as_json:
        click.echo(json.dumps(answer))
        return
    for name, value in answer.items():
        click.echo(f"{name:28} {value}")


def measure_rates(key: SigningKey, now: datetime, *, rounds: int) -> dict[str, Any]:
    """Raw RSA, our own canonical document, any document, any that has to be rewritten; the pipeline:
    build, check, sign, send, ask, read. All take turns, a round after the other.
    """
    own = _build(1, now)
    any_xml = _as_others_write_it(own)
    rewritten = any_xml.replace(b"<obligadoContabilidad>", b"<!-- x --><obligadoContabilidad>")
    scheme, digest = padding.PKCS1v15(), hashes.SHA1()  # noqa: S303  (SRI's default)
    blocks: dict[str, Callable[[], object]] = {
        "raw_rsa": lambda: key.private.sign(_SMALL, scheme, digest),
        "sign_own": lambda: sign_canonical(own, key, signing_time=now),
        "sign_any": lambda: sign(any_xml, key, signing_time=now),
        "sign_rewritten": lambda: sign(rewritten, key, signing_time=now),
    }
    spent: dict[str, list[float]] = {name: [] for name in (*blocks, "pipeline")}
    passed, day = 0.0, to_local_date(now)
    with _simulator(now) as address, closing(SriSoap(address, is_simulated=True)) as gateway:
        for number in range(rounds + 1):
            requests = [bench_document.request(number * CHUNK + n + 1, day) for n in range(CHUNK)]
            with _quiet():
                _cpu(blocks["raw_rsa"], BLOCK)  # the pipeline has slept: the first block would pay
                seconds = {name: _cpu(work, BLOCK) / BLOCK for name, work in blocks.items()}
                began = time.monotonic()
                chunk = _cpu(partial(_emit, requests, key, gateway, now), 1)
            if number:  # the first round warms up
                passed += time.monotonic() - began
                for name, one in {**seconds, "pipeline": chunk / CHUNK}.items():
                    spent[name].append(one)
    best = {name: _undisturbed(times) for name, times in spent.items()}
    raw = best["raw_rsa"]
    return {
        **{f"{name}_per_s": round(1 / best[name], 1) for name in blocks},
        "sign_own_share": round(raw / best["sign_own"], 4),
        "sign_any_share": round(raw / best["sign_any"], 4),
        "document_bytes": len(sign_canonical(own, key, signing_time=now)),
        "pipeline_docs_per_cpu_s": round(1 / best["pipeline"], 1),
        "pipeline_rsa_multiple": round(best["pipeline"] / raw, 2),
        "pipeline_mean_docs_per_cpu_s": round(rounds / sum(spent["pipeline"]), 1),
        "pipeline_mean_rsa_multiple": round(sum(spent["pipeline"]) / sum(spent["raw_rsa"]), 2),
        "pipeline_docs_per_wall_s": round(rounds * CHUNK / passed, 1),
    }


def measure_cold_key(key_der: bytes, certificate_der: bytes, now: datetime) -> float:
    """Milliseconds from the sealed key of a tenant to its first signature."""
    keyring = Keyring([b"bench" * 6 + b"xx"])
    sealed = keyring.seal(key_der, context="bench")
    document = _build(1, now)

    def cold() -> None:
        key = SigningKey.load(keyring.open(sealed, context="bench"), certificate_der)
        sign_canonical(document, key, signing_time=now)

    with _quiet():
        return round(median(_cpu(cold, 1) for _ in range(30)) * 1000, 3)


def _emit(requests: list[InvoiceRequest], key: SigningKey, gateway: SriSoap, now: datetime) -> None:
    issuer = bench_document.issuer()
    signed: list[tuple[str, bytes]] = []
    for request in requests:
        comprobante = from_request.comprobante(request, issuer)
        content = xml.build(comprobante)
        wrong = xsd.violations(TipoComprobante.FACTURA, "1.1.0", content)
        if wrong or totales.graves(comprobante):
            raise SetupError("The document of the benchmark is not valid.")
        clave = comprobante.info_tributaria.clave_acceso
        signed.append((clave, sign_canonical(content, key, signing_time=now)))
    for received in gateway.receive_all([document for _clave, document in signed]):
        if isinstance(received, SriError) or received.estado != "RECIBIDA":
            raise SetupError(f"The simulator answered {received}.")
    for answer in gateway.authorization_all(signed):
        if isinstance(answer, SriError) or [one.estado for one in answer.autorizaciones] != [
            "AUTORIZADO"
        ]:
            raise SetupError(f"The simulator answered {answer}.")


def measure_ride(now: datetime) -> dict[str, Any]:
    """One page with logo and Code 128: CPU and size."""
    comprobante = from_request.comprobante(
        bench_document.request(1, to_local_date(now)), bench_document.issuer()
    )
    authorization = DatosAutorizacion(comprobante.info_tributaria.clave_acceso, now)
    picture = bench_document.logo()

    def draw() -> bytes:
        return ride_pdf.render(hoja(comprobante, authorization, logo=picture))

    size = len(draw())
    with _quiet():
        times = [_cpu(draw, 5) / 5 for _ in range(15)]
    return {"ride_cpu_ms": round(median(times) * 1000, 2), "ride_bytes": size}


def _build(number: int, now: datetime) -> bytes:
    request = bench_document.request(number, to_local_date(now))
    return xml.build(from_request.comprobante(request, bench_document.issuer()))


def _as_others_write_it(canonical: bytes) -> bytes:
    """With a declaration and one element a line, as other programs hand documents over."""
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + canonical.replace(b"><", b">\n<") + b"\n"


def _cpu(work: Callable[[], object], times: int) -> float:
    begun = time.process_time()
    for _ in range(times):
        work()
    return time.process_time() - begun


def _undisturbed(times: list[float]) -> float:
    """The mean of the fastest quarter."""
    fastest = sorted(times)[: max(1, len(times) // 4)]
    return sum(fastest) / len(fastest)


@contextmanager
def _quiet() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def _simulator(now: datetime | None) -> Iterator[str]:
    """A simulator in a process of its own on a free port, at ``now`` or by the machine's clock; its address."""
    with tempfile.TemporaryDirectory(prefix="yupana-bench-") as folder:
        environment = {**os.environ, "YUPANA_HOME": folder}
        command = [sys.executable, "-m", "core.cli", "sri", "simulator", "--port", "0", "--any-ca"]
        process = subprocess.Popen(  # noqa: S603  (our own program)
            [*command, *(() if now is None else ("--now", now.isoformat()))],
            stdout=subprocess.PIPE,
            env=environment,
            cwd=Path(__file__).resolve().parents[3],
            text=True,
        )
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+:\d+", process.stdout.readline())
            if found is None:
                raise SetupError("The simulator of the benchmark did not start.")
            yield f"{found.group()}/comprobantes-electronicos-ws/"
        finally:
            process.terminate()
            process.wait(timeout=30)
            if process.stdout is not None:
                process.stdout.close()
