"""How much of something bounded, such as memory for files, is taken, and by whom."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping


class Budget:
    """So many bytes, or whatever is counted, for all owners together; safe between threads.

    An owner is a client or a session. Neither one nor all may take too much.
    """

    def __init__(
        self,
        limit: float,
        owner_limit: float | None = None,
        *,
        elsewhere: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        """Have all of it free.

        Args:
            limit: what may be taken in all.
            owner_limit: what one owner may take; as much as all where None.
            elsewhere: returns what owners take that is counted by somebody else.
        """
        self.limit = limit
        self._owner_limit = limit if owner_limit is None else owner_limit
        self._elsewhere = elsewhere
        self._taken: Counter[str] = Counter()
        self._given_back: deque[tuple[str, int]] = deque()
        self._lock = threading.Lock()

    def taken(self) -> int:
        """Return what is taken of it now, without what is counted elsewhere."""
        with self._lock:
            self._settle()
            return self._taken.total()

    def share(self, owner: str) -> Share:
        """Return a share of this owner's, with nothing in it yet."""
        return Share(self, owner)

    def could_hold(self, owner: str, count: int) -> bool:
        """Return whether an owner could have so much more if all others gave theirs back."""
        with self._lock:
            self._settle()
            own = self._taken[owner] + self._elsewhere().get(owner, 0) + count
            return own <= min(self._owner_limit, self.limit)

    def _add(self, owner: str, count: int) -> bool:
        with self._lock:
            self._settle()
            others = self._elsewhere()
            if (
                self._taken[owner] + others.get(owner, 0) + count > self._owner_limit
                or self._taken.total() + sum(others.values()) + count > self.limit
            ):
                return False
            self._taken[owner] += count
            return True

    def _give_back(self, owner: str, count: int) -> None:
        # Without the lock: garbage may be collected in the very thread that holds it.
        self._given_back.append((owner, count))

    def _settle(self) -> None:
        while self._given_back:
            owner, count = self._given_back.popleft()
            self._taken[owner] -= count
        # Owners who left take no memory either.
        self._taken = +self._taken


class Share:
    """What one holder has of a budget, until it gives it back or is gone; for one thread."""

    def __init__(self, budget: Budget, owner: str) -> None:
        self._budget = budget
        self._owner = owner
        self.size = 0

    def grow(self, count: int) -> bool:
        """Take so much more; return whether there was room."""
        if not self._budget._add(self._owner, count):
            return False
        self.size += count
        return True

    def give_back(self) -> None:
        """Give all of it back."""
        size, self.size = self.size, 0
        self._budget._give_back(self._owner, size)

    def __del__(self) -> None:
        """Give back what nobody holds any more."""
        if self.size:
            self.give_back()
