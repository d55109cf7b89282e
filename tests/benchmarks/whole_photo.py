"""One 1080p photo with five faces: each engine here against the article's own way.

``python -m tests.benchmarks.whole_photo [--rounds N --threads N --preview PX]`` reads the same
JPEG bytes with all of them in turn, from decoding to the encoded, drawn answer, and prints
medians of CPU time, the median of the ratios within a round, where the time goes, and how far
the networks are from the most that this processor computes. CPU time, as it differs least where
others use the machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from unittest import mock

import cv2
import numpy as np

from facecore import engines
from facecore.analysis import analyzer
from facecore.analysis.analyzer import FaceAnalyzer
from facecore.imaging.decoding import BgrImage, decode_image, encode_jpeg
from facecore.models.catalogue import network_specs
from facecore.models.files import locate
from facecore.results import AGE_GROUPS, GENDERS, Analysis
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.sources.samples import samples

FACES = 5

_WARM_UP_ROUNDS = 2
_ARTICLE = "article"
_STAGES = ("decode", "resize", "detect", "classify", "annotate", "encode")
_MATRIX_PRODUCT = """
import time
import numpy as np
a = np.random.default_rng(0).random((1024, 1024), dtype=np.float32)
times = []
for _ in range(20):
    started = time.process_time()
    a @ a
    times.append(time.process_time() - started)
print(2 * 1024**3 / min(times) / 1e9)
"""
_ATTRIBUTE_MEAN = (78.4263377603, 87.7689143744, 114.895847746)


class ArticleService:
    """The article's code path: cap at 800, detect, then two passes per face on the capped copy."""

    def __init__(self) -> None:
        self.faces = 0
        self.detector, self.gender, self.age = (
            cv2.dnn.readNetFromCaffe(
                str(locate(spec.file("architecture"))[0]), str(locate(spec.file("weights"))[0])
            )
            for spec in network_specs()
        )

    def read(self, data: bytes) -> BgrImage:
        """Decode, detect, classify face by face, draw on the capped copy."""
        photo = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert photo is not None
        height, width = photo.shape[:2]
        scale = min(1.0, 800 / max(height, width))
        size = (int(width * scale), int(height * scale))
        photo = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        self.detector.setInput(cv2.dnn.blobFromImage(photo, 1.0, (300, 300), (104, 177, 123)))
        self.faces = 0
        for row in self.detector.forward()[0, 0]:
            if row[2] > 0.7:
                self.faces += 1
                self._face(photo, (row[3:7] * (*size, *size)).astype(int))
        return photo.astype(np.uint8, copy=False)

    def _face(self, photo: cv2.typing.MatLike, box: np.ndarray) -> None:
        x0, y0 = (int(edge) for edge in np.maximum(box[:2], 0))
        x1, y1 = int(box[2]), int(box[3])
        crop = photo[y0:y1, x0:x1]
        answers = []
        for net, labels in ((self.gender, GENDERS), (self.age, AGE_GROUPS)):
            net.setInput(cv2.dnn.blobFromImage(crop, 1.0, (227, 227), _ATTRIBUTE_MEAN))
            answers.append(labels[int(net.forward()[0].argmax())])
        cv2.rectangle(photo, (x0, y0), (x1, y1), (0, 255, 0), 2)
        label = ", ".join(answers)
        cv2.putText(photo, label, (x0, y0 - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 255, 0), 2)


def five_faces_1080p() -> bytes:
    """Compose a 1920×1080 JPEG with five faces from the sample portraits."""
    canvas = np.full((1080, 1920, 3), 90, dtype=np.uint8)
    collins, hopper = (decode_image(sample.read()) for sample in samples()[2:])
    portraits = (collins[10:250, 105:345], hopper[30:430, 65:465])
    for place in range(5):
        portrait = cv2.resize(portraits[place % 2], (480, 500), interpolation=cv2.INTER_LINEAR)
        x, y = 60 + 620 * (place % 3), 30 + 530 * (place // 3)
        canvas[y : y + 500, x : x + 480] = portrait
    return encode_jpeg(canvas, 92)


def run_time_ms(read: Callable[[], object]) -> float:
    """Return the CPU time of one call, of all threads, in ms."""
    started = time.process_time()
    read()
    return (time.process_time() - started) * 1e3


def peak_gflops() -> float:
    """Return what one thread of numpy's matrix product computes in a second, GFLOP."""
    # The number of its threads is read when it is imported.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", _MATRIX_PRODUCT]
    product = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return float(product.stdout)


class Ours:
    """This project on one engine, with the CPU time of each stage of all readings."""

    def __init__(self, engine: str, threads: int, side_px: int) -> None:
        self.analyzer = FaceAnalyzer.load(RuntimeOptions(engine=engine, threads=threads))
        self.side_px = side_px
        self.readings: list[Analysis] = []
        detector, *others = (network.profile().gflops for network in self.analyzer.networks)
        self.gflop = detector + FACES * sum(others)

    def read(self, data: bytes) -> None:
        """Read as a page does: everything anew, the drawn copy as a JPEG."""
        memory = self.analyzer.memory(data)
        # The stages are timed by the wall clock else.
        with mock.patch.object(analyzer, "time", SimpleNamespace(perf_counter=time.process_time)):
            settings = AnalysisSettings()
            reading = self.analyzer.read(memory, settings, preview_side_px=self.side_px)
        assert len(reading.faces) == FACES, "another number of faces"
        self.readings.append(reading)

    def stage_ms(self, stage: str) -> float:
        """Return the median of a stage's CPU time over the rounds that count."""
        counted = self.readings[_WARM_UP_ROUNDS:]
        return float(statistics.median(getattr(one.timings, f"{stage}_ms") for one in counted))


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--preview", type=int, default=1400, help="pixels; 1400 is a page's")
    options = parser.parse_args()
    rounds, threads = options.rounds, options.threads
    data, article = five_faces_1080p(), ArticleService()
    ours = {
        one.name: Ours(one.name, threads, options.preview)
        for one in engines.engines()
        if one.available()
    }
    cv2.setNumThreads(threads)
    ways: dict[str, Callable[[], object]] = {
        name: partial(way.read, data) for name, way in ours.items()
    }
    ways[_ARTICLE] = lambda: encode_jpeg(article.read(data))
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + _WARM_UP_ROUNDS):
        # The order changes from round to round, so that none always goes first.
        for name in list(ways) if number % 2 else reversed(ways):
            times[name].append(run_time_ms(ways[name]))
    assert article.faces == FACES, "another number of faces"
    peak = peak_gflops()
    base = times[_ARTICLE][_WARM_UP_ROUNDS:]
    print(f"peak {peak:.0f} GFLOP/s a thread; article {statistics.median(base):.0f} ms")
    print("engine       CPU ms  ratio ", *(f"{stage:>8}" for stage in _STAGES), " % of peak")
    for name, way in ours.items():
        counted = times[name][_WARM_UP_ROUNDS:]
        ratio = statistics.median(mine / theirs for mine, theirs in zip(counted, base, strict=True))
        networks_s = (way.stage_ms("detect") + way.stage_ms("classify")) / 1e3
        print(
            f"{name:12} {statistics.median(counted):6.0f} {ratio:6.3f} ",
            *(f"{way.stage_ms(stage):8.1f}" for stage in _STAGES),
            f"{way.gflop / networks_s / peak:10.0%}",
        )


if __name__ == "__main__":
    main()
