"""Root, scale and Procrustes alignment of point sets."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def at_root(points: Tensor, root: int | Sequence[int]) -> Tensor:
    """(..., N, 3) -> the same, seen from one of its points, or from the middle of several."""
    chosen = [root] if isinstance(root, int) else list(root)
    return points - points[..., chosen, :].mean(-2, keepdim=True)


def _mean(points: Tensor, weight: Tensor | None) -> Tensor:
    if weight is None:
        return points.mean(-2, keepdim=True)
    return (weight[..., None] * points).sum(-2, keepdim=True) / _total(weight)


def _total(weight: Tensor) -> Tensor:
    return _positive(weight.sum(-1)[..., None, None])


def _positive(divisor: Tensor) -> Tensor:
    return torch.where(divisor > 0, divisor, torch.ones_like(divisor))


def centered(points: Tensor, truth: Tensor, weight: Tensor | None = None) -> Tensor:
    """(..., N, 3) points moved so that their centroid, weighted by (..., N), is the truth's."""
    return points - _mean(points, weight) + _mean(truth, weight)


def scaled(points: Tensor, truth: Tensor, weight: Tensor | None = None) -> Tensor:
    """(..., N, 3) points moved and scaled, not turned, until centroid and size (RMS) are the truth's."""
    center, goal = _mean(points, weight), _mean(truth, weight)
    share = 1.0 if weight is None else weight[..., None]
    size = (share * (points - center).square()).sum((-2, -1), keepdim=True)
    size_of_goal = (share * (truth - goal).square()).sum((-2, -1), keepdim=True)
    return (points - center) * (size_of_goal / _positive(size)).sqrt() + goal


def similarity(points: Tensor, truth: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """The similarity that brings points closest to the truth, in the least squares sense (Umeyama, 1991).

    points, truth (..., N, 3), weight (..., N) or None -> scale (...), rotation (..., 3, 3), translation
    (..., 3): the aligned points are scale * points @ rotation.mT + translation. The rotation is never a
    reflection. Where all points coincide the scale is 0 and the rotation arbitrary. Not meant to be
    differentiated.
    """
    center, goal = _mean(points, weight), _mean(truth, weight)
    share = 1.0 if weight is None else weight[..., None]
    moved, wanted = points - center, truth - goal
    left, singular, right = torch.linalg.svd((share * wanted).mT @ moved)
    sign = torch.linalg.det(left) * torch.linalg.det(right)
    flips = torch.stack([torch.ones_like(sign), torch.ones_like(sign), sign.sign()], -1)
    rotation = (left * flips[..., None, :]) @ right
    size = (share * moved.square()).sum((-2, -1))
    scale = (singular * flips).sum(-1) / _positive(size)
    translation = goal - scale[..., None, None] * (center @ rotation.mT)
    return scale, rotation, translation.squeeze(-2)


def procrustes(points: Tensor, truth: Tensor, weight: Tensor | None = None) -> Tensor:
    """(..., N, 3) points after the similarity that brings them closest to the truth."""
    scale, rotation, translation = similarity(points, truth, weight)
    return scale[..., None, None] * (points @ rotation.mT) + translation[..., None, :]
