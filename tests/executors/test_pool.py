"""Reading photos in worker processes: real ones, some of which are killed or stopped."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import cv2
import numpy as np
import psutil
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.errors import ModelError, SettingsError
from facecore.executors.forking import CAN_FORK
from facecore.executors.pool import PoolOptions, read_with_workers
from facecore.executors.process import Cancelled, WorkerAnswer, WorkerProcess
from facecore.imaging.decoding import decode_image, encode_jpeg
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.sources.photo import Photo
from tests.executors.conftest import SETTINGS, all_kinds, expect_each_once, grey_photos, photo_of

ONE_THREAD = RuntimeOptions(threads=1)
STUCK_S = 0.5
# Sixty faces in six views each take a worker far longer than all else here together.
SLOW_SETTINGS = AnalysisSettings(careful=True, input_size_px=600, max_side_px=None)


def _crowd(file: bytes) -> bytes:
    """Return a photo of many faces."""
    portrait = cv2.resize(decode_image(file), (110, 110), interpolation=cv2.INTER_AREA)
    return encode_jpeg(np.tile(portrait.astype(np.uint8), (6, 10, 1)))


def _workers() -> list[psutil.Process]:
    """Return this process's workers, however they are at this moment."""
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if child.status() != psutil.STATUS_ZOMBIE and "facecore.executors" in child.cmdline()
    ]


@pytest.fixture
def signalled(monkeypatch: pytest.MonkeyPatch) -> dict[bytes, list[signal.Signals]]:
    """Signals to send to a worker as soon as it has these bytes, one each time it has them.

    The time of one that was stopped is over soon, that of the others never.
    """
    signals: dict[bytes, list[signal.Signals]] = {}
    stuck: set[int] = set()
    ask, answer = WorkerProcess.ask, WorkerProcess.answer

    def ask_and_signal(worker: WorkerProcess, photo: bytes, settings: AnalysisSettings) -> None:
        ask(worker, photo, settings)
        if signals.get(photo):
            number = signals[photo].pop()
            os.kill(worker.pid, number)
            stuck.update([worker.pid] if number == signal.SIGSTOP else [])

    def answer_in_time(
        worker: WorkerProcess, *, timeout_s: float, cancelled: Callable[[], bool]
    ) -> WorkerAnswer:
        limit_s = STUCK_S if worker.pid in stuck else timeout_s
        return answer(worker, timeout_s=limit_s, cancelled=cancelled)

    monkeypatch.setattr(WorkerProcess, "ask", ask_and_signal)
    monkeypatch.setattr(WorkerProcess, "answer", answer_in_time)
    return signals


def _options(workers: int, **changes: float) -> PoolOptions:
    return PoolOptions(workers=workers, runtime=ONE_THREAD, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("workers", [0, -1, 65])
def test_number_of_workers_has_a_range(workers: int) -> None:
    """Neither none nor a crowd of processes is started."""
    with pytest.raises(SettingsError, match="number of workers must be from 1 to 64"):
        _options(workers)


@pytest.mark.parametrize("seconds", [0.5, -1, float("nan"), float("inf")])
def test_time_for_a_photo_has_a_range(seconds: float) -> None:
    """A photo has at least a second."""
    with pytest.raises(SettingsError, match="time for one photo"):
        _options(1, photo_timeout_s=seconds)


def test_nothing_to_read_starts_no_process() -> None:
    """Without photos there are no outcomes, and nobody waits for a worker."""
    outcomes = read_with_workers([], SETTINGS, _options(2))
    assert list(outcomes) == []
    assert _workers() == []


@pytest.mark.slow
def test_every_photo_has_one_outcome(analyzer: FaceAnalyzer, hopper_file: bytes) -> None:
    """Answers are those of this process, errors are told, and no process is left."""
    photos = [*all_kinds(hopper_file), photo_of("empty", b"")]
    outcomes = list(
        read_with_workers(photos, SETTINGS, PoolOptions(workers=2, runtime=RuntimeOptions()))
    )
    by_name = expect_each_once(outcomes, photos, analyzer)
    assert "empty" in by_name["empty"].error
    assert sum(outcome.analysis is not None for outcome in outcomes) == 9
    assert _workers() == []


@pytest.mark.slow
def test_worker_that_is_killed_costs_at_most_its_photo(
    hopper_file: bytes, signalled: dict[bytes, list[signal.Signals]]
) -> None:
    """A photo that ends its worker is tried again, then given up with the signal."""
    photos = [photo_of("killer", hopper_file), *grey_photos(6)]
    signalled[hopper_file] = [signal.SIGKILL] * 2
    signalled[photos[4].read()] = [signal.SIGKILL]
    outcomes = list(read_with_workers(photos, SETTINGS, _options(2)))
    assert not any(signalled.values())
    assert sorted(outcome.photo.name for outcome in outcomes) == sorted(p.name for p in photos)
    (killer,) = [outcome for outcome in outcomes if outcome.analysis is None]
    assert killer.photo.name == "killer"
    assert killer.error == (
        "A worker process ended (signal SIGKILL). It was tried twice: leave this photo out, or "
        "make it smaller."
    )
    assert _workers() == []


@pytest.mark.slow
def test_worker_that_takes_too_long_costs_at_most_its_photo(
    hopper_file: bytes, signalled: dict[bytes, list[signal.Signals]]
) -> None:
    """It is stopped, and the photo told of where that comes twice."""
    photos = [photo_of("slow", hopper_file), *grey_photos(4)]
    signalled[hopper_file] = [signal.SIGSTOP] * 2
    outcomes = list(read_with_workers(photos, SETTINGS, _options(2, photo_timeout_s=600)))
    errors = {outcome.photo.name: outcome.error for outcome in outcomes if outcome.error}
    assert list(errors) == ["slow"]
    assert f"did not answer within {STUCK_S} seconds" in errors["slow"]
    assert len(outcomes) == 5
    assert not any(signalled.values())
    assert _workers() == []


@pytest.mark.slow
def test_closing_ends_the_workers_at_once(hopper_file: bytes) -> None:
    """Whoever has enough leaves no process and no thread, also in the middle of a photo."""
    threads = threading.active_count()
    crowd = _crowd(hopper_file)
    photos = [*grey_photos(2), *[photo_of(str(n), crowd) for n in range(50)]]
    outcomes = read_with_workers(photos, SLOW_SETTINGS, _options(2))
    next(outcomes)
    assert len(_workers()) == (3 if CAN_FORK else 2)  # and what forks them
    outcomes.close()
    assert _workers() == []
    assert threading.active_count() == threads


@pytest.mark.slow
def test_closing_waits_for_no_photo_that_is_long_in_coming() -> None:
    """Who looks for photos is told to stop, as in a video of which nothing more is wanted."""
    stopping = threading.Event()

    def photos() -> Iterator[Photo]:
        yield Photo(name="gone.png", read=lambda: next(iter(())))
        stopping.wait()
        raise Cancelled

    outcomes = read_with_workers(photos(), SETTINGS, _options(2), stopping)
    assert next(outcomes).error
    outcomes.close()
    assert not _workers()


@pytest.mark.slow
def test_photos_wait_for_whoever_takes_the_outcomes() -> None:
    """While nobody takes outcomes, no more photos are read than there are places for them."""
    taken = []

    def photos() -> Iterator[Photo]:
        for photo in grey_photos(30):
            taken.append(photo.name)
            yield photo

    with closing(read_with_workers(photos(), SETTINGS, _options(2))) as outcomes:
        next(outcomes)
        while len(taken) < 5:
            time.sleep(0.05)
        time.sleep(1)
        # One taken, two waiting, and one or two in the hands of each worker.
        assert len(taken) <= 7


@pytest.mark.slow
def test_missing_networks_end_it_all(
    tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no worker can ever read, the error is raised, and no process is left."""
    monkeypatch.setenv("FACECORE_MODELS_DIR", os.path.join(tmp_path, "nothing"))  # noqa: PTH118
    with pytest.raises(ModelError, match="FACECORE_MODELS_DIR"):
        list(read_with_workers(grey_photos(3), SETTINGS, _options(1)))
    assert _workers() == []


@pytest.mark.slow
def test_trouble_while_looking_for_photos_is_raised() -> None:
    """An unexpected error of the search is not swallowed by a thread."""

    def photos() -> Iterator[Photo]:
        yield from grey_photos(1)
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        list(read_with_workers(photos(), SETTINGS, _options(1)))
    assert _workers() == []
