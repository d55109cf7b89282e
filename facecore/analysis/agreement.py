"""A program that says whether an engine reads the samples as OpenCV does."""

from __future__ import annotations

import sys

import numpy as np

from facecore import engines
from facecore.analysis.analyzer import FaceAnalyzer
from facecore.analysis.automatic import NOT_TOLD, REFUSED
from facecore.errors import FacecoreError
from facecore.results import Face
from facecore.settings import RuntimeOptions
from facecore.sources.samples import group_photo

# The modern age network magnifies roundings to more than a thousandth.
_TOLERANCE = 5e-3
_TOLERANCE_PX = 1


def _agree(ours: tuple[Face, ...], theirs: tuple[Face, ...]) -> bool:
    return len(ours) == len(theirs) and all(
        np.abs(np.subtract(a.detection.box.xyxy, b.detection.box.xyxy)).max() <= _TOLERANCE_PX
        and a.attributes.keys() == b.attributes.keys()
        and all(
            a.attributes[name].label == b.attributes[name].label
            and np.allclose(
                a.attributes[name].probabilities, b.attributes[name].probabilities, atol=_TOLERANCE
            )
            for name in a.attributes
        )
        for a, b in zip(ours, theirs, strict=True)
    )


def _main(name: str, model_set: str) -> int:
    """Return 0 where the engine reads the samples as OpenCV does, else 1; says what it refuses.

    Raises:
        FacecoreError: OpenCV itself cannot read them, so that nothing is known of the engine.
    """
    theirs = _faces(engines.reference().name, model_set)
    try:
        ours = _faces(name, model_set)
    except FacecoreError as error:
        print(error)
        return REFUSED
    return 0 if ours and _agree(ours, theirs) else 1


def _faces(name: str, model_set: str) -> tuple[Face, ...]:
    analyzer = FaceAnalyzer.load(RuntimeOptions(engine=name, model_set=model_set))
    # Both portraits are in it, at several sizes, so that one photo is enough: somebody waits.
    return analyzer.analyze(group_photo(), annotate=False).faces


if __name__ == "__main__":
    try:
        sys.exit(_main(*sys.argv[1:3]))
    except FacecoreError:
        sys.exit(NOT_TOLD)
