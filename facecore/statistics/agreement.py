"""Do two settings give the same answers for the same photos?

This says nothing about who is right: `facecore.evaluation` does, where the
truth is known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from facecore.imaging.geometry import iou_matrix
from facecore.results import AgeGroupPrediction, Box, Face, GenderPrediction
from facecore.wording import Text, counted, listed

AGREEMENT_IOU = 0.5
"""Overlap from which two boxes are of the same face, as in PASCAL VOC."""

Kind = Literal["lost", "new", "gender", "age group"]
_Answer = GenderPrediction | AgeGroupPrediction


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One answer that is not the same.

    Attributes:
        photo: its name.
        kind: "lost" is a face that only the baseline has, "new" one that only
            the variant has; else what is said of a face that both have.
        box: the baseline's, or the variant's for a new face.
        variant_box: the variant's; None for a lost face.
        baseline: what the baseline says, for people.
        variant: what the variant says.
    """

    photo: str
    kind: Kind
    box: Box
    variant_box: Box | None
    baseline: str
    variant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far a variant's answers are the baseline's. Means are None without a matched face.

    Attributes:
        photos: photos that both sides have.
        only_baseline, only_variant: names of photos that only one side has;
            their faces count nowhere.
        matched: faces that both sides have, with boxes that overlap by
            `AGREEMENT_IOU` or more.
        lost, new: faces that only the baseline has, and only the variant.
        same: matched faces with the same gender and the same age group.
        gender_flips, age_group_flips: matched faces for which the answer changed.
        mean_iou: of matched boxes, `AGREEMENT_IOU` to 1.
        mean_shift_px: distance of their centres, in pixels of the photo.
        mean_confidence_change: of the detector's confidence, without sign, 0 to 1.
        events: whatever is not the same, photo by photo.
    """

    photos: int
    only_baseline: tuple[str, ...]
    only_variant: tuple[str, ...]
    matched: int
    lost: int
    new: int
    same: int
    gender_flips: int
    age_group_flips: int
    mean_iou: float | None
    mean_shift_px: float | None
    mean_confidence_change: float | None
    events: tuple[Disagreement, ...]

    @property
    def share_same(self) -> float:
        """Faces about which all is the same, of those that either side has, 0 to 1.

        1 where there is no face on either side; so look at ``photos`` as well.
        """
        either = self.matched + self.lost + self.new
        return self.same / either if either else 1.0

    @property
    def words(self) -> Text:
        """One short sentence for people."""
        count = self.matched + self.lost
        faces = counted(count, "face")
        if not self.photos:
            sentence = Text("no photo to compare")
        elif not (count or self.new):
            sentence = Text("no face on either side")
        elif not self.events:
            sentence = Text("no change of answers in {faces}", faces=faces)
        else:
            changes = []
            if self.lost:
                changes.append(Text("{lost} of {faces} lost", lost=self.lost, faces=faces))
            elif count:
                changes.append(Text("none of {faces} lost", faces=faces))
            if self.new:
                changes.append(Text("{n} new", n=self.new))
            if self.gender_flips:
                changes.append(
                    Text("{n} gender changed", "{n} genders changed", n=self.gender_flips)
                )
            if self.age_group_flips:
                changes.append(
                    Text("{n} age group changed", "{n} age groups changed", n=self.age_group_flips)
                )
            sentence = listed(changes)
        alone = len(self.only_baseline) + len(self.only_variant)
        missing = (
            Text("; {photos} read on one side only", photos=counted(alone, "photo"))
            if alone
            else ""
        )
        return sentence + missing


def face_agreement(
    baseline: Mapping[str, Sequence[Face]], variant: Mapping[str, Sequence[Face]]
) -> Agreement:
    """Compare the answers of two settings, photo by photo.

    Boxes are matched one to one, those that overlap most first.

    Args:
        baseline, variant: faces by the photo's name, in pixels of the upright
            photo. A photo without a face has an empty sequence; one that could
            not be read is not there.
    """
    both = [photo for photo in baseline if photo in variant]
    pairs: list[_Matched] = []
    events: list[Disagreement] = []
    for photo in both:
        matched, unmatched = _match(photo, baseline[photo], variant[photo])
        pairs += matched
        events += [flip for pair in matched for flip in pair.flips] + unmatched
    kinds = [event.kind for event in events]
    return Agreement(
        photos=len(both),
        only_baseline=tuple(photo for photo in baseline if photo not in variant),
        only_variant=tuple(photo for photo in variant if photo not in baseline),
        matched=len(pairs),
        lost=kinds.count("lost"),
        new=kinds.count("new"),
        same=sum(not pair.flips for pair in pairs),
        gender_flips=kinds.count("gender"),
        age_group_flips=kinds.count("age group"),
        mean_iou=_mean([pair.iou for pair in pairs]),
        mean_shift_px=_mean([pair.shift_px for pair in pairs]),
        mean_confidence_change=_mean([abs(p.old.confidence - p.new.confidence) for p in pairs]),
        events=tuple(events),
    )


@dataclass(frozen=True, slots=True)
class _Matched:
    photo: str
    iou: float
    old: Face
    new: Face

    @property
    def shift_px(self) -> float:
        a, b = self.old.box, self.new.box
        return math.hypot(a.x0 + a.x1 - b.x0 - b.x1, a.y0 + a.y1 - b.y0 - b.y1) / 2

    @property
    def flips(self) -> list[Disagreement]:
        answers: tuple[tuple[Kind, _Answer, _Answer], ...] = (
            ("gender", self.old.gender, self.new.gender),
            ("age group", self.old.age_group, self.new.age_group),
        )
        return [
            Disagreement(self.photo, kind, self.old.box, self.new.box, _said(before), _said(now))
            for kind, before, now in answers
            if before.label != now.label
        ]


def _match(
    photo: str, baseline: Sequence[Face], variant: Sequence[Face]
) -> tuple[list[_Matched], list[Disagreement]]:
    """Return the faces that both sides have, as the baseline orders them, and those of one side."""
    overlaps = iou_matrix(
        np.array([face.box.xyxy for face in baseline]),
        np.array([face.box.xyxy for face in variant]),
    )
    places: dict[int, tuple[int, float]] = {}
    while overlaps.size and overlaps.max() >= AGREEMENT_IOU:
        i, j = (int(place) for place in np.unravel_index(overlaps.argmax(), overlaps.shape))
        places[i] = j, float(overlaps[i, j])
        overlaps[i], overlaps[:, j] = 0, 0
    known = {j for j, _ in places.values()}
    nobody = Text("no face")
    lost = [face for i, face in enumerate(baseline) if i not in places]
    new = [face for j, face in enumerate(variant) if j not in known]
    return [
        _Matched(photo, iou, baseline[i], variant[j]) for i, (j, iou) in sorted(places.items())
    ], [
        *(Disagreement(photo, "lost", face.box, None, _found(face), nobody) for face in lost),
        *(Disagreement(photo, "new", face.box, face.box, nobody, _found(face)) for face in new),
    ]


def _said(answer: _Answer) -> str:
    return Text(
        "{label}, {percent:.0f} %", label=Text(answer.label), percent=100 * answer.probability
    )


def _found(face: Face) -> str:
    return Text(
        "face, {percent:.0f} %: {gender}, {age_group}",
        percent=100 * face.confidence,
        gender=Text(face.gender.label),
        age_group=face.age_group.label,
    )


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
