"""What reduced decoding saves, and what it changes, on photos as large as cameras make them.

``python -m tests.benchmarks.reduced_decode FOLDER [MEGAPIXELS] [ROUNDS]`` enlarges
each photo of the folder to so many megapixels, with sides that 8 divides, and
reads it both ways in turn. It prints what was found, how many answers differ,
and the medians of the time to decode and of the whole.
"""

from __future__ import annotations

import math
import statistics
import sys
from pathlib import Path

import cv2
import numpy as np

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.imaging.decoding import BgrImage, decode_image, encode_jpeg
from facecore.imaging.geometry import iou_matrix
from facecore.imaging.kinds import PHOTO_SUFFIXES
from facecore.results import Analysis, Face
from facecore.settings import AnalysisSettings

_SAME_FACE_IOU = 0.5
_NOISE = 4.0
"""Standard deviation of what is added, as enlarging leaves none of a camera's noise."""


def camera_photo(photo: BgrImage, megapixels: float) -> bytes:
    """Enlarge a picture, add noise, and encode it as a JPEG of quality 90."""
    height, width = photo.shape[:2]
    scale = math.sqrt(megapixels * 1e6 / (width * height))
    size_wh = (round(width * scale / 8) * 8, round(height * scale / 8) * 8)
    large = cv2.resize(photo, size_wh, interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).normal(0, _NOISE, large.shape)
    return encode_jpeg(np.clip(large + noise, 0, 255).astype(np.uint8))


def same_faces(full: Analysis, reduced: Analysis) -> list[tuple[Face, Face]]:
    """Pair the faces of two answers that overlap."""
    boxes = [np.array([face.box.xyxy for face in a.faces]).reshape(-1, 4) for a in (full, reduced)]
    overlaps = iou_matrix(*boxes)
    pairs = np.argwhere(overlaps >= _SAME_FACE_IOU)
    return [(full.faces[i], reduced.faces[j]) for i, j in pairs]


def main() -> None:
    """Print what was measured."""
    folder = Path(sys.argv[1])
    megapixels = float(sys.argv[2]) if len(sys.argv) > 2 else 12.0
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    ways = (AnalysisSettings(), AnalysisSettings(reduced_decode=True))
    analyzer = FaceAnalyzer.load()
    times: dict[str, tuple[list[float], list[float]]] = {"decode": ([], []), "total": ([], [])}
    counts = dict.fromkeys(("in full", "reduced", "in both", "other gender", "other age group"), 0)
    for path in sorted(p for p in folder.iterdir() if p.suffix in PHOTO_SUFFIXES):
        data = camera_photo(decode_image(path.read_bytes()), megapixels)
        answers: list[Analysis] = []
        for number in range(rounds + 1):
            answers = [analyzer.analyze(data, settings, annotate=False) for settings in ways]
            for way, analysis in enumerate(answers):
                if number:  # the first round warms up
                    times["decode"][way].append(analysis.timings.decode_ms)
                    times["total"][way].append(analysis.timings.total_ms)
        pairs = same_faces(*answers)
        counts["in full"] += len(answers[0].faces)
        counts["reduced"] += len(answers[1].faces)
        counts["in both"] += len(pairs)
        counts["other gender"] += sum(a.gender.label != b.gender.label for a, b in pairs)
        counts["other age group"] += sum(a.age_group.label != b.age_group.label for a, b in pairs)
    print("faces:", ", ".join(f"{name} {count}" for name, count in counts.items()))
    for name, (full, reduced) in times.items():
        ours, theirs = statistics.median(reduced), statistics.median(full)
        print(f"{name}: {theirs:.1f} ms in full, {ours:.1f} ms, ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
