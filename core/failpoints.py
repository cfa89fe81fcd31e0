"""Where a crash test may stop the process. Silent unless ``YUPANA_FAILPOINT`` names the place.

``YUPANA_FAILPOINT=sri.after_sign:3`` kills the process (SIGKILL) the third time it gets there, after
writing the name to ``<home>/failpoint`` so that the test can assert the step was reached.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

from core import settings

_reached: Counter[str] = Counter()


def failpoint(name: str) -> None:
    """Die here when the crash test asked for it; otherwise nothing."""
    wanted = settings.current().failpoint
    if not wanted:
        return
    place, _, nth = wanted.partition(":")
    if place != name:
        return
    _reached[name] += 1
    if _reached[name] == int(nth or 1):
        settings.current().home.mkdir(parents=True, exist_ok=True)
        (settings.current().home / "failpoint").write_text(name)
        os.kill(os.getpid(), signal.SIGKILL)
