"""One network behind its protocol, with the real detector."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.engines import engine_facts
from facecore.engines.opencv import OpenCvSession, require_caffe_importer
from facecore.errors import EngineError, ModelMissingError
from facecore.imaging.decoding import BgrImage, decode_image
from facecore.models.catalogue import NetworkSpec, network_spec
from facecore.models.network import Network, blob_from_images, load_networks
from facecore.settings import MODELS_DIR_VARIABLE, RuntimeOptions

DETECTOR = network_spec("detector")
GENDER = network_spec("gender")
OPENCV = RuntimeOptions(engine="opencv")


@pytest.fixture(scope="module")
def analyzer() -> FaceAnalyzer:
    """The three networks as OpenCV runs them, whichever engine others take."""
    return FaceAnalyzer.load(OPENCV)


class WatchedNet:
    """Stands before an engine's net and notes OpenCV's switches at each forward pass."""

    def __init__(self, net: Any) -> None:
        self._net = net
        self.seen: list[tuple[int, bool]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._net, name)

    def forward(self) -> Any:
        """Note the switches, then run."""
        self.seen.append((cv2.getNumThreads(), cv2.useOptimized()))
        return self._net.forward()


def _session(network: Network) -> OpenCvSession:
    assert isinstance(network._session, OpenCvSession)
    return network._session


def _noise(seed: int, side: int) -> BgrImage:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


@pytest.mark.parametrize("spec", [DETECTOR, GENDER], ids=lambda spec: spec.role)
@pytest.mark.parametrize("count", [1, 3])
def test_a_picture_at_input_size_only_loses_its_mean(spec: NetworkSpec, count: int) -> None:
    """Each picture becomes three planes, blue first, minus the network's mean."""
    pictures = [_noise(seed, spec.input_wh[0]) for seed in range(count)]
    before = [picture.copy() for picture in pictures]
    blob = blob_from_images(pictures, spec)
    by_hand = np.stack(pictures).astype(np.float32) - np.array(spec.mean_bgr, np.float32)
    assert blob.dtype == np.float32
    np.testing.assert_allclose(blob, by_hand.transpose(0, 3, 1, 2), atol=1e-4)
    np.testing.assert_array_equal(pictures, before)


@pytest.mark.parametrize("size_hw", [(1, 1), (40, 700), (227, 227), (700, 40)])
def test_pictures_of_any_size_are_stretched(size_hw: tuple[int, int]) -> None:
    """A picture of one colour stays of one colour at the input's size, whatever its own."""
    picture = np.full((*size_hw, 3), (10, 100, 200), dtype=np.uint8)
    blob = blob_from_images([picture], GENDER)
    assert blob.shape == (1, 3, 227, 227)
    for plane, value, mean in zip(blob[0], (10, 100, 200), GENDER.mean_bgr, strict=True):
        np.testing.assert_allclose(plane, value - mean, atol=1e-4)


def test_an_answer_outlives_the_next_pass(analyzer: FaceAnalyzer, astronaut_file: bytes) -> None:
    """A later pass over another picture leaves the array of an earlier one alone."""
    network = analyzer.networks[0]
    (first,) = network.run(blob_from_images([decode_image(astronaut_file)], DETECTOR))
    kept = first.copy()
    (second,) = network.run(blob_from_images([_noise(1, 300)], DETECTOR))
    np.testing.assert_array_equal(first, kept)
    assert not np.array_equal(first, second)
    assert first.dtype == np.float32


@pytest.mark.slow
def test_a_blob_that_does_not_fit_is_an_engine_error(analyzer: FaceAnalyzer) -> None:
    """A refused blob names the network, which goes on working afterwards."""
    network = analyzer.networks[1]
    good = blob_from_images([_noise(3, 227)], GENDER)
    (expected,) = network.run(good)
    with pytest.raises(EngineError, match="gender"):
        network.run(np.zeros((1, 5, 227, 227), np.float32))
    np.testing.assert_allclose(network.run(good)[0], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("index", "gflops", "weights_bytes"), [(0, 2.39, 10_666_211), (1, 1.43, 45_649_168)]
)
def test_a_profile_tells_cost_and_place(
    analyzer: FaceAnalyzer, index: int, gflops: float, weights_bytes: int
) -> None:
    """A profile has the work, the memory, the layers' times, and where they ran."""
    profile = analyzer.networks[index].profile()
    assert profile.gflops == pytest.approx(gflops, rel=0.01)
    assert profile.weights_bytes == pytest.approx(weights_bytes, rel=0.05)
    assert profile.activations_bytes > 0
    assert profile.forward_ms > 0
    assert (profile.backend, profile.target) == ("OpenCV", "CPU")
    assert {"Convolution"} < {layer.kind for layer in profile.layers}
    assert all(layer.time_ms > 0 and layer.name for layer in profile.layers)


@pytest.mark.slow
@pytest.mark.usefixtures("engine_switches")
def test_networks_take_turns_under_their_own_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thread count and optimisation are each network's own during its pass, turn after turn."""
    wishes = [
        RuntimeOptions(engine="opencv", threads=1),
        RuntimeOptions(engine="opencv", threads=2, engine_options=(("optimised", False),)),
        RuntimeOptions(
            engine="opencv", threads=2, engine_options=(("fusion", False), ("winograd", False))
        ),
    ]
    networks: list[tuple[Network, WatchedNet]] = []
    for options in wishes:
        (network,) = load_networks([DETECTOR], options)
        watched = WatchedNet(_session(network)._net)
        monkeypatch.setattr(_session(network), "_net", watched)
        networks.append((network, watched))
    blob = blob_from_images([_noise(4, 300)], DETECTOR)
    answers = [network.run(blob)[0] for _ in range(2) for network, _ in networks]
    assert [watched.seen for _, watched in networks] == [
        [(1, True)] * 2,
        [(2, False)] * 2,
        [(2, True)] * 2,
    ]
    for first, second in zip(answers[:3], answers[3:], strict=True):
        np.testing.assert_array_equal(first, second)


class MeetingNet(WatchedNet):
    """Stands before an engine's net and lets a pass begin only when all have met."""

    def __init__(self, net: Any, meeting: threading.Barrier) -> None:
        super().__init__(net)
        self.meeting = meeting

    def forward(self) -> Any:
        """Wait for the others, then run."""
        self.meeting.wait()
        return super().forward()


@pytest.mark.slow
def test_networks_with_the_same_options_run_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three passes of three networks are under way at the same time, and answer as alone."""
    options = RuntimeOptions(engine="opencv", threads=1)
    networks = load_networks([DETECTOR, DETECTOR, GENDER], options)
    blobs = [blob_from_images([_noise(7, 300)], network.spec) for network in networks]
    alone = [network.run(blob)[0] for network, blob in zip(networks, blobs, strict=True)]
    meeting = threading.Barrier(3, timeout=30)
    for network in networks:
        monkeypatch.setattr(_session(network), "_net", MeetingNet(_session(network)._net, meeting))
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda n, blob: n.run(blob)[0], networks, blobs))
    for expected, answer in zip(alone, together, strict=True):
        np.testing.assert_array_equal(answer, expected)
    np.testing.assert_array_equal(together[0], together[1])


def test_one_network_runs_one_pass_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads never meet inside the same network, nor does a profile meet a pass."""
    (network,) = load_networks([DETECTOR], OPENCV)
    nobody_met = threading.Barrier(2, timeout=0.05)
    monkeypatch.setattr(_session(network), "_net", MeetingNet(_session(network)._net, nobody_met))
    blob = blob_from_images([_noise(8, 300)], DETECTOR)

    def run(profile: bool) -> bool:
        try:
            network.profile() if profile else network.run(blob)
        except threading.BrokenBarrierError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert not any(pool.map(run, [False, False, True, False]))


def _switches() -> tuple[int, bool]:
    return cv2.getNumThreads(), cv2.useOptimized()


@pytest.mark.slow
@pytest.mark.usefixtures("engine_switches")
def test_switches_are_set_back_after_every_pass() -> None:
    """What runs between the passes, such as decoding, does not depend on who ran last."""
    before = _switches()
    options = RuntimeOptions(engine="opencv", threads=1, engine_options=(("optimised", False),))
    (network,) = load_networks([DETECTOR], options)
    assert _switches() == before
    network.run(blob_from_images([_noise(6, 300)], DETECTOR))
    assert _switches() == before
    network.profile()
    assert _switches() == before
    engine_facts(options)
    assert _switches() == before
    with pytest.raises(EngineError):
        network.run(np.zeros((1, 5, 300, 300), np.float32))
    assert _switches() == before


@pytest.mark.slow
def test_a_profile_is_the_median_of_five_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """One pass warms up, five are timed, and the layers' times are those of the median one."""
    (network,) = load_networks([DETECTOR], OPENCV)
    watched = WatchedNet(_session(network)._net)
    monkeypatch.setattr(_session(network), "_net", watched)
    profile = network.profile()
    assert len(watched.seen) == 6
    together_ms = sum(layer.time_ms for layer in profile.layers)
    assert together_ms == pytest.approx(profile.forward_ms, rel=0.05)


@pytest.mark.slow
def test_threads_that_share_a_network_get_their_own_answers(analyzer: FaceAnalyzer) -> None:
    """Eight threads over one network hear what one thread alone does."""
    network = analyzer.networks[0]
    blobs = [blob_from_images([_noise(seed, 300)], DETECTOR) for seed in range(8)]
    alone = [network.run(blob)[0] for blob in blobs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda blob: network.run(blob)[0], blobs))
    for expected, answer in zip(alone, together, strict=True):
        np.testing.assert_array_equal(answer, expected)


def test_loading_times_itself_and_counts_no_pass() -> None:
    """A fresh network knows its options and its loading time and has no passes behind it."""
    options = RuntimeOptions(engine="opencv", threads=1)
    (network,) = load_networks([DETECTOR], options)
    assert (network.spec, network.options) == (DETECTOR, options)
    assert network.load_time_ms > 0


def test_a_missing_file_stops_the_loading() -> None:
    """What the registry raises comes through the loading threads unchanged."""
    nowhere = tuple(
        dataclasses.replace(file, name="no-such-file", carrier_path="no-such-file")
        for file in DETECTOR.files
    )
    with pytest.raises(ModelMissingError, match="no-such-file"):
        load_networks([dataclasses.replace(DETECTOR, files=nowhere)], OPENCV)


def test_a_file_that_is_no_network_is_an_engine_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that OpenCV cannot parse, though their hash is right, name the network."""
    junk = b"layer { nonsense"
    sha256 = hashlib.sha256(junk).hexdigest()
    files = tuple(dataclasses.replace(file, sha256=sha256) for file in DETECTOR.files)
    for file in files:
        (tmp_path / file.name).write_bytes(junk)
    monkeypatch.setenv(MODELS_DIR_VARIABLE, str(tmp_path))
    with pytest.raises(EngineError, match="detector"):
        load_networks([dataclasses.replace(DETECTOR, files=files)], OPENCV)


def test_an_opencv_without_caffe_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the importer is gone, as in OpenCV 5, one sentence says what to install."""
    require_caffe_importer()
    monkeypatch.delattr(cv2.dnn, "readNetFromCaffe")
    named = RuntimeOptions(engine="opencv")
    for attempt in (require_caffe_importer, lambda: load_networks([DETECTOR], named)):
        with pytest.raises(EngineError, match=r"opencv-python-headless<5") as caught:
            attempt()
        assert cv2.__version__ in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("engine_switches")
@pytest.mark.parametrize(
    "options",
    [
        RuntimeOptions(engine="opencv", threads=1),
        RuntimeOptions(engine="opencv", threads=2, engine_options=(("optimised", False),)),
    ],
)
def test_engine_facts_are_those_of_the_options(options: RuntimeOptions) -> None:
    """The facts show the switches as they are while such a network runs."""
    facts = engine_facts(options)
    assert (facts.threads, facts.optimised) == (options.threads, not options.engine_options)
    assert facts.version == cv2.__version__
    assert "CPU" in facts.usable_targets
    assert facts.parallel_framework
    assert facts.cpus_seen >= 1


@pytest.mark.usefixtures("engine_switches")
@pytest.mark.parametrize("optimised", [True, False])
def test_cpu_features_are_the_processors(optimised: bool) -> None:
    """What the processor has is told by plain names, also while its use is switched off."""
    features = engine_facts(
        RuntimeOptions(engine="opencv", engine_options=(("optimised", optimised),))
    ).cpu_features
    cv2.setUseOptimized(True)
    here = [name for name in cv2.getCPUFeaturesLine().split() if not name.endswith("?")]
    assert list(features) == [name.lstrip("*") for name in here]


def test_too_little_memory_is_told_of_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenCV's own error of a failed allocation is not a matter of versions."""

    def too_large(*_: object) -> None:
        cv2.resize(np.zeros((1, 1), np.uint8), (2**20, 2**20), interpolation=cv2.INTER_NEAREST)

    monkeypatch.setattr(cv2.dnn, "readNet", too_large)
    with pytest.raises(EngineError, match="not enough memory to load the networks"):
        load_networks([DETECTOR], OPENCV)
