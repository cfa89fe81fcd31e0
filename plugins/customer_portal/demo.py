"""The portal's part of the demo check: the receiver follows the mail, sets a password, downloads."""

from __future__ import annotations

import re
from typing import Any

from core.contracts.hooks import DemoStep

PASSWORD = "Recibo-2026-seguro!"  # noqa: S105  (of the demo's own receivers)
AT_MOST = 3  # receivers


def _letters(check: Any) -> list[dict[str, Any]]:
    """The latest mail with a document for each receiver."""
    latest: dict[str, dict[str, Any]] = {}
    for one in check.mails():
        if any(name.endswith(".xml") for name in one["attachments"]):
            latest.setdefault(one["to"], one)
    return list(latest.values())[:AT_MOST]


def follow_the_mail(check: Any) -> None:
    """Each receiver opens the link of the mail and chooses a password."""
    check.memo["portal.readers"] = readers = []
    for letter in check.wait_for("a mail with a document", lambda: _letters(check) or None):
        mail = check.mail(letter["number"])
        link = re.search(r"/portal/l/\S+", mail.get_body(("plain",)).get_content())
        if link is None:
            raise AssertionError(f"the mail to {letter['to']} has no link to the portal")
        visitor = check.browser()
        visitor.open(link.group(0).rstrip(".>"))
        visitor.submit(form=-1, password=PASSWORD, again=PASSWORD)
        if "/portal/documents/" not in visitor.url:
            raise AssertionError(f"{letter['to']} did not reach the document: {visitor.url}")
        readers.append((visitor, mail))


def download_the_files(check: Any) -> None:
    """What the receiver downloads is the authorised XML, as it was mailed, and its RIDE."""
    for visitor, mail in check.memo["portal.readers"]:
        address = visitor.url.partition("?")[0]
        xml, ride = (visitor.download(f"{address}.{kind}") for kind in ("xml", "pdf"))
        mailed = {
            part.get_filename(): part.get_payload(decode=True) for part in mail.iter_attachments()
        }
        key = next(name for name in mailed if name.endswith(".xml")).removesuffix(".xml")
        if xml != mailed[f"{key}.xml"]:
            raise AssertionError(f"the XML of {key} is not the one that was mailed")
        if not ride.startswith(b"%PDF-"):
            raise AssertionError(f"the RIDE of {key} is no PDF")
        state = "AUTORIZADO" if b"<estado>AUTORIZADO</estado>" in xml else "unknown"
        if state != "AUTORIZADO":
            raise AssertionError(f"the XML of {key} is not the authorised envelope")
        check.add_document(key, state, xml, ride)


STEPS: tuple[DemoStep, ...] = (
    DemoStep("receivers follow the link of the mail and set a password", 800, follow_the_mail),
    DemoStep("receivers download XML and PDF", 810, download_the_files),
)
