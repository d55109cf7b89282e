"""How many bytes of files all batches of a process hold together."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary


class ByteRoom:
    """Room for so many bytes, held by objects until they give it back or are gone."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        # No finalizer of ours: it could run, by garbage collection, in the very thread that
        # holds the lock.
        self._taken: WeakKeyDictionary[object, int] = WeakKeyDictionary()
        self._lock = threading.Lock()

    @property
    def taken_bytes(self) -> int:
        """What is taken now."""
        with self._lock:
            return self._sum()

    def take(self, holder: object, size_bytes: int) -> bool:
        """Take room, in addition to what the object has; tells whether there was enough."""
        with self._lock:
            if self._sum() + size_bytes > self.most_bytes:
                return False
            self._taken[holder] = self._taken.get(holder, 0) + size_bytes
            return True

    def give_back(self, holder: object) -> None:
        """Return back all that an object took; nothing where it took none."""
        with self._lock:
            self._taken.pop(holder, None)

    def _sum(self) -> int:
        return sum(self._taken.values())
