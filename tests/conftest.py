"""What several test modules need: loaded networks, photos, the data beside the repository."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.engines.base import Blob
from facecore.engines.facts import NetworkProfile
from facecore.imaging.decoding import BgrImage, decode_image
from facecore.models.attributes import AttributeClassifier
from facecore.models.catalogue import set_spec
from facecore.models.install import install
from facecore.models.network import Network
from facecore.models.sets import model_set
from facecore.results import Face
from facecore.settings import RuntimeOptions

if TYPE_CHECKING:
    from tests.server import Server

# A shell ignores Ctrl-C for what it starts in the background, and the programs that the
# tests start and interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Nothing that tests do goes into the history of whoever runs them.
os.environ["FACECORE_HISTORY"] = "off"

REPOSITORY = Path(__file__).resolve().parents[1]
SAMPLES = REPOSITORY / "facecore" / "sources" / "samples"


def pytest_configure(config: pytest.Config) -> None:
    """Hand out the files in the order of their names: the long ones, not the full ones, first."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


class RecordingNetwork(Network):
    """A real network that keeps the blobs it was given."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.spec = network.spec
        self.options = network.options
        self.engine = network.engine
        self.load_time_ms = network.load_time_ms
        self.blobs: list[Blob] = []

    @property
    def forward_count(self) -> int:
        """How many blobs came so far."""
        return len(self.blobs)

    @property
    def batch_sizes(self) -> list[int]:
        """How many pictures each blob held."""
        return [len(blob) for blob in self.blobs]

    def run(self, blob: Blob) -> tuple[NDArray[np.float32], ...]:
        """Note the blob and run the real network."""
        self.blobs.append(blob)
        return self.network.run(blob)

    def profile(self) -> NetworkProfile:
        """Ask the real network."""
        return self.network.profile()


class Recorded(NamedTuple):
    """An analyzer with its networks, all of which record."""

    analyzer: FaceAnalyzer
    detector: RecordingNetwork
    gender: RecordingNetwork
    age: RecordingNetwork

    @property
    def reader(self) -> AttributeClassifier:
        """What reads gender and age with these networks."""
        assert isinstance(self.analyzer.models.reader, AttributeClassifier)
        return self.analyzer.models.reader

    def counts(self) -> tuple[int, list[int], list[int]]:
        """Return the detector's passes, and the sizes of the gender and of the age batches."""
        return self.detector.forward_count, self.gender.batch_sizes, self.age.batch_sizes


def face_rows(faces: Sequence[Face]) -> NDArray[np.float64]:
    """Return faces as numbers, one row each: box, confidence, all probabilities."""
    rows = [
        [*face.box.xyxy, face.confidence, *face.gender.probabilities, *face.age_group.probabilities]
        for face in faces
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, 15)


@pytest.fixture(scope="session")
def analyzer() -> FaceAnalyzer:
    """The three real networks, loaded once for all tests."""
    return FaceAnalyzer.load()


@pytest.fixture(scope="session")
def modern() -> FaceAnalyzer:
    """The modern set, loaded once for all tests; what is missing of it is fetched first."""
    list(install())
    return FaceAnalyzer.load(RuntimeOptions(model_set="modern", engine="opencv"))


@pytest.fixture
def recorded(analyzer: FaceAnalyzer) -> Recorded:
    """The real networks, recording from zero for this one test."""
    detector, gender, age = (RecordingNetwork(network) for network in analyzer.networks)
    return Recorded(
        FaceAnalyzer(model_set(set_spec("article"), (detector, gender, age))), detector, gender, age
    )


@pytest.fixture(scope="session")
def astronaut_file() -> bytes:
    """A PNG of one person, 512×512."""
    return (SAMPLES / "astronaut.png").read_bytes()


@pytest.fixture(scope="session")
def hopper_file() -> bytes:
    """A JPEG of one person."""
    return (SAMPLES / "grace_hopper.jpg").read_bytes()


@pytest.fixture(scope="session")
def couple(astronaut_file: bytes, hopper_file: bytes) -> BgrImage:
    """Both people side by side, BGR, 512 pixels high, for reading only."""
    hopper = decode_image(hopper_file)
    width = round(hopper.shape[1] * 512 / hopper.shape[0])
    scaled = cv2.resize(hopper, (width, 512), interpolation=cv2.INTER_AREA)
    both = np.hstack([decode_image(astronaut_file), scaled.astype(np.uint8, copy=False)])
    both.setflags(write=False)
    return both


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Labelled photos and hostile files that lie beside the repository, not in it."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the photos of ../shared/data, which are not here")
    return folder


@pytest.fixture(scope="session")
def held_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The dashboard beside the HTTP API, with gates, for all tests that do it no harm."""
    from tests.server import server_process

    # Whoever stands before a closed gate is not sent away, however long that takes.
    patience = {"FACECORE_MAX_WAIT_S": "600"}
    log = tmp_path_factory.mktemp("server") / "server.log"
    with server_process(log, kind="held", environment=patience) as running:
        yield running


_PASSES: dict[Hashable, tuple[NDArray[np.float32], ...]] = {}


@pytest.fixture
def remembered_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let networks run once for the same input, and answer it from memory in later tests.

    For tests of what is around the networks, which show the same photos again and again.
    A folder's conftest takes it for all of its tests.
    """

    def run(network: Network, blob: Blob) -> tuple[NDArray[np.float32], ...]:
        content = hashlib.sha1(np.ascontiguousarray(blob).data, usedforsecurity=False).digest()
        key = (network.spec.fingerprint, network.options, blob.shape, content)
        if key not in _PASSES:
            with network._one_pass:
                _PASSES[key] = network._session.run(blob)
        return tuple(output.copy() for output in _PASSES[key])

    monkeypatch.setattr(Network, "run", run)


@pytest.fixture
def engine_switches() -> Iterator[None]:
    """Put OpenCV's process-wide switches back after a test that turns them."""
    threads, optimised = cv2.getNumThreads(), cv2.useOptimized()
    yield
    cv2.setNumThreads(threads)
    cv2.setUseOptimized(optimised)
