"""The bar that shows how far a long command is."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import click

_BAR_FROM_ITEMS = 4

_Item = TypeVar("_Item")


@contextmanager
def progress(items: Sequence[_Item]) -> Iterator[Iterable[_Item]]:
    """Show a bar on stderr for more than a few items, when somebody is there to see it."""
    hidden = len(items) < _BAR_FROM_ITEMS or not sys.stderr.isatty()
    with click.progressbar(items, label="Reading faces", file=sys.stderr, hidden=hidden) as bar:
        yield bar
