"""What a session remembers of the visitor's tables."""

from __future__ import annotations

from facecore.ui import state
from facecore.ui.tune.truth import Truth


def truth() -> Truth:
    """Return what the visitor's tables say of the photos."""
    return state.remembered("facecore.truth", Truth)


def keep_truth(tables: Truth) -> None:
    """Remember what the visitor's tables say instead of those before."""
    state.keep("facecore.truth", tables)
