"""Boxes as arrays: overlap, suppression, and those around points."""

from __future__ import annotations

import numpy as np


def area(boxes: np.ndarray) -> np.ndarray:
    """(..., 4) -> (...)"""
    return np.clip(boxes[..., 2:] - boxes[..., :2], 0, None).prod(-1)


def intersection(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(N, 4), (M, 4) -> (N, M) areas."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    return np.clip(high - low, 0, None).prod(-1)


def overlap(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(N, 4), (M, 4) -> (N, M) intersection over union."""
    shared = intersection(one, other)
    return shared / np.maximum(area(one)[:, None] + area(other)[None] - shared, 1e-9)


def strongest(boxes: np.ndarray, scores: np.ndarray, most: float) -> np.ndarray:
    """Non-maximum suppression: the places of those kept, by falling score; no two overlap more than `most`."""
    order = np.argsort(-scores)
    kept: list[int] = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(int(best))
        order = order[overlap(boxes[best, None], boxes[order])[0] <= most]
    return np.array(kept, int)
