"""Every page that a link reaches, as each role: no axe violation, nothing cut off, no English."""

from __future__ import annotations

import re
import time
from email import message_from_bytes, policy
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from core.app import create_app
from core.settings import read_settings
from tests.browser.looks import faults, note, picture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROLES = ("owner", "operator", "distributor", "adviser", "salesperson", "accountant", "integrator")
PATIENCE = 60_000  # ms
MAIL_SECONDS = 240  # a busy machine may be slow; the mail ends the wait at once
MOST = 120  # pages of one role


@pytest.fixture(scope="module")
def routes(host, tmp_path_factory):
    """The URL map, to tell pages of one kind from another."""
    return create_app(read_settings(home=tmp_path_factory.mktemp("routes")), host).url_map.bind("x")


def sign_in(browser: Browser, demo, role: str) -> BrowserContext:
    """A browser context in which the first person of a role is signed in."""
    user, ruc = demo.way(role)
    context = browser.new_context(locale="es-EC", reduced_motion="reduce", bypass_csp=True)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{demo.address}/sign-in")
    page.fill("#username", user)
    page.fill("#password", demo.password)
    page.fill("#company", ruc)
    with page.expect_navigation():
        page.click("main form button.primary")
    assert "/sign-in" not in page.url, page.inner_text("main")
    page.close()
    return context


def kind(routes, path: str) -> str | None:
    """The endpoint behind a path; None for files and unknown addresses."""
    try:
        endpoint, _ = routes.match(urlsplit(path).path, "GET")
    except (HTTPException, RequestRedirect):
        return None
    return None if endpoint.endswith(".static") else endpoint


def test_every_page_of_every_role(browser: Browser, demo, routes):
    """One page of each kind (endpoint), opened by the first role that reaches it."""
    seen: set[str] = set()
    wrong: dict[str, list[str]] = {}
    for role in ROLES:
        context = sign_in(browser, demo, role)
        page = context.new_page()
        queue, queued = ["/"], {"/"}
        opened = 0
        while queue and opened < MOST:
            path = queue.pop(0)
            endpoint = kind(routes, path)
            if endpoint is None or (endpoint in seen and path != "/"):
                continue
            answer = context.request.get(demo.address + path)
            if answer.status in (403, 404) or "text/html" not in answer.headers.get(
                "content-type", ""
            ):
                seen.add(endpoint)
                continue
            seen.add(endpoint)
            if answer.status >= 500:
                wrong[f"{role} {path}"] = [f"answers {answer.status}"]
                note(f"{role} {path}", wrong[f"{role} {path}"])
                continue
            page.goto(demo.address + path)
            opened += 1
            found = faults(page)
            if found:
                wrong[f"{role} {path}"] = found
                note(f"{role} {path}", found)
            picture(page, f"{role}-{endpoint}")
            for link in page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)"):
                there = urlsplit(link)
                if f"{there.scheme}://{there.netloc}" == demo.address:
                    address = there.path + (f"?{there.query}" if there.query else "")
                    if address not in queued:
                        queued.add(address)
                        queue.append(address)
        context.close()
    assert len(seen) > 30, seen
    assert not wrong, "\n".join(f"{where}: {one}" for where, all_ in wrong.items() for one in all_)


def test_pages_without_signing_in(browser: Browser, demo):
    context = browser.new_context(locale="es-EC", reduced_motion="reduce", bypass_csp=True)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    wrong = {}
    for path in ("/welcome", "/sign-in", "/forgot", "/reset/nada", "/activate/nada", "/no-existe"):
        page.goto(demo.address + path)
        found = faults(page)
        if found:
            wrong[path] = found
        picture(page, "anyone-" + path.strip("/").replace("/", "-"))
    context.close()
    assert not wrong, wrong


def mailed_link(demo) -> str:
    """The way to a document, from a mail that a receiver got."""
    deadline = time.monotonic() + MAIL_SECONDS
    while time.monotonic() < deadline:
        for file in sorted((demo.home / "mail").glob("*.eml")):
            mail = message_from_bytes(file.read_bytes(), policy=policy.default)
            body = mail.get_body(("plain",))
            found = re.search(r"/portal/l/[^\s>]+", body.get_content() if body else "")
            if found:
                return found[0].rstrip(".")
        time.sleep(0.5)
    raise AssertionError("no receiver got a mail with a link")


def test_every_page_of_a_receiver(browser: Browser, demo):
    """From the link of the mail to the letterbox, its people and its doors."""
    context = browser.new_context(locale="es-EC", reduced_motion="reduce", bypass_csp=True)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(demo.address + mailed_link(demo))
    wrong = {"link": faults(page)}
    picture(page, "receiver-link")
    for field in page.locator("input[type=password]").all():
        field.fill("Recibo-2026-seguro!")
    with page.expect_navigation():
        page.click("main form button.primary")
    assert "/portal/documents/" in page.url
    here = urlsplit(page.url).path
    for path in (here, "/portal/", "/portal/people", "/portal/password", "/portal/sign-in",
                 "/portal/forgot", "/portal/register"):  # fmt: skip
        answer = page.goto(demo.address + path)
        assert answer is not None
        assert answer.status == 200, path
        wrong[path] = faults(page)
        picture(
            page,
            "receiver-" + (path.removeprefix("/portal").strip("/").partition("/")[0] or "inbox"),
        )
    context.close()
    assert not any(wrong.values()), wrong


def test_the_door_works_without_scripts(browser: Browser, demo):
    context = browser.new_context(java_script_enabled=False, locale="es-EC")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    user, ruc = demo.way("owner")
    page.goto(f"{demo.address}/sign-in")
    page.fill("#username", user)
    page.fill("#password", demo.password)
    page.fill("#company", ruc)
    page.click("main form button.primary")
    page.wait_for_url(f"{demo.address}/")
    assert page.locator("h1").count() == 1
    context.close()


def test_keys_open_search_and_help(browser: Browser, demo):
    context = sign_in(browser, demo, "owner")
    page = context.new_page()
    page.goto(demo.address + "/")
    page.keyboard.press("?")
    page.wait_for_selector("dialog#keys[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog#keys:not([open])", state="attached")
    page.keyboard.press("/")
    page.wait_for_function("document.activeElement && document.activeElement.id === 'search'")
    context.close()
