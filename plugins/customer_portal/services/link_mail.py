"""The mails that carry a link."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from core.contracts.ports import Mail
from core.db.scope import NOBODY
from core.db.session import unit_of_work
from core.i18n import _
from core.letters import Button, Part, Small, page, plain
from plugins.customer_portal.models import OutgoingLink
from plugins.customer_portal.services.accounts import find_account
from plugins.customer_portal.services.links import (
    INVITATION_DAYS,
    Invitation,
    document_token,
    reset_token,
)


def compose(link_id: UUID, *, key: bytes, address: str, now: datetime) -> Mail | None:
    """The mail of a waiting link; None when it has left already or its account is gone."""
    with unit_of_work(NOBODY) as session:
        link = session.get(OutgoingLink, link_id)
        if link is None:
            return None
        if link.purpose == "reset":
            account = find_account(session, link.email)
            if account is None:
                return None
            url = (
                f"{address}/portal/reset/{reset_token(key, account.email, account.stamp, now=now)}"
            )
            subject = _("Choose a new password")
            sentence = _(
                "Somebody, probably you, asked for a new password to see received documents. The link is"
                " good for one hour and only once. If it was not you, do nothing: nothing changes."
            )
        else:
            invitation = Invitation(link.email, link.tax_id, link.access_key, link.purpose)
            ends = now + timedelta(days=INVITATION_DAYS)
            url = f"{address}/portal/l/{document_token(key, invitation, ends_at=ends)}"
            subject = _("Your way to the documents of %(tax_id)s", tax_id=link.tax_id)
            sentence = _(
                "Follow the link to see and download the electronic documents of %(tax_id)s. It is good"
                " for %(days)s days.",
                tax_id=link.tax_id,
                days=INVITATION_DAYS,
            )
        return _mail(link, subject, sentence, url, now)


def forget(link_id: UUID) -> None:
    """The mail has left: the row is not needed any more."""
    with unit_of_work(NOBODY) as session:
        link = session.get(OutgoingLink, link_id)
        if link is not None:
            session.delete(link)


def _mail(link: OutgoingLink, subject: str, sentence: str, url: str, now: datetime) -> Mail:
    footer = _(
        "If you did not expect this mail, delete it; it is meant for %(to)s only.", to=link.email
    )
    parts: list[Part] = [sentence, Button(subject, url), Small(footer)]
    return Mail(
        message_id=f"{link.id}@portal.yupana",
        to=link.email,
        subject=subject,
        text=plain(parts),
        html=page(subject, "Yupana", parts),
        sent_at=now,
    )
