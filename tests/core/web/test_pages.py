"""Core's own pages: each opens for who may, stays shut for who may not, and does what it says."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image
from sqlalchemy import select

from core.db.session import unit_of_work
from core.models import (
    Branch,
    CompanyProfile,
    Holiday,
    IssuePoint,
    Membership,
    NumberSeries,
    Tenant,
)
from core.security.models import ApiKey, Person

OWNERS_PAGES = (
    "/",
    "/company",
    "/company/edit",
    "/company/regime",
    "/company/points",
    "/company/points/branch",
    "/company/members",
    "/company/members/new",
    "/company/keys",
    "/company/keys/new",
    "/company/settings",
    "/company/audit",
    "/account/password",
    "/companies",
)
OPERATORS_PAGES = (
    "/platform",
    "/platform/companies/new",
    "/platform/holidays",
    "/platform/taxes",
    "/platform/taxes?tax=ret1",
    "/platform/plugins",
)


def test_every_page_opens_for_the_owner(client, sign_in, tenant):
    sign_in(client, tenant, "owner")
    for path in (
        *OWNERS_PAGES,
        f"/company/points/branch/{tenant.branch_id}",
        f"/company/points/branch/{tenant.branch_id}/point",
        f"/company/points/{tenant.till_id}",
    ):
        response = client.get(path)
        assert response.status_code == 200, path
        assert response.get_data(as_text=True).count("<h1") == 1, path


def test_platform_pages_are_the_operators_only(app, sign_in, make_tenant, tenant):
    operator, owner = app.test_client(), app.test_client()
    sign_in(operator, make_tenant(kind="operator"), "operator")
    sign_in(owner, tenant, "owner")
    for path in OPERATORS_PAGES:
        assert operator.get(path).status_code == 200, path
        assert owner.get(path).status_code == 403, path
    assert tenant.name in operator.get("/platform", query_string={"q": tenant.tax_id[:6]}).text


@pytest.mark.parametrize("role", ["salesperson", "accountant", "integrator"])
def test_others_read_but_do_not_write_the_company(client, post, sign_in, tenant, role):
    sign_in(client, tenant, role)
    assert client.get("/company").status_code == 200
    assert client.get("/company/edit").status_code == 403
    assert post(client, "/company/edit", legal_name="Otra").status_code == 403
    assert client.get("/company/members").status_code == 403


def test_profile_and_logo(client, post, sign_in, tenant):
    sign_in(client, tenant, "owner")
    picture = io.BytesIO()
    Image.new("RGB", (40, 20), "navy").save(picture, "PNG")
    saved = post(
        client,
        "/company/edit",
        legal_name="Tejidos Otavalo S.A.",
        email="a@b.ec",
        logo=(io.BytesIO(picture.getvalue()), "logo.png"),
    )
    assert saved.status_code == 303
    page = client.get("/company").text
    assert "Tejidos Otavalo S.A." in page
    assert client.get("/company/logo").mimetype.startswith("image/")
    assert post(client, "/company/logo/remove").status_code == 303
    assert client.get("/company/logo").status_code == 404


def test_a_refused_form_keeps_what_was_typed_and_names_the_field(client, post, sign_in, tenant):
    sign_in(client, tenant, "owner")
    refused = post(
        client, "/company/edit", legal_name=" ", trade_name="La Tiendita", phone="02 255"
    )
    page = refused.text
    assert refused.status_code == 422
    assert 'value="La Tiendita"' in page
    assert re.search(r'id="legal_name"[^>]*aria-invalid="true"', page)
    with unit_of_work(tenant.scope) as session:
        assert session.scalars(select(CompanyProfile.trade_name)).one() == ""


def test_a_file_that_is_no_picture_is_refused(client, post, sign_in, tenant):
    sign_in(client, tenant, "owner")
    refused = post(
        client, "/company/edit", legal_name="A", logo=(io.BytesIO(b"MZ\x90"), "logo.png")
    )
    assert refused.status_code == 422


def test_branch_point_and_first_number(client, post, sign_in, tenant):
    sign_in(client, tenant, "owner")
    made = post(client, "/company/points/branch", code="002", name="Norte", address="Ibarra")
    assert made.status_code == 303
    point_form = made.location
    assert post(client, "/company/points/branch", code="002").status_code == 422
    assert post(client, "/company/points/branch", code="2").status_code == 422
    made = post(client, point_form, code="007", purpose="till", name="Caja")
    assert made.status_code == 303
    number = {"document_kind": "01", "environment": "2", "number": "1500"}
    assert post(client, made.location, **number).status_code == 303
    assert "000001500" in client.get("/company/points").text
    assert post(client, made.location, **number | {"number": "10"}).status_code == 422
    assert post(client, made.location, **number | {"number": "-1"}).status_code == 422
    with unit_of_work(tenant.scope) as session:
        branch = session.scalars(select(Branch).where(Branch.code == "002")).one()
        point = session.scalars(select(IssuePoint).where(IssuePoint.branch_id == branch.id)).one()
        series = session.scalars(
            select(NumberSeries).where(NumberSeries.issue_point_id == point.id)
        ).one()
        assert series.next_number == 1500
    assert post(client, f"/company/points/{point.id}/active").status_code == 303


def test_foreign_and_malformed_ids_do_not_exist(client, post, sign_in, tenant, other_tenant):
    sign_in(client, tenant, "owner")
    for bad in (other_tenant.till_id, "no-es-un-id", "0"):
        assert client.get(f"/company/points/{bad}").status_code == 404
        assert post(client, f"/company/points/{bad}/active").status_code == 404
    assert client.get(f"/company/points/branch/{other_tenant.branch_id}").status_code == 404


@pytest.mark.checklist("PW-19", "PW-21")
def test_invited_person_activates_with_link_and_code(
    app, client, post, sign_in, tenant, drain, outbox, database
):
    sign_in(client, tenant, "owner")
    person = {
        "identification": "1710034065",
        "first_name": "Rosa",
        "last_name": "Quishpe",
        "email": "rosa@example.com",
        "role": "accountant",
    }
    shown = post(client, "/company/members/new", **person).text
    code = re.search(r'<p class="figure">(\d{3}) (\d{3})</p>', shown)
    assert code
    drain()
    [mail] = outbox.to("rosa@example.com")
    assert code[1] + code[2] not in mail.text, "the code takes another way than the link"
    path = "/activate/" + re.findall(r"/activate/(\S+)", mail.text)[0]
    rosa = app.test_client()
    assert "Rosa" in rosa.get(path).text
    password = {"password": "Mi-clave-Larga-2026", "again": "Mi-clave-Larga-2026"}
    assert post(rosa, path, code="000000", **password).status_code == 422
    assert post(rosa, path, code=code[1] + " " + code[2], **password).status_code == 303
    assert tenant.name in rosa.get("/").text
    assert rosa.get("/company/edit").status_code == 403, "an accountant reads"
    assert app.test_client().get(path).status_code == 410
    with unit_of_work(tenant.scope) as session:
        assert (
            session.scalars(select(Person).where(Person.username == "1710034065"))
            .one()
            .email_verified_at
        )


def test_five_wrong_codes_end_the_link(app, client, post, sign_in, tenant, drain, outbox):
    sign_in(client, tenant, "owner")
    shown = post(
        client,
        "/company/members/new",
        identification="1710034065",
        first_name="Rosa",
        last_name="Quishpe",
        email="rosa@example.com",
        role="accountant",
    ).text
    code = "".join(re.search(r'<p class="figure">(\d{3}) (\d{3})</p>', shown).groups())
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    drain()
    path = "/activate/" + re.findall(r"/activate/(\S+)", outbox.mails[0].text)[0]
    rosa = app.test_client()
    password = {"password": "Mi-clave-Larga-2026", "again": "Mi-clave-Larga-2026"}
    tries = [post(rosa, path, code=wrong, **password).status_code for _ in range(5)]
    assert tries == [422, 422, 422, 422, 410], "after the fifth the link is void"
    assert post(rosa, path, code=code, **password).status_code == 410


def test_the_last_owner_stays_and_a_member_cannot_rise_above_the_kind(
    client, post, sign_in, make_person, tenant
):
    owner = sign_in(client, tenant, "owner")
    helper = make_person(tenant, "salesperson")
    with unit_of_work(tenant.scope) as session:
        ids = dict(session.execute(select(Membership.user_id, Membership.id)).all())
    alone = post(client, f"/company/members/{ids[owner]}/role", role="accountant")
    assert alone.status_code == 409
    assert post(client, f"/company/members/{ids[helper]}/role", role="operator").status_code == 422
    assert post(client, f"/company/members/{ids[helper]}/role", role="owner").status_code == 303
    assert post(client, f"/company/members/{ids[owner]}/role", role="accountant").status_code == 303


def test_a_member_who_left_is_out_at_the_next_request(app, client, post, sign_in, tenant):
    sign_in(client, tenant, "owner")
    other = app.test_client()
    seller = sign_in(other, tenant, "salesperson")
    assert other.get("/company").status_code == 200
    with unit_of_work(tenant.scope) as session:
        member = session.scalars(select(Membership.id).where(Membership.user_id == seller)).one()
    assert post(client, f"/company/members/{member}/active", active="0").status_code == 303
    assert other.get("/company").location.startswith("/companies")


def test_an_api_key_acts_for_one_membership_until_revoked(app, client, post, sign_in, tenant):
    sign_in(client, tenant, "owner")
    shown = post(client, "/company/keys/new", name="Tienda", days="30").text
    key = re.search(r"<code>(yk_[^<]+)</code>", shown)[1]
    software = app.test_client()
    headers = {"Authorization": f"Bearer {key}"}
    assert software.get("/api/v1/me", headers=headers).json["company"]["tax_id"] == tenant.tax_id
    assert (
        software.get("/api/v1/me", headers={"Authorization": f"Bearer {key}x"}).status_code == 401
    )
    assert software.get("/api/v1/me").status_code == 401
    with unit_of_work(tenant.scope) as session:
        row = session.scalars(select(ApiKey)).one()
        assert key not in repr(vars(row)), "only a hash is kept"
        assert row.last_used_at
    assert post(client, f"/company/keys/{row.id}/revoke").status_code == 303
    assert software.get("/api/v1/me", headers=headers).status_code == 401


def test_operator_creates_a_company_and_invites_its_owner(
    client, post, sign_in, make_tenant, drain, outbox
):
    sign_in(client, make_tenant(kind="operator"), "operator")
    fields = {
        "tax_id": "1790011674001",
        "name": "Banco de Prueba",
        "kind": "company",
        "identification": "1710034065",
        "first_name": "Rosa",
        "last_name": "Quishpe",
        "email": "rosa@example.com",
    }
    assert post(client, "/platform/companies/new", **fields | {"email": "x"}).status_code == 422
    assert post(client, "/platform/companies/new", **fields | {"tax_id": "1"}).status_code == 422
    assert post(client, "/platform/companies/new", **fields).status_code == 200
    drain()
    assert outbox.to("rosa@example.com")
    from core.db.scope import Scope

    with unit_of_work(Scope()) as session:
        made = session.scalars(select(Tenant).where(Tenant.tax_id == "1790011674001")).one()
    with unit_of_work(Scope(tenant_id=made.id)) as session:
        assert session.scalars(select(Membership.role)).one() == "owner"
    assert post(client, "/platform/companies/new", **fields).status_code == 422, "the RUC is taken"


def test_holidays_and_taxes(client, post, sign_in, make_tenant):
    sign_in(client, make_tenant(kind="operator"), "operator")
    day = {"on_date": "2026-11-13", "name": "Puente de prueba"}
    assert post(client, "/platform/holidays", **day).status_code == 303
    assert post(client, "/platform/holidays", **day).status_code == 422
    from core.db.scope import Scope

    with unit_of_work(Scope()) as session:
        key = session.scalars(select(Holiday.id).where(Holiday.name == "Puente de prueba")).one()
    assert post(client, f"/platform/holidays/{key}/remove").status_code == 303
    rate = {"tax": "2", "code": "99", "label": "Prueba", "rate": "1,75", "valid_from": "2026-05-01"}
    assert post(client, "/platform/taxes", **rate).status_code == 303
    assert "1,75" in client.get("/platform/taxes").text
    assert post(client, "/platform/taxes", **rate).status_code == 422
    assert post(client, "/platform/taxes", **rate | {"rate": "NaN"}).status_code == 422


@pytest.mark.checklist("PW-22")
def test_somebody_new_lands_on_the_way_in(client, sign_in, tenant):
    """Public landing, then the door; who was here before goes to the door at once."""
    first = client.get("/")
    assert first.location == "/welcome"
    landing = client.get(first.location)
    assert landing.status_code == 200
    assert 'href="/sign-in">Ingresar al sistema</a>' in landing.text
    assert 'href="/portal/sign-in"' in landing.text
    assert client.get("/company").location.startswith("/sign-in?next=")
    sign_in(client, tenant, "owner")
    assert client.get("/").status_code == 200


def test_a_setting_takes_numbers_with_comma_or_point(client, sign_in, tenant, post):
    sign_in(client, tenant, "owner")
    key = "billing.tolerance"
    for typed in ("1,25", "1.50"):
        assert post(client, "/company/settings", **{key: typed}).status_code in (302, 303)
        assert f'value="{typed.replace(".", ",")}"' in client.get("/company/settings").text
    refused = post(client, "/company/settings", **{key: "mucho"})
    assert refused.status_code == 422
