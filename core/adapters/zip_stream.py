"""A ZIP that is made while it is sent: what has been written is taken piece by piece."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from io import RawIOBase

from core.adapters.clock import to_local


class ZipStream:
    """Files put in one after another; ``file``, ``pieces`` and ``end`` give the bytes to send.

    ``now`` is the date of every file. Memory holds one piece at a time, whatever the size of the whole.
    """

    def __init__(self, now: datetime) -> None:
        self._out = _Taken()
        self._archive = zipfile.ZipFile(self._out, "w", zipfile.ZIP_DEFLATED)
        self._made = to_local(now).timetuple()[:6]

    def file(self, name: str, content: bytes) -> bytes:
        """A whole file."""
        self._archive.writestr(self._entry(name), content)
        return self._out.take()

    def pieces(self, name: str, content: Iterable[bytes]) -> Iterator[bytes]:
        """A file whose content comes in pieces."""
        with self._archive.open(self._entry(name), "w", force_zip64=True) as entry:
            for piece in content:
                entry.write(piece)
                yield self._out.take()
        yield self._out.take()

    def end(self) -> bytes:
        """The directory of the ZIP: the last bytes."""
        self._archive.close()
        return self._out.take()

    def _entry(self, name: str) -> zipfile.ZipInfo:
        made = zipfile.ZipInfo(name, self._made)
        made.compress_type = zipfile.ZIP_DEFLATED
        return made


class _Taken(RawIOBase):
    """Keeps what the ZIP writer writes until it is taken."""

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
