"""The PIN of a salesperson: what it may be, and how long a wrong one locks."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Final

from core.errors import DomainError
from core.i18n import _

FREE_TRIES: Final = 5
LOCK_STEPS: Final = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
LINK_LIFE: Final = timedelta(hours=48)


def pepper_pin(pin: str, pepper: bytes) -> str:
    """What is hashed instead of the PIN: an HMAC with the tenant's pepper, in hex."""
    return hmac.new(pepper, pin.encode(), sha256).hexdigest()


def check_new_pin(pin: str) -> None:
    """Raise ``DomainError`` unless ``pin`` is 4 to 8 digits that are not all equal nor a plain row."""
    if not pin.isdigit() or not pin.isascii() or not 4 <= len(pin) <= 8:
        raise DomainError(
            _("The PIN takes 4 to 8 digits. Choose another one."), code="bad_pin", field="pin"
        )
    steps = {int(after) - int(before) for before, after in pairwise(pin)}
    if steps in ({0}, {1}, {-1}):
        raise DomainError(
            _("That PIN is too easy to guess. Avoid equal or consecutive digits."),
            code="weak_pin",
            field="pin",
        )


def lock_after(failures: int, now: datetime) -> datetime | None:
    """Until when the salesperson is locked after ``failures`` wrong PINs in a row: 5 are free, then
    each further one locks for 1, 5 and from then on 30 minutes.
    """
    if failures < FREE_TRIES:
        return None
    return now + LOCK_STEPS[min(failures - FREE_TRIES, len(LOCK_STEPS) - 1)]
