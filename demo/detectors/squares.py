"""Turned squares cut from a picture, a person upright in each.

Here 0 is the edge of a picture, not the middle of its first pixel. A *place* (2, 2) is the middle of a
person, then the point above the head on the circle around the body: it says where a square lies, how it is
turned, how large it is.
"""

from __future__ import annotations

import cv2
import numpy as np

Array = np.ndarray

ROOM = 1.25  # published: the square is this much larger than the circle around the person
BLUR = 16  # pixels that become one where a crop is blurred


def place_of(boxes: Array) -> Array:
    """(..., 4) -> (..., 2, 2): the place of an upright person who fills the box."""
    middle = (boxes[..., :2] + boxes[..., 2:]) / 2
    radius = (boxes[..., 2:] - boxes[..., :2]).max(-1) / 2
    return np.stack([middle, middle - np.stack([np.zeros_like(radius), radius], -1)], -2)


def place_in(middle: Array, up: Array, side: float) -> Array:
    """(2, 2): the place whose square has that middle (2,) and side, `up` (2,) of any length pointing up."""
    unit = up / max(float(np.hypot(*up)), 1e-9)
    return np.stack([middle, middle + unit * side / (2 * ROOM)])


def square_around(points: Array, up: Array, room: float, shift: float = 0.0) -> Array:
    """(J, 2) -> (2, 2): the place of a square that points up, `room` times the box around the points.

    The box is turned with the square, and moved up by a share of its height.
    """
    unit = up / max(float(np.hypot(*up)), 1e-9)
    axes = np.stack([[-unit[1], unit[0]], -unit])  # right and down, where `up` is up
    along = points @ axes.T
    low, high = along.min(0), along.max(0)
    middle = (low + high) / 2 - [0.0, shift * (high - low)[1]]
    return place_in(middle @ axes, unit, room * float((high - low).max()))


def matrix_of(place: Array, size: int) -> Array:
    """(2, 3) picture -> square of `size` pixels."""
    middle, up = place[0], place[1] - place[0]
    radius = max(float(np.hypot(*up)), 1.0)
    down = -up / radius if up.any() else np.array([0.0, 1.0])
    turn = np.stack([[down[1], -down[0]], down]) * (size / 2 / (ROOM * radius))
    return np.concatenate([turn, (size / 2 - turn @ middle)[:, None]], 1)


def carried_back(points: Array, matrix: Array) -> Array:
    """(..., 2) points of a square -> points of the picture."""
    return (points - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T


def pyramid(image: Array, smallest: int) -> list[Array]:
    """The picture and its halves, so that a square that shrinks it skips no pixels."""
    levels = [image]
    while min(levels[-1].shape[:2]) >= 2 * smallest:
        height, width = levels[-1].shape[:2]
        levels.append(cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA))
    return levels


def cut(levels: list[Array], matrix: Array, size: int, border: int) -> Array:
    """(size, size, 3) from the level of the pyramid that fits; `border` is OpenCV's word for the outside."""
    zoom = max(float(np.hypot(*matrix[:, 0])), 1e-9)
    level = min(max(int(-np.log2(zoom)), 0), len(levels) - 1)
    shrunk = np.array(levels[level].shape[1::-1]) / levels[0].shape[1::-1]
    at_level = np.concatenate([matrix[:, :2] / shrunk, matrix[:, 2:]], 1)
    return cv2.warpAffine(
        levels[level], of_pixels(at_level), (size, size), flags=cv2.INTER_LINEAR, borderMode=border
    )


def of_pixels(matrix: Array) -> Array:
    """The same map between pixels whose middles are whole numbers, as OpenCV counts."""
    shift = matrix[:, 2] + matrix[:, :2] @ [0.5, 0.5] - 0.5
    return np.concatenate([matrix[:, :2], shift[:, None]], 1)


def blurred_outside(square: Array, matrix: Array, box: Array) -> Array:
    """The square with all that lies outside a box of the picture blurred beyond recognition."""
    size = len(square)
    back = cv2.invertAffineTransform(matrix)
    column, row = np.arange(size) + 0.5, np.arange(size)[:, None] + 0.5
    x, y = (a * column + b * row + c for a, b, c in back)
    inside = (x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])
    if inside.all():
        return square
    small = cv2.resize(square, (size // BLUR, size // BLUR), interpolation=cv2.INTER_AREA)
    return np.where(inside[..., None], square, cv2.resize(small, (size, size)))
