"""CPU time of processes as Linux counts it, and of one RSA signature, for the benchmarks."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psycopg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from plugins.einvoice_sri.domain.xades import SigningKey

SIGNATURES = 20  # in a block
_SMALL = b"twenty bytes of text"
_TICKS = os.sysconf("SC_CLK_TCK")


def _fields(pid: int) -> list[str]:
    """``/proc/<pid>/stat`` from the state on: [1] is the parent, [11:15] are the times."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def of_process(pid: int) -> float:
    """Seconds of a process, of all its threads, and of its children that have ended."""
    return sum(map(int, _fields(pid)[11:15])) / _TICKS


def of_family(parent: int) -> float:
    """Seconds of a process and of its children, whether they still run or have ended."""
    ticks = sum(map(int, _fields(parent)[11:15]))
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = _fields(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == parent:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def postmaster(url: str) -> int:
    """The process that all processes of the PostgreSQL server at ``url`` (on this machine) come from."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        return int(_fields(row[0])[1])


@dataclass(slots=True)
class Yardstick:
    """CPU seconds of one signature, by blocks; ``spent`` on measuring, which is no document's cost."""

    key: SigningKey
    blocks: list[float] = field(default_factory=list)
    spent: float = 0.0

    def measure(self) -> None:
        """Sign a block of times."""
        scheme, digest = padding.PKCS1v15(), hashes.SHA1()  # noqa: S303  (SRI's default)
        begun = time.thread_time()
        for _ in range(SIGNATURES):
            self.key.private.sign(_SMALL, scheme, digest)
        seconds = time.thread_time() - begun
        self.blocks.append(seconds / SIGNATURES)
        self.spent += seconds

    def read(self) -> float:
        """The middle of the blocks since it was last read."""
        found = median(self.blocks)
        self.blocks.clear()
        return found
