"""Twelve months of a gym's member: at each step the pages show what the services say."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.db.session import tenant_work
from core.web.formats import day, money
from plugins.billing.models import Charge
from plugins.sales.models import Invoice
from plugins.sales.services.payment_links import sign_link
from tests.stories.a_year import begin, walk

pytestmark = pytest.mark.browser
PATIENCE = 60_000  # milliseconds
STANDING = {
    "current": "Al día",
    "due": "Por pagar",
    "suspended": "Suspendida",
    "expired": "Vencida",
}
CHARGE = {"open": "Abierto", "paid": "Pagada"}


@pytest.fixture
def story(tenant, clock, outbox):
    return begin(tenant.id, clock, outbox)


def test_the_pages_show_the_same(
    browser, address, app, client, tenant, sign_in, make_person, story
):
    owner = make_person(tenant, "owner")
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="es-EC")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    seen = []

    def see() -> None:
        """The gym's page of the member, its last invoice, and the page behind the member's link."""
        sign_in(client, tenant, user_id=owner)  # weeks have gone by
        cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])
        with tenant_work(story.tenant) as session:
            charges = session.scalars(
                select(Charge)
                .where(Charge.subscription_id == story.member)
                .order_by(Charge.period_start.desc())
            ).all()
            last = session.scalars(select(Invoice).order_by(Invoice.number.desc()).limit(1)).one()
            link = sign_link(session, last.id)
        page.goto(f"{address}/billing/subscriptions/{story.member}")
        assert page.locator("h1").inner_text() == "Rosa Quispe"
        badges = page.locator("main .badge").all_inner_texts()
        state = story.access()
        assert STANDING[state] in badges[0], (state, badges)
        rows = page.locator("table", has=page.locator("caption", has_text="Facturado")).locator(
            "tbody tr"
        )
        assert rows.count() == len(charges)
        for number, one in enumerate(charges):
            text = rows.nth(number).inner_text()
            for part in (
                day(one.issued_on), day(one.period_start), day(one.period_end), money(one.amount),
                day(one.due_on) if one.due_on else "—", CHARGE[one.state],
            ):  # fmt: skip
                assert part in text, (part, text)
        assert ("Suspendida desde" in page.locator("main").inner_text()) == (state == "suspended")
        page.goto(f"{address}/sales/invoices/{last.id}")
        text = page.locator("main").inner_text()
        for part in (last.number[-9:], money(last.total), money(last.tax), "Rosa Quispe"):
            assert part in page.content(), part
        if last.due_on:
            assert day(last.due_on) in text
        page.goto(f"{address}{link}")
        text = page.locator("main").inner_text()
        if last.state == "paid":
            assert "Esta factura está pagada" in text
        else:
            assert money(last.balance) in text
            assert page.get_by_role("button", name="Ya pagué").is_visible()
        seen.append(state)

    walk(story, see)
    context.close()
    assert len(seen) == 15
    assert seen.count("suspended") == seen.count("expired") == 2
