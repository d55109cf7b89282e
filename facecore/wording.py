"""Small pieces of sentences for people."""

from __future__ import annotations


def counted(n: int, what: str) -> str:
    """Return how many there are: "1 photo", "2 photos"; for words that take an s."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def data_size(count: int) -> str:
    """Return how much so many bytes are, in MB or GB of powers of ten: "0.5 GB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
