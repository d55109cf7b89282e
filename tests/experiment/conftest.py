"""Experiments for the tests: one made by hand, and a real one measured once for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import cv2
import numpy as np
import psutil
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.engines.facts import EngineFacts
from facecore.executors.messages import WorkerFacts
from facecore.experiment.claims import cpu_feature_levels_here
from facecore.experiment.environment import Environment
from facecore.experiment.record import (
    Experiment,
    Failure,
    PhotoFacts,
    Plan,
    Trial,
)
from facecore.experiment.runner import Progress, run_experiment
from facecore.experiment.variants import Variant
from facecore.imaging.decoding import encode_png
from facecore.results import (
    AgeGroupPrediction,
    Box,
    Detection,
    Face,
    GenderPrediction,
    StageTimings,
)
from facecore.settings import AnalysisSettings, ProcessOptions, RuntimeOptions
from facecore.wording import Text
from tests.conftest import SAMPLES

THROTTLE_MS = 150.0
REPEATS = 3
PIXEL_LIMIT = 1_000_000
WAIT_S = 30
"""How long a test waits for something that must come; only a failure takes so long."""


def read_samples() -> dict[str, bytes]:
    """Return both portraits by the names of their files."""
    return {name: (SAMPLES / name).read_bytes() for name in ("astronaut.png", "grace_hopper.jpg")}


def two_variants() -> tuple[Variant, Variant]:
    """Return two variants that measure the same."""
    return Variant(name="once"), Variant(name="again")


def worker_processes(parent: psutil.Process | None = None) -> list[psutil.Process]:
    """Return the worker processes of a process (default: this one), the first started in front."""
    children = (parent or psutil.Process()).children(recursive=True)
    found = []
    for child in sorted(children, key=lambda one: one.create_time()):
        try:
            if "facecore.executors" in child.cmdline():
                found.append(child)
        except psutil.Error:
            continue  # it ended meanwhile
    return found


def wait_until(is_so: Callable[[], bool]) -> bool:
    """Wait until something is so; False where it never came to be."""
    deadline = time.monotonic() + WAIT_S
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, fetched by its parent or not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def made_trial(variant: int, photo: str, repeat: int, total_ms: float = 40.0) -> Trial:
    """Make a trial of that time, of which 25 ms are the detector's and the rest is decoding."""
    return Trial(
        variant=variant,
        photo=photo,
        repeat=repeat,
        started_s=repeat + 0.125 * variant,
        timings=StageTimings(decode_ms=total_ms - 25, detect_ms=25.0, total_ms=total_ms),
        cpu_time_s=total_ms / 500,
        cycle_time_s=total_ms / 1e3,
        cycle_cpu_s=total_ms / 500,
        rss_after_bytes=300_000_000,
        peak_rss_bytes=310_000_000 + variant,
        faces=1,
    )


def made_face() -> Face:
    """Make a face whose numbers all differ."""
    return Face(
        Detection(Box(10, 20, 60, 90), 0.875),
        {
            "gender": GenderPrediction((0.25, 0.75)),
            "age_group": AgeGroupPrediction(
                (0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.0078125)
            ),
        },
    )


def made_worker(threads: int = 2) -> WorkerFacts:
    """Make what a worker with so many threads says of itself."""
    return WorkerFacts(
        engine=EngineFacts(
            version="4.14.0",
            threads=threads,
            cpus_seen=2,
            optimised=True,
            parallel_framework="pthreads",
            name="opencv",
            cpu_features=("SSE4.2", "AVX2"),
            usable_targets=("CPU",),
        ),
        cores=1,
        load_time_ms=420.5,
        load_rss_delta_bytes=300_000_000,
        start_up_time_ms=600.25,
    )


def made_environment() -> Environment:
    """Make a machine with two processors and no container."""
    return Environment(
        processor="Processor of the tests",
        cores=2,
        cpu_quota=None,
        memory_bytes=8_000_000_000,
        system="Linux 6 x86_64",
        python="3.11.0",
        packages={"numpy": "2.4.0"},
        opencv_build="General configuration\n  Version control: 4.14.0\n",
        model_sha256={"age_net.caffemodel": "6d" * 32},
    )


MadeExperiment = Callable[..., Experiment]


@pytest.fixture(scope="session")
def made() -> MadeExperiment:
    """Make an experiment by hand: two variants, two photos, three repeats; any field by name."""

    def make(**changes: object) -> Experiment:
        variants = (
            Variant(name="basis", options=RuntimeOptions(engine="opencv")),
            Variant(
                name="schnell é",
                options=RuntimeOptions(
                    engine="opencv", threads=1, engine_options=(("fusion", False),)
                ),
                process=ProcessOptions(cores=1, cpu_features_off=("AVX2",), min_interval_ms=0.5),
            ),
        )
        names = ("a.jpg", "b.jpg")
        face = made_face()
        values: dict[str, object] = {
            "plan": Plan(variants=variants, repeats=3, budget_s=60.0, seed=7),
            "started_at": datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC),
            "environment": made_environment(),
            "photos": tuple(
                PhotoFacts(name=name, sha256="ab" * 32, file_bytes=1234, size_wh=(640, 480))
                for name in names
            ),
            "workers": (made_worker(), made_worker(threads=1)),
            "trials": tuple(
                made_trial(variant, name, repeat, 40.0 - 10 * variant + repeat)
                for repeat in range(3)
                for name in names
                for variant in range(2)
            ),
            "answers": ({"a.jpg": (face,), "b.jpg": ()}, {"a.jpg": (face,), "b.jpg": (face,)}),
            "failures": (Failure(variant=1, photo=None, message=Text("It ended.")),),
            "measured_s": 3.5,
            "other_load_percent": 4.5,
            "stopped": False,
        }
        return Experiment(**(values | changes))  # type: ignore[arg-type]

    return make


@dataclass(frozen=True)
class EngineState:
    """OpenCV's switches of this process, and its answers for the photos of the experiment."""

    threads: int
    optimised: bool
    faces: Mapping[str, tuple[Face, ...]]


class Measured(NamedTuple):
    """A real experiment with all that was seen of it from outside."""

    experiment: Experiment
    progress: tuple[Progress, ...]
    states: tuple[EngineState, ...]


@pytest.fixture(scope="session")
def broken_photo() -> bytes:
    """A PNG that ends too early."""
    return read_samples()["astronaut.png"][:4000]


@pytest.fixture(scope="session")
def small_photo() -> bytes:
    """A plain PNG that is read faster than any other."""
    return encode_png(np.full((64, 64, 3), 90, np.uint8))


@pytest.fixture(scope="session")
def large_photo() -> bytes:
    """A plain PNG of few bytes with more pixels than `PIXEL_LIMIT`."""
    return encode_png(np.zeros((1001, 1000, 3), np.uint8))


@pytest.fixture(scope="session")
def measured(analyzer: FaceAnalyzer, broken_photo: bytes, large_photo: bytes) -> Measured:
    """Measure three very different variants; two photos can be read, and two cannot.

    Meanwhile another thread of this process goes on reading with its own networks.
    """
    readable = read_samples()
    photos = {"broken.png": broken_photo, **readable, "large.png": large_photo}
    off = next(iter(cpu_feature_levels_here().values()), ())
    plan = Plan(
        variants=(
            Variant(
                name="one thread",
                options=RuntimeOptions(
                    engine="opencv", threads=1, engine_options=(("optimised", False),)
                ),
            ),
            Variant(
                name="two threads",
                options=RuntimeOptions(engine="opencv", threads=2),
                process=ProcessOptions(min_interval_ms=THROTTLE_MS),
            ),
            Variant(
                name="older",
                settings=AnalysisSettings(confidence=1.0),
                options=RuntimeOptions(engine="opencv", engine_options=(("winograd", False),)),
                process=ProcessOptions(cores=1, cpu_features_off=off),
            ),
        ),
        repeats=REPEATS,
        warm_up=2,
        seed=5,
    )
    seen: list[Progress] = []
    states: list[EngineState] = []

    def look() -> None:
        faces = {name: analyzer.analyze(data).faces for name, data in readable.items()}
        states.append(EngineState(cv2.getNumThreads(), cv2.useOptimized(), faces))

    over = threading.Event()

    def go_on_reading() -> None:
        while not over.wait(1.0):
            look()

    look()
    reader = threading.Thread(target=go_on_reading)
    reader.start()
    try:
        experiment = run_experiment(plan, photos, max_pixels=PIXEL_LIMIT, on_progress=seen.append)
    finally:
        over.set()
        reader.join()
    look()
    return Measured(experiment, tuple(seen), tuple(states))
