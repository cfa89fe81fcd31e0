"""A company that hosts itself works under the vendor's signed document: carried by hand, verified here."""

from __future__ import annotations

import json
from contextlib import contextmanager, nullcontext
from datetime import date

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from core import settings
from core.adapters.clock import at_local
from core.contracts.events import InvoicesIssued
from core.db.session import Database, bind, unit_of_work
from core.errors import SetupError
from core.ids import new_id
from plugins.licensing import cli
from plugins.licensing.models import InstalledLicence
from plugins.licensing.services import count_usage, keep_distributors
from plugins.licensing.services.decide_access import decide_access, read_entitlements
from tests.conftest import OWNER, _administer
from tests.factories.licensing import CLIENT_RUC, ISSUE, make_vendor

LIMITS = {"plugins": ["sales", "billing"], "documents": 3, "users": 2, "points": 4}
READ = "sales.invoice:read"


@pytest.fixture
def elsewhere(server, template, database):
    """Another installation's database; inside the block it is the one of this process."""
    name = f"{database.name}_hosted"
    _administer(
        server, f'CREATE DATABASE {name} OWNER "{OWNER}" TEMPLATE {template} STRATEGY file_copy'
    )
    made = Database(server.url_for("yupana_app", name))

    @contextmanager
    def visit():
        bind(made)
        try:
            yield
        finally:
            bind(database.database)

    yield visit
    made.dispose()
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def command(monkeypatch):
    """``yupana licence …`` on the database at hand."""
    monkeypatch.setattr(cli, "at_work", lambda _settings: nullcontext())
    settings.current().home.mkdir(parents=True, exist_ok=True)

    def run(*arguments, **environment):
        answer = CliRunner().invoke(cli.licence, list(map(str, arguments)), env=environment)
        assert "Traceback" not in answer.output, answer.output
        assert answer.exception is None or isinstance(answer.exception, SystemExit), (
            answer.exception
        )
        return answer

    return run


@pytest.fixture
def vendor(make_tenant, clock, drain):
    made = make_vendor(make_tenant, clock, drain)
    with unit_of_work(made.operator.scope) as session:
        keep_distributors.set_plan_terms(
            session, made.plan_id, included_minutes=0, entitlements=LIMITS
        )
    client = made.contract()
    made.at("2026-03-12")
    made.enable(client)
    return made


@pytest.fixture
def handed_over(vendor, command, tmp_path):
    """licencia.json as the vendor issues it (paid until 10/04/2026), and the key he tells beside it."""
    file = tmp_path / "licencia.json"
    issued = command("issue", CLIENT_RUC, "--out", file)
    assert issued.exit_code == 0, issued.output
    return file, issued.stderr.split()[-1]


def may(tenant, permission, day, hour=12):
    return decide_access(tenant.id, permission, at_local(date.fromisoformat(day), hour, 0))


def test_a_carried_licence_grants_limits_and_ends_without_the_vendor(
    handed_over, command, elsewhere, make_tenant, clock, client, sign_in
):
    file, key = handed_over
    with elsewhere():
        own = make_tenant("Gimnasio Andino", CLIENT_RUC)
        assert may(own, ISSUE, "2026-03-13") is None  # nothing is asked of who installed nothing
        done = command("install", file, "--key", key)
        assert done.exit_code == 0, done.output
        assert "pagada hasta el 10/04/2026; funciona hasta el 17/04/2026" in done.output
        for day in ("2026-03-13", "2026-04-10", "2026-04-17"):
            assert may(own, ISSUE, day, hour=23).allowed, day
        over = may(own, ISSUE, "2026-04-18", hour=0)
        assert not over.allowed
        assert over.code == "licence_expired"
        for words in ("10/04/2026", "17/04/2026", "yupana licence install"):
            assert words in str(over.sentence)
        read_it = may(own, READ, "2026-05-30")
        assert read_it.allowed, "only new issuing is blocked"

        granted = read_entitlements(own.id)
        assert granted["plugins"] == ["sales", "billing", "licensing"]
        assert (granted["users"], granted["points"]) == (2, 4)
        now = at_local(date(2026, 3, 13), 12)
        with unit_of_work(own.scope) as session:
            event = InvoicesIssued(
                invoice_ids=tuple(new_id() for _ in range(3)),
                numbers=("1", "2", "3"),
                issued_on=date(2026, 3, 13),
                source="sales",
            )
            count_usage.count_documents(session, event, now=now)
        full = may(own, ISSUE, "2026-03-14")
        assert (full.allowed, full.code) == (False, "licence_documents_full")
        assert may(own, ISSUE, "2026-04-02").allowed, "a new month"

        clock.set(at_local(date(2026, 4, 12), 9))
        sign_in(client, own, "owner")
        page = client.get("/licence/").get_data(as_text=True)
        assert "funciona hasta el 17/04/2026" in page
        assert all(one in page for one in ("Comercio", "Uso del plan", "Sus documentos"))
        assert "funciona hasta el 17/04/2026" in client.get("/").get_data(as_text=True)
        clock.set(at_local(date(2026, 4, 18), 9))
        sign_in(client, own, "owner")
        refused = client.get("/sales/till/")
        assert refused.status_code == 403
        assert "funcionó hasta el 17/04/2026" in refused.get_data(as_text=True)


def test_what_is_changed_foreign_or_forged_counts_as_none(
    handed_over, command, elsewhere, make_tenant, clock, tmp_path
):
    file, key = handed_over
    good = json.loads(file.read_bytes())
    with elsewhere():
        own = make_tenant("Gimnasio Andino", CLIENT_RUC)
        other = make_tenant("Otra S.A.")

        def refused(content, code, words, *arguments):
            bad = tmp_path / "otra.json"
            bad.write_bytes(content)
            answer = command("install", bad, *arguments)
            assert (answer.exit_code, answer.output.count("\n")) == (code, 1), answer.output
            assert words in answer.output
            assert may(own, ISSUE, "2026-03-13") is None, "nothing is stored"

        def changed(**values):
            return json.dumps(good | {"licence": good["licence"] | values}).encode()

        given = ("--key", key)
        foreign_key = "A" * 43 + "="
        refused(changed(paid_through="2036-01-01"), 1, "pida a su proveedor el archivo", *given)
        refused(changed(tax_id=other.tax_id), 1, "pida a su proveedor el archivo", *given)
        refused(changed(tax_id="1790016919001"), 2, "ninguna empresa de esta instalación", *given)
        refused(file.read_bytes(), 1, "otro proveedor", "--key", foreign_key)
        refused(b"\x89PNG", 1, "licencia.json", *given)
        refused(b"[" * 60_000, 1, "licencia.json", *given)
        refused(file.read_bytes(), 2, f"clave pública {good['key_id']}")
        clock.set(at_local(date(2026, 4, 18), 9))
        refused(file.read_bytes(), 1, "17/04/2026", *given)
        clock.set(at_local(date(2026, 3, 13), 9))
        assert command("install", tmp_path / "nowhere.json", *given).exit_code == 2

        # the installation that names its vendor's key asks a document of every company
        before = settings.current()
        settings.use(before.model_copy(update={"licence_key": key}))
        none = may(own, ISSUE, "2026-03-13")
        assert (none.allowed, none.code) == (False, "licence_missing")
        assert command("install", file, YUPANA_LICENCE_KEY=key).exit_code == 0
        assert may(own, ISSUE, "2026-03-13").allowed
        assert not may(other, ISSUE, "2026-03-13").allowed
        settings.use(before)

        # a row that somebody writes into the database is worth what its signature is
        with unit_of_work(own.scope) as session:
            session.execute(
                update(InstalledLicence).values(content=changed(paid_through="2036-01-01").decode())
            )
        tampered = may(own, ISSUE, "2026-03-13")
        assert (tampered.allowed, tampered.code) == (False, "licence_signature")
        assert "fue cambiada después de firmarse" in str(tampered.sentence)
        assert read_entitlements(own.id) is None
        with unit_of_work(other.scope) as session:
            session.add(InstalledLicence(id=new_id(), content=file.read_text(), public_key=key))
        stolen = may(other, ISSUE, "2026-03-13")
        assert (stolen.allowed, stolen.code) == (False, "licence_company")
        assert CLIENT_RUC in str(stolen.sentence)


def test_verify_finds_the_key_of_its_installation_or_says_which_is_missing(
    vendor, handed_over, command, elsewhere, make_tenant, clock, tmp_path
):
    file, key = handed_over
    assert command("verify", file).exit_code == 0, "the vendor knows its own key"
    with elsewhere():
        missing = command("verify", file)
        assert missing.exit_code == 2
        assert json.loads(file.read_bytes())["key_id"] in missing.output
        for word in ("--key", "YUPANA_LICENCE_KEY"):
            assert word in missing.output
        make_tenant("Gimnasio Andino", CLIENT_RUC)
        assert command("verify", file).exit_code == 2
        assert command("verify", file, YUPANA_LICENCE_KEY=key).exit_code == 0
        assert command("install", file, "--key", key).exit_code == 0
        assert command("verify", file).exit_code == 0, "the key was pinned"
        (tmp_path / "vendor.key").write_text(f"{key}\n")
        for named in (key, str(tmp_path / "vendor.key")):
            assert settings.read_settings(licence_key=named).licence_key == key
        with pytest.raises(SetupError, match="YUPANA_LICENCE_KEY"):
            settings.read_settings(licence_key="no key")
        (tmp_path / "picture.json").write_bytes(b"\x89PNG")
        nothing = command("verify", tmp_path / "picture.json")
        assert (nothing.exit_code, "licencia.json" in nothing.output) == (1, True)

    clock.set(
        at_local(date(2026, 3, 26), 9)
    )  # the vendor signs again later: the key is known by now
    newer = tmp_path / "nueva.json"
    assert command("issue", CLIENT_RUC, "--out", newer).exit_code == 0
    with elsewhere():
        assert command("install", newer).exit_code == 0
        older = command("install", file)
        assert older.exit_code == 1
        assert "26/03/2026" in older.output
