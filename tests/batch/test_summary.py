"""What the rows of a batch come to."""

from __future__ import annotations

from facecore.batch.summary import BatchSummary, FinishedBatch
from tests.batch.conftest import failed_row, row


def test_no_row_comes_to_nothing() -> None:
    """Without rows all counts are zero."""
    summary = BatchSummary()
    assert (summary.photos, summary.failed, summary.faces) == (0, 0, 0)
    assert not summary.photos_by_faces and not summary.genders and not summary.age_groups
    assert len(summary.latencies_ms) == 0


def test_rows_are_counted() -> None:
    """Photos, failures, faces, answers and whether they are unsure each have their count."""
    summary = BatchSummary()
    for one in (row("a", 0), row("b", 7), failed_row("c"), row("d", 0)):
        summary.add(one)
    assert (summary.photos, summary.failed, summary.faces) == (4, 1, 7)
    assert summary.photos_by_faces == {0: 2, 7: 1}
    # The shares of Female are 0, 0.1 … 0.6; below 0.6 an answer is unsure.
    assert summary.genders == {
        ("Male", False): 5,
        ("Male", True): 1,
        ("Female", False): 1,
    }
    assert summary.age_groups == {("(25-32)", False): 7}
    assert list(summary.latencies_ms) == [30.125] * 3


def test_numbers_and_settings_are_left_of_a_batch() -> None:
    """What is stored is read back, and has no photo's name; an empty batch has no median."""
    assert FinishedBatch.of(BatchSummary(), {}).median_ms is None
    summary = BatchSummary()
    for one in (row("secret.jpg", 2), failed_row("hidden.jpg"), row("b", 0)):
        summary.add(one)
    finished = FinishedBatch.of(summary, {"confidence": 0.5})
    text = finished.to_json()
    assert FinishedBatch.from_json(text) == finished
    assert (finished.photos, finished.failed, finished.faces) == (3, 1, 2)
    assert (finished.median_ms, finished.settings) == (30.125, {"confidence": 0.5})
    assert b"secret" not in text and b"hidden" not in text
