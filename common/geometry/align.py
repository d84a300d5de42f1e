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
    scale, rotation, center, goal, _, _ = _best(points, truth, weight)
    return scale, rotation, (goal - scale[..., None, None] * (rotation @ center)).squeeze(-1)


def procrustes(points: Tensor, truth: Tensor, weight: Tensor | None = None) -> Tensor:
    """(..., N, 3) points after the similarity that brings them closest to the truth."""
    scale, rotation, _, goal, moved, _ = _best(points, truth, weight)
    return (scale[..., None, None] * rotation @ moved + goal).mT


def axis_by_axis(points: Tensor) -> Tensor:
    """(..., N, 3) the same, laid out in memory as all x, all y, all z: a processor takes many at a time."""
    return _planes(points).mT


def distances(points: Tensor, truth: Tensor, shift: Tensor | float = 0.0) -> Tensor:
    """(..., N) how far each of (..., N, 3) points, moved by (..., 1, 3), is from the true one."""
    return _lengths(_planes((points - truth).add_(shift)))


def distances_aligned(points: Tensor, truth: Tensor, weight: Tensor | None = None) -> Tensor:
    """The same after the similarity that brings the points closest to the truth."""
    scale, rotation, _, _, moved, wanted = _best(points, truth, weight)
    return _lengths((scale[..., None, None] * rotation @ moved).sub_(wanted))


def _best(points: Tensor, truth: Tensor, weight: Tensor | None) -> tuple[Tensor, ...]:
    """Scale (...), rotation (..., 3, 3), both centroids (..., 3, 1), both sets (..., 3, N) seen from them."""
    points, truth = _planes(points), _planes(truth)
    if weight is None:
        center, goal = points.mean(-1, keepdim=True), truth.mean(-1, keepdim=True)
    else:
        share = (weight / _positive(weight.sum(-1, keepdim=True)))[..., None, :]
        center, goal = ((share * some).sum(-1, keepdim=True) for some in (points, truth))
    moved, wanted = points - center, truth - goal
    weighed = moved if weight is None else weight[..., None, :] * moved
    left, singular, right = torch.linalg.svd(wanted @ weighed.mT)
    sign = torch.linalg.det(left) * torch.linalg.det(right)
    flips = torch.stack([torch.ones_like(sign), torch.ones_like(sign), sign.sign()], -1)
    rotation = (left * flips[..., None, :]) @ right
    size = (weighed @ moved.mT).diagonal(dim1=-2, dim2=-1).sum(-1)
    return (singular * flips).sum(-1) / _positive(size), rotation, center, goal, moved, wanted


def _planes(points: Tensor) -> Tensor:
    """(..., N, 3) -> (..., 3, N), one axis after the other in memory."""
    return points.mT.contiguous()


def _lengths(planes: Tensor) -> Tensor:
    x, y, z = planes.unbind(-2)
    return (x * x).addcmul_(y, y).addcmul_(z, z).sqrt_()  # a new block costs more than the sum
