"""The mail of a document: intended once, the same mail whenever it is sent, with XML and RIDE."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core import runtime
from core.contracts.ports import MailError
from core.db.session import unit_of_work
from plugins.einvoice_sri.models.documents import DocumentMail
from plugins.einvoice_sri.services.document_files import document_files
from plugins.einvoice_sri.services.intend_mail import message_id, recipients
from tests.factories.sri import invoice_request

pytestmark = pytest.mark.usefixtures("key")


class FaultyMailer:
    """Refuses as often as it is told, then hands on."""

    def __init__(self, inner, errors: list[MailError]) -> None:
        self.inner = inner
        self.errors = errors

    def send(self, mail) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.inner.send(mail)


@pytest.fixture
def faulty(outbox):
    """Make the mailer of this test fail first."""

    def use(*errors: MailError) -> None:
        now = runtime.current()
        runtime.use(
            runtime.Runtime(
                now.settings, now.clock, now.keyring, FaultyMailer(outbox, list(errors))
            )
        )

    return use


def mails(tenant) -> list[DocumentMail]:
    with unit_of_work(tenant.scope) as session:
        return list(session.scalars(select(DocumentMail)))


def test_the_receiver_gets_document_and_sheet(
    site, tenant, request_fiscal, documents, drain, outbox
):
    request_fiscal(invoice_request(7, email="ana@example.com"))
    drain()
    (mail,) = outbox.to("ana@example.com")
    (row,) = documents()
    with unit_of_work(tenant.scope) as session:
        files = document_files(session, row.access_key)
    assert mail.subject == f"Factura 001-002-000000007 de {tenant.name}"
    assert [(one.filename, one.media_type) for one in mail.attachments] == [
        (f"{row.access_key}.xml", "application/xml"),
        (f"{row.access_key}.pdf", "application/pdf"),
    ]
    assert [one.content for one in mail.attachments] == [files.xml, files.ride]
    assert files.ride.startswith(b"%PDF")
    assert mail.message_id == message_id(row.id, "authorized", "ana@example.com")
    assert mail.sent_at is not None
    for words in ("SIMULACIÓN", "Ana Lucía Pérez", "$ 11,50", row.access_key):
        assert words in mail.text
        assert words in mail.html
    assert [(one.state, one.tries) for one in mails(tenant)] == [("sent", 1)]


def test_nobody_is_mailed_twice(site, request_fiscal, drain, outbox, tenant):
    from plugins.einvoice_sri import jobs

    request_fiscal(invoice_request(1))
    drain()
    (intent,) = mails(tenant)
    jobs.mail({"tenant": str(tenant.id), "mails": [str(intent.id)]}, runtime.clock().now())
    assert len(outbox.mails) == 1


def test_a_server_that_is_down_is_tried_again_with_the_same_mail(
    site, request_fiscal, drain, outbox, tenant, faulty, clock
):
    faulty(*(MailError("down", permanent=False) for _ in range(3)))
    request_fiscal(invoice_request(1))
    drain()
    assert outbox.mails == []
    for _ in range(5):
        clock.advance(minutes=2)
        drain()
    assert len(outbox.mails) == 1
    (intent,) = mails(tenant)
    assert (intent.state, intent.tries, intent.problem) == ("sent", 4, "")
    assert outbox.mails[0].message_id == intent.message_id


def test_an_address_that_does_not_exist_is_given_up(
    site, request_fiscal, drain, outbox, tenant, faulty, clock
):
    faulty(MailError("550 no such user", permanent=True))
    request_fiscal(invoice_request(1))
    drain()
    clock.advance(hours=2)
    drain()
    (intent,) = mails(tenant)
    assert (intent.state, intent.problem) == ("failed", "550 no such user")
    assert outbox.mails == []


def test_one_bad_address_does_not_keep_the_others_waiting(
    site, request_fiscal, drain, outbox, faulty
):
    faulty(MailError("550 no such user", permanent=True))
    request_fiscal(
        *(invoice_request(number, email=f"c{number}@example.com") for number in (1, 2, 3))
    )
    drain()
    assert len(outbox.mails) == 2


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("", []),
        ("no address", []),
        ("a@x.ec", ["a@x.ec"]),
        ("a@x.ec; b@x.ec,a@x.ec", ["a@x.ec", "b@x.ec"]),
    ],
)
def test_addresses_in_a_field(field, expected):
    assert recipients(field) == expected


def test_a_message_id_depends_on_document_occasion_and_recipient_only():
    one = invoice_request(1).document_id
    two = invoice_request(2).document_id
    made = {
        message_id(document, occasion, to)
        for document in (one, two)
        for occasion in ("authorized", "annulled")
        for to in ("a@x.ec", "b@x.ec")
    }
    assert len(made) == 8
    assert message_id(one, "authorized", " A@x.ec ") == message_id(one, "authorized", "a@x.ec")
