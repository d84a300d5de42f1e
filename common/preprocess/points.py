"""Annotated points, matched by name and moved into a view."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from common.geometry.crop import mapped
from common.joints import JointSet
from common.structures import Crop

Array = np.ndarray


def moved_points(
    points: Array | None,
    given: JointSet | None,
    wanted: JointSet,
    crop: Crop,
    whole_within: int | None = None,
) -> Tensor:
    """Annotated (J, 3) picture points -> (K, 3) of another joint set in view pixels.

    Points are matched by name; of a flipped crop, left and right change places. What was not annotated is
    all zero. Published (SMPLer): with `whole_within`, the view's width, points are cut to whole pixels
    before a flip, and one is added.
    """
    if points is None or given is None:
        return torch.zeros(len(wanted), 3)
    chosen = by_name(points, given, wanted.twin if crop.flipped else wanted)
    xy = mapped(crop.matrix.numpy().astype(np.float64), chosen[:, :2])
    if whole_within is not None:
        mirror = np.array([whole_within, 0.0]) if crop.flipped else np.zeros(2)
        sign = np.array([-1.0, 1.0]) if crop.flipped else np.ones(2)
        xy = mirror + sign * (np.trunc(mirror + sign * xy) + 1)
    known = chosen[:, 2:] > 0
    return torch.from_numpy(np.where(known, np.concatenate([xy, chosen[:, 2:]], 1), 0).astype(np.float32))


def by_name(points: Array, given: JointSet, wanted: JointSet) -> Array:
    """(J, C) of one joint set -> (K, C) of another, confidence last; zero without a name or a number.

    Raises ValueError where there are not as many points as `given` has joints.
    """
    if len(points) != len(given):
        raise ValueError(f"{len(points)} points cannot be those of '{given.name}', which has {len(given)}.")
    place = np.array(wanted.taken_from(given))
    chosen = np.asarray(points, dtype=np.float64)[place]
    known = (place >= 0)[:, None] & np.isfinite(chosen).all(1, keepdims=True)
    return np.where(known, chosen, 0)
