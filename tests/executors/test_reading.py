"""Reading photos one at a time, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.executors.reading import read_here
from facecore.settings import AnalysisSettings
from facecore.sources.photo import Photo


def _photo(name: str, data: bytes) -> Photo:
    return Photo(name=name, read=lambda: data)


def test_nothing_to_read_gives_nothing(analyzer: FaceAnalyzer) -> None:
    """Without photos there are no outcomes."""
    assert list(read_here([], analyzer.analyze)) == []


def test_broken_photo_costs_only_itself(analyzer: FaceAnalyzer, hopper_file: bytes) -> None:
    """Each photo has its outcome, an answer or a sentence, in their order."""
    photos = [_photo("a", hopper_file), _photo("b", b"text"), _photo("c", hopper_file)]
    settings = AnalysisSettings(max_side_px=300)
    outcomes = list(read_here(photos, partial(analyzer.analyze, settings=settings)))
    assert [outcome.photo for outcome in outcomes] == photos
    assert [outcome.analysis is None for outcome in outcomes] == [False, True, False]
    assert [bool(outcome.error) for outcome in outcomes] == [False, True, False]
    assert outcomes[0].analysis is not None
    assert outcomes[0].analysis.settings == settings
    assert "not a picture" in outcomes[1].error


def test_photos_are_taken_one_at_a_time(analyzer: FaceAnalyzer, hopper_file: bytes) -> None:
    """The next photo is looked for only when the one before was taken."""
    taken = []

    def photos() -> Iterator[Photo]:
        for name in "abc":
            taken.append(name)
            yield _photo(name, hopper_file)

    outcomes = read_here(photos(), analyzer.analyze)
    next(outcomes)
    assert taken == ["a"]
