"""How many decoded photos all sessions together keep."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from weakref import WeakSet

from facecore.analysis.open_photo import OpenPhoto
from facecore.machine.memory_plan import memory_plan


class DecodedRoom:
    """Room for decoded photos that sessions share; each lets go of none but its own."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._kept: WeakSet[OpenPhoto] = WeakSet()
        self._lock = threading.Lock()

    def fit(self, own: Sequence[OpenPhoto], session_bytes: int) -> None:
        """Let decoded photos of a session go that find no room.

        Args:
            own: all open photos of the session, the ones to keep first.
            session_bytes: the most that they may take together.
        """
        with self._lock:
            mine = set(own)
            theirs = sum(photo.image_bytes for photo in self._kept if photo not in mine)
            room = min(session_bytes, self.most_bytes - theirs)
            for photo in own:
                room -= photo.image_bytes
                if room < 0:
                    photo.release_image()
            self._kept.update(mine)


ROOM = DecodedRoom(memory_plan().decoded_bytes)
"""The room of this process."""
