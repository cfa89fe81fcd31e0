"""Core's own steps of the demo check: everybody gets in and sees a home page of their own."""

from __future__ import annotations

from core.contracts.hooks import DemoStep
from core.demo import cast
from core.demo.check import Check


def sign_everybody_in(check: Check) -> None:
    """Each role signs in with the form and sees home."""
    seen: set[str] = set()
    for player in cast.PEOPLE:
        for company, role in player.roles:
            if role in seen:
                continue
            seen.add(role)
            name = next(one.name for one in cast.COMPANIES if one.key == company)
            page = check.signed_in(company, role).open("/")
            if name not in page:
                raise AssertionError(f"the home of the {role} does not name {name}")


def refuse_a_stranger(check: Check) -> None:
    """A wrong password lets nobody in."""
    visitor = check.browser()
    visitor.open("/sign-in")
    try:
        visitor.submit(form="sign-in", username="1710000017", password="wrong")  # noqa: S106
    except AssertionError:
        return
    if "/sign-in" not in visitor.url:
        raise AssertionError("a wrong password was let in")


STEPS = (
    DemoStep("every role signs in and sees its home page", 10, sign_everybody_in),
    DemoStep("a wrong password stays outside", 20, refuse_a_stranger),
)
