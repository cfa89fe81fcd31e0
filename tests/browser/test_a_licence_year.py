"""Twelve months of a licence: at each step the pages of client, distributor and vendor show the same."""

from __future__ import annotations

import re

import pytest

from core.db.scope import Scope
from core.web.formats import day, money
from tests.factories.licensing import CLIENT_RUC, make_vendor
from tests.stories.a_licence_year import LicenceYear, walk

pytestmark = pytest.mark.browser
PATIENCE = 60_000  # milliseconds
STATES = {
    "order": "Orden de pago",
    "active": "Activa",
    "due": "Factura por pagar",
    "suspended": "Suspendida",
    "cancelled": "Cancelada",
    "reentered": "De vuelta por un mes",
    "expired": "Vencida",
}
PAID = {"paid": "Pagada", "issued": "Por pagar"}


class Tenancy:
    """What ``sign_in`` needs of a company."""

    def __init__(self, tenant_id):
        self.id, self.scope = tenant_id, Scope(tenant_id=tenant_id)


@pytest.fixture
def year(make_tenant, clock, drain, outbox):
    vendor = make_vendor(make_tenant, clock, drain, day="2027-10-31")
    return LicenceYear(vendor, outbox, vendor.contract())


def test_the_pages_show_the_same(browser, address, app, client, sign_in, make_person, year):
    companies = {
        "owner": Tenancy(year.client),
        "distributor": year.vendor.north,
        "operator": year.vendor.operator,
    }
    people = {role: make_person(tenant, role) for role, tenant in companies.items()}
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="es-EC")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    seen = []

    def go(role: str, path: str) -> str:
        """What a person reads on a page."""
        sign_in(client, companies[role], user_id=people[role])  # weeks have gone by
        cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])
        answer = page.goto(f"{address}{path}")
        assert answer is not None
        seen.append((role, path, answer.status))
        return page.locator("main").inner_text()

    def see() -> None:
        """The client's licence and till, the distributor's portfolio, the vendor's invoice."""
        state, invoices = year.vendor.state(year.client), year.invoices()
        go("owner", "/licence")
        assert page.locator("main .badge").first.inner_text() == STATES[state]
        rows = page.locator(
            "table", has=page.locator("caption", has_text=re.compile(r"^\s*Facturas\s*$"))
        ).locator("tbody tr")
        assert rows.count() == len(invoices)
        for number, one in enumerate(reversed(invoices)):
            text = rows.nth(number).inner_text()
            for part in (
                one.number, one.lines[0].description, money(one.total), money(one.balance),
                day(one.due_on) if one.due_on else "—", PAID[one.state],
            ):  # fmt: skip
                assert part in text, (part, text)
        text = go("owner", "/sales/till")
        if year.vendor.may_issue(year.client):
            assert seen[-1][2] == 200
        else:
            assert seen[-1][2] == 403
            assert "licencia" in text
        go("distributor", "/portfolio")
        [row] = page.locator("tbody tr").all()
        assert CLIENT_RUC in row.inner_text()
        assert STATES[state] in row.inner_text()
        last = invoices[-1]
        text = go("operator", f"/sales/invoices/{last.id}")
        for part in (last.number[-9:], money(last.total), money(last.tax), "Gimnasio Andino"):
            assert part in page.content(), part

    walk(year, see)
    context.close()
    assert len([one for one in seen if one[1] == "/licence"]) == 14
    assert len([one for one in seen if one[2] == 403]) == 4
