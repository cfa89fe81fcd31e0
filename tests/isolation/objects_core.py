"""Core's part of the two companies, and the cases of core's routes."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from core.db.session import unit_of_work
from core.ids import new_id
from core.models import Membership, TaxRegime
from core.security.models import ApiKey
from tests.isolation.world import Case, Side


def add(side: Side) -> None:
    """Branch, points, a member and an API key."""
    side.objects |= {"branch": side.branch_id, "till": side.till_id, "run": side.run_id}
    with unit_of_work(side.scope) as session:
        session.add(TaxRegime(valid_from=date(2026, 1, 1)))
        members = dict(session.execute(select(Membership.user_id, Membership.id)).all())
        side.objects["member"] = members[side.people["salesperson"]]
        key = ApiKey(
            id=new_id(),
            user_id=side.people["integrator"],
            name=f"key {side.letter}",
            secret_hash=side.letter * 64,
        )
        session.add(key)
        session.flush()
        side.objects["api_key"] = key.id


CASES = {
    "core.home.index": Case(),
    "core.account.password": Case(),
    "core.account.sign_out": Case(form=lambda s: {}),
    "core.audit.index": Case(),
    "core.company.show": Case(),
    "core.company.edit": Case(),
    "core.company.regime": Case(),
    "core.company.confirm_regime": Case(form=lambda s: {}),
    "core.company.remove_logo": Case(form=lambda s: {}),
    "core.api_keys.index": Case(),
    "core.api_keys.new": Case(),
    "core.api_keys.revoke": Case(ids=lambda s: {"key_id": s["api_key"]}, form=lambda s: {}),
    "core.members.index": Case(),
    "core.members.invite": Case(),
    "core.members.change_role": Case(
        ids=lambda s: {"member_id": s["member"]}, form=lambda s: {"role": "accountant"}
    ),
    "core.members.set_active": Case(
        ids=lambda s: {"member_id": s["member"]}, form=lambda s: {"active": ""}
    ),
    "core.members.invite_again": Case(ids=lambda s: {"member_id": s["member"]}, form=lambda s: {}),
    "core.numbering.index": Case(),
    "core.numbering.new_branch": Case(
        form=lambda s: {"code": "007", "name": "Sur", "address": "x"}
    ),
    "core.numbering.edit_branch": Case(
        ids=lambda s: {"branch_id": s["branch"]},
        form=lambda s: {"code": "001", "name": "Norte", "address": "x", "is_active": "1"},
    ),
    "core.numbering.new_point": Case(
        ids=lambda s: {"branch_id": s["branch"]},
        form=lambda s: {"code": "009", "name": "Caja 9", "purpose": "till"},
    ),
    "core.numbering.point": Case(ids=lambda s: {"point_id": s["till"]}),
    "core.numbering.switch_point": Case(ids=lambda s: {"point_id": s["till"]}, form=lambda s: {}),
    "core.settings.index": Case(),
    "api.core.me.show": Case(),
}

OPEN = {
    "core.company.logo": "the logo of the tenant in scope; 404 while there is none (tests/core/web)",
    "core.companies.choose": "asks for a company of one's own: 404 otherwise (tests/core/web)",
    "core.door.sign_in": "open to anybody",
    "core.door.welcome": "open to anybody; nobody's data",
    "core.door.forgot": "open to anybody; neutral answer",
    "core.door.activate": "opened by a one-time token",
    "core.door.reset": "opened by a one-time token",
    "api.core.token.create": "open to anybody; limited and locked as the form",
    "core.platform.index": "operator's platform pages: one operator, no other side (tests/core/web)",
    "core.platform.holidays": "global reference data of the operator",
    "core.platform.new_tenant": "operator only; creates",
    "core.platform.plugins": "operator only; nobody's data",
    "core.platform.remove_holiday": "global reference data of the operator",
    "core.platform.taxes": "global reference data of the operator",
}
