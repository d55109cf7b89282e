"""How far a long command is, on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import click

from facecore.wording import left_in_words, time_left_s

_BAR_FROM_ITEMS = 4
_LABEL = "Reading faces"
_LINE_EVERY_S = 10.0

_Item = TypeVar("_Item")


@contextmanager
def progress(
    items: Iterable[_Item], total: int, *, is_batch: bool = False
) -> Iterator[Iterable[_Item]]:
    """Show how far a command is on stderr; a bar, when somebody is there to see it.

    A few items show nothing, but for those of a batch. That shows their number as well, and
    where there is no terminal a line every ten seconds.
    """
    is_seen = sys.stderr.isatty()
    hidden = not is_seen or (total < _BAR_FROM_ITEMS and not is_batch)
    with click.progressbar(
        items if is_seen or not is_batch else _told_of(items, total),
        length=total,
        label=_LABEL,
        file=sys.stderr,
        hidden=hidden,
        show_pos=is_batch,
    ) as bar:
        yield bar


def _told_of(items: Iterable[_Item], total: int) -> Iterator[_Item]:
    started_s = told_s = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now_s = time.monotonic()
        if now_s - told_s >= _LINE_EVERY_S:
            told_s = now_s
            left = left_in_words(time_left_s(done, total, now_s - started_s))
            print(f"{_LABEL}: {done} of {total}{left}", file=sys.stderr, flush=True)
