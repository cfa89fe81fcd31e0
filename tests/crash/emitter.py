"""The emitter that crash tests kill: a process that forks a worker for each order it reads.

The parent has loaded everything and has no threads, so a fork is cheap and safe. An order is one JSON
line: ``{"now": ISO, "failpoint": "name:nth", "kill_after": seconds, "patience": seconds}``; the answer is
one JSON line: ``{"signal": 9}`` or ``{"signal": 0, "code": 0}``. The worker runs every job that is due
and ends. ``patience`` is how long it waits for an answer of SRI, where not as long as the product does.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from datetime import datetime
from typing import Any

from sqlalchemy.orm import configure_mappers

from core import jobs, plugins, runtime, settings
from core.adapters.clock import FixedClock
from core.adapters.keyring import Keyring
from core.adapters.smtp_mailer import open_mailer
from core.db.session import Database, bind
from plugins.einvoice_sri import jobs as sri_jobs
from plugins.einvoice_sri.adapters import ride_pdf  # noqa: F401  (loaded once, not in each worker)
from plugins.einvoice_sri.adapters.gateways import Gateways
from plugins.einvoice_sri.adapters.sri_soap import PATH, SriSoap
from plugins.einvoice_sri.adapters.wire import Timeouts

MASTER_KEY = b"k" * 32


def main() -> None:
    """Read orders until standard input ends."""
    plugins.load(None)
    configure_mappers()  # once, not in each worker
    gc.freeze()
    tell({"ready": True})
    for text in sys.stdin:
        order = json.loads(text)
        child = os.fork()
        if child == 0:
            work(order)
        tell(watch(child, order.get("kill_after")))


def tell(answer: dict[str, Any]) -> None:
    """One JSON line to whoever gives the orders."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def watch(child: int, kill_after: float | None) -> dict[str, int]:
    """Wait for the worker, or kill it after a while."""
    deadline = None if kill_after is None else time.monotonic() + kill_after
    while True:
        pid, status = os.waitpid(child, 0 if deadline is None else os.WNOHANG)
        if pid:
            return {
                "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
                "code": status >> 8,
            }
        if deadline is not None and time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            deadline = None
        time.sleep(0.002)


def work(order: dict[str, Any]) -> None:
    """Do what is due at that instant, then end without a trace."""
    given = settings.use(
        settings.read_settings().model_copy(update={"failpoint": order.get("failpoint", "")})
    )
    clock = FixedClock(datetime.fromisoformat(order["now"]))
    runtime.use(runtime.Runtime(given, clock, Keyring([MASTER_KEY]), open_mailer(given)))
    database = Database(given.database_url.get_secret_value())
    bind(database)
    if order.get("patience"):
        sri_jobs.use_gateways(patient(given.sri_url, order["patience"]))
    code = 1
    try:
        jobs.run_due(database.engine)
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


def patient(url: str, seconds: float) -> Gateways:
    """The product's own way to SRI, with this much time for an answer."""
    timeouts = Timeouts(connect=30.0, read=seconds)
    gateway = SriSoap(url + PATH, timeouts=timeouts, is_simulated=True)
    return Gateways({1: gateway, 2: gateway})


if __name__ == "__main__":
    main()
