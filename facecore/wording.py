"""Small pieces of sentences for people, times among them, and tables of text."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def counted(n: int, what: str) -> str:
    """Return how many there are: "1 photo", "2 photos"; for words that take an s."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def data_size(count: int) -> str:
    """Return how much so many bytes are, in MB or GB of powers of ten: "0.5 GB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def time_left_s(done: int, total: int, elapsed_s: float) -> float | None:
    """Return the seconds that are left if it goes on as it did so far; None before the first."""
    return elapsed_s / done * (total - done) if done else None


def clock(seconds: float) -> str:
    """Write seconds as hours, minutes and seconds: 0:01:23."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def left_in_words(seconds: float | None) -> str:
    """Continue a sentence with what is left: ", about 0:01:23 left"; "" for None."""
    return "" if seconds is None else f", about {clock(seconds)} left"


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
