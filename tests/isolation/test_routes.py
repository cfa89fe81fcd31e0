"""Two companies × every route: the owner gets it, the other one gets 404, ids in bodies included."""

from __future__ import annotations

import copy
import importlib
import os
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from core.db.scope import Scope
from core.db.session import Database, bind, unit_of_work
from core.security.models import Person
from plugins.customer_portal.views.reader import COOKIE
from tests.conftest import NOW, OWNER, _administer, make_ruc
from tests.isolation.world import Case, Side, World, employ, found_company, nothing

PARTS = sorted(path.stem for path in Path(__file__).parent.glob("objects_*.py"))
MODULES = sorted(
    (importlib.import_module(f"tests.isolation.{name}") for name in PARTS),
    key=lambda module: (getattr(module, "LAST", False), "sales" not in module.__name__),
)  # sales first: the others bill its customers; the documents of its invoices come last
CASES: dict[str, Case] = {key: case for module in MODULES for key, case in module.CASES.items()}
OPEN: dict[str, str] = {key: why for module in MODULES for key, why in module.OPEN.items()}
FAB = ("LocaleView", "UnusedIndexView", "UtilView", "appbuilder")  # answer 404 (test_fab_traps)
PEOPLE = ("owner", "salesperson", "accountant", "integrator")


def _side(letter: str, number: int) -> Side:
    tax_id, name = make_ruc(200_000 + number), f"Compañía {letter.upper()} S.A."
    tenant_id, branch_id, till_id, run_id = found_company(tax_id, name)
    side = Side(tenant_id, tax_id, name, branch_id, till_id, run_id, NOW, letter)
    for role in PEOPLE:
        side.people[role] = employ(tenant_id, role, f"{role}-{letter}")
    return side


@pytest.fixture(scope="module")
def world(server, template, host, folder) -> World:
    """Both companies, in a database that every test copies."""
    from core import runtime, settings
    from core.adapters.clock import FixedClock
    from core.adapters.keyring import Keyring
    from tests.conftest import Outbox

    _administer(server, f'CREATE DATABASE world OWNER "{OWNER}" TEMPLATE {template}')
    made = Database(server.url_for("yupana_app", "world"))
    bind(made)
    given = settings.use(settings.read_settings(home=folder / "world"))
    runtime.use(runtime.Runtime(given, FixedClock(NOW), Keyring([b"k" * 32]), Outbox()))
    both = World(_side("a", 1), _side("b", 2))
    for side in (both.a, both.b):
        for module in MODULES:
            module.add(side)
    bind(None)
    made.dispose()
    runtime.use(None)
    yield both
    _administer(server, "DROP DATABASE world WITH (FORCE)")


@pytest.fixture
def copy_of_world(server, world, _app, request):
    """A copy of the two companies for one test."""
    name = f"world_{abs(hash(request.node.name)) % 10**10}"
    _administer(server, f'CREATE DATABASE {name} OWNER "{OWNER}" TEMPLATE world STRATEGY file_copy')
    made = Database(server.url_for("yupana_app", name))
    bind(made)
    yield world
    bind(None)
    kept = made.engine.pool.checkedout()
    made.dispose()
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")
    assert kept == 0, "a request kept its connection"


class Caller:
    """Sends a case's request as somebody of one side, with ids of either."""

    def __init__(self, app, csrf, endpoint: str) -> None:
        self.app, self.csrf, self.endpoint, self.case = app, csrf, endpoint, CASES[endpoint]
        self.rule = next(r for r in app.url_map.iter_rules() if r.endpoint == endpoint)

    def client_of(self, side: Side, actor: str):
        client = self.app.test_client()
        if actor == "reader":
            from itsdangerous import URLSafeSerializer

            reader = side["reader"]
            signer = URLSafeSerializer(self.app.config["SECRET_KEY"], salt="portal.session")
            value = signer.dumps([str(reader.id), reader.stamp, int(NOW.timestamp())])
            client.set_cookie(COOKIE, str(value), path="/portal")
            return client
        tenant_id, user_id = side.who(actor)
        with unit_of_work(Scope(user_id=user_id)) as session:
            stamp = session.scalars(select(Person.session_stamp).where(Person.id == user_id)).one()
        with client.session_transaction() as cookie:
            cookie.update(user=user_id, stamp=stamp, seen=int(NOW.timestamp()))
            cookie.update(began=int(NOW.timestamp()), tenant=str(tenant_id))
        return client

    def address(self, ids: dict) -> str:
        adapter = self.app.url_map.bind("localhost")
        return adapter.build(self.endpoint, ids)

    def send(self, side: Side, ids: dict, form=None, json=None, query=None, actor=""):
        client = self.client_of(side, actor or self.case.actor)
        case, path = self.case, self.address(ids)
        if json is not None:
            method = case.method or next(
                iter(self.rule.methods & {"POST", "PUT", "PATCH", "DELETE"})
            )
            headers = {"X-CSRFToken": self.csrf(client), "Idempotency-Key": "k-1"}
            return client.open(path, method=method, json=json, headers=headers, query_string=query)
        if form is not None:
            data = {"csrf_token": self.csrf(client), **form, **case.files(side)}
            return client.post(path, data=data, query_string=query)
        return client.get(path, query_string=query)

    def fields(self, side: Side) -> dict:
        case = self.case
        return {
            "form": None if case.form is None else case.form(side),
            "json": None if case.json is None else case.json(side),
            "query": case.query(side),
        }


@pytest.fixture(scope="module")
def shared_world(server, world):
    """One copy for all requests that must change nothing."""
    _administer(server, f'CREATE DATABASE shared_world OWNER "{OWNER}" TEMPLATE world')
    made = Database(server.url_for("yupana_app", "shared_world"))
    yield made
    made.dispose()
    _administer(server, "DROP DATABASE shared_world WITH (FORCE)")


@pytest.fixture
def reader_of_world(shared_world):
    """Nothing is copied: the requests of this test change nothing."""
    bind(shared_world)
    yield
    bind(None)
    assert shared_world.engine.pool.checkedout() == 0, "a request kept its connection"


@pytest.fixture
def caller(_app, csrf):
    """Who sends the requests of a case."""
    return lambda endpoint: Caller(_app, csrf, endpoint)


def changes_something(endpoint: str) -> bool:
    return CASES[endpoint].form is not None or CASES[endpoint].json is not None


def test_every_route_has_a_case_or_a_reason(_app):
    routes = {
        rule.endpoint
        for rule in _app.url_map.iter_rules()
        if not rule.endpoint.endswith(".static") and not rule.endpoint.startswith(FAB)
    }
    assert routes - CASES.keys() - OPEN.keys() == set(), "routes without a case"
    assert (CASES.keys() | OPEN.keys()) - routes == set(), "cases without a route"
    assert CASES.keys() & OPEN.keys() == set()


def asks_for_ids(endpoint: str) -> bool:
    """Only an address without ids and without fields has nothing to try."""
    case = CASES[endpoint]
    return case.ids is not nothing or case.query is not nothing or changes_something(endpoint)


@pytest.mark.parametrize("endpoint", sorted(CASES))
def test_the_owner_gets_it(request, caller, world, endpoint):
    request.getfixturevalue("copy_of_world" if changes_something(endpoint) else "reader_of_world")
    one = caller(endpoint)
    answer = one.send(world.a, one.case.ids(world.a), **one.fields(world.a))
    assert answer.status_code in one.case.answers, answer.text[:2000]
    if answer.status_code == 303:
        assert "/sign-in" not in answer.headers["Location"] or endpoint.endswith("sign_out")


@pytest.mark.parametrize("endpoint", sorted(one for one in CASES if asks_for_ids(one)))
def test_the_other_company_gets_404(reader_of_world, caller, world, endpoint):
    one = caller(endpoint)
    case = one.case
    mine, theirs = case.ids(world.a), case.ids(world.b)
    if (
        mine
        and case.actor != "anybody"
        and not one.endpoint.startswith(
            ("sales.pay.", "sales.pin.", "billing.reminder.", "billing.leaving.")
        )
    ):
        answer = one.send(world.b, mine, **one.fields(world.b), actor=case.stranger)
        assert answer.status_code in case.refusals, (answer.status_code, answer.text[:500])
    for name, value in mine.items():
        if isinstance(value, UUID) and len(mine) > 1:  # one id of the other company among own ones
            mixed = mine | {name: theirs[name]}
            answer = one.send(world.a, mixed, **one.fields(world.a))
            assert answer.status_code == 404, (name, answer.status_code, answer.text[:500])
    for where, path, body in _foreign_bodies(one, world):
        answer = one.send(world.a, mine, **body)
        assert answer.status_code == 404, (where, path, answer.status_code, answer.text[:800])


def _foreign_bodies(one: Caller, world: World):
    """The case's own fields with exactly one id replaced by the other company's, each in turn."""
    own = one.fields(world.a)
    for where in ("form", "json", "query"):
        for path in _ids_in(own[where], world):
            changed = copy.deepcopy(own)
            _replace(changed[where], path, world)
            yield where, path, changed


def _ids_in(value, world: World, path: tuple = ()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _ids_in(inner, world, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _ids_in(inner, world, (*path, at))
    elif value is not None and world.swap(value) is not None:
        yield path


def _replace(value, path: tuple, world: World) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = str(world.swap(value[path[-1]]))


LONG = "ñ" * 70_000
ODD = "\u202e'\"><script>{{7*7}}%00%s\U0001f4a9\r\n--"


BAD = (LONG, ODD, "-1", "9" * 20, "")


def spoilt(body: dict) -> list[tuple[str, dict]]:
    """The body with one text after the other replaced by what nobody should send, one bad value a
    field in turn; with ``YUPANA_FUZZ`` every bad value in every field.
    """
    texts = [name for name, value in body.items() if not isinstance(value, (list, dict, bool))]
    return [
        (f"{name}={bad[:9]!r}", {**body, name: bad})
        for place, name in enumerate(texts)
        for turn, bad in enumerate(BAD)
        if os.environ.get("YUPANA_FUZZ") or turn == (place + len(texts)) % len(BAD)
    ]


@pytest.mark.usefixtures("copy_of_world")
def test_no_input_is_an_accident(caller, world):
    """Every route that takes a body: NUL, broken UTF-8, far too long, odd signs: a sentence, never 500."""
    accidents, asked = [], 0
    for endpoint in sorted(one for one in CASES if changes_something(one)):
        one = caller(endpoint)
        case, ids = one.case, one.case.ids(world.a)
        fields = one.fields(world.a)
        kind = "json" if case.json is not None else "form"
        body = fields.pop(kind) or {}
        first = next(iter(body), "name")
        answers = {"NUL": one.send(world.a, ids, **{kind: {**body, first: "a\x00b"}}, **fields)}
        client = one.client_of(world.a, case.actor)
        answers["bytes"] = client.open(
            one.address(ids),
            method=case.method or next(iter(one.rule.methods & {"POST", "PUT", "PATCH", "DELETE"})),
            data=b"name=\xff\xfe&csrf_token=" + one.csrf(client).encode() + b"&%ff=%fe",
            content_type="application/x-www-form-urlencoded"
            if kind == "form"
            else "application/json",
            headers={"X-CSRFToken": one.csrf(client), "Idempotency-Key": "\u00ff"},
        )
        for what, bad in spoilt(body):
            answers[what] = one.send(world.a, ids, **{kind: bad}, **fields)
        asked += len(answers)
        accidents += [
            (endpoint, what, answer.status_code)
            for what, answer in answers.items()
            if answer.status_code >= 500 or b"Traceback" in answer.data
        ]
        assert not body or answers["NUL"].status_code >= 400, endpoint
    assert asked > 250, asked
    assert not accidents, accidents
