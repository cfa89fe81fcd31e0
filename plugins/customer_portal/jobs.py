"""Work of the portal in the background."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from core import runtime
from core.contracts.hooks import Task
from core.contracts.ports import MailError
from core.errors import TryLater
from plugins.customer_portal.services import link_mail
from plugins.customer_portal.services.registration import MAIL_LINK

KEY = "portal.link"


def mail_link(args: dict[str, Any], now: datetime) -> None:
    """Send one waiting link; the same Message-ID at every try."""
    link_id = UUID(args["link"])
    mail = link_mail.compose(
        link_id,
        key=runtime.keyring().derive(KEY),
        address=runtime.current().settings.address,
        now=now,
    )
    if mail is None:
        return
    try:
        runtime.mailer().send(mail)
    except MailError as error:
        if not error.permanent:
            raise TryLater(str(error), seconds=60) from error
    link_mail.forget(link_id)


TASKS = (Task(MAIL_LINK, mail_link, max_attempts=20),)
