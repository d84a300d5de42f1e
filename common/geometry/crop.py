"""Boxes and affine maps: from a person's box to the matrix that carries picture points into a crop."""

from __future__ import annotations

import math

import cv2
import numpy as np

Array = np.ndarray


def sanitized(box: Array, image_size: tuple[float, float]) -> Array | None:
    """A box x0, y0, x1, y1 kept inside a picture of (width, height); None where nothing is left of it.

    Published (Hand4Whole, OSX, SMPLer-X): every box loses a pixel of width and height, and one that starts
    outside is moved inside with its width kept, not clipped. Whole numbers stay whole numbers.
    """
    box = np.asarray(box)
    width, height = image_size
    x0, y0, x1, y1 = box.tolist()  # plain numbers are several times as fast as arrays of four
    box_width, box_height = x1 - x0, y1 - y0
    x0, y0 = max(x0, 0), max(y0, 0)
    x1 = min(width - 1, x0 + max(0, box_width - 1))
    y1 = min(height - 1, y0 + max(0, box_height - 1))
    if not (box_width * box_height > 0 and x1 > x0 and y1 > y0):
        return None
    return np.array([x0, y0, x1, y1], dtype=box.dtype)


def padded(box: Array, aspect: float | None = None, padding: float = 1.0) -> Array:
    """A box x0, y0, x1, y1, grown about its middle to an aspect (width / height), then by a factor; not
    clipped.

    Published (Hand4Whole, OSX, SMPLer-X): where the four numbers are integers, so is the result, cut toward
    zero: first width and height, then the corner that follows from them. A box of `square_box` keeps what
    that keeps: its middle, and its sides times the factor, to the last bit.
    """
    box = np.asarray(box)
    whole, exact = box.dtype.kind in "iu", box.dtype == np.longdouble
    if exact:
        (x, y), (width, height) = (pair.tolist() for pair in middle_and_sides(box))
    else:
        x, y, x1, y1 = map(float, box.tolist())
        width, height = x1 - x, y1 - y
        x, y = x + width / 2, y + height / 2
    if aspect is not None and width > aspect * height:
        height = width / aspect
    elif aspect is not None:
        width = height * aspect
    width, height = width * padding, height * padding
    if exact:
        middle, half = np.array([x, y], np.longdouble), np.array([width, height], np.longdouble) / 2
        return np.concatenate([middle - half, middle + half])
    if whole:
        width, height = math.trunc(width), math.trunc(height)
    x, y = x - width / 2, y - height / 2
    if whole:
        x, y = math.trunc(x), math.trunc(y)
    return np.array([x, y, x + width, y + height], dtype=box.dtype if whole else np.float64)


def around_points(points: Array, confidence: Array | None = None, padding: float = 1.0) -> Array | None:
    """The box of the (N, 2) points of positive confidence, grown by a factor; None where there is none."""
    points = np.asarray(points)
    chosen = points if confidence is None else points[np.asarray(confidence) > 0]
    if len(chosen) == 0:
        return None
    return padded(np.concatenate([chosen.min(0), chosen.max(0)]).astype(np.float64), padding=padding)


def square_box(center: Array, side: float) -> Array:
    """(2,) middle and side -> the box x0, y0, x1, y1, which gives both back to the last bit.

    In the machine's extended precision (where it has none, in double): whole pixels are cut by last bits.
    """
    middle, half = np.asarray(center, np.longdouble), np.longdouble(side) / 2
    return np.concatenate([middle - half, middle + half])


def middle_and_sides(box: Array) -> tuple[Array, Array]:
    """(2,) middle and (2,) sides of a box x0, y0, x1, y1, float64."""
    box = np.asarray(box)
    return ((box[:2] + box[2:]) / 2).astype(np.float64), (box[2:] - box[:2]).astype(np.float64)


def mapped_box(matrix: Array, box: Array) -> Array:
    """The upright hull of a box's four corners after a (2, 3) map."""
    x0, y0, x1, y1 = box
    corners = mapped(matrix, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]))
    return np.concatenate([corners.min(0), corners.max(0)])


def mapped(matrix: Array, points: Array) -> Array:
    """(N, 2) points through a (2, 3) map."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def inverse(matrix: Array) -> Array:
    """The (2, 3) map back."""
    linear = np.linalg.inv(matrix[:, :2].astype(np.float64))
    return np.concatenate([linear, -linear @ matrix[:, 2:].astype(np.float64)], 1)


def after_mirror(matrix: Array, width: float) -> Array:
    """A (2, 3) map from a mirrored picture (x -> width - 1 - x) -> the same from the picture as it is."""
    return np.stack([-matrix[:, 0], matrix[:, 1], matrix[:, 2] + (width - 1) * matrix[:, 0]], 1)


def around(
    box: Array,
    size: tuple[int, int],
    scale: float = 1.0,
    angle: float = 0.0,
    mirrored_width: float | None = None,
) -> Array:
    """The (2, 3) float32 map that carries a box, scaled and turned about its middle, onto a view.

    box x0, y0, x1, y1 in picture pixels; size (height, width) of the view; angle in radians, the way from
    the x to the y axis, by which the box is turned: what lies in it turns the other way. With
    `mirrored_width`, the picture's width, the box is of the picture as it is, the map from its mirror
    image. Published (Hand4Whole, OSX, SMPLer-X): three points decide, rounded to float32 where theirs are,
    so that crops agree to the last bit.
    """
    x, y, width, height = _float32(box[0], box[1], box[2] - box[0], box[3] - box[1])
    center = [float(x + np.float32(0.5) * width), float(y + np.float32(0.5) * height)]
    if mirrored_width is not None:
        center[0] = mirrored_width - center[0] - 1
    half_height, half_width = _float32(height * scale * 0.5, width * scale * 0.5).tolist()
    cos, sin = math.cos(angle), math.sin(angle)
    down = _float32(-half_height * sin, half_height * cos)
    right = _float32(half_width * cos, half_width * sin)
    middle, goal = _float32(*center), _float32(size[1] * 0.5, size[0] * 0.5)
    source = np.stack([middle, middle + down, middle + right])
    target = np.stack([goal, goal + goal * _float32(0, 1), goal + goal * _float32(1, 0)])
    return cv2.getAffineTransform(source, target).astype(np.float32)


def _float32(*numbers: float) -> Array:
    return np.array(numbers, dtype=np.float32)
