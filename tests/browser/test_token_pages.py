"""Pages that open without a sign-in, by a link with a token: as they come, refused, and done."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from core import runtime
from core.db.scope import Scope
from core.db.session import tenant_work, unit_of_work
from core.security import links
from core.security.models import OneTimeLink
from plugins.billing.services import cancel_links, reminder_stops
from plugins.customer_portal.jobs import KEY
from plugins.customer_portal.services import accounts
from plugins.customer_portal.services import links as portal_links
from plugins.einvoice_sri.services import p12_links
from plugins.sales.models import Invoice
from plugins.sales.services.check_pins import create_salesperson, make_pin_link
from plugins.sales.services.payment_links import sign_link
from tests.browser.looks import faults, picture
from tests.stories.a_year import MAIL, begin

pytestmark = pytest.mark.browser
PATIENCE = 60_000  # milliseconds
SECRET = "Recibo-2026-seguro!"


@pytest.fixture
def paths(app, tenant, clock, outbox, make_person):
    """Where the links lead, one of each kind."""
    story = begin(tenant.id, clock, outbox)
    now = clock.now()
    found = {}
    with tenant_work(tenant.id) as session:
        found["pay"] = sign_link(session, session.scalars(select(Invoice.id)).one())
        found["reminders"] = reminder_stops.stop_path(session, story.customer)
        found["leave"] = cancel_links.cancel_path(session, story.member)
        salesperson = create_salesperson(session, name="Sonia Paz")
        token = make_pin_link(session, salesperson, now=now)
        found["pin"] = f"/sales/pin/{tenant.id}/{salesperson}/{token}"
        found["upload"] = "/sri/upload/" + p12_links.make_link(session, secret="s" * 32, now=now)
    with unit_of_work(Scope()) as session:
        for purpose, path in (("reset", "reset"), ("activation", "activate")):
            person = make_person(tenant, "owner")
            links.request_link(session, person, purpose, now=now)
            link = session.scalars(select(OneTimeLink).where(OneTimeLink.user_id == person)).one()
            found[path] = f"/{path}/{links.new_token(session, link)}"
    key = runtime.keyring().derive(KEY)
    invitation = portal_links.Invitation(MAIL, "1710034065", "1" * 49, "mail")
    token = portal_links.document_token(key, invitation, ends_at=now + timedelta(days=1))
    found["receiver"] = f"/portal/l/{token}"
    with unit_of_work(Scope()) as session:
        account = accounts.open_account(session, "otra@example.com", SECRET, SECRET)
        token = portal_links.reset_token(key, account.email, account.stamp, now=now)
        found["receiver-reset"] = f"/portal/reset/{token}"
    return found


PRIMARY, ANY = "main form button.primary", "main form button"
SHORT, GOOD = {"password": "corta", "again": "corta"}, {"password": SECRET, "again": SECRET}
#: What is done on each page: (what it shows then, answer, button, what is typed).
STEPS = {
    "pay": ("refused", 422, PRIMARY, {}),
    "reminders": ("stopped", 200, ANY, {}),
    "leave": ("done", 200, ANY, {}),
    "pin": ("set", 200, PRIMARY, {"pin": "4821", "again": "4821"}),
    "upload": ("refused", 422, PRIMARY, {"password": "x"}),
    "activate": ("refused", 422, PRIMARY, {"code": "no", **GOOD}),
    "receiver-reset": ("refused", 422, PRIMARY, SHORT),
}


class Visitor:
    """Somebody with a link and no sign-in; remembers what was wrong on which page."""

    def __init__(self, page, address):
        self.page, self.address = page, address
        self.status = 0
        self.seen: set[str] = set()
        self.wrong: dict[str, list[str]] = {}
        page.on("response", self._answered)

    def _answered(self, response):
        if response.request.is_navigation_request():
            self.status = response.status

    def come(self, name, path, status=200):
        self.page.goto(self.address + path)
        self.look(name, status)

    def send(self, name, status, button, typed):
        self.page.evaluate("document.querySelectorAll('form').forEach(f => f.noValidate = true)")
        for field, value in typed.items():
            self.page.fill(f"main [name={field}]", value)
        with self.page.expect_navigation():
            self.page.click(button)
        self.look(name, status)

    def look(self, name, status):
        self.seen.add(urlsplit(self.page.url).path)
        found = faults(self.page)
        if self.page.locator("h1").count() != 1:
            found.append("not one h1")
        if self.status != status:
            found.append(f"answers {self.status} instead of {status}")
        if found:
            self.wrong[name] = found
        if status == 200:
            picture(self.page, f"token-{name}")


def test_pages_behind_links(browser, address, app, paths, tmp_path):
    context = browser.new_context(locale="es-EC", reduced_motion="reduce", bypass_csp=True)
    context.set_default_timeout(PATIENCE)
    somebody = Visitor(context.new_page(), address)
    no_certificate = tmp_path / "firma.p12"
    no_certificate.write_bytes(b"no certificate")
    for name, path in paths.items():
        somebody.come(name, path)
        if name == "upload":
            somebody.page.set_input_files("input[type=file]", no_certificate)
        if name in STEPS:
            word, status, button, typed = STEPS[name]
            somebody.send(f"{name}-{word}", status, button, typed)
    somebody.come("pay-forged", re.sub(r"[^/]+$", "falsa", paths["pay"]), 404)
    context.close()
    wrong = somebody.wrong
    assert not wrong, "\n".join(f"{where}: {one}" for where, all_ in wrong.items() for one in all_)
    routes = app.url_map.bind("x")
    opened = {routes.match(path, "GET")[0] for path in somebody.seen}
    behind_links = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.arguments & {"token", "signature"} and "GET" in rule.methods
    }
    assert behind_links <= opened
