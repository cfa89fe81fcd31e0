"""The demo's part of electronic documents: a signing file for each company, and the simulator."""

from __future__ import annotations

import json
from typing import Any

from core.contracts.hooks import BackgroundProcess, DemoStep
from plugins.einvoice_sri.services.certificates import add_certificate

PROCESSES = (BackgroundProcess("sri-simulator", ("sri", "simulator")),)


def seed_demo(context: Any) -> None:
    """Upload a certificate of the simulated authority for each company of the demo."""
    from plugins.einvoice_sri.cli.simulator import open_authority

    authority = open_authority(context.settings.home, context.now)
    for company in context.everyone:
        file = authority.issue(company.tax_id, company.name, context.password, context.now)
        with context.acting(company) as session:
            add_certificate(
                session,
                data=file.content,
                password=file.password,
                now=context.now,
                signer=company.name,
            )


def simulator_says_what_it_is(check: Any) -> None:
    """The simulator's page cannot be taken for SRI."""
    with check.browser(check.simulator) as page:
        if "SIMULACIÓN" not in page.open("/"):
            raise AssertionError("the simulator's page does not say that it is a simulation")


def everything_is_authorised(check: Any) -> None:
    """What the demo has issued by now comes out of the simulator authorised, and of our list too."""

    def states() -> list[str] | None:
        with check.browser(check.simulator) as page:
            known = json.loads(page.download("/control/documents"))
        found = list(known.values())
        return found if found and set(found) == {"AUTORIZADO"} else None

    check.wait_for("the authorisation of every document", states)
    for company in check.memo.get("emitting", ("gym",)):
        page = check.signed_in(company, "owner").open("/sri/documents?group=problem")
        if "badge-bad" in page:
            raise AssertionError(f"{company} has refused documents")


STEPS = (
    DemoStep("the simulator says that it is one", 30, simulator_says_what_it_is),
    DemoStep("every electronic document is authorised", 500, everything_is_authorised),
)
