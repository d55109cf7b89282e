"""Which looks are taken at a photo: closer, in strips, turned; and what they find."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.analysis.finding import doubtful_turns, eyes_above_mouth, find_faces, small_faces
from facecore.export import PhotoRow
from facecore.imaging.decoding import BgrImage
from facecore.imaging.geometry import Resolution
from facecore.imaging.pictures import Picture
from facecore.models.network import Network
from facecore.results import Box, Detection
from facecore.settings import AnalysisSettings
from facecore.settings.analysis import When
from tests.conftest import Recorded, face_rows

# The same two people lie in all directions, again and again.
pytestmark = pytest.mark.usefixtures("remembered_passes")

LYING = np.array([[20, 40], [20, 60], [30, 50], [40, 45], [40, 55]], dtype=np.float64)
"""Landmarks of a face whose eyes lie left of its mouth: its photo was turned by 90 degrees."""

UPRIGHT = AnalysisSettings(orientation="never")


def _laid(photo: BgrImage, degrees: int) -> BgrImage:
    """Return a photo as it lies where it has to be turned clockwise by this to be upright."""
    return np.ascontiguousarray(np.rot90(photo, degrees // 90))


def _scene(people: BgrImage, size_wh: Resolution, spots_xy: list[tuple[int, int]]) -> BgrImage:
    """Return a grey photo of this size with the same people pasted at these spots."""
    scene = np.full((size_wh[1], size_wh[0], 3), 110, np.uint8)
    height, width = people.shape[:2]
    for x, y in spots_xy:
        scene[y : y + height, x : x + width] = people
    return scene


def _smaller(photo: BgrImage, height: int) -> BgrImage:
    width = round(photo.shape[1] * height / photo.shape[0])
    return cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)


def _at(confidence: float, height: int, *, y0: int = 0, width: int | None = None) -> Detection:
    return Detection(Box(0, y0, width or round(height / 1.4), y0 + height), confidence)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_photo_is_read_as_the_upright_one(
    analyzer: FaceAnalyzer, couple: BgrImage, degrees: int
) -> None:
    """The faces, their crops and answers are the same; the boxes are where they lie."""
    upright = analyzer.analyze(couple, UPRIGHT, annotate=False)
    photo = analyzer.memory(_laid(couple, degrees))
    turned = analyzer.read(photo, AnalysisSettings(), annotate=False)
    assert len(turned.faces) == len(upright.faces) == 2
    # The box is truncated to pixels in another direction.
    np.testing.assert_allclose(
        face_rows(turned.faces)[:, 4:], face_rows(upright.faces)[:, 4:], atol=0.02
    )
    detections = [face.detection for face in turned.faces]
    crops = analyzer.crops(photo, detections, AnalysisSettings())
    for one, face, crop in zip(detections, upright.faces, crops, strict=True):
        assert one.turned_degrees == degrees
        marked = np.zeros(couple.shape, np.uint8)
        x0, y0, x1, y1 = face.box.xyxy
        marked[y0:y1, x0:x1] = 1
        ys, xs, _ = np.nonzero(_laid(marked, degrees))
        expected = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
        np.testing.assert_allclose(one.box.xyxy, expected, atol=1)
        (plain,) = analyzer.models.reader.crops(
            Picture.in_full(couple), [face.detection], AnalysisSettings()
        )
        difference = np.abs(np.subtract(_smaller(crop, 50), _smaller(plain, 50), dtype=np.float64))
        assert difference.mean() < 6
    row = PhotoRow.of("laid.jpg", turned)
    assert [face.turned_degrees for face in row.faces] == [degrees] * 2
    assert row.faces[0].face() == turned.faces[0]
    assert {look.kind for look in turned.looks[1:]} >= {"turned"}


def test_an_upright_photo_is_looked_at_once(recorded: Recorded, couple: BgrImage) -> None:
    """Sure, upright, large faces need no second look, and nothing is said of turning."""
    analysis = recorded.analyzer.analyze(couple, annotate=False)
    assert recorded.detector.forward_count == 1
    assert [(look.kind, look.parts, look.faces) for look in analysis.looks] == [("whole", 1, 2)]
    assert {face.detection.turned_degrees for face in analysis.faces} == {0}


@pytest.mark.parametrize(("orientation", "looks"), [("never", 1), ("always", 4)])
def test_turning_can_be_switched_off_or_forced(
    recorded: Recorded, couple: BgrImage, orientation: When, looks: int
) -> None:
    """A photo on its side is looked at as it lies, or in all directions, doubtful or not."""
    settings = replace(AnalysisSettings(closer_look="never"), orientation=orientation)
    laid = recorded.analyzer.analyze(_laid(couple, 90), settings, annotate=False)
    assert recorded.detector.forward_count == looks
    recorded.detector.blobs.clear()
    upright = recorded.analyzer.analyze(couple, settings, annotate=False)
    assert recorded.detector.forward_count == looks
    assert {face.detection.turned_degrees for face in upright.faces} == {0}
    assert {face.detection.turned_degrees for face in laid.faces} <= {90 if looks == 4 else 0}


@pytest.mark.slow
def test_a_threshold_needs_no_new_look_at_a_turned_photo(
    recorded: Recorded, couple: BgrImage
) -> None:
    """Whatever the confidence, the looks and candidates are the same; other looks are taken."""
    photo = recorded.analyzer.memory(_laid(couple, 180))
    first = recorded.analyzer.read(photo, AnalysisSettings(confidence=1.0), annotate=False)
    passes = recorded.detector.forward_count
    again = recorded.analyzer.read(photo, AnalysisSettings(confidence=0.1), annotate=False)
    assert recorded.detector.forward_count == passes
    assert (first.faces, again.candidates, again.looks) == ((), first.candidates, first.looks)
    fresh = recorded.analyzer.analyze(_laid(couple, 180), AnalysisSettings(), annotate=False)
    assert fresh.candidates == first.candidates
    recorded.analyzer.read(photo, UPRIGHT, annotate=False)
    assert recorded.detector.forward_count > 2 * passes


@pytest.mark.slow
@pytest.mark.parametrize("upright", [False, True], ids=["panorama", "screenshot"])
def test_a_long_photo_is_looked_at_in_strips(
    analyzer: FaceAnalyzer, couple: BgrImage, *, upright: bool
) -> None:
    """All faces of a photo of 1:12 are found, each once, wherever the strips begin and end."""
    people = _smaller(couple, 260)
    # Every strip begins at another place of the scene, so some edge cuts a face.
    spots = [(i * 1250 + 170 * i % 90, 90) for i in range(4)]
    size_wh = (5400, 450)
    if upright:
        people, size_wh = _smaller(couple, 160), (450, 5400)
        spots = [(60, x) for x, _ in spots]
    analysis = analyzer.analyze(_scene(people, size_wh, spots), UPRIGHT, annotate=False)
    assert analysis.looks[0].kind == "strips"
    assert len(analysis.faces) == 8
    squashed = replace(UPRIGHT, closer_look="never")
    assert len(analyzer.analyze(_scene(people, size_wh, spots), squashed).faces) < 8


@pytest.mark.slow
def test_a_closer_look_finds_small_faces(analyzer: FaceAnalyzer, couple: BgrImage) -> None:
    """Of 24 faces of a fortieth of the photo, which the first look does not see, all are found."""
    spots = [(40 + 340 * i, 60 + 300 * j) for i in range(4) for j in range(3)]
    scene = _scene(_smaller(couple, 150), (1400, 1000), spots)
    before = analyzer.analyze(scene, replace(UPRIGHT, closer_look="never"), annotate=False)
    closer = analyzer.analyze(scene, replace(UPRIGHT, closer_look="always"), annotate=False)
    assert len(before.faces) < 12
    assert len(closer.faces) == 24
    assert [(look.kind, look.parts) for look in closer.looks] == [("whole", 1), ("closer", 16)]


@pytest.mark.parametrize(
    ("found", "signs"),
    [
        pytest.param([], 0, id="nothing"),
        pytest.param([_at(0.14, 10)], 0, id="noise"),
        pytest.param([_at(0.3, 10)], 1, id="small and unsure"),
        pytest.param([_at(0.6, 250), _at(0.3, 10)], 1, id="an unsure large one says nothing"),
        pytest.param([_at(0.9, 10), _at(0.3, 10)], 0, id="one sure, one not"),
        pytest.param([_at(0.9, 10), _at(0.3, 10), _at(0.2, 10)], 2, id="most are unsure"),
        pytest.param([_at(0.9, 250), _at(0.3, 10), _at(0.2, 10)], 0, id="a portrait in a crowd"),
    ],
)
def test_signs_of_small_faces(found: list[Detection], signs: int) -> None:
    """A closer look pays where unsure small candidates are most of what there is."""
    assert len(small_faces(found, (1000, 800), _LandmarkDetector())) == signs


@pytest.mark.parametrize(
    ("face", "turns"),
    [
        pytest.param(_at(0.999, 140), (), id="certain"),
        pytest.param(_at(0.999, 100, width=120), (), id="certain and wide"),
        pytest.param(_at(0.88, 140), (), id="quite sure, in the upper half"),
        pytest.param(_at(0.88, 140, y0=400), (180,), id="quite sure, in the lower half"),
        pytest.param(_at(0.8, 140), (180,), id="unsure"),
        pytest.param(_at(0.88, 100, width=100), (90, 180, 270), id="as wide as high"),
        pytest.param(
            replace(_at(0.92, 140, y0=400), landmarks_xy=tuple(map(tuple, LYING[:, ::-1]))),
            (),
            id="landmarks say upright",
        ),
        pytest.param(
            replace(_at(0.999, 140), landmarks_xy=tuple(map(tuple, LYING))),
            (90, 180, 270),
            id="landmarks say lying",
        ),
    ],
)
def test_doubts_about_the_direction(face: Detection, turns: tuple[int, ...]) -> None:
    """Landmarks, form, confidence and place of the surest face decide."""
    detector = _LandmarkDetector()
    assert doubtful_turns(face, (800, 600), detector) == turns


def test_eyes_are_above_the_mouth_of_an_upright_face() -> None:
    """It holds for a tilt of less than half a quarter turn, and for no quarter turn."""
    x, y = LYING[:, 0], LYING[:, 1]
    for points, expected in (
        ((y, x), True),
        ((y + 0.9 * x, x), True),
        ((y + 1.1 * x, x), False),
        ((x, y), False),
        ((y, -x), False),
    ):
        assert eyes_above_mouth([*zip(*points, strict=True)]) is expected


class _LandmarkDetector:
    """Finds a white square with landmarks, sure of it only where its black corner is at the top."""

    networks: tuple[Network, ...] = ()
    noise_below = 0.15
    upright_from = 0.9
    turned_below = 0.85

    def find(
        self, image: BgrImage, resolution_wh: Resolution, settings: AnalysisSettings
    ) -> tuple[Detection, ...]:
        """Return the square with five points whose order tells how it lies."""
        scale = resolution_wh[0] / image.shape[1]
        ys, xs = np.nonzero(image[:, :, 0] > 200)
        red_y, red_x = (axis.mean() for axis in np.nonzero(image[:, :, 2] > image[:, :, 0]))
        middle_x, middle_y = xs.mean(), ys.mean()
        eyes = np.array([red_x, red_y])
        mouth = 2 * np.array([middle_x, middle_y]) - eyes
        points = [eyes, eyes, (eyes + mouth) / 2, mouth, mouth]
        box = Box(*(round(v * scale) for v in (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)))
        sure = 0.95 if mouth[1] - eyes[1] > abs(mouth[0] - eyes[0]) else 0.8
        landmarks = tuple((float(x * scale), float(y * scale)) for x, y in points)
        return (Detection(box, sure, None, landmarks),)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_detector_with_landmarks_is_asked_in_their_direction(degrees: int) -> None:
    """Eyes that are not above the mouth make it look again, and landmarks lie where they lie."""
    upright = np.zeros((300, 400, 3), np.uint8)
    upright[100:180, 200:280] = 255
    upright[105:110, 235:245, :2] = 0  # the eyes are red
    photo = Picture.in_full(_laid(upright, degrees))
    found = find_faces(_LandmarkDetector(), photo, photo.image, AnalysisSettings())
    (face,) = found.candidates
    assert (face.turned_degrees, len(found.looks)) == (degrees, 4 if degrees else 1)
    assert face.landmarks_xy is not None
    (red_y, red_x) = (a.mean() for a in np.nonzero(photo.image[:, :, 2] > photo.image[:, :, 0]))
    np.testing.assert_allclose(face.landmarks_xy[0], (red_x, red_y), atol=1.5)
    white = np.nonzero(photo.image[:, :, 2] > 200)
    assert face.box.xyxy[:2] == (white[1].min(), white[0].min())
