"""The portal's part: each side has a reader with one document, issued by that side."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from core.contracts.events import DocumentAuthorized
from core.db.scope import Scope
from core.db.session import unit_of_work
from plugins.customer_portal.domain.identities import identity_of
from plugins.customer_portal.models import InboxItem
from plugins.customer_portal.services import accounts
from plugins.customer_portal.services.inbox import publish
from plugins.customer_portal.services.links import Invitation
from tests.isolation.objects_sales import BUYERS
from tests.isolation.world import Case, Side

LAST = 2  # after einvoice_sri: the reader downloads one of its documents


def add(side: Side) -> None:
    """An account, its right, a document, and a second reader."""
    tax_id = BUYERS[side.letter]
    receiver_id = identity_of(tax_id)
    emails = (f"lector-{side.letter}@example.com", f"otro-{side.letter}@example.com")
    made = []
    for email in emails:
        with unit_of_work(Scope()) as session:
            account = accounts.open_account(
                session, email, "Una-Clave-Larga-9", "Una-Clave-Larga-9"
            )
        with unit_of_work(Scope(account_id=account.id)) as session:
            accounts.accept(session, account, Invitation(email, tax_id, "", "mail"))
        made.append(account)
    event = DocumentAuthorized(
        document_id=side["document"], kind="01", access_key=side.letter.upper().ljust(49, "0"),
        number="001-001-000000001", issued_on=date(2026, 4, 25), issuer_tax_id=side.tax_id,
        issuer_name=side.name, receiver_tax_id_type="04", receiver_tax_id=tax_id,
        receiver_name="Lector", receiver_email=emails[0], total=Decimal("34.50"), environment=1,
        authorized_at=side.now - timedelta(minutes=1),
    )  # fmt: skip
    with unit_of_work(side.scope) as session:
        publish(session, [(event, side.tenant_id)], now=side.now)
    with unit_of_work(Scope(receiver_ids=(receiver_id,))) as session:
        item = session.query(InboxItem).filter_by(document_id=side["document"]).one()
    side.objects |= {
        "reader": made[0],
        "item": item.id,
        "receiver": receiver_id,
        "other_reader": made[1].id,
    }


ITEM = {"actor": "reader", "ids": lambda s: {"item_id": s["item"]}}

CASES = {
    "portal.inbox.index": Case(actor="reader"),
    "portal.inbox.show": Case(**ITEM),
    "portal.inbox.xml": Case(**ITEM),
    "portal.inbox.ride": Case(**ITEM),
    "portal.inbox.pending": Case(actor="reader"),
    "portal.inbox.accept": Case(**ITEM, form=lambda s: {}),
    "portal.inbox.dispute": Case(**ITEM, form=lambda s: {"note": "No es mío"}),
    "portal.people.index": Case(actor="reader"),
    "portal.people.password": Case(actor="reader"),
    "portal.people.invite": Case(
        actor="reader",
        ids=lambda s: {"receiver_id": s["receiver"]},
        form=lambda s: {"email": "nueva@example.com"},
    ),
    "portal.people.revoke": Case(
        actor="reader",
        ids=lambda s: {"receiver_id": s["receiver"], "account_id": s["other_reader"]},
        form=lambda s: {},
    ),
}

OPEN = {
    "portal.door.sign_in": "open to anybody",
    "portal.door.sign_out": "ends one's own session",
    "portal.door.forgot": "open to anybody; neutral answer",
    "portal.door.register": "open to anybody; neutral answer",
    "portal.door.link": "opened by a signed token",
    "portal.door.reset": "opened by a signed token",
}
