"""Every engine that is installed gives OpenCV's answers, over faces and photos of others."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facecore.engines import engine, engines
from facecore.engines.base import Blob, Session
from facecore.imaging.decoding import BgrImage, decode_image
from facecore.machine.data_folder import DATA_DIR_VARIABLE
from facecore.models.catalogue import network_spec
from facecore.models.detector import rows_from_output
from facecore.models.network import blob_from_images, load_networks
from facecore.settings import RuntimeOptions
from tests.conftest import SAMPLES

Array = NDArray[np.float32]

OTHERS = [one.name for one in engines() if one.available() and one.name != "opencv"]
ROLES = ("detector", "gender", "age")
TOLERANCE = {"mnn": 1e-3}  # its Winograd rounds otherwise

pytestmark = pytest.mark.skipif(not engine("opencv").available(), reason="OpenCV 5 is installed")


def _session(name: str, role: str) -> Session:
    return engine(name).build(network_spec(role), _options(name))


def _options(name: str) -> RuntimeOptions:
    return RuntimeOptions(engine=name, threads=2)


def _faces(data: Path) -> list[BgrImage]:
    """The labelled person in the middle of every third photo, and the people of the groups."""
    images = [decode_image(p.read_bytes()) for p in sorted(data.glob("fairface/*.jpg"))[::3]]
    faces = [image[80:368, 80:368] for image in images]
    with (data / "groups" / "boxes.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[::3]
    for row in rows:
        image = decode_image((data / "groups" / row["file"]).read_bytes())
        x1, y1, x2, y2 = (max(0, round(float(row[key]))) for key in ("x1", "y1", "x2", "y2"))
        faces.append(image[y1:y2, x1:x2])
    return faces


@pytest.fixture(scope="module")
def face_blobs(shared_data: Path) -> list[Blob]:
    """Some 100 faces, ten at a time."""
    faces = _faces(shared_data)
    assert len(faces) >= 100
    spec = network_spec("age")
    return [blob_from_images(faces[n : n + 10], spec) for n in range(0, len(faces), 10)]


@pytest.fixture(scope="module")
def photo_blobs(shared_data: Path) -> list[Blob]:
    """Forty photos at sizes of all kinds."""
    paths = sorted(shared_data.glob("groups/*.jpg")) + sorted(shared_data.glob("fairface/*.jpg"))
    sizes_wh = [(300, 300), (400, 225), (260, 347), (451, 299)]
    spec = network_spec("detector")
    return [
        blob_from_images([decode_image(path.read_bytes())], spec, sizes_wh[number % len(sizes_wh)])
        for number, path in enumerate(paths[:40])
    ]


@pytest.fixture(scope="module")
def expected(face_blobs: list[Blob], photo_blobs: list[Blob]) -> dict[str, list[Array]]:
    """OpenCV's answers: probabilities of the faces, rows of the photos."""
    answers: dict[str, list[Array]] = {}
    for role, blobs in (("gender", face_blobs), ("age", face_blobs), ("detector", photo_blobs)):
        session = _session("opencv", role)
        answers[role] = [session.run(blob)[0] for blob in blobs]
    return answers


@pytest.mark.slow
@pytest.mark.parametrize("role", ["gender", "age"])
@pytest.mark.parametrize("name", OTHERS)
def test_probabilities_are_opencvs(
    name: str, role: str, face_blobs: list[Blob], expected: dict[str, list[Array]]
) -> None:
    """Over 100 faces every label is the same, and no probability differs by more than noise."""
    session = _session(name, role)
    ours = np.concatenate([session.run(blob)[0] for blob in face_blobs])
    theirs = np.concatenate(expected[role])
    assert np.abs(ours - theirs).max() <= TOLERANCE.get(name, 1e-4)
    np.testing.assert_array_equal(ours.argmax(axis=1), theirs.argmax(axis=1))


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_boxes_are_opencvs(
    name: str, photo_blobs: list[Blob], expected: dict[str, list[Array]]
) -> None:
    """On forty photos the same faces are found, within a pixel."""
    session = _session(name, "detector")
    found = 0
    for blob, output in zip(photo_blobs, expected["detector"], strict=True):
        theirs = rows_from_output(output)
        ours = rows_from_output(session.run(blob)[0])
        sure = theirs[:, 0] >= 0.2
        found += int(sure.sum())
        assert (ours[:, 0] >= 0.2).sum() == sure.sum()
        np.testing.assert_allclose(ours[: sure.sum(), 0], theirs[sure, 0], atol=1e-3)
        side = np.array([blob.shape[3], blob.shape[2]] * 2)
        assert np.abs((ours[: sure.sum(), 1:] - theirs[sure, 1:]) * side).max(initial=0) < 1
    assert found > 40


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_eight_threads_get_the_answers_of_one(name: str) -> None:
    """A session that says it is safe to share is, and batches of any size do not mix."""
    session = _session(name, "gender")
    image = decode_image((SAMPLES / "astronaut.png").read_bytes())
    spec = network_spec("gender")
    blobs = [
        blob_from_images([image[: 200 + 5 * n, 100 : 330 + 2 * n]] * (1 + n % 3), spec)
        for n in range(6)
    ]
    alone = [session.run(blob)[0] for blob in blobs]
    with ThreadPoolExecutor(8 if session.thread_safe else 1) as pool:
        together = list(pool.map(lambda blob: session.run(blob)[0], blobs * 3))
    for one, many in zip(alone * 3, together, strict=True):
        np.testing.assert_allclose(many, one, atol=1e-6)


@pytest.mark.parametrize("name", OTHERS)
def test_an_answer_stays_what_it_was(name: str) -> None:
    """A later pass writes into no array that was given away."""
    session = _session(name, "age")
    rng = np.random.default_rng(1)
    first, second = rng.normal(0, 40, (2, 1, 3, 227, 227)).astype(np.float32)
    (answer,) = session.run(first)
    kept = answer.copy()
    session.run(second)
    np.testing.assert_array_equal(answer, kept)


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_layers_and_costs_are_told(name: str) -> None:
    """The cost is the graph's; layers are told by every engine that can."""
    session = _session(name, "gender")
    profile = session.layer_times(np.zeros((1, 3, 227, 227), np.float32))
    assert profile.gflops == pytest.approx(1.42, abs=0.01)
    assert profile.weights_bytes > 45e6
    assert profile.forward_ms > 0
    assert bool(profile.layers) == (name not in ("litert", "opencv5"))


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_networks_that_are_converted_at_the_same_time_do_not_mix(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A converter that keeps files of a fixed name in its folder does not give age for gender."""
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path))
    rng = np.random.default_rng(2)
    for role, network in zip(
        ROLES, load_networks([network_spec(role) for role in ROLES], _options(name)), strict=True
    ):
        width, height = network.spec.input_wh
        blob = rng.normal(0, 40, (1, 3, height, width)).astype(np.float32)
        (theirs,) = _session("opencv", role).run(blob)
        if role == "detector":
            ours = rows_from_output(network.run(blob)[0])
            np.testing.assert_allclose(ours[:5], rows_from_output(theirs)[:5], atol=1e-3)
        else:
            np.testing.assert_allclose(network.run(blob)[0], theirs, atol=1e-3)
