"""Boxes that leave the photo, and the second look where a face fills it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.imaging.decoding import BgrImage, decode_image
from facecore.imaging.geometry import iou_matrix, overhang
from facecore.models import detector as detector_module
from facecore.models.detector import OVERHANG_LIMIT, Rows, merge_passes, shows_close_up, within
from facecore.results import Box, Face
from facecore.settings import AnalysisSettings
from facecore.sources.samples import group_photo
from tests.conftest import SAMPLES, Recorded

SECOND_LOOK = AnalysisSettings(closer_look="never", orientation="never")
ONE_LOOK = replace(SECOND_LOOK, rescue=False)
PORTRAITS = ["astronaut.png", "grace_hopper.jpg"]

Row = tuple[float, float, float, float, float]
MIDDLE = (0.25, 0.25, 0.75, 0.75)
ASIDE = (0.3, 0.25, 0.8, 0.75)  # overlaps the middle by 0.45 of 0.55 of its side
APART = (0.0, 0.0, 0.2, 0.2)


def _rows(*rows: Row) -> Rows:
    return np.array(rows, dtype=np.float64).reshape(-1, 5)


@pytest.mark.parametrize(
    ("box_xyxy", "expected"),
    [
        pytest.param((0.2, 0.2, 0.6, 0.7), 0.0, id="inside"),
        pytest.param((0.0, 0.0, 1.0, 1.0), 0.0, id="the whole photo"),
        pytest.param((-0.1, 0.2, 0.4, 0.7), 0.2, id="left"),
        pytest.param((0.2, -0.25, 0.6, 0.25), 0.5, id="above"),
        pytest.param((0.6, 0.2, 1.1, 0.7), 0.2, id="right"),
        pytest.param((0.2, 0.75, 0.6, 1.25), 0.5, id="below"),
        pytest.param((-0.5, -0.25, 1.5, 1.25), 0.25, id="larger than the photo"),
        pytest.param((-0.1, 0.5, 0.9, 1.5), 0.5, id="the side that leaves more counts"),
        pytest.param((1.5, 0.2, 2.0, 0.7), 2.0, id="wholly outside"),
        pytest.param((0.5, 0.2, 0.5, 0.7), np.inf, id="no width"),
        pytest.param((0.6, 0.2, 0.4, 0.7), np.inf, id="turned round"),
    ],
)
def test_overhang_is_a_part_of_the_own_side(box_xyxy: tuple[float, ...], expected: float) -> None:
    """A box leaves the photo by so much of its own width or height."""
    assert overhang(np.array([box_xyxy])) == pytest.approx([expected])


def test_no_box_has_no_overhang() -> None:
    """No boxes are an empty answer, and no error."""
    assert overhang(np.zeros((0, 4))).shape == (0,)


def test_within_keeps_the_order_of_what_stays() -> None:
    """Rows up to the limit stay as they are, those beyond it go, and none is no error."""
    rows = _rows(
        (0.9, -0.2, 0.1, 0.3, 0.5), (0.8, *MIDDLE), (0.7, 0.5, 0.5, 1.5, 0.9), (0.6, *APART)
    )
    np.testing.assert_array_equal(within(rows, OVERHANG_LIMIT), rows[[1, 3]])
    np.testing.assert_array_equal(within(rows, 0.5), rows)
    assert within(_rows(), OVERHANG_LIMIT).shape == (0, 5)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([], False, id="nothing found"),
        pytest.param([(0.99, *MIDDLE)], False, id="a sure face inside"),
        pytest.param([(0.3, 0.5, 0.5, 1.1, 0.9)], True, id="just sure enough outside"),
        pytest.param([(0.29, 0.5, 0.5, 1.1, 0.9)], False, id="too unsure outside"),
        pytest.param([(0.9, 0.5, 0.5, 1.04, 0.9)], False, id="hardly outside"),
        pytest.param([(0.9, *MIDDLE), (0.4, 0.5, 0.5, 1.1, 0.9)], True, id="the second one"),
    ],
)
def test_a_sure_box_outside_shows_a_close_up(rows: list[Row], expected: bool) -> None:
    """Only a box that is outside and sure at once is a sign of a close-up."""
    assert shows_close_up(_rows(*rows)) == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param([], [], [], id="nothing at all"),
        pytest.param([], [(0.5, *MIDDLE)], [(0.5, *MIDDLE)], id="only the second saw it"),
        pytest.param([(0.5, *MIDDLE)], [], [(0.5, *MIDDLE)], id="only the first saw it"),
        pytest.param([(0.5, *MIDDLE)], [(0.9, *ASIDE)], [(0.9, *ASIDE)], id="second is surer"),
        pytest.param([(0.9, *MIDDLE)], [(0.5, *ASIDE)], [(0.9, *MIDDLE)], id="first is surer"),
        pytest.param([(0.5, *MIDDLE)], [(0.5, *ASIDE)], [(0.5, *MIDDLE)], id="equally sure"),
        pytest.param(
            [(0.5, *MIDDLE)], [(0.9, *APART)], [(0.9, *APART), (0.5, *MIDDLE)], id="two faces"
        ),
        pytest.param(
            [(0.9, *MIDDLE), (0.5, *ASIDE)],
            [],
            [(0.9, *MIDDLE), (0.5, *ASIDE)],
            id="two of the first pass",
        ),
        pytest.param(
            [],
            [(0.9, *MIDDLE), (0.5, *ASIDE)],
            [(0.9, *MIDDLE), (0.5, *ASIDE)],
            id="two of the second pass",
        ),
        pytest.param(
            [(0.8, *MIDDLE)],
            [(0.9, *APART), (0.7, *MIDDLE), (0.6, *ASIDE)],
            [(0.9, *APART), (0.8, *MIDDLE)],
            id="one suppresses two of the other pass",
        ),
    ],
)
def test_two_passes_become_one(first: list[Row], second: list[Row], expected: list[Row]) -> None:
    """Of a face that both passes saw the surer box stays; boxes of one pass never compete."""
    merged = merge_passes(_rows(*first), _rows(*second))
    np.testing.assert_array_equal(merged, _rows(*expected))


def tight_crop(photo: BgrImage, box: Box, margin: float) -> BgrImage:
    """Cut a face out with so much of its box's side around it."""
    left, top = max(0, round(box.x0 - margin * box.width)), round(box.y0 - margin * box.height)
    right, bottom = round(box.x1 + margin * box.width), round(box.y1 + margin * box.height)
    return photo[max(0, top) : bottom, left:right].copy()


def _lost(faces: tuple[Face, ...], others: tuple[Face, ...]) -> list[Face]:
    """Return the faces that have no counterpart among the others."""
    boxes, other_boxes = (
        np.array([face.box.xyxy for face in some]).reshape(-1, 4) for some in (faces, others)
    )
    best = iou_matrix(boxes, other_boxes).max(axis=1, initial=0.0).tolist()
    return [face for face, overlap in zip(faces, best, strict=True) if overlap <= 0.4]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "margin"),
    [(PORTRAITS[0], -0.1), (PORTRAITS[1], 0.0), (PORTRAITS[0], 0.1), (PORTRAITS[1], 0.3)],
)
def test_a_tight_portrait_has_one_face(recorded: Recorded, name: str, margin: float) -> None:
    """A face that fills the photo is found once, by a second look, about where it is."""
    photo = decode_image((SAMPLES / name).read_bytes())
    (known,) = recorded.analyzer.analyze(photo, annotate=False).faces
    recorded.detector.blobs.clear()
    crop = tight_crop(photo, known.box, margin)
    (face,) = recorded.analyzer.analyze(crop, annotate=False).faces
    assert recorded.detector.forward_count == 2
    part = known.box.width * known.box.height / (crop.shape[0] * crop.shape[1])
    share = face.box.width * face.box.height / (crop.shape[0] * crop.shape[1])
    assert share == pytest.approx(min(part, 1.0), abs=0.25)


def test_the_second_look_is_what_finds_it(recorded: Recorded, astronaut_file: bytes) -> None:
    """Without the second look the same crop costs one pass and has no face."""
    photo = decode_image(astronaut_file)
    (known,) = recorded.analyzer.analyze(photo, ONE_LOOK, annotate=False).faces
    assert recorded.detector.forward_count == 1
    crop = tight_crop(photo, known.box, 0.0)
    assert recorded.analyzer.analyze(crop, ONE_LOOK, annotate=False).faces == ()
    assert recorded.detector.forward_count == 2


def test_the_second_look_has_a_black_border(recorded: Recorded, astronaut_file: bytes) -> None:
    """The second pass gets an input of the same size, black but for its middle."""
    photo = decode_image(astronaut_file)
    (known,) = recorded.analyzer.analyze(photo, annotate=False).faces
    recorded.detector.blobs.clear()
    recorded.analyzer.analyze(tight_crop(photo, known.box, 0.0), annotate=False)
    first, second = recorded.detector.blobs
    assert first.shape == second.shape
    height, width = second.shape[2:]
    mean = np.array(recorded.detector.spec.mean_bgr, np.float32)[:, None, None]
    black = np.isclose(second[0] + mean, 0, atol=1e-3).all(axis=0)
    rows, columns = (np.flatnonzero(~black.all(axis=axis)) for axis in (1, 0))
    for inside, side in ((rows, height), (columns, width)):
        assert inside[0] == pytest.approx(0.3 * side, abs=1.5)
        assert inside[-1] + 1 == pytest.approx(0.7 * side, abs=1.5)


@pytest.mark.slow
def test_a_group_is_looked_at_once(recorded: Recorded) -> None:
    """Where nothing shows a close-up, the second look costs nothing and changes nothing."""
    both = [
        recorded.analyzer.analyze(group_photo(), settings, annotate=False)
        for settings in (SECOND_LOOK, ONE_LOOK)
    ]
    assert recorded.detector.forward_count == 2
    assert both[0].candidates == both[1].candidates
    assert len(both[0].faces) == 6


@pytest.mark.slow
def test_a_second_look_loses_no_face_of_a_group(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the signs are taken for a close-up wrongly, every face of the group stays."""
    alone = recorded.analyzer.analyze(group_photo(), ONE_LOOK, annotate=False).faces
    monkeypatch.setattr(detector_module, "OVERHANG_LIMIT", -1.0)
    rows = replace(SECOND_LOOK, drop_outside=False)
    twice = recorded.analyzer.analyze(group_photo(), rows, annotate=False).faces
    assert recorded.detector.forward_count == 3
    assert _lost(alone, twice) == []
    assert len(twice) == len(alone) == 6


def test_boxes_outside_are_kept_where_that_is_asked_for(
    analyzer: FaceAnalyzer, astronaut_file: bytes
) -> None:
    """Candidates that leave the photo are there, clipped to it, unless they are to be dropped."""
    photo = decode_image(astronaut_file)[57:177, 179:271].copy()
    kept = analyzer.analyze(photo, replace(ONE_LOOK, drop_outside=False)).candidates
    dropped = analyzer.analyze(photo, ONE_LOOK).candidates
    edges = np.array([found.fractions_xyxy for found in kept], dtype=np.float64)
    leaving = overhang(edges) > OVERHANG_LIMIT
    assert leaving.any()
    assert dropped == tuple(f for f, leaves in zip(kept, leaving, strict=True) if not leaves)
    for found in kept:
        assert found.box.x1 <= 92
        assert found.box.y1 <= 120


@pytest.mark.slow
def test_tight_crops_of_many_people_have_one_face(
    analyzer: FaceAnalyzer, shared_data: Path
) -> None:
    """Of twelve portraits that are cut tightly, all but one at most have exactly one face."""
    counts: list[int] = []
    for path in sorted((shared_data / "fairface").glob("*.jpg"))[::5]:
        photo = decode_image(path.read_bytes())
        faces = analyzer.analyze(photo, annotate=False).faces
        if len(faces) == 1:
            crop = tight_crop(photo, faces[0].box, (0.1, 0.3)[len(counts) % 2])
            counts.append(len(analyzer.analyze(crop, annotate=False).faces))
        if len(counts) == 12:
            break
    assert len(counts) == 12
    assert counts.count(1) >= 11, counts


@pytest.mark.slow
def test_a_second_look_loses_no_face_of_group_photos(
    recorded: Recorded, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each face of real group photos that one look accepts is there after two, always taken."""
    paths = sorted((shared_data / "groups").glob("*.jpg"))[::2]
    photos = [path.read_bytes() for path in paths]
    alone = [recorded.analyzer.analyze(photo, ONE_LOOK).faces for photo in photos]
    monkeypatch.setattr(detector_module, "CLOSE_UP_CONFIDENCE", 0.0)
    recorded.detector.blobs.clear()
    twice = [recorded.analyzer.analyze(photo).faces for photo in photos]
    assert recorded.detector.forward_count > len(paths)
    for path, before, after in zip(paths, alone, twice, strict=True):
        assert _lost(before, after) == [], path.name


def test_only_a_box_that_stays_takes_anothers_place() -> None:
    """A chain of overlaps costs no face: what lost to a loser stays."""
    first = np.array([[0.5, 0.0, 0.0, 0.5, 0.5], [0.9, 0.25, 0.0, 0.75, 0.5]])
    second = np.array([[0.6, 0.125, 0.0, 0.625, 0.5]])
    assert merge_passes(first, second)[:, 0].tolist() == [0.9, 0.5]
