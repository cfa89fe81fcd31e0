"""CPU time of processes as Linux counts it, for the benchmarks."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg

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
