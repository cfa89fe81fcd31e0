"""A mail of ours as a MIME message."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from core.adapters.clock import to_local
from core.contracts.ports import Mail


def build(mail: Mail, *, sender: str) -> EmailMessage:
    """The message: text and HTML as alternatives, attachments after them.

    Header values are data of others: line breaks are folded into spaces, so none can add a header.
    Raises ``ValueError`` when an address is not one.
    """
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = f"<{_one_line(mail.message_id)}>"
    message["From"] = _address(sender, mail.sender_name)
    message["To"] = _address(mail.to)
    message["Subject"] = _one_line(mail.subject)
    if mail.reply_to:
        message["Reply-To"] = _address(mail.reply_to)
    if mail.sent_at is not None:
        message["Date"] = format_datetime(to_local(mail.sent_at))
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    for attachment in mail.attachments:
        main, _, sub = attachment.media_type.partition("/")
        message.add_attachment(
            attachment.content, maintype=main, subtype=sub, filename=_one_line(attachment.filename)
        )
    return message


def _address(spec: str, name: str = "") -> Address:
    return Address(display_name=_one_line(name), addr_spec=_one_line(spec))


def _one_line(text: str) -> str:
    return " ".join(text.split())
