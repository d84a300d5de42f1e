"""What a tailor would measure on a body: height, girths of chest, waist and hips, and its volume."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from common.body_models.body_model import BodyModel
from common.utils.record import Record

# Between the hips' joints (0) and the shoulders' (1): where a girth is looked for, and which one it is.
LEVELS = {"chest": (0.70, 0.70), "waist": (0.20, 0.55), "hips": (-0.12, 0.22)}
SLICES = 16  # in each of these
DIRECTIONS = 128  # from which a slice is seen
_TRUNK = ("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar", "left_hip", "right_hip")


@dataclass
class Measurements(Record):
    """Of B bodies at rest, in meters and cubic meters; no more true than the body's own size."""

    height: Tensor  # (B,) from the soles to the crown
    chest: Tensor  # (B,) the girth below the armpits, as a tape lies: hollows are bridged
    waist: Tensor  # (B,) the narrowest between chest and hips
    hips: Tensor  # (B,) the widest about the seat
    volume: Tensor  # (B,)

    def at_height(self, height: float | Tensor) -> Measurements:
        """The same bodies, grown or shrunk until they are so tall: a picture alone does not tell a size."""
        scale = height / self.height
        powers = {"volume": 3}
        return Measurements(
            **{f.name: getattr(self, f.name) * scale ** powers.get(f.name, 1) for f in fields(self)}
        )


@torch.no_grad()
def measure(model: BodyModel, betas: Tensor) -> Measurements:
    """(B, S) shape coefficients -> the measures of the bodies that a whole-body model makes of them.

    They stand at rest, arms apart, y up. Raises ValueError for a hand or a head, which has none.
    """
    _check(model)
    return measure_mesh(model, *model.standing(betas))


@torch.no_grad()
def measure_mesh(model: BodyModel, vertices: Tensor, joints: Tensor) -> Measurements:
    """The same of meshes at rest (B, V, 3) in the model's topology, whose turning joints (B, P, 3) are."""
    _check(model)
    names = model.layout.joints.names
    low, high = (
        joints[:, [names.index(f"{side}_{name}") for side in ("left", "right")], 1].mean(1)
        for name in ("hip", "shoulder")
    )
    edges = _trunk_edges(model)
    girths = {}
    for name, (least, most) in LEVELS.items():
        share = torch.linspace(least, most, SLICES, device=low.device)
        found = slice_girths(vertices, edges, low[:, None] + share * (high - low)[:, None])
        girths[name] = found.amin(1) if name == "waist" else found.amax(1)
    height = vertices[..., 1].amax(1) - vertices[..., 1].amin(1)
    return Measurements(height=height, volume=volume(vertices, model.faces), **girths)


def slice_girths(vertices: Tensor, edges: Tensor, levels: Tensor) -> Tensor:
    """(B, V, 3), (E, 2), (B, L) heights -> (B, L) how long a tape is about each level slice; 0 about none.

    The tape is the convex hull's outline, by Cauchy's formula: the mean over all directions of how far the
    slice reaches, times the full turn.
    """
    start, end = vertices[:, edges[:, 0]], vertices[:, edges[:, 1]]
    below, above = start[..., 1], end[..., 1]
    level = levels[..., None]
    crosses = (below[:, None] - level) * (above[:, None] - level) < 0  # (B, L, E)
    body, place, edge = crosses.nonzero(as_tuple=True)
    first, last = start[body, edge], end[body, edge]
    share = (levels[body, place] - first[:, 1]) / (last[:, 1] - first[:, 1])
    cut = torch.lerp(first, last, share[:, None])[:, [0, 2]]
    angles = torch.arange(DIRECTIONS, device=cut.device) * (2 * math.pi / DIRECTIONS)
    reach = cut @ torch.stack([angles.cos(), angles.sin()]).to(cut)
    row = (body * levels.shape[1] + place)[:, None].expand(-1, DIRECTIONS)
    farthest = reach.new_zeros(levels.numel(), DIRECTIONS)
    farthest = farthest.scatter_reduce(0, row, reach, "amax", include_self=False)
    return (farthest.mean(1) * 2 * math.pi).view(levels.shape)


def volume(vertices: Tensor, faces: Tensor) -> Tensor:
    """(B, V, 3), (F, 3) a closed mesh, its faces counterclockwise from outside -> (B,) what it encloses."""
    a, b, c = vertices[:, faces].unbind(2)
    return (torch.linalg.cross(a, b) * c).sum((1, 2)) / 6


def _check(model: BodyModel) -> None:
    if "pelvis" not in model.layout.joints.names:
        raise ValueError(f"A {model.layout.name} body has no height and no girths: measure a whole body.")


def _trunk_edges(model: BodyModel) -> Tensor:
    """(E, 2) the edges of the mesh whose ends both move with the trunk most: no arm is measured with it."""
    owner = model.weights.argmax(1)
    trunk = torch.tensor([name in _TRUNK for name in model.layout.joints.names], device=owner.device)
    faces = model.faces
    pairs = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).sort(1).values.unique(dim=0)
    return pairs[trunk[owner[pairs]].all(1)]
