"""What all interfaces of a server share: the queue, and the networks behind it."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.engines import engine
from facecore.errors import BusyError, ImageError, ModelError, SettingsError
from facecore.machine.container import read_limits, usable_cpus
from facecore.profiles.configuration import Configuration
from facecore.serving import service as service_module
from facecore.serving.history import RunOutcome
from facecore.serving.service import FaceService
from facecore.settings import MODELS_DIR_VARIABLE, AnalysisSettings, RuntimeOptions
from facecore.settings.server import ServerSettings
from facecore.sources.samples import samples
from tests.conftest import face_rows

DEFAULT = RuntimeOptions()
SETTINGS = AnalysisSettings()
SIDE_PX = 400
PATIENCE_S = 30.0


def _service(replicas: int = 1, **queue: float) -> FaceService:
    queue = {"concurrency": replicas, "queue_limit": 100, "session_limit": 100} | queue
    return FaceService(Configuration(server=ServerSettings(replicas=replicas, **queue)))  # type: ignore[arg-type]


@pytest.fixture
def shared_networks(analyzer: FaceAnalyzer, monkeypatch: pytest.MonkeyPatch) -> FaceAnalyzer:
    """Have services take the tests' own networks instead of loading theirs."""
    monkeypatch.setattr(FaceAnalyzer, "load", lambda *_, **__: analyzer)
    return analyzer


def test_a_new_service_has_loaded_nothing() -> None:
    """Networks are loaded with the first turn."""
    service = _service()
    assert service.loaded(DEFAULT) == ()
    assert service.queue.stats().admitted == 0


@pytest.mark.usefixtures("shared_networks")
def test_a_turn_reads_a_photo(analyzer: FaceAnalyzer, astronaut_file: bytes) -> None:
    """A photo read in a turn has the answer that the analyzer alone gives."""
    service = _service()
    with service.turn("a", DEFAULT) as turn:
        assert service.queue.stats().running == 1
        photo = turn.analyzer.memory(astronaut_file)
        analysis = turn.read(photo, SETTINGS, preview_side_px=SIDE_PX)
    assert service.queue.stats().running == 0
    assert turn.waited_ms >= 0
    expected = analyzer.analyze(astronaut_file, SETTINGS)
    np.testing.assert_array_equal(face_rows(analysis.faces), face_rows(expected.faces))
    assert analysis.preview_jpeg


@pytest.mark.usefixtures("shared_networks")
def test_listeners_hear_of_every_run(astronaut_file: bytes) -> None:
    """Each run is told once to each listener: its origin, its wait, its answer or its error."""
    service = _service()
    heard: list[RunOutcome] = []
    service.listen(heard.append)
    service.listen(heard.append)
    with service.turn("a", DEFAULT, origin="http") as turn:
        analysis = turn.read(
            turn.analyzer.memory(astronaut_file), SETTINGS, preview_side_px=SIDE_PX
        )
        with pytest.raises(ImageError):
            turn.read(turn.analyzer.memory(b"junk"), SETTINGS, preview_side_px=SIDE_PX)
    told = partial(RunOutcome, origin="http", waited_ms=turn.waited_ms, options=DEFAULT)
    good, bad = told(analysis=analysis), told(error_kind="UnsupportedImageError")
    assert heard == [good, good, bad, bad]


@pytest.mark.usefixtures("shared_networks")
def test_a_busy_gate_lends_nothing() -> None:
    """Who gets no turn loads no networks either."""
    service = _service(queue_limit=0)
    other = service.turn("b", RuntimeOptions(threads=1))
    with service.turn("a", DEFAULT), pytest.raises(BusyError), other:
        pass
    assert service.loaded(RuntimeOptions(threads=1)) == ()
    assert len(service.loaded(DEFAULT)) == 1


def test_networks_that_cannot_be_loaded_cost_one_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error comes through, the turn is over, and the next one may find them mended."""
    service = _service(queue_limit=0)
    with monkeypatch.context() as broken:
        broken.setenv(MODELS_DIR_VARIABLE, "/no such folder")
        with pytest.raises(ModelError), service.turn("a", DEFAULT):
            pass
        assert service.loaded(DEFAULT) == ()
        assert service.queue.stats().running == 0
    with service.turn("a", DEFAULT) as turn:
        assert service.loaded(DEFAULT) == (turn.analyzer,)


def test_another_set_is_loaded_only_for_runs_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """One run after the other uses the first set; two at once use two, and a third none more."""
    made: list[FaceAnalyzer] = []

    def load(options: RuntimeOptions, *, max_pixels: int) -> FaceAnalyzer:
        made.append(FaceAnalyzer.__new__(FaceAnalyzer))
        return made[-1]

    monkeypatch.setattr(FaceAnalyzer, "load", load)
    service = _service(replicas=2, concurrency=3)
    for _ in range(2):
        with service.turn("a", DEFAULT) as turn:
            assert turn.analyzer is made[0]
    assert len(made) == 1
    with service.turn("a", DEFAULT) as first, service.turn("b", DEFAULT) as second:
        assert [first.analyzer, second.analyzer] == made
        with service.turn("c", DEFAULT) as third:
            assert third.analyzer is made[0]
    assert service.loaded(DEFAULT) == tuple(made)
    assert len(made) == 2


def test_nobody_waits_for_a_load_to_give_a_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a second set is loaded, the run on the first one ends."""
    loading, go_on = threading.Event(), threading.Event()

    def load(*_: object, **__: object) -> FaceAnalyzer:
        if service.sets_loaded():
            loading.set()
            go_on.wait(PATIENCE_S)
        return FaceAnalyzer.__new__(FaceAnalyzer)

    def run() -> None:
        with service.turn("b", DEFAULT):
            pass

    def run_first() -> None:
        with service.turn("a", DEFAULT):
            pool.submit(run)
            assert loading.wait(PATIENCE_S)

    monkeypatch.setattr(FaceAnalyzer, "load", load)
    service = _service(replicas=2, concurrency=2)
    with ThreadPoolExecutor(2) as pool:
        try:
            pool.submit(run_first).result(PATIENCE_S / 3)
        finally:
            go_on.set()


def test_networks_of_the_longest_unused_options_are_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No more options than stated keep their networks in memory."""
    monkeypatch.setattr(FaceAnalyzer, "load", lambda *_, **__: FaceAnalyzer.__new__(FaceAnalyzer))
    service = _service()
    tried = [RuntimeOptions(threads=count) for count in range(1, service_module.MAX_OPTIONS + 2)]
    with service.turn("a", tried[0]) as turn:
        first = weakref.ref(turn.analyzer)
    del turn
    for options in tried[1:]:
        with service.turn("a", options):
            pass
    gc.collect()
    assert first() is None
    assert [len(service.loaded(options)) for options in tried] == [0] + [1] * (len(tried) - 1)


@pytest.mark.parametrize("replicas", [1, 2, 16])
def test_sets_share_the_processors(replicas: int) -> None:
    """Several sets with an open number of threads get their share; the engine is named."""
    service = _service(replicas)
    given = RuntimeOptions(engine="opencv", threads=3, engine_options=(("winograd", False),))
    assert service.effective(given) == given
    share = max(1, round(usable_cpus(read_limits())) // replicas)
    expected = RuntimeOptions(engine=engine().name, threads=None if replicas == 1 else share)
    assert service.effective(DEFAULT) == expected


def test_the_environment_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pixel limit and the queue's settings come from the environment, or a sentence does."""
    monkeypatch.setenv("FACECORE_MAX_MEGAPIXELS", "1")
    monkeypatch.setenv("FACECORE_QUEUE", "3")
    service = FaceService.from_environment()
    assert (service.max_pixels, service.queue.settings.queue_limit) == (1_000_000, 3)
    monkeypatch.setenv("FACECORE_QUEUE", "three")
    with pytest.raises(SettingsError, match="FACECORE_QUEUE"):
        FaceService.from_environment()
    monkeypatch.delenv("FACECORE_QUEUE")
    monkeypatch.setenv("FACECORE_MODEL_SET", "nothing")
    with pytest.raises(SettingsError, match="no model set called nothing"):
        FaceService.from_environment()


@pytest.mark.slow
def test_answers_are_the_same_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight threads over two sets and three kinds of options hear, to the bit, what one alone does.

    Each photo is read alone first with each kind.
    """
    monkeypatch.setattr(service_module, "MAX_OPTIONS", 3)
    service = _service(replicas=2, concurrency=4)
    kinds = [
        DEFAULT,
        RuntimeOptions(threads=1, engine_options=(("optimised", False),)),
        RuntimeOptions(engine_options=(("winograd", False),)),
    ]
    photos = [sample.read() for sample in samples()[1:]]

    def rows(number: int) -> tuple[int, int, np.ndarray, bytes]:
        kind, photo = number % 3, number // 3 % len(photos)
        with service.turn(str(number % 5), kinds[kind]) as turn:
            opened = turn.analyzer.memory(photos[photo])
            analysis = turn.read(opened, SETTINGS, preview_side_px=SIDE_PX)
        return kind, photo, face_rows(analysis.faces), analysis.preview_jpeg or b""

    count = 3 * len(photos)
    alone = {(kind, photo): (faces, drawn) for kind, photo, faces, drawn in map(rows, range(count))}
    assert len({faces.tobytes() for faces, _ in alone.values()}) > len(photos)
    at_once = 0
    watching = threading.Event()

    def watch() -> None:
        nonlocal at_once
        while not watching.wait(0.001):
            at_once = max(at_once, service.queue.stats().running)

    with ThreadPoolExecutor(9) as pool:
        watcher = pool.submit(watch)
        answers = list(pool.map(rows, range(count)))
        watching.set()
        watcher.result()
    assert at_once == 4
    for kind, photo, faces, drawn in answers:
        expected_faces, expected_drawn = alone[kind, photo]
        np.testing.assert_array_equal(faces, expected_faces)
        assert drawn == expected_drawn
