"""Reading photos one at a time, in this process."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial

import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.errors import ImageError
from facecore.executors import reading
from facecore.executors.reading import read_ahead, read_here
from facecore.settings import AnalysisSettings
from facecore.sources.photo import Photo
from facecore.sources.stores import Address


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


def test_stores_are_read_ahead_within_count_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos keep their order; as many are fetched ahead as may be, and as fit the bytes."""
    monkeypatch.setattr(reading, "_AHEAD_BYTES", 100)
    fetched: list[int] = []

    def photo(number: int, size: int | None) -> Photo:
        def read() -> bytes:
            fetched.append(number)
            return bytes([number])

        return Photo(name=str(number), read=read, address=Address(url="s3://b/a", size_bytes=size))

    here = Photo(name="here", read=lambda: b"here")
    sizes = [40, 40, 40, None, 10, 10, 10, 10, 10]
    photos = iter([here, *(photo(number, size) for number, size in enumerate(sizes))])
    ahead = read_ahead(photos, 3)
    assert next(ahead).read() == b"here"
    first = next(ahead)
    assert (first.name, first.read(), first.read()) == ("0", b"\0", b"\0")
    assert set(fetched) <= {0, 1, 2}  # three have 120 bytes
    assert [one.read() for one in ahead] == [bytes([number]) for number in range(1, len(sizes))]
    assert sorted(fetched) == list(range(len(sizes)))


def test_a_reader_of_stores_that_is_left_fetches_no_more() -> None:
    """Closed half-way, it asks for no other photo; an error is the photo's own."""

    def fail() -> bytes:
        raise ImageError("It is gone.")

    numbers = itertools.count()
    endless = (
        Photo(name="x", read=fail, address=Address(url="s3://b/x", size_bytes=1)) for _ in numbers
    )
    ahead = read_ahead(endless, 4)
    outcomes = read_here(ahead, lambda _: pytest.fail("nothing to read"))
    assert next(outcomes).error == "It is gone."
    outcomes.close()
    assert next(numbers) == 5  # four ahead, and the one that was found when they were full
