"""One 1080p photo with five faces: this project against the article's own way.

``python -m tests.benchmarks.whole_photo [ROUNDS]`` reads the same JPEG bytes
both ways, from decoding to the drawn answer, in turn, and prints medians and
the median of the pairwise ratios. It also times loading, in turn likewise.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import cv2
import numpy as np

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.imaging.decoding import BgrImage, decode_image, encode_jpeg
from facecore.models.catalogue import network_specs
from facecore.models.files import locate
from facecore.results import AGE_GROUPS, GENDERS
from facecore.sources.samples import samples

_ATTRIBUTE_MEAN = (78.4263377603, 87.7689143744, 114.895847746)


class ArticleService:
    """The article's code path: cap at 800, detect, then two passes per face on the capped copy."""

    def __init__(self) -> None:
        self.faces = 0
        self.detector, self.gender, self.age = (
            cv2.dnn.readNetFromCaffe(
                str(locate(spec.file("architecture"))[0]), str(locate(spec.file("weights"))[0])
            )
            for spec in network_specs()
        )

    def read(self, data: bytes) -> BgrImage:
        """Decode, detect, classify face by face, draw on the capped copy."""
        photo = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert photo is not None
        height, width = photo.shape[:2]
        scale = min(1.0, 800 / max(height, width))
        size = (int(width * scale), int(height * scale))
        photo = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        self.detector.setInput(cv2.dnn.blobFromImage(photo, 1.0, (300, 300), (104, 177, 123)))
        self.faces = 0
        for row in self.detector.forward()[0, 0]:
            if row[2] > 0.7:
                self.faces += 1
                self._face(photo, (row[3:7] * (*size, *size)).astype(int))
        return photo.astype(np.uint8, copy=False)

    def _face(self, photo: cv2.typing.MatLike, box: np.ndarray) -> None:
        x0, y0 = (int(edge) for edge in np.maximum(box[:2], 0))
        x1, y1 = int(box[2]), int(box[3])
        crop = photo[y0:y1, x0:x1]
        answers = []
        for net, labels in ((self.gender, GENDERS), (self.age, AGE_GROUPS)):
            net.setInput(cv2.dnn.blobFromImage(crop, 1.0, (227, 227), _ATTRIBUTE_MEAN))
            answers.append(labels[int(net.forward()[0].argmax())])
        cv2.rectangle(photo, (x0, y0), (x1, y1), (0, 255, 0), 2)
        label = ", ".join(answers)
        cv2.putText(photo, label, (x0, y0 - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 255, 0), 2)


def five_faces_1080p() -> bytes:
    """Compose a 1920×1080 JPEG with five faces from the sample portraits."""
    canvas = np.full((1080, 1920, 3), 90, dtype=np.uint8)
    collins, hopper = (decode_image(sample.read()) for sample in samples()[2:])
    portraits = (collins[10:250, 105:345], hopper[30:430, 65:465])
    for place in range(5):
        portrait = cv2.resize(portraits[place % 2], (480, 500), interpolation=cv2.INTER_LINEAR)
        x, y = 60 + 620 * (place % 3), 30 + 530 * (place // 3)
        canvas[y : y + 500, x : x + 480] = portrait
    return encode_jpeg(canvas, 92)


def compare(first: Callable[[], object], second: Callable[[], object], rounds: int) -> str:
    """Time two callables in turn and put medians and ratios into a line."""
    times: list[tuple[float, float]] = []
    for number in range(rounds + 2):
        pair = []
        # The order changes from round to round, so that none always goes first.
        for index in (0, 1) if number % 2 else (1, 0):
            started = time.perf_counter()
            (first, second)[index]()
            pair.append((index, (time.perf_counter() - started) * 1e3))
        times.append((dict(pair)[0], dict(pair)[1]))
    counted = times[2:]  # two rounds to warm up
    ratios = [ours / theirs for ours, theirs in counted]
    return (
        f"ours {statistics.median(ours for ours, _ in counted):.1f} ms, "
        f"article {statistics.median(theirs for _, theirs in counted):.1f} ms, "
        f"median ratio {statistics.median(ratios):.3f} (n = {rounds})"
    )


def main() -> None:
    """Print the two comparisons."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    print("load:", compare(FaceAnalyzer.load, ArticleService, max(4, rounds // 5)))
    data = five_faces_1080p()
    analyzer, article = FaceAnalyzer.load(), ArticleService()
    article.read(data)
    print(f"faces found: ours {len(analyzer.analyze(data).faces)}, article {article.faces}")
    print("photo:", compare(lambda: analyzer.analyze(data), lambda: article.read(data), rounds))


if __name__ == "__main__":
    main()
