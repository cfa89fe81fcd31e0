"""The run of the 25th killed again and again: nothing is missing, nothing is twice.

100,000 subscriptions and three kills, processes beside included. The short form, killed at a point that
is named, is ``tests/stories/test_gym_bills_its_members.py``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from core.adapters.clock import at_local
from core.db.session import tenant_work
from plugins.billing.cli import bench_rows

ROOT = Path(__file__).parents[2]
RUN_ON = date(2026, 3, 25)
COUNT, KILL_AT = 100_000, (0.1, 0.5, 0.8)
PATIENCE_S = 600
FOUND = """
SELECT (SELECT count(*) FROM billing_subscription) AS subscriptions,
 (SELECT count(DISTINCT subscription_id) FROM billing_charge) AS charged,
 (SELECT count(*) FROM billing_charge) AS charges,
 (SELECT count(*) FROM sales_invoice) AS invoices,
 (SELECT count(DISTINCT invoice_id) FROM billing_charge) AS invoices_of_charges,
 (SELECT count(DISTINCT invoice_id) FROM sales_invoice_line) AS invoices_with_lines,
 (SELECT count(*) FROM sri_document d JOIN sales_invoice i ON i.id = d.id) AS documents,
 (SELECT count(DISTINCT number) FROM sales_invoice) AS numbers,
 (SELECT min(right(number, 9)::int) FROM sales_invoice) AS first,
 (SELECT max(right(number, 9)::int) FROM sales_invoice) AS last,
 (SELECT count(DISTINCT told.id) FROM core_event e,
   jsonb_array_elements_text(e.payload->'invoice_ids') told(id) WHERE e.name = 'InvoicesIssued') AS told,
 (SELECT count(*) FROM core_event e,
   jsonb_array_elements_text(e.payload->'invoice_ids') told(id) WHERE e.name = 'InvoicesIssued') AS tellings,
 (SELECT seen FROM billing_run) AS seen, (SELECT state FROM billing_run) AS state
"""


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("YUPANA_CRASH") != "full", reason="make crash-test")
def test_nothing_is_missing_and_nothing_twice(tenant, clock, database, tmp_path):
    clock.set(at_local(RUN_ON, 2))
    bench_rows.make_subscriptions(tenant.id, COUNT, RUN_ON, now=clock.now())
    environment = os.environ | {
        "DATABASE_URL": database.runtime_url,
        "YUPANA_HOME": str(tmp_path / "home"),
    }
    typed = ("billing", "run", "--on", RUN_ON.isoformat(), "--company", tenant.tax_id, "--json")
    command = [sys.executable, "-c", "from core.cli import main; main()", *typed]

    def seen() -> int:
        with tenant_work(tenant.id) as session:
            return session.scalar(text("SELECT seen FROM billing_run")) or 0

    killed = []
    for part in KILL_AT:
        with (tmp_path / "out").open("w") as out:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
        deadline = time.monotonic() + PATIENCE_S
        while process.poll() is None and seen() < part * COUNT and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, (tmp_path / "out").read_text()
        killed.append(seen())
    assert killed == sorted(killed)
    assert 0 < killed[0] <= killed[-1] < COUNT

    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
        timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with tenant_work(tenant.id) as session:
        found = dict(session.execute(text(FOUND)).one()._mapping)
    print(f"\n{json.dumps({'killed_at': killed} | found)}")  # noqa: T201
    for name in ("charged", "charges", "invoices", "invoices_of_charges", "invoices_with_lines"):
        assert found[name] == COUNT, name
    for name in ("documents", "numbers", "told", "tellings", "seen"):
        assert found[name] == COUNT, name
    assert (found["subscriptions"], found["state"]) == (COUNT, "done")
    assert found["last"] - found["first"] == COUNT - 1
