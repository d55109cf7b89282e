"""What a session keeps of its photos, and that it stays within bounds."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.analysis.memory import PhotoMemory
from facecore.serving.budget import Budget
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.sources.photo import Photo
from facecore.ui import photos
from facecore.ui.photos import Reading, SessionPhotos

OPTIONS = RuntimeOptions()
SIDE_PX = 10
PHOTO_BYTES = SIDE_PX * SIDE_PX * 3
PLENTY = 100 * PHOTO_BYTES


def _photo(analyzer: FaceAnalyzer) -> PhotoMemory:
    """Open and decode a small grey photo."""
    opened = analyzer.memory(np.full((SIDE_PX, SIDE_PX, 3), 128, np.uint8))
    assert opened.picture(AnalysisSettings()).image.nbytes == opened.image_bytes == PHOTO_BYTES
    return opened


def _reading(name: str, settings: AnalysisSettings | None = None) -> Reading:
    photo = Photo(key=name, name=name, read=lambda: b"")
    return Reading(photo=photo, settings=settings or AnalysisSettings(), options=OPTIONS)


def _decoded(kept: SessionPhotos, keys: str) -> list[bool]:
    found = [kept.opened(key, OPTIONS) for key in keys]
    return [photo is not None and photo.image_bytes > 0 for photo in found]


def test_new_session_knows_no_photo() -> None:
    """At first there is neither an open photo nor an answer."""
    kept = SessionPhotos()
    assert kept.opened("a", OPTIONS) is None
    assert kept.reading("a") is None


def test_open_photo_belongs_to_its_options(analyzer: FaceAnalyzer) -> None:
    """What one set of networks found out is not given out for another."""
    kept, photo = SessionPhotos(), _photo(analyzer)
    kept.keep_open("a", OPTIONS, photo)
    assert kept.opened("a", OPTIONS) is photo
    assert kept.opened("a", RuntimeOptions(engine_options=(("winograd", False),))) is None
    assert kept.opened("b", OPTIONS) is None


def test_longest_unused_photo_makes_room(
    analyzer: FaceAnalyzer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the bound, the photo that was not asked for the longest is forgotten."""
    monkeypatch.setattr(photos, "MAX_PHOTOS", 2)
    kept = SessionPhotos()
    for key in "ab":
        kept.keep_open(key, OPTIONS, _photo(analyzer))
    assert kept.opened("a", OPTIONS) is not None
    kept.keep_open("c", OPTIONS, _photo(analyzer))
    assert _decoded(kept, "abc") == [True, False, True]
    assert kept.opened("b", OPTIONS) is None


def test_oldest_answer_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the bound, the answer that was kept first is forgotten; a new one for it counts anew."""
    monkeypatch.setattr(photos, "MAX_PHOTOS", 2)
    kept = SessionPhotos()
    for key in "abac":
        kept.keep_reading(key, _reading(key))
    assert [kept.reading(key) is not None for key in "abc"] == [True, False, True]


def test_newer_answer_replaces_the_older() -> None:
    """A photo has one answer, under the settings that were used last."""
    kept = SessionPhotos()
    kept.keep_reading("a", _reading("a"))
    newer = _reading("a", AnalysisSettings(confidence=0.2))
    kept.keep_reading("a", newer)
    assert kept.reading("a") is newer


@pytest.mark.parametrize(
    ("budget", "decoded"),
    [
        pytest.param(0, [False, False, False], id="nothing fits, not even the newest"),
        pytest.param(PHOTO_BYTES - 1, [False, False, False], id="not quite one"),
        pytest.param(2 * PHOTO_BYTES - 1, [False, False, True], id="not quite two"),
        pytest.param(2 * PHOTO_BYTES, [False, True, True], id="two"),
        pytest.param(3 * PHOTO_BYTES, [True, True, True], id="all"),
    ],
)
def test_decoded_photos_stay_within_their_budget(
    analyzer: FaceAnalyzer, budget: int, decoded: list[bool]
) -> None:
    """Photos beyond the budget let their pixels go, and stay open with what was found out."""
    kept = SessionPhotos(Budget(PLENTY, budget))
    opened = {key: _photo(analyzer) for key in "abc"}
    for key, photo in opened.items():
        kept.keep_open(key, OPTIONS, photo)
    assert _decoded(kept, "abc") == decoded
    assert all(kept.opened(key, OPTIONS) is photo for key, photo in opened.items())


def test_session_keeps_only_what_others_leave(analyzer: FaceAnalyzer) -> None:
    """It takes nothing from those before it; who forgets photos, or is gone, leaves their room."""
    budget = Budget(3 * PHOTO_BYTES)
    first, second = SessionPhotos(budget), SessionPhotos(budget)
    for kept in (first, second, first):
        for key in "ab":
            kept.keep_open(key, OPTIONS, kept.opened(key, OPTIONS) or _photo(analyzer))
    assert (_decoded(first, "ab"), _decoded(second, "ab")) == ([True, True], [False, True])
    first.keep_only("b")
    second.keep_open("c", OPTIONS, _photo(analyzer))
    assert (_decoded(first, "b"), _decoded(second, "bc")) == ([True], [True, True])
    del second
    gc.collect()
    assert budget.taken() == PHOTO_BYTES


def test_photo_that_let_its_pixels_go_is_decoded_again(
    analyzer: FaceAnalyzer, astronaut_file: bytes
) -> None:
    """After its pixels went, a photo gives the same faces, and detects nothing again."""
    kept, opened = SessionPhotos(Budget(PLENTY, 0)), analyzer.memory(astronaut_file)
    before = analyzer.read(opened, AnalysisSettings())
    kept.keep_open("a", OPTIONS, opened)
    kept.keep_open("b", OPTIONS, _photo(analyzer))
    assert opened.image_bytes == 0
    again = analyzer.read(opened, AnalysisSettings())
    assert again.faces == before.faces
    assert again.reused == ("resize", "detect")


@pytest.mark.parametrize(
    ("settings", "options", "same"),
    [
        (AnalysisSettings(), OPTIONS, True),
        (AnalysisSettings(confidence=0.2), OPTIONS, False),
        (AnalysisSettings(), RuntimeOptions(engine_options=(("fusion", False),)), False),
    ],
)
def test_answer_holds_for_its_own_settings_only(
    settings: AnalysisSettings, options: RuntimeOptions, same: bool
) -> None:
    """Another setting or another runtime option needs another answer."""
    assert _reading("a").answers(settings, options) == same


def test_what_is_not_kept_is_forgotten(analyzer: FaceAnalyzer) -> None:
    """Of the photos that are no longer chosen neither pixels, bytes nor answers stay."""
    kept = SessionPhotos()
    for key in "ab":
        for options in (OPTIONS, RuntimeOptions(engine_options=(("fusion", False),))):
            kept.keep_open(key, options, _photo(analyzer))
        kept.keep_reading(key, _reading(key))
    known = kept.reading("a")
    assert known is not None
    gone = weakref.ref(known.photo.read)
    del known
    kept.keep_only({"b", "c"})
    assert _decoded(kept, "ab") == [False, True]
    assert kept.opened("a", RuntimeOptions(engine_options=(("fusion", False),))) is None
    assert [kept.reading(key) is not None for key in "ab"] == [False, True]
    gc.collect()
    assert gone() is None


def test_forgetting_leaves_nothing(analyzer: FaceAnalyzer) -> None:
    """After forgetting, each photo is opened and answered anew; an empty session is no error."""
    kept = SessionPhotos()
    kept.forget()
    kept.keep_open("a", OPTIONS, _photo(analyzer))
    kept.keep_reading("a", _reading("a"))
    kept.forget()
    assert kept.opened("a", OPTIONS) is None
    assert kept.reading("a") is None
