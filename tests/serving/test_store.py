"""What a server stores of its runs and its visitors' work, in a real file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.serving import store as module
from facecore.serving.service import FaceService
from facecore.serving.store import FILE_NAME, MOST_KEPT, ServerStore
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.settings.presets import preset
from facecore.settings.server import ServerSettings
from tests.ui.test_charts import RUN

EVER = datetime.fromtimestamp(0, UTC)
MAX_BYTES = 4_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ServerStore]:
    """A store in a folder of its own."""
    made = ServerStore(tmp_path / "history" / FILE_NAME, max_bytes=MAX_BYTES)
    yield made
    made.close()


def test_nothing_is_stored_where_it_is_switched_off(tmp_path: Path) -> None:
    """A server without a history has no file, no runs, and nothing to complain of."""
    store = ServerStore.of(ServerSettings(history="off"))
    store.add_run(RUN)
    store.keep("me", "batch", "1", b"x")
    assert not store.is_on
    assert (store.runs(EVER), store.count_runs(EVER), store.kept("me", "batch")) == ((), 0, [])
    assert store.problem == ""
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_read_back_as_it_was(store: ServerStore) -> None:
    """All numbers and settings are there again, the photo's name is not."""
    assert store.runs(EVER) == ()
    run = replace(
        RUN,
        settings=replace(preset("Careful"), confidence=0.55),
        runtime=RuntimeOptions(threads=2, engine="opencv", engine_options=(("winograd", False),)),
        reused=("decode", "resize"),
    )
    store.add_run(run)
    store.add_run(RUN)
    assert store.runs(EVER) == (
        replace(run, number=1, name=""),
        replace(RUN, number=2, name=""),
    )
    assert store.runs(EVER, 1)[0].number == 2


def test_names_are_stored_where_that_is_asked_for(tmp_path: Path) -> None:
    """With the setting, a run has its photo's name; one that is no valid text ends nothing."""
    with closing(ServerStore.of(ServerSettings(history=str(tmp_path), history_names=True))) as one:
        one.add_run(replace(RUN, name="\udcff.png"))
        one.add_run(RUN)
        assert [run.name for run in one.runs(EVER)] == ["\\xff.png", "a.png"]
        assert (tmp_path / FILE_NAME).exists()


def test_a_time_range_narrows_the_runs(store: ServerStore) -> None:
    """Only runs that began at a time or later are given and counted."""
    begun = RUN.used.started_at
    for hours in range(3):
        later = replace(RUN.used, started_at=begun + timedelta(hours=hours))
        store.add_run(replace(RUN, used=later))
    assert [run.number for run in store.runs(begun + timedelta(hours=1))] == [2, 3]
    assert store.count_runs(begun + timedelta(hours=1)) == 2
    assert store.count_runs(EVER) == 3


def test_runs_of_settings_that_nobody_knows_are_left_out(
    store: ServerStore, tmp_path: Path
) -> None:
    """Another version's settings do not keep the other runs from being shown."""
    store.add_run(RUN)
    store.add_run(replace(RUN, settings=preset("Careful")))
    with closing(sqlite3.connect(tmp_path / "history" / FILE_NAME, isolation_level=None)) as file:
        file.execute("""UPDATE settings SET content = '{"settings": {"x": 1}}' WHERE id = 1""")
    assert [run.number for run in store.runs(EVER)] == [2]


@pytest.mark.slow
def test_100_000_runs_stay_within_the_bound(store: ServerStore, tmp_path: Path) -> None:
    """With as many runs, and now and then other settings, the files never outgrow their bound."""
    kinds = [replace(AnalysisSettings(), confidence=0.5 + place / 10_000) for place in range(1000)]
    sizes = []
    for kind in kinds:
        store.add_run(replace(RUN, settings=kind))
    assert store._file is not None
    with closing(sqlite3.connect(tmp_path / "history" / FILE_NAME)) as file:
        content = [row[0] for row in file.execute("SELECT content FROM settings")]
    flat = module._flat(RUN, "")
    for first in range(0, 99_000, 900):
        text = content[first % len(content)]
        added = (module._ADD_SETTINGS, (text,)), *[(module._ADD_RUN, (*flat, text))] * 900
        store._file.write(*added)
        sizes.append(sum(one.stat().st_size for one in (tmp_path / "history").iterdir()))
    assert store.problem == ""
    assert max(sizes) <= MAX_BYTES
    newest = store.runs(EVER)[-1]
    assert newest.number == 100_000
    assert 5_000 < store.count_runs(EVER) < 100_000


def test_work_is_kept_for_its_owner_alone(store: ServerStore) -> None:
    """Each owner has what is theirs, by kind, the oldest first; nobody's is not kept."""
    for owner, kind, key in (
        ("me", "batch", "1"),
        ("me", "experiment", "1"),
        ("you", "batch", "1"),
    ):
        store.keep(owner, kind, key, f"{owner} {kind}".encode())
    store.keep("me", "batch", "2", b"second")
    store.keep("me", "batch", "1", b"first, again")
    store.keep("", "batch", "1", b"nobody's")
    assert store.kept("me", "batch") == [b"second", b"first, again"]
    assert store.kept("me", "experiment") == [b"me experiment"]
    assert store.kept("you", "batch") == [b"you batch"]
    assert store.kept("", "batch") == []


def test_kept_work_is_bounded(store: ServerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest of many go, what is too large is not kept, and after a month nothing is left."""
    for number in range(MOST_KEPT + 2):
        store.keep("me", "batch", str(number), str(number).encode())
    assert store.kept("me", "batch") == [str(n).encode() for n in range(2, MOST_KEPT + 2)]
    store.keep("me", "experiment", "1", bytes(MAX_BYTES // 10))
    assert store.kept("me", "experiment") == []
    for number in range(20):
        store.keep(f"visitor {number}", "experiment", "1", bytes(MAX_BYTES // 25))
    left = [bool(store.kept(f"visitor {number}", "experiment")) for number in range(20)]
    assert left == [False] * 13 + [True] * 7
    monkeypatch.setattr(module, "KEPT_FOR_S", -1.0)
    assert store.kept("visitor 19", "experiment") == []


def test_every_run_of_a_service_is_stored(
    store: ServerStore,
    analyzer: FaceAnalyzer,
    astronaut_file: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A service stores what its turns read, from wherever they come, with what was asked for."""
    monkeypatch.setattr(FaceAnalyzer, "load", lambda *_, **__: analyzer)
    service = FaceService(store=store)
    with service.turn("a", RuntimeOptions(threads=1), origin="http") as turn:
        photo = turn.analyzer.memory(astronaut_file)
        analysis = turn.read(photo, AnalysisSettings(), preview_side_px=100, name="me.png")
    (run,) = store.runs(EVER)
    assert (run.source, run.name, run.faces, run.size_wh) == ("http", "", 1, (512, 512))
    assert run.runtime == RuntimeOptions(threads=1)
    assert run.timings == analysis.timings
    assert run.used.peak_rss_bytes == analysis.resources.peak_rss_bytes
