"""Task ``core.mail_link``: write and send the mail with a one-time link."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from core import runtime
from core.contracts.hooks import Task
from core.contracts.ports import Mail, MailError
from core.db.scope import NOBODY
from core.db.session import unit_of_work
from core.errors import TryLater
from core.i18n import gettext as _
from core.letters import Button, Part, Small, page, plain
from core.security import links


def send_link(args: dict[str, Any], now: datetime) -> None:
    """Give the link its token, then mail it. A repeat mails a new token and ends the one before."""
    with unit_of_work(NOBODY) as session:
        link = links.read_link(session, UUID(args["link_id"]))
        if link is None or link.expires_at <= now:
            return
        person = links.person_of(session, link)
        token, purpose = links.new_token(session, link), link.purpose
        name, address = person.first_name, person.email
    mail = write_mail(
        purpose=purpose, token=token, name=name, to=address, link_id=args["link_id"], now=now
    )
    try:
        runtime.mailer().send(mail)
    except MailError as error:
        if error.permanent:
            raise
        raise TryLater(str(error), seconds=60) from error


def write_mail(
    *, purpose: str, token: str, name: str, to: str, link_id: str, now: datetime
) -> Mail:
    """The mail: short, one button, text part equal to the HTML part (SM-17: the whole link is shown)."""
    base = runtime.current().settings.address
    is_new = purpose == "activation"
    url = f"{base}/{'activate' if is_new else 'reset'}/{token}"
    subject = _("Activate your access to Yupana") if is_new else _("Choose a new password")
    lines = [
        _("Hello %(name)s:", name=name),
        _(
            "You were invited to Yupana. Open this link within 7 days and choose your own password."
            " You will be asked for the code of six digits that whoever invited you tells you."
        )
        if is_new
        else _(
            "Somebody asked for a new password for your access. If it was you, open this link within"
            " 60 minutes. If it was not you, do nothing: your password stays."
        ),
    ]
    button = _("Activate my access") if is_new else _("Choose a new password")
    last = _("If the button does not open, copy the whole link: %(url)s", url=url)
    foot = _("The link works once. We never ask for your password by mail or telephone.")
    parts: list[Part] = [*lines, Button(button, url), Small(last), Small(foot)]
    return Mail(
        message_id=f"link-{link_id}-{int(now.timestamp())}@yupana",
        to=to,
        subject=subject,
        text=plain(parts),
        html=page(subject, "Yupana", parts),
        sender_name="Yupana",
        sent_at=now,
    )


TASK = Task("core.mail_link", send_link, max_attempts=8)
