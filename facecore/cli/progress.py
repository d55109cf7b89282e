"""How far a long command is, on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import click

from facecore.wording import left_in_words, time_left_s

_BAR_FROM_ITEMS = 4
_LABEL = "Reading faces"
_LINE_EVERY_S = 10.0

_Item = TypeVar("_Item")


@contextmanager
def progress(items: Iterable[_Item], total: int) -> Iterator[Iterable[_Item]]:
    """Show a bar on stderr for more than a few items, when somebody is there to see it."""
    hidden = total < _BAR_FROM_ITEMS or not sys.stderr.isatty()
    with click.progressbar(
        items, length=total, label=_LABEL, file=sys.stderr, hidden=hidden
    ) as bar:
        yield bar


@contextmanager
def batch_progress(total: int) -> Iterator[Callable[[], None]]:
    """Show how far a batch is and how long it will take; call what it gives after each photo.

    A terminal gets a bar, anything else a line every ten seconds.
    """
    if sys.stderr.isatty():
        with click.progressbar(length=total, label=_LABEL, file=sys.stderr, show_pos=True) as bar:
            yield lambda: bar.update(1)
    else:
        yield _Lines(total).step


class _Lines:
    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._started_s = self._told_s = time.monotonic()

    def step(self) -> None:
        self._done += 1
        now_s = time.monotonic()
        left_s = time_left_s(self._done, self._total, now_s - self._started_s)
        if now_s - self._told_s >= _LINE_EVERY_S:
            self._told_s = now_s
            print(
                f"{_LABEL}: {self._done} of {self._total}{left_in_words(left_s)}",
                file=sys.stderr,
                flush=True,
            )
