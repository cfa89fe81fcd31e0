from __future__ import annotations

from sqlalchemy import func, select

from core import runtime, settings
from core.db.scope import Scope
from core.db.session import unit_of_work
from core.demo.seed import seed
from plugins.sales.models import Invoice, Product


def test_the_demo_fills_every_company(database, host):
    context = seed(settings.current(), runtime.clock())
    shop = context.tenants["shop"]
    with unit_of_work(Scope(tenant_id=shop.id)) as session:
        assert session.scalar(select(func.count()).select_from(Invoice)) == 4
        assert session.scalar(select(func.count()).select_from(Product)) == 4
