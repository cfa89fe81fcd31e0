"""What every process of an installation needs, imported once in the process they are forked from.

Importing must leave no trace of this process: no settings kept, no connection, no thread.
"""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import entry_points

from sqlalchemy.orm import configure_mappers

import core.app
import core.cli.serve
import core.worker
from core.plugins import GROUP
from core.settings import read_settings

with suppress(Exception):  # wrong settings and broken plugins are told by the process that starts
    _wanted = read_settings().plugins
    for _found in entry_points(group=GROUP):
        if _wanted is None or _found.name in _wanted:
            with suppress(Exception):
                _found.load()
    configure_mappers()

__all__ = ["core"]
