"""The analyzer against a plain script over ``cv2.dnn`` that shares only the crop window."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from facecore.analyzer import FaceAnalyzer
from facecore.geometry import crop_window_xyxy
from facecore.registry import Role, network_spec, verified_path
from facecore.results import AGE_GROUPS, GENDERS
from facecore.settings import AnalysisSettings
from tests.conftest import SAMPLES, face_rows

FACE_MEAN = (78.4263377603, 87.7689143744, 114.895847746)
SETTINGS = (
    AnalysisSettings(),
    AnalysisSettings(confidence=0.3, crop_margin_ratio=0.0, crop_shape="box"),
)


class Nets(NamedTuple):
    """The three networks as OpenCV loads them."""

    detector: cv2.dnn.Net
    gender: cv2.dnn.Net
    age: cv2.dnn.Net


@pytest.fixture(scope="module")
def nets() -> Nets:
    """Nets of the reference's own, of the same files."""

    def load(role: Role) -> cv2.dnn.Net:
        architecture, weights = (verified_path(file) for file in network_spec(role).files)
        return cv2.dnn.readNetFromCaffe(str(architecture), str(weights))

    return Nets(load("detector"), load("gender"), load("age"))


def _run(net: cv2.dnn.Net, blob: Any) -> NDArray[np.float32]:
    net.setInput(blob)
    return np.array(net.forward(), dtype=np.float32)


def _boxes(photo: Any, nets: Nets, confidence: float) -> list[tuple[float, tuple[int, ...]]]:
    height, width = photo.shape[:2]
    small = photo
    if max(width, height) > 800:
        scale = 800 / max(width, height)
        size = (int(width * scale), int(height * scale))
        small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    blob = cv2.dnn.blobFromImage(small, 1.0, (300, 300), (104, 177, 123))
    boxes = []
    for row in _run(nets.detector, blob)[0, 0]:
        x0, y0, x1, y1 = (row[3:7] * np.array([width, height, width, height])).astype(int)
        box = (max(0, int(x0)), max(0, int(y0)), min(width, int(x1)), min(height, int(y1)))
        if row[2] >= confidence and box[2] > box[0] and box[3] > box[1]:
            boxes.append((float(row[2]), box))
    return sorted(boxes, key=lambda found: -found[0])


def _reference(data: bytes, nets: Nets, settings: AnalysisSettings) -> list[list[float]]:
    """Give box, confidence and probabilities of each face, one face at a time."""
    photo = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert photo is not None
    height, width = photo.shape[:2]
    rows: list[list[float]] = []
    for confidence, box in _boxes(photo, nets, settings.confidence):
        x0, y0, x1, y1 = crop_window_xyxy(
            (box[0], box[1], box[2], box[3]),
            (width, height),
            margin_ratio=settings.crop_margin_ratio,
            square=settings.crop_shape == "square",
        )
        blob = cv2.dnn.blobFromImage(photo[y0:y1, x0:x1], 1.0, (227, 227), FACE_MEAN, swapRB=False)
        answers = [float(p) for net in (nets.gender, nets.age) for p in _run(net, blob).ravel()]
        rows.append([*box, confidence, *answers])
    return rows


def _assert_same(path: Path, nets: Nets, analyzer: FaceAnalyzer, settings: AnalysisSettings) -> int:
    """Compare one photo's faces and labels; gives how many faces there were."""
    data = path.read_bytes()
    expected = np.array(_reference(data, nets, settings)).reshape(-1, 15)
    faces = analyzer.analyze(data, settings, annotate=False).faces
    assert len(faces) == len(expected), path.name
    np.testing.assert_allclose(face_rows(faces), expected, rtol=0, atol=1e-5, err_msg=path.name)
    labels = [(face.gender.label, face.age_group.label) for face in faces]
    assert labels == [
        (GENDERS[int(np.argmax(row[5:7]))], AGE_GROUPS[int(np.argmax(row[7:]))]) for row in expected
    ]
    return len(faces)


@pytest.mark.parametrize("settings", SETTINGS, ids=["defaults", "bare boxes"])
@pytest.mark.parametrize("name", ["astronaut.png", "grace_hopper.jpg"])
def test_samples_are_read_as_by_the_reference(
    nets: Nets, analyzer: FaceAnalyzer, name: str, settings: AnalysisSettings
) -> None:
    """Faces, labels and probabilities of the samples are those of a plain script."""
    assert _assert_same(SAMPLES / name, nets, analyzer, settings) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("settings", SETTINGS, ids=["defaults", "bare boxes"])
@pytest.mark.parametrize(
    ("folder", "step", "photos", "least_faces"),
    [("groups", 1, 9, 15), ("fairface", 13, 20, 10), ("large", 1, 3, 3)],
)
def test_shared_photos_are_read_as_by_the_reference(
    *,
    nets: Nets,
    analyzer: FaceAnalyzer,
    shared_data: Path,
    settings: AnalysisSettings,
    folder: str,
    step: int,
    photos: int,
    least_faces: int,
) -> None:
    """Group photos, close-ups and large photos are read as by a plain script."""
    paths = sorted((shared_data / folder).glob("*.jpg"))[::step][:photos]
    assert len(paths) == photos
    faces = [_assert_same(path, nets, analyzer, settings) for path in paths]
    assert sum(faces) >= least_faces
