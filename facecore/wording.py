"""Small pieces of sentences for people."""

from __future__ import annotations


def counted(n: int, what: str) -> str:
    """Say how many there are: "1 photo", "2 photos"; for words that take an s."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
