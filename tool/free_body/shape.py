"""The shape space: principal components of people in one pose, each one standard deviation long."""

from __future__ import annotations

import torch
from torch import Tensor


def shape_space(people: Tensor, count: int = 10) -> tuple[Tensor, Tensor, Tensor]:
    """(S, V, 3) -> mean (V, 3), directions (count, V, 3), the share of the variance each explains.

    The first direction is taller, the others are wider.
    """
    mean = people.mean(0)
    offsets = (people - mean).flatten(1).double()
    variance, vectors = torch.linalg.eigh(offsets @ offsets.mT)  # S is smaller than 3 V
    variance, vectors = variance.flip(0).clamp_min(0), vectors.flip(1)
    components = offsets.mT @ vectors[:, :count] / (len(people) - 1) ** 0.5  # length: standard deviation
    directions = components.mT.unflatten(1, (-1, 3)).float()
    signs = [_sign(direction, mean, first=k == 0) for k, direction in enumerate(directions)]
    return mean, directions * torch.stack(signs)[:, None, None], variance[:count] / variance.sum()


def _sign(direction: Tensor, mean: Tensor, first: bool) -> Tensor:
    if first:
        growth = direction[mean[:, 1].argmax(), 1] - direction[mean[:, 1].argmin(), 1]
    else:
        growth = (direction * (mean - mean.mean(0)))[:, [0, 2]].sum()
    return torch.where(growth < 0, -1.0, 1.0)


def coefficients(people: Tensor, mean: Tensor, directions: Tensor) -> Tensor:
    """(S, V, 3) -> (S, count): the shapes nearest to these people."""
    return torch.linalg.lstsq(directions.flatten(1).mT, (people - mean).flatten(1).mT).solution.mT


def shape_error(people: Tensor, mean: Tensor, directions: Tensor) -> Tensor:
    """(S, V, 3) people the space was not made from -> (S, V) meters that it cannot tell."""
    betas = coefficients(people, mean, directions)
    return (people - mean - (betas @ directions.flatten(1)).unflatten(1, (-1, 3))).norm(dim=-1)
