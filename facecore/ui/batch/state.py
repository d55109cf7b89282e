"""What a session remembers of its batch."""

from __future__ import annotations

from collections.abc import Collection

from facecore.batch.background import BackgroundBatch
from facecore.ui import state


def batch() -> BackgroundBatch | None:
    """Return this session's batch of photos, under way or ended."""
    return state.remembered("facecore.batch", lambda: None)


def keep_batch(batch: BackgroundBatch | None, file_ids: Collection[str] = ()) -> None:
    """Remember a batch, and of which uploaded files it is, instead of the one before."""
    state.keep("facecore.batch", batch)
    state.use_files(file_ids)
