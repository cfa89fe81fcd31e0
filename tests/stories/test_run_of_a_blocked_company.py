"""The run of a company that may issue nothing new: refused by command and job alike, then caught up."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from core import plugins
from core.adapters.clock import at_local
from core.contracts.sales import CustomerData
from core.contracts.services import CustomerDirectory
from core.db.scope import Scope
from core.db.session import unit_of_work
from core.errors import Forbidden
from core.services import companies
from plugins.billing import jobs
from plugins.billing.cli import billing
from plugins.billing.models import Charge, Run
from plugins.billing.services import plans, subscribe
from plugins.billing.services.run_billing import run_billing
from plugins.licensing.models import Usage
from plugins.licensing.services import keep_distributors
from tests.factories.licensing import CLIENT_RUC, make_vendor


@pytest.fixture
def vendor(make_tenant, clock, drain):
    """A client of a plan of 100 documents a month, with one member since 26 March: due again on 25 April."""
    made = make_vendor(make_tenant, clock, drain, "2026-03-01")
    with unit_of_work(made.operator.scope) as session:
        keep_distributors.set_plan_terms(
            session, made.plan_id, included_minutes=0, entitlements={"documents": 100}
        )
    made.client_id = made.contract()
    made.enable(made.client_id)
    made.run("2026-03-25")
    now = made.at("2026-03-26")
    with unit_of_work(Scope(tenant_id=made.client_id)) as session:
        companies.profile(session).head_office_address = "Av. Amazonas N1-23, Quito"
        branch = companies.add_branch(session, code="001", name="Matriz", address="Quito")
        companies.add_issue_point(session, branch, code="002", purpose="run")
        [member] = plugins.service(CustomerDirectory).ensure(
            session, [CustomerData("06", "P000001", "Socia Uno", "socia@example.com", "Quito")]
        )
        plan = plans.create_plan(
            session, code="MES", name="Mes", price=Decimal("30.00"), tax_code="4", now=now
        )
        subscribe.subscribe(
            session, plan_id=plan, customer_id=member, start_on=date(2026, 3, 26), now=now
        )
    return made


def told(vendor) -> tuple[int, int]:
    """How many runs and charges the client has."""
    with unit_of_work(Scope(tenant_id=vendor.client_id)) as session:
        return (
            session.scalar(select(func.count()).select_from(Run)),
            session.scalar(select(func.count()).select_from(Charge)),
        )


def refused(vendor, client_id: UUID, code: str, sentence: str):
    """Service, command and job at 02:00 of 25 April; the rehearsal reads on."""
    now, on = at_local(date(2026, 4, 25), 2), date(2026, 4, 25)
    vendor.clock.set(now)
    with pytest.raises(Forbidden) as error:
        run_billing(client_id, on=on, now=now)
    assert error.value.code == code
    typed = ["run", "--on", "2026-04-25", "--company", CLIENT_RUC]
    answer = CliRunner().invoke(billing, typed)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert sentence in answer.stderr
    jobs.run_tenant({"tenant": str(client_id), "on": "2026-04-25"}, now)
    assert told(vendor) == (0, 1)
    rehearsed = json.loads(CliRunner().invoke(billing, [*typed, "--dry-run", "--json"]).stdout)
    # 25 to 30 April, 6 days at 30 / 30, and May: two invoices
    assert (rehearsed["invoices"], rehearsed["amount"]) == (2, "36.00")
    return typed


@pytest.mark.checklist("PW-15")
def test_a_suspended_company_runs_nothing_until_it_reports(vendor):
    client = vendor.client_id
    typed = refused(vendor, client, "licence_suspended", "La licencia está suspendida")
    vendor.report(client)
    answer = CliRunner().invoke(billing, [*typed, "--json"])
    assert answer.exit_code == 0, answer.stderr
    done = json.loads(answer.stdout)
    assert (done["invoices"], done["amount"]) == (2, "36.00")
    assert told(vendor) == (1, 3)


def test_a_company_whose_plan_is_full_runs_nothing_until_next_month(vendor):
    client = vendor.client_id
    vendor.clock.set(at_local(date(2026, 4, 25), 1))
    vendor.report(client)
    vendor.run("2026-04-25")  # the vendor's: what is reported is invoiced for May (R15)
    with unit_of_work(Scope(tenant_id=client)) as session:
        session.add(Usage(month=date(2026, 4, 1), documents=100))
    refused(vendor, client, "licence_documents_full", "100 documentos")
    now = at_local(date(2026, 5, 1), 2)
    vendor.clock.set(now)
    jobs.run_tenant({"tenant": str(client), "on": "2026-05-01"}, now)
    assert told(vendor) == (1, 3)
