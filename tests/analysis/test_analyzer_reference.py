"""The analyzer against a plain script over ``cv2.dnn`` that shares only the crop window."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.imaging.geometry import crop_window_xyxy
from facecore.models.catalogue import network_spec
from facecore.models.files import verified_path
from facecore.results import AGE_GROUPS, GENDERS
from facecore.settings import AnalysisSettings
from facecore.settings.presets import PRESETS
from tests.conftest import SAMPLES, face_rows

FACE_MEAN = (78.4263377603, 87.7689143744, 114.895847746)
# Further looks, calibration and aligned crops have tests of their own; the article's way has a
# script of its own, too.
ONE_LOOK: dict[str, Any] = {
    "rescue": False,
    "closer_look": "never",
    "orientation": "never",
    "calibrated": False,
}
SETTINGS = {
    name: replace(settings, **ONE_LOOK)
    for name, settings in PRESETS.items()
    if name not in ("Article", "Aligned")
}
SETTINGS["bare boxes"] = AnalysisSettings(
    confidence=0.3, crop_margin_ratio=0.0, crop_shape="box", **ONE_LOOK
)

pytestmark = pytest.mark.slow
each_setting = pytest.mark.parametrize("settings", SETTINGS.values(), ids=list(SETTINGS))


class Nets(NamedTuple):
    """The three networks as OpenCV loads them."""

    detector: cv2.dnn.Net
    gender: cv2.dnn.Net
    age: cv2.dnn.Net


def load_nets() -> Nets:
    """Load nets of the reference's own, of the same files."""

    def load(role: str) -> cv2.dnn.Net:
        architecture, weights = (verified_path(file) for file in network_spec(role).files)
        return cv2.dnn.readNetFromCaffe(str(architecture), str(weights))

    return Nets(load("detector"), load("gender"), load("age"))


@pytest.fixture(scope="module")
def nets() -> Nets:
    """Nets of this module's own."""
    return load_nets()


def run(net: cv2.dnn.Net, blob: Any) -> NDArray[np.float32]:
    """Run a net on a blob."""
    net.setInput(blob)
    return np.array(net.forward(), dtype=np.float32)


def capped(photo: Any, longest: int | None) -> Any:
    """Make a photo smaller where it is longer than that."""
    height, width = photo.shape[:2]
    if longest is None or max(width, height) <= longest:
        return photo
    scale = longest / max(width, height)
    size = (int(width * scale), int(height * scale))
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA)


def _leaves(x0: float, y0: float, x1: float, y1: float) -> bool:
    """Return whether a box leaves the photo by more than a tenth of its own side."""
    beyond_x, beyond_y = max(-x0, x1 - 1), max(-y0, y1 - 1)
    return beyond_x > 0.1 * (x1 - x0) or beyond_y > 0.1 * (y1 - y0)


def _boxes(
    photo: Any, nets: Nets, settings: AnalysisSettings
) -> list[tuple[float, tuple[int, int, int, int]]]:
    height, width = photo.shape[:2]
    small = capped(photo, settings.max_side_px)
    root = math.sqrt(small.shape[1] / small.shape[0])
    size = (round(settings.input_size_px * root), round(settings.input_size_px / root))
    blob = cv2.dnn.blobFromImage(small, 1.0, size, (104, 177, 123))
    boxes = []
    for row in run(nets.detector, blob)[0, 0]:
        x0, y0, x1, y1 = (row[3:7] * np.array([width, height, width, height])).astype(int)
        box = (max(0, int(x0)), max(0, int(y0)), min(width, int(x1)), min(height, int(y1)))
        if row[2] < settings.confidence or _leaves(*(float(edge) for edge in row[3:7])):
            continue
        if box[2] > box[0] and box[3] > box[1]:
            boxes.append((float(row[2]), box))
    return sorted(boxes, key=lambda found: -found[0])


def _answers(
    photo: Any, box: tuple[int, int, int, int], nets: Nets, settings: AnalysisSettings
) -> list[float]:
    """Return gender and age probabilities, one crop at a time, averaged where there are several."""
    height, width = photo.shape[:2]
    steps = (-0.05, 0.0, 0.05) if settings.careful else (0.0,)
    answers = []
    for step in steps:
        x0, y0, x1, y1 = crop_window_xyxy(
            box,
            (width, height),
            margin_ratio=settings.crop_margin_ratio + step,
            square=settings.crop_shape == "square",
        )
        crop = photo[y0:y1, x0:x1]
        for view in (crop, cv2.flip(crop, 1)) if settings.careful else (crop,):
            blob = cv2.dnn.blobFromImage(view, 1.0, (227, 227), FACE_MEAN, swapRB=False)
            answers.append([float(p) for net in nets[1:] for p in run(net, blob).ravel()])
    return [sum(column) / len(column) for column in zip(*answers, strict=True)]


def _reference(data: bytes, nets: Nets, settings: AnalysisSettings) -> list[list[float]]:
    """Return box, confidence and probabilities of each face, one face at a time."""
    photo = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert photo is not None
    return [
        [*box, confidence, *_answers(photo, box, nets, settings)]
        for confidence, box in _boxes(photo, nets, settings)
    ]


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


@each_setting
def test_sample_is_read_as_by_the_reference(
    nets: Nets, analyzer: FaceAnalyzer, settings: AnalysisSettings
) -> None:
    """Faces, labels and probabilities of a sample are those of a plain script."""
    assert _assert_same(SAMPLES / "astronaut.png", nets, analyzer, settings) >= 1


@pytest.mark.parametrize(
    ("name", "folder", "step", "photos", "least_faces"),
    [
        ("Recommended", "groups", 3, 1, 3),
        ("Crowd", "groups", 4, 1, 3),
        ("Careful", "fairface", 41, 2, 1),
        ("bare boxes", "fairface", 41, 3, 2),
        ("Recommended", "large", 1, 1, 1),
    ],
)
def test_shared_photos_are_read_as_by_the_reference(
    *,
    nets: Nets,
    analyzer: FaceAnalyzer,
    shared_data: Path,
    name: str,
    folder: str,
    step: int,
    photos: int,
    least_faces: int,
) -> None:
    """Group photos, close-ups and large photos are read as by a plain script."""
    paths = sorted((shared_data / folder).glob("*.jpg"))[::step][:photos]
    assert len(paths) == photos
    faces = [_assert_same(path, nets, analyzer, SETTINGS[name]) for path in paths]
    assert sum(faces) >= least_faces
