"""A hand and a face drawn from capsules, with the places of their points: the same to the bit everywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from drawn import _distance as distance

SKIN, SHADE, LIP, DARK, WHITE = (220, 172, 142), (188, 138, 110), (172, 82, 82), (60, 42, 34), (238, 236, 232)
# root, then four points of each finger from the thumb on, in lengths of a hand, y up: palm of a left hand
HAND = np.array((
    (0.0, 0.0),
    (-0.13, 0.10), (-0.28, 0.25), (-0.38, 0.40), (-0.45, 0.52),
    (-0.17, 0.50), (-0.22, 0.72), (-0.24, 0.85), (-0.25, 0.96),
    (-0.03, 0.53), (-0.04, 0.78), (-0.045, 0.93), (-0.05, 1.06),
    (0.09, 0.50), (0.12, 0.73), (0.135, 0.86), (0.145, 0.98),
    (0.20, 0.43), (0.27, 0.60), (0.30, 0.70), (0.33, 0.80),
))  # fmt: skip
PALM = (
    ((0, -0.9), (0, -0.05), 0.13), ((-0.08, 0.05), (-0.12, 0.45), 0.12),
    ((0, 0.05), (0, 0.47), 0.13), ((0.07, 0.05), (0.13, 0.40), 0.11),
)  # fmt: skip
# ends, radius, color, shading; in lengths of a face from the middle of the eyes, y up
FACE = (
    ((0, 0.02), (0, -0.12), 0.62, DARK, 0.3), ((0, -0.75), (0, -1.6), 0.3, SHADE, 0.3),
    ((0, 0.02), (0, -0.26), 0.46, SKIN, 0.35), ((0, -0.3), (0, -0.42), 0.34, SKIN, 0.0),
    ((-0.27, 0.14), (-0.12, 0.17), 0.022, DARK, 0.0), ((0.27, 0.14), (0.12, 0.17), 0.022, DARK, 0.0),
    ((-0.25, 0.0), (-0.13, 0.0), 0.042, WHITE, 0.0), ((0.25, 0.0), (0.13, 0.0), 0.042, WHITE, 0.0),
    ((-0.19, 0.0), (-0.19, 0.0), 0.038, DARK, 0.0), ((0.19, 0.0), (0.19, 0.0), 0.038, DARK, 0.0),
    ((-0.26, 0.04), (-0.12, 0.045), 0.012, SHADE, 0.0), ((0.26, 0.04), (0.12, 0.045), 0.012, SHADE, 0.0),
    ((-0.05, -0.03), (-0.07, -0.24), 0.02, SHADE, 0.0), ((0.05, -0.03), (0.07, -0.24), 0.02, SHADE, 0.0),
    ((0, 0.0), (0, -0.24), 0.055, SKIN, 0.2), ((-0.05, -0.29), (0.05, -0.29), 0.022, SHADE, 0.0),
    ((0, -0.25), (0, -0.26), 0.06, SKIN, 0.1),
    ((-0.15, -0.46), (0.15, -0.46), 0.036, LIP, 0.0), ((-0.14, -0.46), (0.14, -0.46), 0.008, DARK, 0.0),
    ((-0.06, -0.56), (0.06, -0.56), 0.012, SHADE, 0.0),
)  # fmt: skip
FACE_POINTS = {
    "right_eye_outer": (-0.29, 0.0), "left_eye_outer": (0.29, 0.0), "nose_base": (0.0, -0.3),
    "right_mouth_corner": (-0.17, -0.46), "left_mouth_corner": (0.17, -0.46), "chin": (0.0, -0.74),
}  # fmt: skip


def background(width: int, height: int) -> np.ndarray:
    """(height, width, 3) float: a dim, soft pattern."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    shade = 80 + 20 * np.sin(x / 23) * np.cos(y / 31)
    return np.stack([shade - 20, shade, shade + 15], -1)


def with_hand(
    picture: np.ndarray, root: tuple[float, float], length: float, turned: float = 0.0, mirrored: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The picture with a hand, turned clockwise in degrees; and its 21 points (21, 2) in pixels."""
    fingers = [(HAND[i], HAND[i + 1], 0.05 if i > 16 else 0.062) for i in range(20) if i % 4]
    parts = [(a, b, r, SKIN, 0.45) for a, b, r in (*PALM, *fingers)]
    points = placed(HAND, root, length, turned, mirrored)
    return _drawn(picture, parts, root, length, turned, mirrored), points


def with_face(
    picture: np.ndarray, eyes: tuple[float, float], length: float, turned: float = 0.0
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The picture with a face; and some of its points by name, (2,) in pixels."""
    points = placed(np.array(list(FACE_POINTS.values())), eyes, length, turned)
    return _drawn(picture, FACE, eyes, length, turned), dict(zip(FACE_POINTS, points, strict=True))


def placed(
    points: np.ndarray,
    origin: tuple[float, float],
    length: float,
    turned: float = 0.0,
    mirrored: bool = False,
) -> np.ndarray:
    """Points (J, 2) of a drawing, y up, in the pixels of the picture."""
    x, y = points.T * [[-length if mirrored else length], [-length]]
    sine, cosine = np.sin(np.radians(turned)), np.cos(np.radians(turned))
    return np.stack([cosine * x - sine * y, sine * x + cosine * y], -1) + origin


def _drawn(
    picture: np.ndarray,
    parts: Sequence[tuple],
    origin: tuple[float, float],
    length: float,
    turned: float,
    mirrored: bool = False,
) -> np.ndarray:
    x, y = np.meshgrid(np.arange(picture.shape[1]), np.arange(picture.shape[0]))
    right, down = (x - origin[0]) / length, (y - origin[1]) / length
    sine, cosine = np.sin(np.radians(turned)), np.cos(np.radians(turned))
    right, up = cosine * right + sine * down, sine * right - cosine * down
    right = -right if mirrored else right
    for start, end, radius, color, shading in parts:
        away = distance(right, up, start, end)
        cover = np.clip((radius - away) * length + 0.5, 0, 1)[..., None]
        light = (1.1 - shading * np.clip(away / radius, 0, 1) ** 3)[..., None]
        picture = picture * (1 - cover) + cover * light * np.array(color)
    return picture.clip(0, 255)


def pixels(picture: np.ndarray) -> np.ndarray:
    """As uint8."""
    return np.round(picture).astype(np.uint8)
