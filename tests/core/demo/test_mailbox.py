"""The demo's mailbox: what comes by SMTP is shown in Spanish, with the time of Guayaquil."""

from __future__ import annotations

import smtplib
import socket
from email.message import EmailMessage
from urllib.request import urlopen

import pytest

from core.demo.mailbox import Mailbox


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.mark.parametrize(
    ("date", "shown"),
    [("Fri, 01 Jan 2027 03:30:00 +0000", "31/12/2026 22:30"), ("soon", "<td></td>")],
)
def test_a_mail_is_listed_and_shown(tmp_path, date, shown):
    port = free_port()
    mailbox = Mailbox(tmp_path, smtp_port=port, port=0)
    try:

        def page(path=""):
            with urlopen(f"{mailbox.address}/{path}", timeout=30) as answer:
                return answer.read().decode()

        assert "Todavía no se ha enviado ningún correo." in page()
        mail = EmailMessage()
        mail["From"], mail["To"] = "caja@cumbres.example", "rosa@demo.example"
        mail["Subject"] = "Factura <1>"
        mail["Date"] = date
        mail.set_content("Hola")
        with smtplib.SMTP("127.0.0.1", port, timeout=30) as server:
            server.send_message(mail)
        listed = page()
        assert "Demostración: ningún correo sale de este computador." in listed
        assert "Factura &lt;1&gt;" in listed
        assert "rosa@demo.example" in listed
        assert shown in listed
        assert "caja@cumbres.example → rosa@demo.example" in page("1")
    finally:
        mailbox.close()
