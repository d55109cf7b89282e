"""A process of its own that loads one engine and says what each pass cost, order by order.

It is started with an engine's name and a number of threads, and speaks lines of JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import psutil

from facecore import engines
from facecore.errors import FacecoreError, WorkerError
from facecore.executors import launch
from facecore.imaging.decoding import BgrImage, decode_image
from facecore.models.catalogue import network_spec
from facecore.models.detector import rows_from_output
from facecore.models.network import Network, blob_from_images
from facecore.settings import ProcessOptions, RuntimeOptions
from facecore.sources.samples import samples
from facecore.wording import Text

SIZES_WH = ((300, 300), (400, 225), (260, 347))
_BATCH = 10
_SURE = 0.2

ANSWER_TIMEOUT_S = 120.0
"""A process that has not answered by then is ended; a first start converts the networks."""

_ENDED = Text("The engine's process ended, or did not answer in time.")


class Probe:
    """The three networks of one engine, and the samples to run them on."""

    def __init__(self, name: str, threads: int) -> None:
        self._process = psutil.Process()
        chosen = engines.engine(name)
        before_bytes = self._process.memory_info().rss
        importlib.import_module(_module(name))
        imported = time.perf_counter()
        options = RuntimeOptions(engine=name, threads=threads)
        roles = ("detector", "gender", "age")
        self._networks = [Network(network_spec(role), options) for role in roles]
        loaded = time.perf_counter()
        self._images = [decode_image(photo.read()) for photo in samples()]
        self._faces = [self._images[1][10:250, 105:345], self._images[2][30:430, 65:465]]
        ready = time.perf_counter()
        self.run("detector", 1)
        self.run("face", 1)
        self.facts = {
            "version": chosen.facts(options).version,
            "load_ms": (loaded - imported) * 1e3,
            "first_ms": (time.perf_counter() - ready) * 1e3,
            "rss_mb": (self._process.memory_info().rss - before_bytes) / 1e6,
            "model_mb": sum(network.model_bytes for network in self._networks) / 1e6,
        }

    def run(self, what: str, count: int) -> dict[str, float]:
        """Return how long a detector pass took, or gender and age of ``count`` faces."""
        detector, gender, age = self._networks
        used = [detector] if what == "detector" else [gender, age]
        images = self._images[:1] if what == "detector" else (self._faces * count)[:count]
        blob = blob_from_images(images, used[0].spec)
        started, cpu_started = time.perf_counter(), time.process_time()
        for network in used:
            network.run(blob)
        return {
            "ms": (time.perf_counter() - started) * 1e3,
            "cpu_ms": (time.process_time() - cpu_started) * 1e3,
        }

    def answers(self, count: int, seed: int, boxes: bool) -> dict[str, Any]:
        """Return probabilities of ``count`` crops of the samples' faces, and boxes if asked for."""
        detector, gender, age = self._networks
        crops = _crops(self._faces, count, seed)
        blobs = [blob_from_images(crops[n : n + _BATCH], gender.spec) for n in range(0, count, 10)]
        return {
            "gender": np.concatenate([_first(gender, blob) for blob in blobs]).tolist(),
            "age": np.concatenate([_first(age, blob) for blob in blobs]).tolist(),
            "boxes": [
                _boxes(detector, image, size_wh)
                for image in (self._images if boxes else ())
                for size_wh in SIZES_WH
            ],
        }


def _first(network: Network, blob: Any) -> Any:
    return network.run(blob)[0]


def _boxes(detector: Network, image: BgrImage, size_wh: tuple[int, int]) -> list[list[float]]:
    rows = rows_from_output(_first(detector, blob_from_images([image], detector.spec, size_wh)))
    sure = rows[rows[:, 0] >= _SURE, 1:]
    boxes: list[list[float]] = (sure * (*size_wh, *size_wh)).tolist()
    return boxes


def _crops(faces: Sequence[BgrImage], count: int, seed: int) -> list[BgrImage]:
    """Return crops of these faces, each from another place and as bright as no other."""
    rng = np.random.default_rng(seed)
    crops = []
    for number in range(count):
        face = faces[number % len(faces)]
        side = len(face)
        x0, y0 = rng.integers(0, side // 5, 2)
        length = int(rng.integers(side * 7 // 10, side * 4 // 5))
        crop = face[y0 : y0 + length, x0 : x0 + length].astype(np.float32)
        bright = np.clip(crop * rng.uniform(0.6, 1.4), 0, 255).astype(np.uint8)
        crops.append(np.ascontiguousarray(bright[:, ::-1] if rng.integers(2) else bright))
    return crops


def _module(name: str) -> str:
    """Return what of an engine is imported before it can load anything."""
    chosen = engines.engine(name)
    return str(getattr(chosen, "module", "") or getattr(chosen, "package", "cv2"))


_IMPORT = """
import importlib, os, sys, time
answers = os.dup(1)
os.dup2(2, 1)  # it may write there what it likes
started = time.perf_counter()
importlib.import_module(sys.argv[1])
os.write(answers, str((time.perf_counter() - started) * 1e3).encode())
"""


@contextmanager
def _starting() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WorkerError(
            "No process can be started ({reason}): try again.", reason=error.strerror
        ) from error
    except subprocess.TimeoutExpired:
        raise WorkerError(_ENDED) from None


def import_ms(name: str) -> float:
    """Return how long it takes to import an engine where nothing is imported yet.

    Raises:
        WorkerError: it cannot be imported.
    """
    command = [sys.executable, "-P", "-c", _IMPORT, _module(name)]
    with _starting():
        done = subprocess.run(command, capture_output=True, timeout=ANSWER_TIMEOUT_S, check=False)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise WorkerError(
            "It cannot be imported: {reason}.", reason=lines[-1] if lines else done.returncode
        )
    return float(done.stdout)


class EngineProcess:
    """A process with one engine; whatever goes wrong with it is a WorkerError."""

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        module = "facecore.experiment.engine_probe"
        with _starting():
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, name, str(threads)],
                env=launch.environment(ProcessOptions()),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
            )
        self.facts = self._answer()

    def ask(self, **order: Any) -> dict[str, Any]:
        """Return the answer to `Probe.run` or `Probe.answers` with these arguments.

        Raises:
            WorkerError: the process ended.
        """
        try:
            print(json.dumps(order), file=self._process.stdin, flush=True)
        except (OSError, ValueError) as error:  # a pipe without a reader, or closed by us
            raise WorkerError("The engine's process ended.") from error
        return self._answer()

    def stop(self) -> None:
        """End the process at once; more than once does no harm."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _answer(self) -> dict[str, Any]:
        # Whoever measures looks for Stop between answers, so none may be waited for without end.
        clock = threading.Timer(ANSWER_TIMEOUT_S, self._process.kill)
        clock.start()
        try:
            line = self._process.stdout.readline() if self._process.stdout else ""
        finally:
            clock.cancel()
        is_whole = line.endswith("\n")
        answer: dict[str, Any] = json.loads(line) if is_whole else {"error": _ENDED}
        if "error" in answer:
            self.stop()
            raise WorkerError(str(answer["error"]))
        return answer


def main(name: str, threads: int) -> None:
    """Load the engine, then answer each line of the input with one of the output."""
    # An engine may write there what it likes; the answers go where it cannot.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(answer: dict[str, Any]) -> None:
        print(json.dumps(answer), file=answers, flush=True)

    try:
        probe = Probe(name, threads)
    except FacecoreError as error:
        say({"error": str(error)})
        return
    say(probe.facts)
    for line in sys.stdin:
        order = json.loads(line)
        say(probe.answers(**order) if "seed" in order else probe.run(**order))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
