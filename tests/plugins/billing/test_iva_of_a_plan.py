"""A-28: the IVA of an invoice is that of its emission date, from the dated tables of 2024."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from core.db.session import tenant_work
from core.services import tax_rates
from plugins.billing.services import plans
from plugins.billing.services.subscribe import preview_subscription


def test_when_the_law_changes_the_rate_between_issue_and_period(client, tenant, gym, sign_in, post):
    """12 % (code 2) ended on 31 March 2024, 15 % (code 4) began on 1 April."""
    gym.on("2024-03-12")
    with tenant_work(gym.id) as session:
        assert tax_rates.rate(session, "2", "2", date(2024, 3, 31)) == Decimal(12)
        plan = plans.create_plan(
            session, code="MES", name="Mes", price=Decimal("30.00"), tax_code="2",
            now=gym.clock.now(), valid_from=date(2024, 1, 1),
        )  # fmt: skip
        shown = preview_subscription(session, plan_id=plan, start_on=date(2024, 3, 12), count=3)
    assert shown.rate_changes_on == date(2024, 4, 11)  # issued on 25 March, begins in April
    assert [str(row.tax) for row in shown.rows[:2]] == ["3.60", "2.40"]
    member = gym.subscribe(plan)
    gym.pay_all()
    gym.on("2024-03-25")
    gym.run()
    assert str(gym.invoice(gym.charges(member)[1].invoice_id).tax) == "2.40"  # 12 % of 20.00
    gym.pay_all()

    gym.on("2024-04-25")
    sign_in(client, tenant, "owner")
    assert client.get(f"/billing/subscriptions/{member}").status_code == 200
    refused = gym.run()
    assert (refused.invoices, [one for one, _ in refused.failures]) == (0, [member])
    edit = f"/billing/plans/{plan}/edit"
    page = client.get(edit).text
    assert "15" in page
    wrong = post(client, edit, name="Mes", is_offered="1", tax_code="2")
    assert wrong.status_code == 303  # unchanged: nothing to check
    assert post(client, edit, name="Mes", is_offered="1", tax_code="99").status_code == 422
    assert post(client, edit, name="Mes", is_offered="1", tax_code="4").status_code == 303
    assert gym.run().invoices == 1
    assert str(gym.invoice(gym.charges(member)[2].invoice_id).tax) == "4.50"  # 15 % of 30.00
