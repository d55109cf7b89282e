"""Figures of the detection at one confidence, by hand and on the shared group photos."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.evaluation.curves import average_precision
from facecore.evaluation.detection import AVERAGE_PRECISION_IOUS, evaluate_detection
from facecore.evaluation.labels import BoxXyxy, read_boxes
from facecore.export import to_json_line
from facecore.settings import AnalysisSettings
from facecore.statistics.intervals import Estimate, Proportion
from tests.evaluation.conftest import analysis, found

HERE: BoxXyxy = (0, 0, 10, 10)
THERE: BoxXyxy = (20, 0, 30, 10)
ON_HERE, ON_THERE, NOWHERE = (0, 0, 10, 10), (20, 0, 30, 10), (70, 60, 80, 70)

BOXES: dict[str, tuple[BoxXyxy, ...]] = {
    "both.jpg": (HERE, THERE),
    "half.jpg": (HERE, THERE),
    "empty.jpg": (),
    "unread.jpg": (HERE,),
}
ANALYSES = {
    "both.jpg": analysis(candidates=found((0.9, ON_HERE), (0.7, ON_THERE), (0.1, NOWHERE))),
    "half.jpg": analysis(candidates=found((0.8, ON_HERE), (0.6, ON_THERE))),
    "empty.jpg": analysis(candidates=found((0.75, NOWHERE), (0.72, ON_HERE))),
    "unlabelled.jpg": analysis(candidates=found((0.9, NOWHERE))),
}
SETTINGS = AnalysisSettings(confidence=0.7)


def test_nothing_known_gives_empty_figures() -> None:
    """Without photos no figure has a value, and none divides by zero."""
    report = evaluate_detection({}, BOXES, SETTINGS)
    assert report == evaluate_detection(ANALYSES, {}, SETTINGS)
    assert (report.photos, report.faces) == (0, 0)
    assert report.precision == report.recall == Proportion(0, 0)
    assert report.f1 == Estimate(None, None, 0)
    assert report.false_per_photo == Estimate(None, None, 0)
    assert report.as_dict()["best_f1"] is None


def test_figures_by_hand() -> None:
    """Right boxes, all boxes and all faces are counted over the photos that have both."""
    report = evaluate_detection(ANALYSES, BOXES, SETTINGS)
    assert (report.photos, report.faces, report.confidence) == (3, 4, 0.7)
    assert report.precision == Proportion(3, 5)
    assert report.recall == Proportion(3, 4)
    assert report.f1.value == pytest.approx(6 / 9)
    assert report.f1.n == report.false_per_photo.n == 3
    assert report.f1.interval is not None
    assert 0 <= report.f1.interval[0] <= 6 / 9 <= report.f1.interval[1] <= 1
    assert report.false_per_photo.value == pytest.approx(2 / 3)


def test_a_moved_threshold_moves_the_figures_alone() -> None:
    """The same analyses serve every threshold; what is over all thresholds stays."""
    before = evaluate_detection(ANALYSES, BOXES, SETTINGS)
    after = evaluate_detection(ANALYSES, BOXES, replace(SETTINGS, confidence=0.85))
    assert (after.precision, after.recall) == (Proportion(1, 1), Proportion(1, 4))
    assert after.false_per_photo.value == 0
    assert after.average_precision == before.average_precision
    assert after.by_threshold.lines() == before.by_threshold.lines()
    none = evaluate_detection(ANALYSES, BOXES, replace(SETTINGS, confidence=1.0))
    assert (none.precision, none.recall, none.f1.value) == (Proportion(0, 0), Proportion(0, 4), 0)


def test_most_faces_of_a_photo_are_a_setting_too() -> None:
    """Boxes beyond the limit are not found, so they are neither right nor wrong."""
    report = evaluate_detection(ANALYSES, BOXES, replace(SETTINGS, max_faces=1))
    assert (report.precision, report.recall) == (Proportion(2, 3), Proportion(2, 4))


def test_curve_and_averages_are_those_of_the_candidates() -> None:
    """Candidates below the threshold count in what is over all thresholds."""
    report = evaluate_detection(ANALYSES, BOXES, SETTINGS)
    names = ("both.jpg", "half.jpg", "empty.jpg")
    scored = [(ANALYSES[name].candidates, BOXES[name]) for name in names]
    assert report.by_threshold.at(0.7).precision == report.precision
    assert report.by_threshold.at(0.05).precision == Proportion(4, 7)
    assert report.average_precision == {
        iou: average_precision(scored, iou) for iou in AVERAGE_PRECISION_IOUS
    }
    plain = json.loads(to_json_line(report.as_dict()))
    assert list(plain["average_precision"]) == ["0.5", "0.4"]
    # At 0.60 and below all four are found, with two false ones down to 0.11, then three.
    best = plain["best_f1"]
    assert (best["plateau"], best["threshold"]) == ([0.11, 0.6], 0.35)
    assert (best["highest_f1"], best["faces"], best["photos"]) == (0.8, 4, 3)
    assert best["f1"]["interval"][0] < 0.8 < best["f1"]["interval"][1]
    assert plain["precision"]["successes"] == 3


@pytest.mark.slow
def test_real_candidates_find_the_faces_of_group_photos(
    analyzer: FaceAnalyzer, shared_data: Path
) -> None:
    """On three group photos the figures at the settings' confidence are those of the faces."""
    folder = shared_data / "groups"
    boxes, _ = read_boxes((folder / "boxes.csv").read_text("utf-8"))
    few = dict(list(boxes.items())[:3])
    analyses = {
        name: analyzer.analyze((folder / name).read_bytes(), SETTINGS, annotate=False)
        for name in few
    }
    report = evaluate_detection(analyses, few, SETTINGS)
    assert report.faces == sum(map(len, few.values()))
    assert report.precision.n == sum(len(analysis.faces) for analysis in analyses.values())
    assert (report.recall.value or 0) > 0.8
    estimate = report.average_precision[0.4]
    assert 0.8 < (estimate.value or 0) <= 1
    surest = report.by_threshold.at_least_precision(0.9)
    assert surest is not None
    assert (surest.recall.value or 0) >= (report.recall.value or 0)
