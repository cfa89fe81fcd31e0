"""The demo's part of electronic documents: a signing file for each company, and the simulator."""

from __future__ import annotations

from typing import Any

from core.contracts.hooks import BackgroundProcess, DemoStep
from plugins.einvoice_sri.cli.simulator import open_authority
from plugins.einvoice_sri.services.certificates import add_certificate

PROCESSES = (BackgroundProcess("sri-simulator", ("sri", "simulator")),)


def seed_demo(context: Any) -> None:
    """Upload a certificate of the simulated authority for each company of the demo."""
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


STEPS: tuple[DemoStep, ...] = ()
