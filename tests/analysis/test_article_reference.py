"""The preset "Article" against the article's own way, written down straight over ``cv2.dnn``."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.models.catalogue import network_spec
from facecore.models.files import verified_path
from facecore.results import AGE_GROUPS, GENDERS
from facecore.settings.presets import preset, preset_options
from facecore.sources.samples import group_photo
from tests.conftest import SAMPLES

ARTICLE = preset("Article")
Found = tuple[tuple[int, int, int, int], float, list[float]]


@pytest.fixture(scope="module")
def analyzer() -> FaceAnalyzer:
    """The preset's engine is part of it."""
    return FaceAnalyzer.load(preset_options("article"))


@pytest.fixture(scope="module")
def nets() -> dict[str, cv2.dnn.Net]:
    """Nets of the script's own, of the same files."""
    loaded = {}
    for role in ("detector", "gender", "age"):
        architecture, weights = (verified_path(file) for file in network_spec(role).files)
        loaded[role] = cv2.dnn.readNetFromCaffe(str(architecture), str(weights))
    return loaded


def _article(data: bytes, nets: dict[str, cv2.dnn.Net]) -> tuple[tuple[int, int], list[Found]]:
    """Return the size of the copy; and box in it, confidence and probabilities of each face."""
    frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert frame is not None
    height, width = frame.shape[:2]
    if max(height, width) > 800:
        scale = 800 / max(height, width)
        frame = cv2.resize(
            frame, (int(width * scale), int(height * scale)), interpolation=cv2.INTER_AREA
        )
        height, width = frame.shape[:2]
    nets["detector"].setInput(cv2.dnn.blobFromImage(frame, 1.0, (300, 300), (104, 177, 123)))
    detections: NDArray[np.float32] = np.array(nets["detector"].forward())
    found: list[Found] = []
    for i in range(detections.shape[2]):
        confidence = float(detections[0, 0, i, 2])
        if confidence < 0.7:
            continue
        x0 = max(0, int(detections[0, 0, i, 3] * width))
        y0 = max(0, int(detections[0, 0, i, 4] * height))
        x1 = min(width, int(detections[0, 0, i, 5] * width))
        y1 = min(height, int(detections[0, 0, i, 6] * height))
        if x1 <= x0 or y1 <= y0:
            continue
        mean = (78.4263377603, 87.7689143744, 114.895847746)
        blob = cv2.dnn.blobFromImage(frame[y0:y1, x0:x1], 1.0, (227, 227), mean, swapRB=False)
        answers: list[float] = []
        for role in ("gender", "age"):
            nets[role].setInput(blob)
            answers += [float(p) for p in np.array(nets[role].forward())[0]]
        found.append(((x0, y0, x1, y1), confidence, answers))
    return (width, height), found


def _assert_same(data: bytes, nets: dict[str, cv2.dnn.Net], analyzer: FaceAnalyzer) -> int:
    """Compare one photo; gives how many faces there were."""
    (width, height), expected = _article(data, nets)
    analysis = analyzer.analyze(data, ARTICLE, annotate=False)
    expected.sort(key=lambda found: -found[1])
    assert len(analysis.faces) == len(expected)
    scale = np.array([width, height, width, height]) / (analysis.size_wh * 2)
    for face, (box, confidence, answers) in zip(analysis.faces, expected, strict=True):
        # Both are cut to whole pixels, each in its own picture.
        np.testing.assert_allclose(np.array(face.box.xyxy) * scale, box, rtol=0, atol=1.0)
        assert face.confidence == pytest.approx(confidence, abs=1e-6)
        ours = [*face.gender.probabilities, *face.age_group.probabilities]
        np.testing.assert_allclose(ours, answers, rtol=0, atol=1e-5)
        assert face.gender.label == GENDERS[int(np.argmax(answers[:2]))]
        assert face.age_group.label == AGE_GROUPS[int(np.argmax(answers[2:]))]
    return len(expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["astronaut.png", "grace_hopper.jpg"])
def test_portraits_are_read_as_in_the_article(
    nets: dict[str, cv2.dnn.Net], analyzer: FaceAnalyzer, name: str
) -> None:
    """Faces, labels and probabilities of the portraits are those of the article's script."""
    assert _assert_same((SAMPLES / name).read_bytes(), nets, analyzer) >= 1


@pytest.mark.slow
def test_the_group_is_read_as_in_the_article(
    nets: dict[str, cv2.dnn.Net], analyzer: FaceAnalyzer
) -> None:
    """A photo larger than the copy gives the same six answers as the article's script."""
    assert _assert_same(group_photo(), nets, analyzer) == 6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "step", "photos", "least_faces"),
    [("groups", 4, 2, 3), ("fairface", 41, 6, 3), ("large", 1, 1, 1)],
)
def test_shared_photos_are_read_as_in_the_article(
    *,
    nets: dict[str, cv2.dnn.Net],
    analyzer: FaceAnalyzer,
    shared_data: Path,
    folder: str,
    step: int,
    photos: int,
    least_faces: int,
) -> None:
    """Group photos, close-ups and large photos are read as by the article's script."""
    paths = sorted((shared_data / folder).glob("*.jpg"))[::step][:photos]
    assert len(paths) == photos
    faces = [_assert_same(path.read_bytes(), nets, analyzer) for path in paths]
    assert sum(faces) >= least_faces
