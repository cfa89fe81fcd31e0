"""Files of documents: read from the issuer, proved first by the receiver's own inbox row."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from io import RawIOBase

from core import plugins
from core.contracts.fiscal import DocumentFiles
from core.db.session import acting_for
from core.errors import NotFound
from plugins.customer_portal.models import InboxItem

BATCH = 200  # documents in one ZIP; the next press of the button brings the rest


def files_of(item: InboxItem) -> DocumentFiles:
    """The authorised XML and the RIDE of a document in the reader's inbox.

    A separate audited transaction in the issuer's scope. Raises ``NotFound`` when the issuer's side
    has no file (its plugin is switched off).
    """
    reason = "hand a document to its receiver"
    with acting_for(item.issuer_id, reason, document_id=item.document_id) as session:
        found: DocumentFiles | None = plugins.call(
            "document_files", session=session, access_key=item.access_key
        )
    if found is None:
        raise NotFound
    return found


class _Pieces(RawIOBase):
    """Collects what the ZIP writer writes, to be sent piece by piece."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def writable(self) -> bool:
        """A stream to write to."""
        return True

    def write(self, data: object) -> int:
        """Keep the piece."""
        piece = bytes(data)  # type: ignore[call-overload]
        self._waiting.append(piece)
        return len(piece)

    def take(self) -> bytes:
        """What has been written since the last time."""
        taken, self._waiting = b"".join(self._waiting), []
        return taken


def zip_stream(
    items: Sequence[InboxItem], *, on_sent: Callable[[InboxItem], None]
) -> Iterator[bytes]:
    """A ZIP with XML and RIDE of each item, made while it is sent; ``on_sent`` after each item."""
    pieces = _Pieces()
    with zipfile.ZipFile(pieces, "w", zipfile.ZIP_DEFLATED) as archive:
        for item in items:
            files = files_of(item)
            name = f"{item.issuer_tax_id}_{item.kind}_{item.number}"
            archive.writestr(_entry(f"{name}.xml", item), files.xml)
            archive.writestr(_entry(f"{name}.pdf", item), files.ride)
            yield pieces.take()
            on_sent(item)
    yield pieces.take()


def _entry(name: str, item: InboxItem) -> zipfile.ZipInfo:
    issued = item.issued_on
    made = zipfile.ZipInfo(name, (issued.year, issued.month, issued.day, 0, 0, 0))
    made.compress_type = zipfile.ZIP_DEFLATED
    return made
