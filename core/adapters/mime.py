"""A mail of ours as a MIME message."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, quote
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote as percent

from core.adapters.clock import to_local
from core.contracts.ports import Attachment, Mail

_PLAIN_ADDRESS = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*@[\w-]+(\.[\w-]+)*", re.ASCII)  # fmt: skip
ONE_CLICK = "List-Unsubscribe=One-Click"
_SHORT = 60
_LINE = 76
_WORD = 45  # octets in an encoded word: 60 letters of base64 and 12 around them


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
    if mail.unsubscribe:
        for name, value in _one_click(mail.unsubscribe):
            message[name] = value
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    for attachment in mail.attachments:
        main, _, sub = attachment.media_type.partition("/")
        message.add_attachment(
            attachment.content, maintype=main, subtype=sub, filename=_one_line(attachment.filename)
        )
    return message


def is_plain(address: str) -> bool:
    """An address as nearly all are: ASCII, nothing quoted; ``written`` takes no other."""
    return _PLAIN_ADDRESS.fullmatch(address) is not None


def written(mail: Mail, *, sender: str) -> bytes:
    """What ``build`` makes, as the bytes of the message, in a tenth of the time: mass mail is made of it.

    The addresses must be plain (``is_plain``). The same mail gives the same bytes.
    """
    seed = sha256(mail.message_id.encode()).hexdigest()[:24]
    head = [
        f"Message-ID: <{_one_line(mail.message_id)}>\r\n".encode(),
        _address_line("From", _one_line(sender), _one_line(mail.sender_name)),
        f"To: {mail.to}\r\n".encode("ascii"),
        _text_line("Subject", _one_line(mail.subject)),
    ]
    if mail.reply_to:
        head.append(_address_line("Reply-To", _one_line(mail.reply_to), ""))
    if mail.sent_at is not None:
        head.append(f"Date: {format_datetime(to_local(mail.sent_at))}\r\n".encode())
    head.append(b"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n")
    if mail.unsubscribe:
        head += [f"{name}: {value}\r\n".encode() for name, value in _one_click(mail.unsubscribe)]
    body = _words(mail.text, "plain")
    if mail.html:
        body = _together("alternative", f"=_a{seed}", [body, _words(mail.html, "html")])
    if mail.attachments:
        parts = [body, *(_attached(one) for one in mail.attachments)]
        body = _together("mixed", f"=_m{seed}", parts)
    return b"".join((*head, body))


def _one_click(url: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Both headers of RFC 8058. An address of ours holds no space and fits on a line of 998."""
    plain = percent(_one_line(url), safe=":/?#[]@!$&'()*+,;=%-._~")
    return (("List-Unsubscribe", f"<{plain}>"), ("List-Unsubscribe-Post", ONE_CLICK))


def _words(text: str, subtype: str) -> bytes:
    """A part of text. Quoted-printable never writes ``=_``, so no boundary can occur in it."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if not lines.endswith("\n"):
        lines += "\n"
    content = binascii.b2a_qp(lines.encode(), istext=True).replace(b"\n", b"\r\n")
    return (
        b'Content-Type: text/%b; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
        % subtype.encode()
    ) + content


def _attached(one: Attachment) -> bytes:
    name = _one_line(one.filename)
    if name.isascii():
        filename = f'filename="{quote(name)}"'
    else:
        filename = f"filename*=utf-8''{percent(name, safe='')}"
    head = (
        f"Content-Type: {_one_line(one.media_type)}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment; {filename}\r\nMIME-Version: 1.0\r\n\r\n"
    )
    text = binascii.b2a_base64(one.content, newline=False)
    lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
    return head.encode() + b"\r\n".join([*lines, b""])


def _together(subtype: str, boundary: str, parts: list[bytes]) -> bytes:
    line = b"--" + boundary.encode() + b"\r\n"
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n'.encode()
    inner = b"".join(line + part + b"\r\n" for part in parts)
    return head + inner + line[:-2] + b"--\r\n"


def _text_line(name: str, text: str) -> bytes:
    if text.isascii() and len(text) <= _SHORT and text.isprintable():
        return f"{name}: {text}\r\n".encode()
    return f"{name}: ".encode() + b"\r\n ".join(_encoded_words(text)) + b"\r\n"


def _encoded_words(text: str) -> Iterator[bytes]:
    """RFC 2047, in base64: each word at most 75 long and a whole number of letters."""
    word = b""
    for letter in text:
        octets = letter.encode("utf-8", "replace")
        if len(word) + len(octets) > _WORD:
            yield b"=?utf-8?b?%b?=" % binascii.b2a_base64(word, newline=False)
            word = b""
        word += octets
    yield b"=?utf-8?b?%b?=" % binascii.b2a_base64(word, newline=False)


@lru_cache(maxsize=256)
def _address_line(name: str, spec: str, display: str) -> bytes:
    address = Address(display_name=display, addr_spec=spec)
    _name, value = SMTP.header_store_parse(name, str(address))
    return bytes(SMTP.fold_binary(name, value))


def _address(spec: str, name: str = "") -> Address:
    return Address(display_name=_one_line(name), addr_spec=_one_line(spec))


def _one_line(text: str) -> str:
    return " ".join(text.split())
