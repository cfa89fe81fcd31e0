"""Uses an installation with the third party's plugin from inside: event, job, page. Prints the page."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime

from core import jobs, plugins, runtime, settings
from core.app import create_app
from core.contracts.events import InvoiceCancelled
from core.db.events import emit
from core.db.scope import Scope
from core.db.session import Database, bind, unit_of_work
from core.ids import new_id
from core.services import companies, people

now = datetime.now(UTC)
given = settings.current()
host = plugins.load(given.plugins)
assert "testplugin" in host, host.problems
runtime.use(runtime.assemble(given))
database = Database(os.environ["DATABASE_URL"])
bind(database)
tenant = companies.create_tenant(tax_id="1792205859001", name="Andina S.A.", now=now)
with unit_of_work(Scope(tenant_id=tenant)) as session:
    person = people.create_person(
        session,
        identification="1710034065",
        first_name="Ana",
        last_name="Paz",
        email="ana@example.com",
        password="Una-clave-1",
        now=now,
    )
    people.add_member(session, person, "owner")
    emit(session, InvoiceCancelled(new_id(), "001-001-000000007", "till", "k"), now=now)
assert jobs.run_due(database.engine) >= 2
app = create_app(given, host)
with app.test_client() as browser:
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get("/sign-in").text)
    answer = browser.post(
        "/sign-in",
        data={"csrf_token": token[1], "username": "1710034065", "password": "Una-clave-1"},
    )
    assert answer.status_code in (302, 303), answer.text
    page = browser.get("/testplugin/notes/")
    assert page.status_code == 200, page.text
    home = browser.get("/")
    assert "Hay notas" in home.text, home.text
os.write(1, page.text.encode())
database.dispose()
