"""Values out of JSON that strangers wrote, each of the kind that it must be."""

from __future__ import annotations

from typing import Any

_LARGEST = 1e18


def number(value: Any) -> float:
    """Take a number as measurements give them, and nothing that only looks like it.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("no number")
    # Not infinite, not "no number", and not so large that a sum of them would be.
    if not abs(value) < _LARGEST:
        raise ValueError("no number that was measured")
    return float(value)


def whole(value: Any) -> int:
    """Take a whole number of 64 bits, and nothing that only looks like it.

    Raises:
        ValueError: it is none.
    """
    if type(value) is not int or abs(value) >= 2**63:
        raise ValueError("no whole number")
    return value


def positive(value: Any) -> float:
    """Take a number of 0 or more, and nothing that only looks like it.

    Raises:
        ValueError: it is none.
    """
    taken = number(value)
    if taken < 0:
        raise ValueError("a number is below 0")
    return taken


def count(value: Any) -> int:
    """Take a whole number of 0 or more, and nothing that only looks like it.

    Raises:
        ValueError: it is none.
    """
    if whole(value) < 0:
        raise ValueError("a number is below 0")
    return int(value)


def text(value: Any) -> str:
    """Take text that can be shown, and nothing that only looks like it.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str):
        raise ValueError("no text")
    value.encode()  # half a letter cannot be shown
    return value


def flag(value: Any) -> bool:
    """Take true or false, and nothing that only looks like it.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, bool):
        raise ValueError("neither true nor false")
    return value


def items(value: Any) -> list[Any]:
    """Take a list, and nothing that only looks like it.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, list):
        raise ValueError("no list")
    return value
