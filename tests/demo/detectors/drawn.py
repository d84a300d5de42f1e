"""A person drawn from a few capsules, the same to the bit everywhere: no photograph, no library's drawing."""

from __future__ import annotations

import numpy as np

# ends and radius of each part in units of the body's height, feet at 0, and its color
PARTS = (
    ((-0.07, 0.48), (-0.09, 0.27), 0.055, (60, 70, 110)),
    ((0.07, 0.48), (0.09, 0.27), 0.055, (60, 70, 110)),
    ((-0.09, 0.27), (-0.10, 0.05), 0.042, (60, 70, 110)),
    ((0.09, 0.27), (0.10, 0.05), 0.042, (60, 70, 110)),
    ((-0.10, 0.035), (-0.13, 0.02), 0.025, (40, 30, 30)),
    ((0.10, 0.035), (0.13, 0.02), 0.025, (40, 30, 30)),
    ((-0.18, 0.62), (-0.22, 0.50), 0.026, (215, 165, 135)),
    ((0.18, 0.62), (0.22, 0.50), 0.026, (215, 165, 135)),
    ((-0.22, 0.485), (-0.225, 0.455), 0.028, (215, 165, 135)),
    ((0.22, 0.485), (0.225, 0.455), 0.028, (215, 165, 135)),
    ((-0.12, 0.79), (-0.18, 0.62), 0.038, (190, 50, 50)),
    ((0.12, 0.79), (0.18, 0.62), 0.038, (190, 50, 50)),
    ((-0.055, 0.75), (-0.045, 0.53), 0.085, (190, 50, 50)),
    ((0.055, 0.75), (0.045, 0.53), 0.085, (190, 50, 50)),
    ((0.0, 0.86), (0.0, 0.80), 0.035, (205, 155, 125)),
    ((0.0, 0.96), (0.0, 0.93), 0.064, (70, 45, 30)),
    ((0.0, 0.925), (0.0, 0.895), 0.055, (220, 170, 140)),
    ((-0.022, 0.925), (-0.022, 0.925), 0.009, (40, 30, 30)),
    ((0.022, 0.925), (0.022, 0.925), 0.009, (40, 30, 30)),
    ((0.0, 0.915), (0.0, 0.900), 0.008, (195, 140, 115)),
    ((-0.016, 0.876), (0.016, 0.876), 0.006, (160, 70, 70)),
)


def drawn_people(
    width: int, height: int, feet: list[tuple[float, float]], tall: float, turned: float = 0.0
) -> np.ndarray:
    """(height, width, 3) uint8 RGB: persons `tall` pixels high on a soft background, turned in degrees."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    shade = 150 + 30 * y / height + 12 * np.sin(x / 23) * np.cos(y / 31)
    picture = np.stack([shade, shade + 8, shade - 6], -1)
    sine, cosine = np.sin(np.radians(turned)), np.cos(np.radians(turned))
    for foot_x, foot_y in feet:
        right, up = (x - foot_x) / tall, (foot_y - y) / tall
        right, up = cosine * right + sine * up, cosine * up - sine * right
        for start, end, radius, color in PARTS:
            cover = np.clip((radius - _distance(right, up, start, end)) * tall + 0.5, 0, 1)[..., None]
            light = 1.0 + 0.15 * np.clip(right / 0.3, -1, 1)[..., None]
            picture = picture * (1 - cover) + cover * light * color
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def _distance(
    x: np.ndarray, y: np.ndarray, start: tuple[float, float], end: tuple[float, float]
) -> np.ndarray:
    """Of each pixel to a segment."""
    along = np.array(end) - start
    length = float(along @ along)
    share = (
        0.0
        if length == 0
        else np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / length, 0, 1)
    )
    return np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])
