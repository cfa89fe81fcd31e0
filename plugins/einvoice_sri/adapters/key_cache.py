"""Signing keys that this process has opened, a few, the least used first to go."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

from plugins.einvoice_sri.domain.xades import SigningKey

MAX_KEYS = 64


class KeyCache:
    """Keys by the id of their certificate; safe between threads. A cold key costs one load."""

    def __init__(self, size: int = MAX_KEYS) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._keys: OrderedDict[UUID, SigningKey] = OrderedDict()

    def get(self, certificate_id: UUID, load: Callable[[], SigningKey]) -> SigningKey:
        """The key, loaded when it is not here. Two threads may load the same one; either is good."""
        with self._lock:
            found = self._keys.get(certificate_id)
            if found is not None:
                self._keys.move_to_end(certificate_id)
                return found
        loaded = load()
        with self._lock:
            self._keys[certificate_id] = loaded
            while len(self._keys) > self._size:
                self._keys.popitem(last=False)
        return loaded

    def drop(self, certificate_id: UUID) -> None:
        """Forget a key (its certificate was wiped)."""
        with self._lock:
            self._keys.pop(certificate_id, None)

    def clear(self) -> None:
        """Forget all keys."""
        with self._lock:
            self._keys.clear()

    def __len__(self) -> int:
        return len(self._keys)


KEYS = KeyCache()
