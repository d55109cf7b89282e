"""What forked workers cost and answer, beside workers that are programs of their own.

``python -m tests.limits.workers --engine opencv --threads 1`` starts four of each kind and tells
the memory of one more, has 500 photos of FOLDER read by one of each kind and compares all digits,
and starts 200 by forking, of which every second is killed over a photo. It prints a line of JSON,
and exits with 1 where something is not as it must be; 2 where this engine cannot be forked.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import cv2
import numpy as np
import psutil

from facecore.errors import WorkerDiedError, WorkerError
from facecore.executors.forking import Starter
from facecore.executors.process import WorkerProcess
from facecore.imaging.decoding import decode_image, encode_jpeg
from facecore.results import Face
from facecore.settings import DEFAULT_MAX_PIXELS, AnalysisSettings, RuntimeOptions
from facecore.sources.folders import find_photos
from facecore.sources.samples import samples
from tests.conftest import REPOSITORY

SETTINGS = AnalysisSettings()
_WELL_WITHIN_S = 60.0


@contextmanager
def starter(options: RuntimeOptions, *, forks: bool) -> Iterator[Starter]:
    """Give what starts workers of one kind, and end it."""
    made = Starter(options, max_pixels=DEFAULT_MAX_PIXELS, cancelled=lambda: False, forks=forks)
    try:
        yield made
    finally:
        made.stop()


def memory_of_one_more(start: Starter, photos: Sequence[bytes], workers: int) -> float:
    """Return by how many bytes each worker after the first lets proportional memory grow."""
    with ExitStack() as stack:
        totals = []
        for _ in range(workers):
            worker = stack.enter_context(start.worker())
            for photo in photos:
                faces_of(worker, photo)
            totals.append(_proportional_bytes())
    return (totals[-1] - totals[0]) / (workers - 1)


def faces_of(worker: WorkerProcess, photo: bytes) -> tuple[Face, ...] | str:
    """Return what a worker finds in a photo, or what is wrong with that."""
    try:
        worker.ask(photo, SETTINGS)
        return worker.answer(timeout_s=_WELL_WITHIN_S).analysis.faces
    except WorkerError:
        raise
    except Exception as error:  # noqa: BLE001 - compared like an answer
        return str(error)


def different_answers(one: Starter, other: Starter, photos: Iterator[bytes]) -> tuple[int, int]:
    """Have photos read by a worker of each; return the faces, and the answers that differ."""
    faces = different = 0
    with one.worker() as first, other.worker() as second:
        for photo in photos:
            answer = faces_of(first, photo)
            faces += len(answer) if isinstance(answer, tuple) else 0
            different += answer != faces_of(second, photo)
    return faces, different


def gone_wrong(start: Starter, photo: bytes, starts: int) -> int:
    """Start workers, kill every second over the photo; return how many went wrong."""
    wrong = 0
    for number in range(starts):
        is_killed = number % 2 == 1
        with start.worker() as worker:
            worker.ask(photo, SETTINGS)
            if is_killed:
                os.kill(worker.pid, signal.SIGKILL)
            try:
                worker.answer(timeout_s=_WELL_WITHIN_S)
                wrong += is_killed
            except WorkerDiedError as error:
                wrong += not is_killed or "SIGKILL" not in str(error)
            except WorkerError:
                wrong += 1
        wrong += psutil.pid_exists(worker.pid)
    return wrong


def _proportional_bytes() -> float:
    rollups = (
        Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii")
        for process in psutil.Process().children(recursive=True)
    )
    return sum(1024 * float(text.split("\nPss:")[1].split()[0]) for text in rollups)


def _variants(folder: Path) -> Iterator[bytes]:
    """Give the photos of a folder, then all mirrored, then enlarged, then side by side."""
    files = [photo.read() for photo in find_photos([folder]) if not photo.passed_over]
    yield from files
    changes: list[Callable[[cv2.typing.MatLike], cv2.typing.MatLike]] = [
        lambda image: cv2.flip(image, 1),
        lambda image: cv2.resize(image, None, fx=1.3, fy=1.3),
        lambda image: np.tile(image, (1, 2, 1)),
    ]
    for change, file in itertools.product(changes, files):
        yield encode_jpeg(np.asarray(change(decode_image(file)), np.uint8))


def main() -> int:
    """Measure, print a line of JSON, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--engine")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--folder", type=Path, default=REPOSITORY.parent / "shared/data/fairface")
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--starts", type=int, default=200)
    given = parser.parse_args()
    options = RuntimeOptions(engine=given.engine, threads=given.threads)
    few = [photo.read() for photo in samples()]
    with starter(options, forks=True) as start, starter(options, forks=False) as programs:
        with start.worker(), start.worker():
            pass
        if not start.is_forking:
            print(json.dumps({"engine": given.engine, "threads": given.threads, "forks": False}))
            return 2
        forked, plain = (memory_of_one_more(one, few, given.workers) for one in (start, programs))
        photos = itertools.islice(_variants(given.folder), given.photos)
        faces, different = different_answers(start, programs, photos)
        wrong = gone_wrong(start, few[-1], given.starts)
    report = {
        "engine": given.engine,
        "threads": given.threads,
        "forks": True,
        "one_more_forked_mb": round(forked / 1e6),
        "one_more_plain_mb": round(plain / 1e6),
        "photos": given.photos,
        "faces": faces,
        "different_answers": different,
        "starts": given.starts,
        "went_wrong": wrong,
    }
    print(json.dumps(report))
    return int(forked > plain / 2 or different > 0 or wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
