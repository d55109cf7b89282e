"""Films of faces, made of portraits that move: what a camera in a hand would show of them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facecore.imaging.decoding import BgrImage, decode_image, encode_jpeg
from facecore.results import Box, Face
from facecore.sources.photo import Person
from facecore.sources.samples import samples

SIZE_WH = (960, 540)
JPEG_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a portrait is: the middle of its place in pixels, its side, its tilt clockwise."""

    x: float
    y: float
    side_px: float
    degrees: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """A square portrait, and its pose at a time in seconds; None where it is not to be seen."""

    name: str
    portrait: BgrImage
    pose: Callable[[float], Pose | None]

    def owns(self, face: Face, time_s: float) -> bool:
        """Return whether a face is this portrait's person: in the middle third of it."""
        pose, (x0, y0, x1, y1) = self.pose(time_s), face.box.xyxy
        return pose is not None and (
            math.hypot((x0 + x1) / 2 - pose.x, (y0 + y1) / 2 - pose.y) < pose.side_px / 4
        )


def swaying(name: str, around: Pose) -> Callable[[float], Pose]:
    """Return the path of somebody who stands and moves as people do: in ways that have no end.

    Up to 13 % of the portrait's side in both directions, 8 % nearer and further, 6 degrees of
    tilt, in waves of 0.9 to 4 seconds that the name decides.
    """
    rng = np.random.default_rng(_seed(name))
    phases, periods = rng.uniform(0, 2 * math.pi, (4, 2)), rng.uniform((1.5, 0.9), (4, 1.5), (4, 2))
    reach = np.array([0.1 * around.side_px, 0.1 * around.side_px, 0.06, 4.5])

    def pose(time_s: float) -> Pose:
        waves = np.sin(phases + 2 * math.pi * time_s / periods) @ (1.0, 0.33)
        dx, dy, zoom, tilt = (float(one) for one in reach * waves)
        return Pose(
            around.x + dx, around.y + dy, around.side_px * (1 + zoom), around.degrees + tilt
        )

    return pose


def sample_people() -> list[tuple[Person, BgrImage]]:
    """Return the people of the samples of whom all is known, and a square portrait of each."""
    photos = [(decode_image(one.read()), one.people) for one in (samples()[0], *samples()[2:])]
    return [
        (person, _portrait(image, person.box))
        for image, people in photos
        for person in people
        if person.ages is not None and person.box.height > 90
    ]


def row_of_people(portraits: Sequence[tuple[str, BgrImage]]) -> list[Actor]:
    """Return up to four people side by side, each on a path of their own."""
    width, height = SIZE_WH
    side = min(280.0, 0.95 * width / len(portraits))
    return [
        Actor(
            name,
            portrait,
            swaying(name, Pose(width * (i + 0.5) / len(portraits), height / 2, side)),
        )
        for i, (name, portrait) in enumerate(portraits)
    ]


def film(
    actors: Sequence[Actor], frames: int, fps: float, *, seed: int = 0
) -> Iterator[tuple[float, bytes]]:
    """Return the time in seconds and the JPEG of each frame of 960×540.

    The camera shakes by some pixels, the light changes by a tenth, the sensor has noise (standard
    deviation 4 of 255), and each frame is a JPEG of its own.
    """
    rng = np.random.default_rng(seed)
    backdrop = _backdrop(rng)
    width, height = SIZE_WH
    grain = 4 * rng.standard_normal((2 * height, 2 * width, 3), dtype=np.float32)
    shake = np.zeros(2)
    for i in range(frames):
        time_s = i / fps
        shake = 0.9 * shake + rng.normal(0, 0.8, 2)
        canvas = backdrop.copy()
        for actor in actors:
            pose = actor.pose(time_s)
            if pose is not None:
                _place(canvas, actor.portrait, pose, shake)
        light = 1 + 0.1 * math.sin(2 * math.pi * time_s / 2.3 + seed)
        x, y = rng.integers((width, height))
        noisy = canvas * light + grain[y : y + height, x : x + width]
        image = np.clip(noisy, 0, 255).astype(np.uint8)
        yield time_s, encode_jpeg(image, quality=JPEG_QUALITY)


def _portrait(image: BgrImage, box: Box) -> BgrImage:
    """Cut out a square twice as high as the face, that in its middle, as far as the photo goes."""
    x, y, half = (box.x0 + box.x1) // 2, (box.y0 + box.y1) // 2, box.height
    half = min(half, x, y, image.shape[1] - x, image.shape[0] - y)
    return np.ascontiguousarray(image[y - half : y + half, x - half : x + half])


def _seed(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])


def _backdrop(rng: np.random.Generator) -> NDArray[np.float32]:
    coarse = rng.uniform(60, 150, (9, 16, 3)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, SIZE_WH, interpolation=cv2.INTER_CUBIC))


def _place(
    canvas: NDArray[np.float32], portrait: BgrImage, pose: Pose, shake: NDArray[np.float64]
) -> None:
    """Draw a portrait, scaled, tilted and moved by parts of a pixel, with soft edges."""
    side = portrait.shape[0]
    scale = pose.side_px / side
    source: Any = portrait.astype(np.float32)
    if scale < 1:  # what is made smaller is averaged first, as a lens does
        source = cv2.GaussianBlur(source, (0, 0), 0.45 / scale)
    mask: Any = np.zeros((side, side), dtype=np.float32)
    edge = max(2, side // 20)
    mask[edge:-edge, edge:-edge] = 1
    mask = cv2.GaussianBlur(mask, (0, 0), edge / 3)
    x, y = pose.x + shake[0], pose.y + shake[1]
    reach = 0.75 * pose.side_px  # of a square that is tilted by up to half a right angle
    left, top = (max(0, int(middle - reach)) for middle in (x, y))
    window = canvas[top : max(top, int(y + reach)), left : max(left, int(x + reach))]
    if not window.size:
        return
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), -pose.degrees, scale)
    matrix[:, 2] += (x - left - side / 2, y - top - side / 2)
    size_wh = window.shape[1], window.shape[0]
    drawn = cv2.warpAffine(source, matrix, size_wh, flags=cv2.INTER_CUBIC)
    cover = cv2.warpAffine(mask, matrix, size_wh, flags=cv2.INTER_LINEAR)[..., None]
    window += cover * (drawn - window)
