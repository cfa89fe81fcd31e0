"""What clients hold a copy of is told again when the vendor changes it: policy, accounts, contacts, the
next invoices.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.contracts.events import PriceAnnounced, SettingChanged
from core.jobs import defer
from plugins.licensing.models import Contract
from plugins.licensing.services.publish import publish_contract, read_upcoming

REPUBLISH = "licensing.republish"
CHUNK = 200


def hear_setting(session: Session, event: SettingChanged) -> None:
    """The operator changed a setting that licences are decided by: all of them hear it, in jobs."""
    if event.key.partition(".")[0] in ("billing", "licensing"):
        defer(session, REPUBLISH, {"after": ""}, queueing_lock=REPUBLISH)


def hear_price(session: Session, event: PriceAnnounced) -> None:
    """A new price was announced: the next invoices of all who have the plan, in the same jobs."""
    defer(session, REPUBLISH, {"after": ""}, queueing_lock=REPUBLISH)


def republish(session: Session, *, after: UUID | None, now: datetime) -> None:
    """Tell the next contracts that can still be used, in the operator's scope; the rest in a next job."""
    rows = (
        select(Contract)
        .where(Contract.state != "withdrawn")
        .order_by(Contract.id)
        .limit(CHUNK)
        .with_for_update()
    )
    found = list(session.scalars(rows.where(Contract.id > after) if after else rows))
    ahead = read_upcoming(session, found, now=now)
    for contract in found:
        publish_contract(session, contract, now=now, ahead=ahead)
    if len(found) == CHUNK:
        defer(session, REPUBLISH, {"after": str(found[-1].id)})
