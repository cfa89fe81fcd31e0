"""CONTRIBUTING's recipe, followed to the letter: a plugin from outside, without a change in this tree."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"`(?P<file>[\w./-]+)`\n   ```\w+\n(?P<body>.*?)\n   ```", re.DOTALL)

# What the plugin does once it is installed, in a process that knows it only by its entry point.
USE = """
import json, sys
from datetime import UTC, date, datetime
from itsdangerous import URLSafeTimedSerializer
from core import jobs, plugins, runtime, settings
from core.adapters.embedded_postgres import opened
from core.app import create_app
from core.contracts.events import InvoicesIssued
from core.db.events import emit
from core.db.scope import Scope
from core.db.session import Database, bind, unit_of_work
from core.ids import new_id
from core.models import Membership, Tenant
from core.security.models import Person

given = settings.current()
runtime.use(runtime.assemble(given))
host = plugins.load(given.plugins)
now = datetime.now(UTC)
said = {}
with opened(given.home) as server:
    database = Database(server.runtime_url)
    bind(database)
    with unit_of_work(Scope()) as session:
        tenant = Tenant(tax_id="1792205859001", name="Notas S.A.")
        person = Person(first_name="Ana", last_name="P", username="1", email="a@example.com",
                        password="!", active=True, session_stamp="s")
        session.add_all([tenant, person])
    with unit_of_work(Scope(tenant_id=tenant.id)) as session:
        session.add(Membership(user_id=person.id, role="owner"))
    app = create_app(given, host)
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie.update(user=person.id, stamp="s", seen=int(now.timestamp()), began=int(now.timestamp()),
                      tenant=str(tenant.id), csrf_token="0" * 40)
    token = URLSafeTimedSerializer(app.config["SECRET_KEY"], salt="wtf-csrf-token").dumps("0" * 40)
    said["empty"] = client.post("/notes", data={"csrf_token": token, "text": " "}).status_code
    said["saved"] = client.post("/notes", data={"csrf_token": token, "text": "por la web"}).status_code
    with unit_of_work(Scope(tenant_id=tenant.id)) as session:
        jobs.defer(session, "notes.remember", {"tenant": str(tenant.id), "text": "por un trabajo"})
        emit(session, InvoicesIssued(
            invoice_ids=(new_id(),), numbers=("001-001-000000001",),
            issued_on=date(2026, 4, 25), source="till"), now=now)
    jobs.run_due(database.engine)
    page = client.get("/notes")
    said["page"] = page.status_code
    said["three"] = "<b>3</b>" in page.text
    said["menu"] = 'href="/notes"' in client.get("/").text
    bind(None)
    database.dispose()
print(json.dumps(said))
"""


@pytest.fixture
def yupana(tmp_path):
    """Run the command (or a script) in a fresh process that sees the plugin's folder."""
    tmp_path.chmod(0o755)
    target = tmp_path / "site"
    environment = os.environ | {
        "PYTHONPATH": f"{target}:{ROOT}",
        "YUPANA_HOME": str(tmp_path / "home"),
        "YUPANA_PLUGINS": "notes",
    }
    environment.pop("DATABASE_URL", None)

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, env=environment, check=False,
            cwd=tmp_path, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_recipe_works_as_written(tmp_path, yupana):
    source = tmp_path / "yupana-notes"
    text = (ROOT / "CONTRIBUTING.md").read_text()
    blocks = {
        found["file"]: re.sub(r"^ {3}", "", found["body"], flags=re.MULTILINE)
        for found in BLOCK.finditer(text)
    }
    assert {"pyproject.toml", "yupana_notes/plugin.py", "yupana_notes/models.py"} <= blocks.keys()
    for name, body in blocks.items():
        file = source / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(body + "\n")
    yupana(
        "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
        "--target", str(tmp_path / "site"), str(source),
    )  # fmt: skip
    command = ("-m", "core.cli")
    assert "notes" in yupana(*command, "plugins", "list")
    assert "notes: listo" in yupana(*command, "notes", "hello")
    yupana(*command, "db", "revision", "--plugin", "notes", "-m", "notes")
    (migration,) = (tmp_path / "site" / "yupana_notes" / "migrations" / "versions").glob("*.py")
    assert "op.fence_table('notes_note', scope='tenant')" in migration.read_text()
    yupana(*command, "db", "upgrade")
    said = json.loads(yupana("-c", USE).strip().splitlines()[-1])
    assert said == {"empty": 422, "saved": 303, "page": 200, "three": True, "menu": True}
    yupana(*command, "db", "uninstall", "--plugin", "notes", "--yes")
    assert "notes" not in yupana("-c", TABLES)


TABLES = """
import psycopg
from core import settings
from core.adapters.embedded_postgres import opened
with opened(settings.current().home) as server:
    with psycopg.connect(server.owner_url.replace("+psycopg", "")) as connection:
        print([row[0] for row in connection.execute("SELECT tablename FROM pg_tables")])
"""
