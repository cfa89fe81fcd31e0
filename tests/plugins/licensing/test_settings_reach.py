"""What the vendor sets reaches the clients he has: their own scope decides by a copy of it."""

from __future__ import annotations

from decimal import Decimal

from core.db.session import unit_of_work
from core.services import settings
from tests.factories.licensing import make_vendor


def test_a_change_of_the_vendors_settings_reaches_licences_that_run(
    make_tenant, clock, drain, outbox
):
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-12")
    client, ordered = vendor.contract(), vendor.contract(tax_id="1790016919001", name="Escuela Sol")
    vendor.enable(client)
    vendor.run("2026-03-25")
    vendor.night("2026-04-07")  # the bridge is overdue, the first thirty days are paid to 04-10

    def after(key, value):
        with unit_of_work(vendor.operator.scope) as session:
            settings.write(session, key, value)
        vendor.drain()
        return vendor.state(client)

    letters = len(outbox.mails)
    assert vendor.state(client) == "due"
    assert after("billing.overdue", "strict") == "suspended"
    vendor.report(client, "23.00")
    vendor.drain()
    assert vendor.state(client) == "reported"
    assert after("billing.lift_block", "on_confirmation") == "suspended"
    assert after("billing.tolerance", Decimal("23.00")) == "active"
    after("licensing.vendor_accounts", "Banco Guayaquil, corriente 1, Yupana")
    assert vendor.licence(client).accounts == ["Banco Guayaquil, corriente 1, Yupana"]
    assert not vendor.licence(ordered).policy["order_on_report"]
    after("licensing.order_enabled", "on_report")
    assert vendor.licence(ordered).policy["order_on_report"]
    again = [one.subject for one in outbox.mails[letters:] if "Orden" in one.subject]
    assert again == []  # the order's letter is not sent once more
