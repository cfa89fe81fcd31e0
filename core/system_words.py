"""What the operating system says in English, in the words of the product."""

from __future__ import annotations

import errno

from core.i18n import _


def why(error: OSError) -> str:
    """The reason of a failed call; what is not known here keeps the system's words and number."""
    known = {
        errno.EACCES: _("permission denied"),
        errno.EADDRINUSE: _("another program uses it"),
        errno.EADDRNOTAVAIL: _("this computer has no such address"),
        errno.EEXIST: _("it exists already"),
        errno.EISDIR: _("it is a folder"),
        errno.ENOENT: _("it does not exist"),
        errno.ENOSPC: _("the disk is full"),
        errno.ENOTDIR: _("part of the path is a file, not a folder"),
        errno.EPERM: _("permission denied"),
        errno.EROFS: _("the disk can only be read"),
    }
    return known.get(error.errno or 0) or f"{error.strerror or error} ({error.errno})"
