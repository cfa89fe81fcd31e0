"""Mail over a real SMTP server: what arrives is what was meant, and refusals say whether to try again."""

from __future__ import annotations

import email
from dataclasses import replace
from datetime import UTC, datetime
from email.policy import default

import pytest
import requests
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.adapters.mime import build, written
from core.adapters.smtp_mailer import NullMailer, SmtpMailer, open_mailer
from core.contracts.ports import Attachment, Mail, MailError
from core.demo.mailbox import Mailbox
from core.errors import SetupError
from core.processes import free_port
from core.settings import read_settings

MAIL = Mail(
    message_id="doc-1@yupana",
    to="rosa.guaman@demo.example",
    subject="Factura 001-001-000000001 de Ñandú S.A.",
    text="Su factura está lista.\n",
    html="<p>Su factura está <a href='http://127.0.0.1/x'>lista</a>.</p>",
    sender_name="Ñandú S.A.",
    reply_to="caja@cumbres.example",
    sent_at=datetime(2026, 4, 25, 13, 0, tzinfo=UTC),
    attachments=(
        Attachment("factura.xml", "application/xml", b"<?xml version='1.0'?>\n<a>\xc3\xb1</a>\n"),
        Attachment("ride.pdf", "application/pdf", bytes(range(256))),
    ),
)


@pytest.fixture
def box(tmp_path):
    made = Mailbox(tmp_path / "mail", smtp_port=free_port(), port=0)
    yield made
    made.close()


@pytest.fixture
def mailer(box):
    return SmtpMailer(f"smtp://127.0.0.1:{box._smtp.port}", sender="no-responder@yupana.example")


def test_a_mail_arrives_whole(box, mailer):
    mailer.send(MAIL)
    found = box.sink.message(1)
    assert found["Message-ID"] == "<doc-1@yupana>"
    assert str(found["To"]) == MAIL.to
    assert found["Subject"] == MAIL.subject
    assert found["From"].addresses[0].addr_spec == "no-responder@yupana.example"
    assert found["From"].addresses[0].display_name == "Ñandú S.A."
    assert str(found["Reply-To"]) == "caja@cumbres.example"
    assert found["Date"].datetime == MAIL.sent_at
    assert "está lista" in found.get_body(("plain",)).get_content()
    assert "<a href" in found.get_body(("html",)).get_content()
    files = {one.get_filename(): one.get_payload(decode=True) for one in found.iter_attachments()}
    assert files == {one.filename: one.content for one in MAIL.attachments}


def test_a_mail_is_written_as_the_library_would():
    """``written`` is quicker than ``email`` and means the same, header by header, part by part."""
    hard = replace(
        MAIL,
        subject="Factura 001-002-000000001 de Comercializadora Ñandú & Hijos, del Ecuador € " * 2,
        text="Hola\n.\nñ = 1\n" + "x" * 200 + "\n--=_m\n",
        attachments=(*MAIL.attachments, Attachment('ñ "a".pdf', "application/pdf", b"")),
    )
    stops = replace(MAIL, unsubscribe="https://y.ec/recordatorios/" + "a1" * 60 + "/\r\nBcc: x@y.z")
    assert b"\r\nBcc" not in written(stops, sender="a@b.ec")
    for mail in (
        MAIL,
        hard,
        stops,
        replace(MAIL, html="", attachments=(), reply_to="", sender_name=""),
    ):
        means_the_same(mail)


#: What people and companies may be called, and what their programs may put into a text.
ANY_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=120)


@given(subject=ANY_TEXT, text=ANY_TEXT, name=ANY_TEXT, filename=ANY_TEXT, content=st.binary())
@settings(max_examples=100, deadline=None, derandomize=True)
@example(subject="", text="", name="", filename="", content=b"")
@example(
    subject="=?utf-8?b?eA==?=", text=".\n=_m", name='"a" <b@c>, d', filename='"', content=b"\r"
)
def test_any_mail_is_written_as_the_library_would(subject, text, name, filename, content):
    attachment = Attachment(filename, "application/pdf", content)
    means_the_same(
        replace(MAIL, subject=subject, text=text, sender_name=name, attachments=(attachment,))
    )


def means_the_same(mail):
    """Header by header, part by part, to a reader of mails."""
    ours = email.message_from_bytes(written(mail, sender="a@b.ec"), policy=default)
    theirs = email.message_from_bytes(build(mail, sender="a@b.ec").as_bytes(), policy=default)
    for name in set(ours.keys()) | set(theirs.keys()):
        if not name.startswith("Content-"):
            assert str(ours[name]) == str(theirs[name]), name
    for one, other in zip(ours.walk(), theirs.walk(), strict=True):
        assert one.get_content_type() == other.get_content_type()
        assert one.get_filename() == other.get_filename()
        assert one.is_multipart() or one.get_content() == other.get_content()
    assert not ours.defects
    assert all(len(line) <= 998 for line in written(mail, sender="a@b.ec").split(b"\r\n"))


def test_several_mails_share_a_connection_that_is_renewed(box, mailer, monkeypatch):
    opened = []
    connect = SmtpMailer._connect
    monkeypatch.setattr(SmtpMailer, "_connect", lambda self: opened.append(1) or connect(self))
    with mailer.together():
        mailer.send(MAIL)
        mailer.send(MAIL)
        with pytest.raises(MailError):
            mailer.send(replace(MAIL, to="nobody"))
        assert len(opened) == 1
        mailer._own.server.sock.shutdown(2)  # the server has gone away meanwhile
        mailer.send(MAIL)
        assert len(opened) == 2
    mailer.send(MAIL)
    assert len(opened) == 3
    assert [box.sink.message(n)["Message-ID"] for n in (1, 2, 3, 4)] == ["<doc-1@yupana>"] * 4


def test_nobody_adds_a_header(box, mailer):
    mailer.send(replace(MAIL, subject="Hola\r\nBcc: spy@example.com", sender_name="A\nB"))
    found = box.sink.message(1)
    assert found["Bcc"] is None
    assert found["Subject"] == "Hola Bcc: spy@example.com"


@pytest.mark.parametrize("address", ["", "nobody", "a b@c.ec", "a@b@c", "a@b.ec\r\nBcc: x@y.z"])
def test_an_address_that_is_none_is_refused_for_good(mailer, address):
    with pytest.raises(MailError) as refused:
        mailer.send(replace(MAIL, to=address))
    assert refused.value.permanent


@pytest.mark.parametrize(
    ("answer", "permanent"), [("550 no such user", True), ("450 later", False)]
)
def test_the_servers_word_decides_about_a_repeat(box, mailer, monkeypatch, answer, permanent):
    async def refuse(server, session, envelope):
        return answer

    monkeypatch.setattr(box.sink, "handle_DATA", refuse)
    with pytest.raises(MailError, match=answer[:3]) as refused:
        mailer.send(MAIL)
    assert refused.value.permanent is permanent


def test_a_server_that_is_away_is_tried_again():
    with pytest.raises(MailError) as refused:
        SmtpMailer(f"smtp://127.0.0.1:{free_port()}", sender="a@b.ec").send(MAIL)
    assert not refused.value.permanent


def test_the_setting_chooses(tmp_path):
    null = open_mailer(read_settings(home=tmp_path))
    assert isinstance(null, NullMailer)
    with pytest.raises(MailError, match="YUPANA_SMTP_URL"):
        null.send(MAIL)
    assert isinstance(
        open_mailer(read_settings(home=tmp_path, smtp_url="smtp://127.0.0.1:25")), SmtpMailer
    )
    for wrong in ("mail.example.com", "http://x", "smtp://"):
        with pytest.raises(SetupError):
            open_mailer(read_settings(home=tmp_path, smtp_url=wrong))


def test_the_mailbox_shows_what_came(box, mailer):
    mailer.send(MAIL)
    with requests.Session() as page:
        page.trust_env = False
        listed = page.get(f"{box.address}/mails.json", timeout=30).json()
        assert listed[0]["subject"] == MAIL.subject
        assert listed[0]["attachments"] == ["factura.xml", "ride.pdf"]
        assert "Factura 001-001-000000001" in page.get(box.address, timeout=30).text
        assert "sandbox" in page.get(f"{box.address}/1", timeout=30).text
        assert "está" in page.get(f"{box.address}/1/html", timeout=30).text
        assert page.get(f"{box.address}/1/1", timeout=30).content == bytes(range(256))
        raw = email.message_from_bytes(
            page.get(f"{box.address}/1.eml", timeout=30).content, policy=default
        )
        assert raw["Message-ID"] == "<doc-1@yupana>"
        for missing in ("/2", "/2.eml", "/1/9", "/etc/passwd", "/../x"):
            assert page.get(box.address + missing, timeout=30).status_code == 404
