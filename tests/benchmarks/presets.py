"""Whole photos with one preset against another, in turn, on a folder of photos.

``python -m tests.benchmarks.presets FOLDER [FIRST SECOND] [ROUNDS]`` prints the
medians and the ratio of medians, for the whole photo and for the detector alone.
Faces are many in group photos: the ratio for the whole photo then tells of how
many were found as well.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.imaging.kinds import PHOTO_SUFFIXES
from facecore.settings.presets import preset


def main() -> None:
    """Print what was measured."""
    folder = Path(sys.argv[1])
    names = sys.argv[2:4] if len(sys.argv) > 3 else ["Recommended", "Article"]
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 5
    settings = [preset(name) for name in names]
    photos = [p.read_bytes() for p in sorted(folder.iterdir()) if p.suffix in PHOTO_SUFFIXES]
    analyzer = FaceAnalyzer.load()
    figures: dict[str, list[list[float]]] = {"total": [[], []], "detect": [[], []]}
    faces = [0, 0]
    for number in range(rounds + 1):
        for photo in photos:
            for index in (0, 1) if number % 2 else (1, 0):
                analysis = analyzer.analyze(photo, settings[index])
                if number:  # the first round warms up
                    figures["total"][index].append(analysis.timings.total_ms)
                    figures["detect"][index].append(analysis.timings.detect_ms)
                    faces[index] += len(analysis.faces)
    print(f"{len(photos)} photos, {rounds} rounds, {names[0]} against {names[1]}")
    for name, (first, second) in figures.items():
        ours, theirs = statistics.median(first), statistics.median(second)
        print(f"{name}: {ours:.1f} ms, {theirs:.1f} ms, ratio {ours / theirs:.3f}")
    print(f"faces a round: {faces[0] / rounds:.0f}, {faces[1] / rounds:.0f}")


if __name__ == "__main__":
    main()
