"""Fixtures of the whole suite: a real PostgreSQL, a migrated database for each test, tenants.

The server is the embedded one; ``YUPANA_POSTGRES_BIN`` names another's programs (Debian's 15).
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from core import jobs, plugins, runtime, settings
from core.adapters.clock import FixedClock
from core.adapters.embedded_postgres import OWNER, EmbeddedPostgres
from core.adapters.keyring import Keyring
from core.app import create_app
from core.contracts.ports import Mail
from core.db import migrate
from core.db.components import components
from core.db.scope import Scope
from core.db.session import Database, bind, unit_of_work
from core.models import Branch, CompanyProfile, IssuePoint, Membership, Tenant
from core.security.models import Person
from core.services.after_upgrade import after_upgrade

NOW = datetime(2026, 4, 25, 13, 0, tzinfo=UTC)
TEMPLATE = "template_yupana"
_numbers = itertools.count(1)

# The same examples in every run, on a machine however slow: what is green stays green.
hypothesis_settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis_settings.load_profile("repeatable")


@dataclass(frozen=True, slots=True)
class Company:
    """A tenant made for a test, with a branch 001 and the points 001 (till) and 002 (run)."""

    id: UUID
    tax_id: str
    name: str
    branch_id: UUID
    till_id: UUID
    run_id: UUID

    @property
    def scope(self) -> Scope:
        """The scope of code that acts for this company."""
        return Scope(tenant_id=self.id)


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder of this session that other users may enter."""
    made = Path(tempfile.mkdtemp(prefix="yupana-tests-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL server for this session, fast and forgetful."""
    with EmbeddedPostgres(folder / "server", durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def host() -> plugins.Host:
    """All plugins that ship with the product."""
    return plugins.load(None)


def _administer(server: EmbeddedPostgres, statement: str) -> None:
    url = server.url_for("postgres", "postgres").replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture(scope="session")
def template(server: EmbeddedPostgres, host: plugins.Host) -> str:
    """A migrated, seeded database that others are copied from."""
    _administer(server, f'CREATE DATABASE {TEMPLATE} OWNER "{OWNER}" TEMPLATE template0')
    url = server.url_for(OWNER, TEMPLATE)
    migrate.upgrade(url, "yupana_app", components(host.plugins))
    after_upgrade(url)
    return TEMPLATE


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """A database of one test and the addresses of its logins."""

    __test__ = False

    name: str
    runtime_url: str
    owner_url: str
    database: Database


@pytest.fixture
def database(server: EmbeddedPostgres, template: str) -> Iterator[TestDatabase]:
    """A fresh migrated database, bound as the one of this process."""
    name = f"test_{next(_numbers)}"
    _administer(
        server, f'CREATE DATABASE {name} OWNER "{OWNER}" TEMPLATE {template} STRATEGY file_copy'
    )
    runtime_url = server.url_for("yupana_app", name)
    made = Database(runtime_url, pool_size=5, max_overflow=60)
    bind(made)
    yield TestDatabase(name, runtime_url, server.url_for(OWNER, name), made)
    bind(None)
    made.dispose()
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def now() -> datetime:
    """Day 25 of April 2026, 08:00 in Guayaquil."""
    return NOW


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at ``now`` until the test sets it."""
    return FixedClock(NOW)


def make_ruc(number: int) -> str:
    """A made-up RUC of a company (third digit 9) that passes the structure check."""
    body = f"179{number:06d}"
    weights = (4, 3, 2, 7, 6, 5, 4, 3, 2)
    remainder = sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11
    digit = 0 if remainder == 0 else 11 - remainder
    return make_ruc(number + 500_000) if digit == 10 else f"{body}{digit}001"


@pytest.fixture
def make_tenant(database: TestDatabase, host: plugins.Host) -> Callable[..., Company]:
    """Make a company: ``make_tenant(name=..., tax_id=..., kind="company")``."""

    def make(name: str = "", tax_id: str = "", kind: str = "company") -> Company:
        number = next(_numbers)
        tax_id = tax_id or make_ruc(100_000 + number)
        name = name or f"Compañía {number} S.A."
        row = Tenant(tax_id=tax_id, name=name, kind=kind)
        with unit_of_work(Scope()) as session:
            session.add(row)
            session.flush()
            tenant_id = row.id
        with unit_of_work(Scope(tenant_id=tenant_id)) as session:
            branch = Branch(code="001", name="Matriz", address="Av. Amazonas N1-23, Quito")
            session.add(branch)
            session.add(
                CompanyProfile(legal_name=name, head_office_address="Av. Amazonas N1-23, Quito")
            )
            session.flush()
            till = IssuePoint(branch_id=branch.id, code="001", purpose="till")
            run = IssuePoint(branch_id=branch.id, code="002", purpose="run")
            session.add_all([till, run])
            session.flush()
            return Company(tenant_id, tax_id, name, branch.id, till.id, run.id)

    return make


@pytest.fixture
def tenant(make_tenant: Callable[..., Company]) -> Company:
    """A company."""
    return make_tenant()


@pytest.fixture
def other_tenant(make_tenant: Callable[..., Company]) -> Company:
    """Another company, to whom nothing may leak."""
    return make_tenant()


class Outbox:
    """A mailer that keeps what it was given (the port's fake; the real one has its own tests)."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    def send(self, mail: Mail) -> None:
        """Keep the mail."""
        self.mails.append(mail)

    def to(self, address: str) -> list[Mail]:
        """The mails to one address, oldest first."""
        return [mail for mail in self.mails if mail.to == address]


@pytest.fixture
def outbox() -> Outbox:
    """What was mailed in this test."""
    return Outbox()


@pytest.fixture(autouse=True)
def _process(
    tmp_path: Path, clock: FixedClock, outbox: Outbox, host: plugins.Host
) -> Iterator[None]:
    """What a process has: settings with a home of its own, the test's clock, keys and mailer."""
    given = settings.use(settings.read_settings(home=tmp_path / "home", sri_url="null"))
    runtime.use(runtime.Runtime(given, clock, Keyring([b"k" * 32]), outbox))
    with plugins.as_before():
        yield
    runtime.use(None)


@pytest.fixture
def drain(database: TestDatabase) -> Callable[..., int]:
    """Run the queued jobs that are due by the test's clock, until none is left; how many ran."""

    def run(until: int = 10_000) -> int:
        return jobs.run_due(database.database.engine, until=until)

    return run


@pytest.fixture(scope="session")
def _app(host: plugins.Host, folder: Path) -> Flask:
    given = settings.use(settings.read_settings(home=folder / "home"))
    runtime.use(runtime.Runtime(given, FixedClock(NOW), Keyring([b"k" * 32]), Outbox()))
    made = create_app(given, host)
    made.testing = True
    return made


@pytest.fixture
def app(_app: Flask, database: TestDatabase) -> Flask:
    """The whole site on this test's database."""
    return _app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without scripts, signed out. CSRF: see ``csrf`` and ``post``."""
    return app.test_client()


@pytest.fixture
def make_person(database: TestDatabase) -> Callable[..., int]:
    """Make a person with a membership; the id. Without ``password`` nobody can sign in by form."""

    def make(tenant: Company, role: str, *, username: str = "", password: str = "") -> int:
        number = next(_numbers)
        with unit_of_work(Scope()) as session:
            person = Person(
                first_name="Ana",
                last_name=f"Prueba {number}",
                username=username or f"P{number:09d}",
                email=f"persona{number}@example.com",
                password=generate_password_hash(password) if password else "!",
                active=True,
                session_stamp=f"stamp{number}",
            )
            session.add(person)
            session.flush()
            user_id = person.id
        add_member(user_id, tenant, role)
        return user_id

    return make


def add_member(user_id: int, tenant: Company, role: str) -> None:
    """Give a person a role in a company."""
    with unit_of_work(tenant.scope) as session:
        session.add(Membership(user_id=user_id, role=role))


@pytest.fixture
def sign_in(make_person: Callable[..., int], clock: FixedClock) -> Callable[..., int]:
    """Sign a client in: ``sign_in(client, tenant, "owner")`` or ``user_id=``; the person's id."""

    def enter(client: FlaskClient, tenant: Company, role: str = "", *, user_id: int = 0) -> int:
        user_id = user_id or make_person(tenant, role)
        with unit_of_work(Scope(user_id=user_id)) as session:
            stamp = session.scalars(select(Person.session_stamp).where(Person.id == user_id)).one()
        seconds = int(clock.now().timestamp())
        with client.session_transaction() as cookie:
            cookie.clear()
            cookie.update(user=user_id, stamp=stamp, seen=seconds, began=seconds)
            cookie["tenant"] = str(tenant.id)
        return user_id

    return enter


@pytest.fixture
def csrf() -> Callable[[FlaskClient], str]:
    """The token of a client's session, for ``data={"csrf_token": …}`` or ``X-CSRFToken``."""

    def token(client: FlaskClient) -> str:
        with client.session_transaction() as cookie:
            raw = cookie.setdefault("csrf_token", "0" * 40)
        secret = client.application.config["SECRET_KEY"]
        return URLSafeTimedSerializer(secret, salt="wtf-csrf-token").dumps(raw)

    return token


@pytest.fixture
def post(csrf: Callable[[FlaskClient], str]) -> Callable[..., TestResponse]:
    """Post a form as a browser does: ``post(client, "/path", field=value)``."""

    def send(client: FlaskClient, path: str, **fields: object) -> TestResponse:
        return client.post(path, data={"csrf_token": csrf(client), **fields})

    return send
