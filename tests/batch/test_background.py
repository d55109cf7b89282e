"""A batch in a thread: watched, stopped, gone on with, and never in anybody's way."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Generator, Iterable
from pathlib import Path

import numpy as np
import pytest

from facecore.batch.background import BackgroundBatch, ClusterBatch
from facecore.errors import BusyError, ImageError, ModelError
from facecore.executors.cluster import ClusterProgress
from facecore.executors.reading import Outcome
from facecore.export import PhotoRow
from facecore.imaging.decoding import decode_image
from facecore.results import Analysis
from facecore.sources.photo import Photo
from facecore.video.frames import FrameReader
from facecore.video.sampling import Sampling
from tests.batch.conftest import analysis
from tests.video.clips import write_clip

TIMEOUT_S = 30


def _photos(count: int) -> list[Photo]:
    return [Photo(name=f"{n:03}.jpg", read=lambda: b"photo") for n in range(count)]


class Reader:
    """Reads photos when it is let; a real batch reads them with the networks of a page."""

    def __init__(self) -> None:
        self.may_read = threading.Semaphore(0)
        self.names: list[str] = []
        self.threads: set[threading.Thread] = set()

    def __call__(self, photo: Photo, check: Callable[[object], None]) -> Analysis:
        """Read once there is leave, and note who did."""
        assert self.may_read.acquire(timeout=TIMEOUT_S)
        self.threads.add(threading.current_thread())
        self.names.append(photo.name)
        return analysis(faces=2)


def _names(batch: BackgroundBatch) -> list[str]:
    return [photo.name for photo in batch.answers.listed()]


def _state(batch: BackgroundBatch) -> str:
    return batch.state


def test_no_photo_is_complete_at_once() -> None:
    """A batch of nothing ends as soon as it begins."""
    batch = BackgroundBatch([], Reader())
    assert _state(batch) == "new"
    batch.start()
    assert batch.wait(TIMEOUT_S)
    assert (_state(batch), len(batch.answers)) == ("complete", 0)


def test_batch_goes_on_while_it_is_watched() -> None:
    """Photos are done one after the other, in a thread of their own, and progress tells."""
    reader = Reader()
    batch = BackgroundBatch(_photos(3), reader)
    batch.start()
    assert _state(batch) == "running"
    assert len(batch.answers) == 0
    reader.may_read.release(3)
    assert batch.wait(TIMEOUT_S)
    assert (_state(batch), len(batch.answers)) == ("complete", 3)
    assert batch.done_now == 3
    assert batch.elapsed_s == batch.elapsed_s >= 0
    assert _names(batch) == ["000.jpg", "001.jpg", "002.jpg"]
    assert reader.threads != {threading.current_thread()}
    assert len(reader.threads) == 1


def test_stopped_batch_keeps_what_is_done_and_goes_on() -> None:
    """Stopping is at once for whoever asks; the photo under way is finished and kept."""
    reader = Reader()
    batch = BackgroundBatch(_photos(5), reader)
    batch.start()
    reader.may_read.release()
    while not reader.names:
        pass
    batch.stop()
    assert _state(batch) == "stopping"
    batch.start()  # nothing, as it is still stopping
    reader.may_read.release()
    assert batch.wait(TIMEOUT_S)
    done = len(batch.answers)
    assert (_state(batch), done) == ("stopped", len(reader.names))
    assert done <= 2
    batch.start()
    reader.may_read.release(5)
    assert batch.wait(TIMEOUT_S)
    assert _state(batch) == "complete"
    assert batch.done_now == 5 - done
    assert reader.names == _names(batch) == [f"{n:03}.jpg" for n in range(5)]


def test_paused_batch_says_so() -> None:
    """A pause is told from a stop, and stopping twice changes nothing."""
    reader = Reader()
    batch = BackgroundBatch(_photos(2), reader)
    batch.pause()
    assert _state(batch) == "new"
    batch.start()
    batch.pause()
    batch.stop()
    reader.may_read.release()
    assert batch.wait(TIMEOUT_S)
    assert _state(batch) == "paused"


def test_complete_batch_stays_so() -> None:
    """Neither stopping nor starting changes a batch that is complete."""
    reader = Reader()
    reader.may_read.release(9)
    batch = BackgroundBatch(_photos(1), reader)
    batch.start()
    assert batch.wait(TIMEOUT_S)
    batch.stop()
    batch.start()
    assert _state(batch) == "complete"
    assert reader.names == ["000.jpg"]


def test_photo_that_cannot_be_read_costs_only_itself() -> None:
    """An error of one photo is its row, expected or not."""

    def read(photo: Photo, check: Callable[[object], None]) -> Analysis:
        if photo.name == "001.jpg":
            raise ImageError("It is broken.")
        if photo.name == "002.jpg":
            raise KeyError("unexpected")
        return analysis()

    batch = BackgroundBatch(_photos(4), read)
    batch.start()
    assert batch.wait(TIMEOUT_S)
    errors = [photo.error for photo in batch.answers.listed()]
    assert errors[:2] == ["", "It is broken."]
    assert "Something unexpected" in errors[2]
    assert errors[3] == ""
    assert _state(batch) == "complete"


def test_networks_that_are_missing_end_it() -> None:
    """Where no photo can ever be read, the batch says why, and can be tried again."""
    broken = True

    def read(photo: Photo, check: Callable[[object], None]) -> Analysis:
        if broken and photo.name == "001.jpg":
            raise ModelError("A file is missing: put it back.")
        return analysis()

    batch = BackgroundBatch(_photos(3), read)
    batch.start()
    assert batch.wait(TIMEOUT_S)
    assert (_state(batch), len(batch.answers)) == ("failed", 1)
    assert batch.error == "A file is missing: put it back."
    broken = False
    batch.start()
    assert batch.wait(TIMEOUT_S)
    assert (_state(batch), batch.error) == ("complete", "")


def test_busy_server_costs_no_photo() -> None:
    """A photo that finds no turn is tried again until it has one."""
    refused = 0

    def read(photo: Photo, check: Callable[[object], None]) -> Analysis:
        nonlocal refused
        if refused < 3:
            refused += 1
            raise BusyError("Try again.", retry_after_s=0)
        return analysis()

    batch = BackgroundBatch(_photos(2), read)
    batch.start()
    assert batch.wait(TIMEOUT_S)
    assert [photo.error for photo in batch.answers.listed()] == ["", ""]
    assert refused == 3


@pytest.mark.parametrize("waits", ["for its turn", "for the server"])
def test_batch_that_waits_stops_at_once(waits: str) -> None:
    """A photo that waits when the batch is stopped is given up, and is not in the answers."""
    waiting = threading.Event()

    def read(photo: Photo, check: Callable[[object], None]) -> Analysis:
        waiting.set()
        if waits == "for the server":
            raise BusyError("Try again.", retry_after_s=60)
        while True:
            check(None)

    batch = BackgroundBatch(_photos(2), read)
    batch.start()
    assert waiting.wait(TIMEOUT_S)
    batch.stop()
    assert batch.wait(TIMEOUT_S)
    assert (_state(batch), len(batch.answers)) == ("stopped", 0)


@pytest.mark.slow
def test_a_stopped_video_goes_on_with_its_next_frame(tmp_path: Path) -> None:
    """Its frames join the photos when they are taken; each is read once, and can be opened anew."""
    clip = write_clip(tmp_path / "clip.webm", frames=20, fps=10).read_bytes()
    given = [Photo(name="clip.webm", read=lambda: clip, is_video=True), *_photos(1)]
    reader = Reader()
    frames = FrameReader(sampling=Sampling.parse("2/s"))
    batch = BackgroundBatch(given, reader, frames=frames)
    batch.start()
    reader.may_read.release(2)
    while len(reader.names) < 2:
        pass
    batch.stop()
    assert batch.wait(TIMEOUT_S)
    assert (_state(batch), batch.total) == ("stopped", None)
    assert 0 < batch.share < 0.5
    reader.may_read.release(10)
    batch.start()
    assert batch.wait(TIMEOUT_S)
    expected = [f"clip.webm#t={time_s:.3f}" for time_s in (0, 0.5, 1, 1.5)] + ["000.jpg"]
    assert _names(batch) == [photo.name for photo in batch.photos] == expected
    assert (_state(batch), batch.total, batch.share) == ("complete", 5, 1)
    assert len(reader.names) == len(set(reader.names)) == 5
    again = decode_image(batch.photos[3].read())
    ((photo, row),) = batch.pairs(3, 1)
    assert (photo.name, row.path) == (expected[3], expected[3])
    assert np.array_equal(decode_image(photo.read()), again)
    ((film,), row) = batch.films(), batch.row(2)
    assert [moment.time_s for moment in film.moments] == [0, 0.5, 1, 1.5]
    assert isinstance(row, PhotoRow)
    assert [face.track for face in row.faces] == list(film.moments[2].tracks)


@pytest.mark.slow
def test_frames_that_a_cluster_read_out_of_turn_wait_without_their_pixels(tmp_path: Path) -> None:
    """While the first is read, others pile up: their answers alone."""
    clip = write_clip(tmp_path / "clip.webm", frames=20, fps=10).read_bytes()
    held: list[object] = []

    def read(
        photos: Iterable[Photo], _: ClusterProgress, check: Callable[[], None]
    ) -> Generator[Outcome, None, None]:
        first, *others = iter(photos)
        pixels = [weakref.ref(photo.read) for photo in others]
        while others:
            yield Outcome(photo=others.pop(), analysis=analysis(faces=1))
        held.extend(one() for one in pixels)
        yield Outcome(photo=first, analysis=analysis(faces=1))

    batch = ClusterBatch(
        [Photo(name="clip.webm", read=lambda: clip, is_video=True)],
        read,
        frames=FrameReader(sampling=Sampling.parse("2/s")),
    )
    batch.start()
    assert batch.wait(TIMEOUT_S)
    assert (_state(batch), len(batch.answers)) == ("complete", 4)
    # The last one that came may still be in somebody's hand.
    assert held[1:] == [None, None]
