"""How many bytes of files all batches of a process hold together."""

from __future__ import annotations

import threading
import weakref


class ByteRoom:
    """Room for so many bytes, which objects take and give back when they are gone."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._taken_bytes = 0
        self._lock = threading.Lock()

    @property
    def taken_bytes(self) -> int:
        """What is taken now."""
        return self._taken_bytes

    def take(self, holder: object, size_bytes: int) -> bool:
        """Take room for as long as an object is there; tells whether there was enough."""
        with self._lock:
            if self._taken_bytes + size_bytes > self.most_bytes:
                return False
            self._taken_bytes += size_bytes
        weakref.finalize(holder, self._give, size_bytes)
        return True

    def _give(self, size_bytes: int) -> None:
        with self._lock:
            self._taken_bytes -= size_bytes
