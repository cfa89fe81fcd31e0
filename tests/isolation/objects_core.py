"""Core's part of the two companies, and the cases of core's routes."""

from __future__ import annotations

import io
from datetime import date

from PIL import Image
from sqlalchemy import select

from core.db.scope import Scope
from core.db.session import unit_of_work
from core.ids import new_id
from core.models import Holiday, Membership, TaxRegime
from core.security.models import ApiKey
from core.services import blobs, companies
from tests.conftest import make_ruc
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
        logo = blobs.store(session, picture(), "image/png", "logo.png")
        companies.profile(session).logo_blob_id = logo
    with unit_of_work(Scope()) as session:
        holiday = Holiday(on_date=date(2026, 12, 20 if side.letter == "a" else 21), name="x")
        session.add(holiday)
        session.flush()
        side.objects["holiday"] = holiday.id


def picture() -> bytes:
    """A PNG."""
    kept = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(kept, "PNG")
    return kept.getvalue()


def _newcomer(_side: Side) -> dict[str, str]:
    return {
        "kind": "company", "tax_id": make_ruc(300_500), "name": "Nueva S.A.",
        "email": "nueva@example.com", "identification": "1710034065", "first_name": "Ana",
        "last_name": "Paz",
    }  # fmt: skip


# the platform has one operator: who asks from the other side is no operator, and has no such page
OPERATOR = {"actor": "operator", "stranger": "owner", "refusals": (403, 404)}

CASES = {
    "core.home.index": Case(),
    "core.account.password": Case(),
    "core.account.names": Case(),
    "core.account.sign_out": Case(form=lambda s: {}),
    "core.audit.index": Case(),
    "core.company.show": Case(),
    "core.company.edit": Case(),
    "core.company.regime": Case(),
    "core.company.logo": Case(),
    "core.companies.choose": Case(form=lambda s: {"tenant": str(s["company"])}),
    "core.platform.index": Case(**OPERATOR),
    "core.platform.plugins": Case(**OPERATOR),
    "core.platform.taxes": Case(
        **OPERATOR,
        form=lambda s: {
            "tax": "2",
            "code": "4",
            "label": "IVA",
            "rate": "14",
            "valid_from": "2027-01-01",
        },
    ),
    "core.platform.holidays": Case(
        **OPERATOR, form=lambda s: {"on_date": "2026-12-30", "name": "Puente"}
    ),
    "core.platform.remove_holiday": Case(
        **OPERATOR, ids=lambda s: {"holiday_id": s["holiday"]}, form=lambda s: {}
    ),
    "core.platform.new_tenant": Case(**OPERATOR, form=_newcomer),
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
    "core.door.sign_in": "open to anybody",
    "core.door.welcome": "open to anybody; nobody's data",
    "core.door.forgot": "open to anybody; neutral answer",
    "core.door.activate": "opened by a one-time token",
    "core.door.reset": "opened by a one-time token",
    "api.core.token.create": "open to anybody; limited and locked as the form",
}
