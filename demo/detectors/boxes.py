"""Boxes as arrays: overlap, growth, and many that show one thing made one."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def area(boxes: Array) -> Array:
    """(..., 4) -> (...)"""
    return np.clip(boxes[..., 2:] - boxes[..., :2], 0, None).prod(-1)


def grown(boxes: Array, margin: float) -> Array:
    """(..., 4) -> (..., 4): wider on all sides by a share of the longer side."""
    more = margin * (boxes[..., 2:] - boxes[..., :2]).max(-1, keepdims=True)
    return np.concatenate([boxes[..., :2] - more, boxes[..., 2:] + more], -1)


def intersection(one: Array, other: Array) -> Array:
    """(N, 4), (M, 4) -> (N, M) areas."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    return np.clip(high - low, 0, None).prod(-1)


def overlap(one: Array, other: Array) -> Array:
    """(N, 4), (M, 4) -> (N, M) intersection over union."""
    shared = intersection(one, other)
    return shared / np.maximum(area(one)[:, None] + area(other)[None] - shared, 1e-9)


def strongest(boxes: Array, scores: Array, most: float) -> Array:
    """Non-maximum suppression: which are kept, by falling score; no two overlap by more than `most`."""
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(int(best))
        order = order[overlap(boxes[[best]], boxes[order])[0] <= most]
    return np.array(kept, int)


def fused(boxes: Array, scores: Array, most: float) -> tuple[Array, Array]:
    """The strongest, each moved to the mean of all that overlap it by more than `most`, weighed by score."""
    kept = strongest(boxes, scores, most)
    weights = (overlap(boxes[kept], boxes) > most) * scores**2
    return weights @ boxes / np.maximum(weights.sum(1, keepdims=True), 1e-9), scores[kept]
