"""Annotated photos, kept in memory for a while under names that nobody can guess."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from facecore.serving.budget import Budget, Share

ID_BYTES = 16
"""Random bytes of a name: 128 bits cannot be guessed or tried out."""


@dataclass(frozen=True, slots=True)
class _Kept:
    data: bytes
    until_s: float
    room: Share


class ImageStore:
    """Encoded pictures by name, bounded in bytes and in age; safe to share between threads."""

    def __init__(self, max_bytes: int, max_age_s: float) -> None:
        self.max_age_s = max_age_s
        self._budget = Budget(max_bytes)
        self._lock = threading.Lock()
        # The longest unused first.
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def put(self, data: bytes) -> str:
        """Keep a picture and return its name; old and long unused ones make room.

        One that is larger than the store is not kept.
        """
        name = secrets.token_urlsafe(ID_BYTES)
        with self._lock:
            self._drop_expired()
            if len(data) <= self._budget.limit:
                room = self._budget.share("pictures")
                while not room.grow(len(data)):
                    self._kept.popitem(last=False)[1].room.give_back()
                self._kept[name] = _Kept(data, time.monotonic() + self.max_age_s, room)
        return name

    def get(self, name: str) -> bytes | None:
        """Return the picture of this name; None where there is none, or none any more."""
        with self._lock:
            self._drop_expired()
            kept = self._kept.get(name)
            if kept is None:
                return None
            self._kept.move_to_end(name)
            return kept.data

    def used_bytes(self) -> int:
        """Return how much memory the pictures take, bytes."""
        with self._lock:
            self._drop_expired()
            return self._budget.taken()

    def _drop_expired(self) -> None:
        now_s = time.monotonic()
        for name in [name for name, kept in self._kept.items() if kept.until_s <= now_s]:
            self._kept.pop(name).room.give_back()
