"""How long a batch will still take."""

from __future__ import annotations


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
