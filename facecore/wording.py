"""Small pieces of sentences for people, and tables of text."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def counted(n: int, what: str) -> str:
    """Return how many there are: "1 photo", "2 photos"; for words that take an s."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def data_size(count: int) -> str:
    """Return how much so many bytes are, in MB or GB of powers of ten: "0.5 GB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def aligned(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Return rows as lines, columns two spaces apart; those numbered in ``right`` end flush."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
