"""Companies, people, settings, secrets and files of a tenant."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pytest
from PIL import Image
from sqlalchemy import text
from werkzeug.security import check_password_hash

from core import plugins
from core.adapters.images import reencode
from core.adapters.keyring import Keyring, SecretUnreadable
from core.contracts.hooks import SettingSpec
from core.db.scope import NOBODY
from core.db.session import unit_of_work
from core.errors import Conflict, DomainError, NotFound
from core.security.models import Person
from core.services import blobs, companies, people, secrets, settings

RUC = "1792205859001"


def create(now, **given):
    return companies.create_tenant(**({"tax_id": RUC, "name": "Andina S.A.", "now": now} | given))


@pytest.mark.checklist("PW-35")
def test_a_company_is_one_ruc_with_profile_regime_and_audit(database, now):
    tenant = create(now, tax_id="179-2205859 001", profile={"email": "a@b.ec", "unknown": "x"})
    from core.db.scope import Scope

    with unit_of_work(Scope(tenant_id=tenant)) as session:
        assert companies.profile(session).email == "a@b.ec"
        assert companies.profile(session).legal_name == "Andina S.A."
        assert companies.regime(session, date(2026, 4, 25)).regime == "general"
        assert companies.regime(session, date(2020, 1, 1)).regime == "general"
        assert companies.find_tenant(session, RUC).id == tenant
        reasons = session.scalars(text("SELECT reason FROM core_audit_entry")).all()
        assert "create the company" in reasons
        branch = companies.add_branch(session, code="002")
        companies.add_issue_point(session, branch, code="001")
    for code, kind in (("2", DomainError), ("000", DomainError), ("002", Conflict)):
        with pytest.raises(kind), unit_of_work(Scope(tenant_id=tenant)) as session:
            companies.add_branch(session, code=code)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"tax_id": "1792205859"}, "ruc_length"),
        ({"tax_id": "1714325221001"}, "ruc_cedula"),
        ({"tax_id": "1792205859002"}, "not_main"),  # SRI's schemas want an issuer's [0-9]{10}001
        ({"name": "  "}, "name_missing"),
    ],
)
def test_a_company_that_cannot_be(database, now, given, code):
    with pytest.raises(DomainError) as refused:
        create(now, **given)
    assert refused.value.code == code
    with unit_of_work(NOBODY) as session:
        assert session.scalar(text("SELECT count(*) FROM core_tenant")) == 0


def test_one_company_per_ruc_and_one_operator(database, now):
    create(now, kind="operator")
    with pytest.raises(Conflict) as same:
        create(now)
    with pytest.raises(Conflict) as second:
        create(now, tax_id="1760001550001", kind="operator")
    assert (same.value.code, second.value.code) == ("tax_id_taken", "operator_exists")


def person(session, now, **given):
    values = {
        "identification": "171003406-5",
        "first_name": "Ana",
        "last_name": "Pérez",
        "email": "Ana@Example.com",
        "now": now,
    }
    return people.create_person(session, **(values | given))


def test_a_person_exists_once(tenant, now):
    with unit_of_work(tenant.scope) as session:
        user = person(session, now, password="Una-clave-1")
        people.add_member(session, user, "owner")
        people.add_member(session, user, "accountant")  # a change, not a second membership
        assert session.scalar(text("SELECT count(*) FROM core_membership")) == 1
        found = session.get(Person, user)
        assert (found.username, found.email) == ("1710034065", "ana@example.com")
        assert check_password_hash(found.password, "Una-clave-1")
        assert people.find_person(session, " ANA@example.com ").id == user
    for wrong in ({}, {"identification": "AB12345"}, {"email": "o@example.com"}):
        with pytest.raises(Conflict), unit_of_work(tenant.scope) as session:
            person(session, now, **wrong)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"identification": "1714325221"}, "identification"),
        ({"identification": "9999999999999"}, "identification"),
        ({"email": "nobody"}, "email"),
        ({"email": "a b@c.ec"}, "email"),
    ],
)
def test_a_person_that_cannot_be(tenant, now, given, field):
    with pytest.raises(DomainError) as refused, unit_of_work(tenant.scope) as session:
        person(session, now, **given)
    assert refused.value.field == field


def test_an_invitation_ends_the_earlier_one_and_keeps_only_hashes(tenant, now):
    with unit_of_work(tenant.scope) as session:
        user = person(session, now)
        first, second = (people.invite(session, user, now=now) for _ in range(2))
        rows = session.execute(
            text("SELECT token_hash, used_at IS NULL AS open FROM core_one_time_link ORDER BY id")
        ).all()
    assert [row.open for row in rows] == [False, True]
    assert first.token != second.token
    assert all(second.token not in row.token_hash for row in rows)
    assert len(second.code) == 6


@pytest.fixture
def specs(host, monkeypatch):
    declared = {
        "demo.days": SettingSpec("demo.days", 15, int, "days"),
        "demo.on": SettingSpec("demo.on", False, bool, "switch"),
        "demo.limit": SettingSpec("demo.limit", Decimal("50.00"), Decimal, "USD"),
        "demo.basis": SettingSpec("demo.basis", "a", str, "which", choices=("a", "b")),
    }
    monkeypatch.setattr(plugins.host(), "settings", declared)


def test_settings_have_a_type_a_default_and_an_owner(specs, tenant, other_tenant):
    with unit_of_work(tenant.scope) as session:
        for key, typed in (("days", "20"), ("on", "on"), ("limit", "12.50"), ("basis", "b")):
            settings.write(session, f"demo.{key}", typed)
        settings.write(session, "demo.days", 21)
    keys = ("demo.days", "demo.on", "demo.limit", "demo.basis")
    with unit_of_work(tenant.scope) as session:
        assert settings.read_many(session, keys) == dict(
            zip(keys, (21, True, Decimal("12.50"), "b"), strict=True)
        )
    with unit_of_work(other_tenant.scope) as session:
        assert settings.read(session, "demo.days") == 15
        with pytest.raises(KeyError):
            settings.read(session, "demo.unknown")
    for key, wrong in (
        ("days", "x"),
        ("days", "-1"),
        ("on", "perhaps"),
        ("limit", "many"),
        ("limit", "-5"),
        ("limit", "NaN"),
        ("basis", "c"),
    ):
        with pytest.raises(DomainError) as refused, unit_of_work(tenant.scope) as session:
            settings.write(session, f"demo.{key}", wrong)
        assert refused.value.field == f"demo.{key}"


def test_a_secret_opens_only_where_it_belongs(tenant, other_tenant):
    with unit_of_work(tenant.scope) as session:
        secrets.put(session, "x.key", b"old")
        secrets.put(session, "x.key", b"plain words")
    with unit_of_work(tenant.scope) as session:
        assert secrets.get(session, "x.key") == b"plain words"
        sealed = session.scalar(text("SELECT sealed FROM core_secret"))
        assert b"plain" not in bytes(sealed)
        # the same bytes under another name do not open
        session.execute(text("UPDATE core_secret SET name = 'y.key'"))
        with pytest.raises(SecretUnreadable):
            secrets.get(session, "y.key")
        session.execute(text("UPDATE core_secret SET name = 'x.key'"))
    with unit_of_work(other_tenant.scope) as session:
        assert secrets.get(session, "x.key") is None
        assert not secrets.wipe(session, "x.key")
    with unit_of_work(tenant.scope) as session:
        new = Keyring([b"n" * 32, b"k" * 32])
        assert secrets.rewrap_all(session, new) == 1
    with unit_of_work(tenant.scope) as session, pytest.raises(SecretUnreadable):
        secrets.get(session, "x.key")  # the test's keyring lacks the new key
    with unit_of_work(tenant.scope) as session:
        assert secrets.wipe(session, "x.key")


def picture(kind, mode="RGB", size=(40, 20)):
    out = io.BytesIO()
    Image.new(mode, size, (200, 10, 10, 128)[: len(mode)]).save(out, kind)
    return out.getvalue()


def test_pictures_are_written_anew():
    content, kind = reencode(picture("PNG", "RGBA"))
    assert kind == "image/png"
    content, kind = reencode(picture("JPEG", size=(4000, 100)) + b"<script>trailing</script>")
    assert kind == "image/jpeg"
    assert b"script" not in content
    with Image.open(io.BytesIO(content)) as made:
        assert made.size == (2000, 50)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "picture"),
        (b"<svg onload='x'/>", "picture"),
        (picture("PNG")[:60], "picture"),
        (b"BM" + b"0" * 100, "picture"),
        (b"\xff\xd8\xff" + b"0" * (5 * 1024 * 1024), "picture_size"),
    ],
    ids=["empty", "svg", "cut", "bmp", "large"],
)
def test_what_is_no_picture_is_refused(content, code):
    with pytest.raises(DomainError) as refused:
        reencode(content, field="logo")
    assert (refused.value.code, refused.value.field) == (code, "logo")


def test_files_are_read_by_their_owner_only(tenant, other_tenant):
    with unit_of_work(tenant.scope) as session:
        slip = blobs.store(session, b"%PDF-1.4 ...", "image/png", "slip.pdf")
        logo = blobs.store(session, picture("GIF", "L"), "application/pdf", "logo.gif")
        assert blobs.read(session, slip).media_type == "application/pdf"
        assert blobs.read(session, logo).media_type == "image/jpeg"
    with unit_of_work(other_tenant.scope) as session, pytest.raises(NotFound):
        blobs.read(session, slip)
