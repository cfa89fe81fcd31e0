"""Becomes PostgreSQL: drops root, asks to be told when its supervisor dies, then exec.

Run as a script by ``embedded_postgres.py``: ``postgres_child.py UID GID PARENT BINARY ARGS...``.
A script of its own, because a fork from a process with threads must not run Python in between.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Change user (when ``UID`` is not negative), set the death signal and replace this process."""
    uid, gid, parent = (int(one) for one in arguments[:3])
    binary, *rest = arguments[3:]
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        if os.getppid() != parent:  # the supervisor died before the request was in place
            raise SystemExit(1)
    os.execv(binary, [binary, *rest])  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
