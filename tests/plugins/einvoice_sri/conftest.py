"""A company with a signing key and a simulated SRI."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from core.contracts.fiscal import FiscalRequest
from core.db.session import unit_of_work
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.services.request_documents import request_documents
from plugins.einvoice_sri.simulator.site import Site
from tests.conftest import Company
from tests.factories.sri import give_certificate, simulated, simulator


@pytest.fixture
def site(clock) -> Iterator[Site]:
    """The simulator as the SRI of this test, on the test's clock."""
    made = simulator()
    made.clock = clock.now
    with simulated(made):
        yield made


@pytest.fixture
def key(tenant: Company, now) -> None:
    """The company's signing file is in its vault (a representative signs: one file serves all tests)."""
    give_certificate(tenant, now)


@pytest.fixture
def request_fiscal(tenant: Company, now) -> Callable[..., None]:
    """Ask for fiscal documents as another plugin does, in a transaction of its own."""

    def ask(*requests: FiscalRequest) -> None:
        with unit_of_work(tenant.scope) as session:
            request_documents(session, requests, now=now)

    return ask


@pytest.fixture
def documents(tenant: Company) -> Callable[[], list[FiscalDocument]]:
    """The company's fiscal documents by number."""

    def read() -> list[FiscalDocument]:
        with unit_of_work(tenant.scope) as session:
            rows = session.query(FiscalDocument).order_by(FiscalDocument.sequence)
            return list(rows)

    return read
