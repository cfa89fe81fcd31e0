"""The download of a company's own legal documents: XML and RIDE in a ZIP, also after expiry."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from typing import IO

from sqlalchemy.orm import Session

from core import plugins
from core.errors import NotFound
from core.i18n import _

PAGE = 200
MOST = 500  # documents in one ZIP; the next part begins behind the last key


def write_copy(
    session: Session,
    out: IO[bytes],
    *,
    after: str = "",
    address_of: Callable[[str], str] = str,
) -> str:
    """Write a part of the authorised documents behind the key ``after``; returns the last key when
    more follow, else an empty string. Raises ``NotFound`` when there is nothing.

    When more follow, the ZIP itself says where: the file ``CONTINUA.txt`` holds ``address_of(key)``.
    """
    written, last = 0, after
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as folder:
        for key in _keys(session, after):
            if written == MOST:
                folder.writestr("CONTINUA.txt", f"{address_of(last)}\n")
                return last
            files = plugins.call("document_files", session=session, access_key=key)
            if files is None:
                continue
            folder.writestr(f"{key}.xml", files.xml)
            folder.writestr(f"{key}.pdf", files.ride)
            written, last = written + 1, key
    if not written:
        raise NotFound(_("There are no authorised documents to download."))
    return ""


def has_documents(session: Session) -> bool:
    """Whether the tenant in scope has an authorised document."""
    return bool(plugins.call("legal_documents", session=session, after="", size=1))


def _keys(session: Session, after: str) -> Iterator[str]:
    while True:
        keys = plugins.call("legal_documents", session=session, after=after, size=PAGE) or []
        yield from keys
        if len(keys) < PAGE:
            return
        after = keys[-1]
