"""Pure functions over boxes and sizes; the layout is in each name.

``xyxy`` boxes are ``(x0, y0, x1, y1)`` with ``x1`` and ``y1`` one past the last
pixel. ``resolution_wh`` is ``(width, height)`` in pixels.
"""

import math

import numpy as np
from numpy.typing import NDArray

Resolution = tuple[int, int]
BoxTuple = tuple[int, int, int, int]


def fractions_to_xyxy(
    fractions: NDArray[np.floating], resolution_wh: Resolution
) -> NDArray[np.int64]:
    """Turn boxes given as fractions of the picture into whole pixels, clipped to it.

    Args:
        fractions: shape (N, 4), x0, y0, x1, y1; values outside 0..1 and values
            that are not finite are allowed, as a network may produce them.
        resolution_wh: the picture's size in pixels.

    Returns:
        Shape (N, 4), int64, truncated towards zero, within the picture. A box
        that lies outside the picture, or had a value that was not a number,
        has no width or no height.
    """
    width, height = resolution_wh
    edges = np.asarray(fractions, dtype=np.float64).reshape(-1, 4)
    edges = np.where(np.isnan(edges).any(axis=1, keepdims=True), 0.0, edges)
    size = (width, height, width, height)
    return np.clip(edges * size, 0, size).astype(np.int64)


def has_area(boxes_xyxy: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell for each of (N, 4) boxes whether it is at least a pixel wide and high; shape (N,)."""
    boxes = boxes_xyxy.reshape(-1, 4)
    return (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])


def iou_matrix(
    a_xyxy: NDArray[np.floating | np.integer], b_xyxy: NDArray[np.floating | np.integer]
) -> NDArray[np.float64]:
    """Return the overlap of each box of one set with each box of another.

    The overlap is the shared area over the area that the two cover together
    (intersection over union, the Jaccard index).

    Args:
        a_xyxy: shape (N, 4), x0, y0, x1, y1 with the far edges one past the last pixel.
        b_xyxy: shape (M, 4), likewise, in the same pixels.

    Returns:
        Shape (N, M), float64, 0 to 1; 0 where a box has no area.
    """
    a = np.asarray(a_xyxy, dtype=np.float64).reshape(-1, 1, 4)
    b = np.asarray(b_xyxy, dtype=np.float64).reshape(1, -1, 4)
    shared = _areas(np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:]))
    together = _areas(a[..., :2], a[..., 2:]) + _areas(b[..., :2], b[..., 2:]) - shared
    overlaps = np.zeros(shared.shape)
    np.divide(shared, together, out=overlaps, where=together > 0)
    return overlaps


def fit_within(resolution_wh: Resolution, max_side_px: int | None) -> Resolution:
    """Return the size whose longest side is at most ``max_side_px``, same aspect ratio.

    Never enlarges; each side stays at least 1 pixel; None means no limit.
    """
    width, height = resolution_wh
    longest = max(width, height)
    if max_side_px is None or longest <= max_side_px:
        return width, height
    scale = max_side_px / longest
    return max(1, int(width * scale)), max(1, int(height * scale))


def crop_window_xyxy(
    box_xyxy: BoxTuple, resolution_wh: Resolution, *, margin_ratio: float, square: bool
) -> BoxTuple:
    """Return the part of the picture to cut out for a face.

    Args:
        box_xyxy: the face, within the picture.
        resolution_wh: the picture's size in pixels.
        margin_ratio: added on each side, as a part of the box's own width and
            height (or of the square's side); 0 adds nothing.
        square: first widen the shorter side to the longer one, around the centre.

    Returns:
        The window in whole pixels, clipped to the picture, never empty.
    """
    x0, y0, x1, y1 = box_xyxy
    half_width, half_height = (x1 - x0) / 2, (y1 - y0) / 2
    if square:
        half_width = half_height = max(half_width, half_height)
    half_width *= 1 + 2 * margin_ratio
    half_height *= 1 + 2 * margin_ratio
    centre_x, centre_y = (x0 + x1) / 2, (y0 + y1) / 2
    width, height = resolution_wh
    return (
        max(0, round(centre_x - half_width)),
        max(0, round(centre_y - half_height)),
        min(width, max(x1, round(centre_x + half_width))),
        min(height, max(y1, round(centre_y + half_height))),
    )


def _areas(near: NDArray[np.float64], far: NDArray[np.float64]) -> NDArray[np.float64]:
    sides = np.maximum(far - near, 0.0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def overhang(boxes_xyxy: NDArray[np.floating]) -> NDArray[np.float64]:
    """Tell by how much each box leaves the picture, as a part of the box's own side.

    Args:
        boxes_xyxy: shape (N, 4), as fractions of the picture (0 to 1 is inside).

    Returns:
        Shape (N,): 0 for a box inside, 0.1 for one that leaves by a tenth of its
        width or height, infinity for one without area.
    """
    boxes = np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 4)
    sides = boxes[:, 2:] - boxes[:, :2]
    beyond = np.maximum(np.maximum(-boxes[:, :2], boxes[:, 2:] - 1), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(sides > 0, beyond / sides, np.inf)
    return np.maximum(parts[:, 0], parts[:, 1])


def strips_xyxy(
    resolution_wh: Resolution, *, longer_than: float, length: float, most: int
) -> list[BoxTuple]:
    """Return the parts of a long picture, along its longer side, each half seen twice.

    Args:
        resolution_wh: the picture's size in pixels.
        longer_than: the ratio of its sides from which on it is long.
        length: of a part over its width; the parts are longer where there would be too many.
        most: how many parts there are at most.

    Returns:
        Parts that overlap by at least a half of their length; the whole picture where it is
        not long.
    """
    longest, across = max(resolution_wh), min(resolution_wh)
    if longest <= longer_than * across:
        return [(0, 0, *resolution_wh)]
    along = max(math.ceil(length * across), math.ceil(2 * longest / (most + 1)))
    starts = _starts(longest, along, math.ceil(2 * (longest - along) / along) + 1)
    if resolution_wh[0] == longest:
        return [(start, 0, start + along, across) for start in starts]
    return [(0, start, across, start + along) for start in starts]


def grid_xyxy(window_xyxy: BoxTuple, count: int, overlap_ratio: float) -> list[BoxTuple]:
    """Return count x count parts of a window, row by row.

    Args:
        window_xyxy: the window in pixels.
        count: parts along each side.
        overlap_ratio: what two neighbours share, as a part of the length of one.
    """
    x0, y0, x1, y1 = window_xyxy
    width, height = (
        min(side, math.ceil(side / (count - (count - 1) * overlap_ratio)))
        for side in (x1 - x0, y1 - y0)
    )
    return [
        (x0 + x, y0 + y, x0 + x + width, y0 + y + height)
        for y in _starts(y1 - y0, height, count)
        for x in _starts(x1 - x0, width, count)
    ]


def _starts(whole: int, part: int, count: int) -> list[int]:
    return [round(i * (whole - part) / (count - 1)) for i in range(count)] if count > 1 else [0]


def point_before_turn(
    point_xy: tuple[float, float], degrees: int, size_wh: tuple[float, float]
) -> tuple[float, float]:
    """Return where a point of a turned picture was before it was turned.

    Args:
        point_xy: in the turned picture.
        degrees: 0, 90, 180 or 270, by which it was turned clockwise.
        size_wh: of the picture before, in the points' unit.
    """
    (x, y), (width, height) = point_xy, size_wh
    by_turn = {0: (x, y), 90: (y, height - x), 180: (width - x, height - y), 270: (width - y, x)}
    return by_turn[degrees]


def box_before_turn(
    box_xyxy: tuple[float, float, float, float], degrees: int, size_wh: tuple[float, float]
) -> tuple[float, float, float, float]:
    """Return where a box of a turned picture was before; as `point_before_turn`."""
    corners = [
        point_before_turn(corner, degrees, size_wh) for corner in (box_xyxy[:2], box_xyxy[2:])
    ]
    (xs, ys) = zip(*corners, strict=True)
    return (min(xs), min(ys), max(xs), max(ys))


def surest_of_each(
    boxes_xyxy: NDArray[np.number], iou: float, inside: float = 1.0, most: int | None = None
) -> list[int]:
    """Return which boxes stay where those of the same thing are merged, the first of each.

    Args:
        boxes_xyxy: shape (N, 4), by falling confidence.
        iou: two boxes that overlap by more are of the same thing.
        inside: as are two of which one has more than this part of its area in the other; none has
            more than all of it.
        most: no more than so many stay.
    """
    boxes = np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 4)
    areas = _areas(boxes[:, :2], boxes[:, 2:])
    kept: list[int] = []
    left = np.arange(len(boxes))
    while len(left) and (most is None or len(kept) < most):
        first, left = left[0], left[1:]
        kept.append(int(first))
        rivals = boxes[left]
        near = np.maximum(rivals[:, :2], boxes[first, :2])
        shared = _areas(near, np.minimum(rivals[:, 2:], boxes[first, 2:]))
        same = shared > iou * (areas[left] + areas[first] - shared)
        left = left[~(same | (shared > inside * np.minimum(areas[left], areas[first])))]
    return kept
