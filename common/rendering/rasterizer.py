"""Which face each pixel sees, where on it, and how far away; masks, part labels and values from that."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from common.rendering import compiled, zbuffer
from common.rendering.zbuffer import NEAR
from common.utils.record import Record


@dataclass
class Fragments(Record):
    """What each pixel sees. Nothing carries a gradient to the points."""

    face: Tensor  # (B, h, w) int64, -1 for none
    barycentric: Tensor  # (B, h, w, 3) weights of the face's corners, perspective-correct; 0 for none
    depth: Tensor  # (B, h, w) the points' z; infinite for none

    @property
    def mask(self) -> Tensor:
        """(B, h, w) bool: where any face is seen."""
        return self.face >= 0


@torch.no_grad()
def rasterize(
    points: Tensor,
    faces: Tensor,
    size: tuple[int, int],
    near: float = NEAR,
    culled: bool = False,
    fast: bool = False,
) -> Fragments:
    """points (B, V, 3) pixels x, y and depth z; faces (F, 3); size (height, width) -> Fragments.

    `culled` leaves out faces that turn their back: the same picture of a closed mesh, in less time.
    `fast` takes the compiled z-buffer (CPU only, needs numba): the same picture, in less time.
    What is covered, and which face wins, is said in `zbuffer.py`.
    """
    draw = compiled.nearest if fast else zbuffer.nearest
    face, depth = draw(points, faces, size, near, culled)
    place, corners = _covered(face, faces, points.shape[1])
    pixel = place % (size[0] * size[1])
    x, y, z = (
        points.permute(2, 0, 1).flatten(1).float().index_select(1, corners.flatten()).view(3, 3, len(place))
    )
    weights = torch.stack(zbuffer.edges(x - pixel % size[1], y - pixel.floor_divide(size[1]))) / z
    planes = weights.new_zeros(3, face.numel()).scatter_(1, place.expand(3, -1), weights / weights.sum(0))
    return Fragments(face, planes.view(3, *face.shape).permute(1, 2, 3, 0), depth)


@torch.no_grad()
def visible_faces(
    points: Tensor,
    faces: Tensor,
    size: tuple[int, int],
    near: float = NEAR,
    culled: bool = False,
    fast: bool = False,
) -> Tensor:
    """`rasterize(...).face` alone, (B, h, w) int64: enough for masks and part labels, in less time."""
    draw = compiled.nearest if fast else zbuffer.nearest
    return draw(points, faces, size, near, culled)[0]


def part_labels(face: Tensor, labels: Tensor, background: int = 0) -> Tensor:
    """Faces seen (B, h, w), a label per face (F,) -> (B, h, w) labels; `background` where no face is seen."""
    known = torch.cat([labels.new_full((1,), background), labels])
    return known.index_select(0, face.flatten() + 1).view(face.shape)


def interpolate(fragments: Fragments, faces: Tensor, attributes: Tensor) -> Tensor:
    """A value per vertex (B, V, C) -> (B, h, w, C) a value per pixel; 0 where no face is seen."""
    place, values = seen_values(fragments, faces, attributes)
    picture = attributes.new_zeros(fragments.face.numel(), attributes.shape[-1]).index_copy(0, place, values)
    return picture.unflatten(0, fragments.face.shape)


def seen_values(fragments: Fragments, faces: Tensor, attributes: Tensor) -> tuple[Tensor, Tensor]:
    """`interpolate` for the N pixels that see a face alone: their places in (B h w), values (N, C)."""
    place, corners = _covered(fragments.face, faces, attributes.shape[1])
    values = attributes.flatten(0, 1).index_select(0, corners.flatten()).unflatten(0, (3, len(place)))
    weights = fragments.barycentric.permute(3, 0, 1, 2).flatten(1).index_select(1, place)[..., None]
    return place, values[0] * weights[0] + values[1] * weights[1] + values[2] * weights[2]


def vertex_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """(B, V, 3), faces (F, 3) -> (B, V, 3) unit normals, faces by their area; 0 for a vertex without."""
    a, b, c = vertices[:, faces.long()].unbind(2)
    across = torch.linalg.cross(b - a, c - a)
    total = torch.zeros_like(vertices).index_add(1, faces.long().T.flatten(), across.repeat(1, 3, 1))
    return torch.nn.functional.normalize(total, dim=-1)


def _covered(face: Tensor, faces: Tensor, vertices: int) -> tuple[Tensor, Tensor]:
    """Of the N pixels that see a face: their places in (B h w), their faces' corners (3, N) in (B V)."""
    place = (face.flatten() + 1).nonzero()[:, 0]
    seen = face.flatten().index_select(0, place)
    corners = torch.stack([corner.index_select(0, seen) for corner in faces.long().unbind(1)])
    if len(face) > 1:  # a division takes longer than the rest
        corners += place.floor_divide(face.shape[1] * face.shape[2]) * vertices
    return place, corners
