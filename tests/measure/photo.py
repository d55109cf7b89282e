"""Writes the photo that a cap is measured with: five faces, 3840×2160, a JPEG.

``python -m tests.measure.photo FILE``; then ``facecore compare FILE --claim cap``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2

from facecore.imaging.decoding import decode_image, encode_jpeg
from tests.benchmarks.whole_photo import five_faces_1080p


def main() -> None:
    """Write it."""
    photo = decode_image(five_faces_1080p())
    large = cv2.resize(photo, (3840, 2160), interpolation=cv2.INTER_CUBIC)
    Path(sys.argv[1]).write_bytes(encode_jpeg(large, 95))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
