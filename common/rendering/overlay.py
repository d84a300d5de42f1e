"""Shaded bodies over their picture, or beside it as seen from the side and from above."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, normalize

from common.rendering.rasterizer import rasterize, seen_values, vertex_normals
from common.rendering.zbuffer import NEAR
from common.structures import Perspective

# Red, green, blue of one person after the other: light, of like brightness.
COLORS = (
    (0.64, 0.77, 0.93), (0.97, 0.75, 0.54), (0.69, 0.86, 0.66), (0.94, 0.66, 0.69),
    (0.78, 0.70, 0.94), (0.97, 0.88, 0.58), (0.56, 0.84, 0.84), (0.87, 0.80, 0.73),
)  # fmt: skip
BACKGROUND = 245  # of the views beside the picture
KEY, FILL = (-0.45, -0.6, -0.75), (0.8, -0.1, -0.5)  # where light comes from: upper left, softly the right
# The axes of two more cameras, in the picture's: from the right, so that its camera is at the left, and from
# above, so that its camera is at the bottom.
SIDE = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
TOP = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
_SAMPLES = 1 << 22  # drawn at once


def overlay(
    image: np.ndarray,
    vertices: Tensor | Sequence[Tensor],
    faces: Tensor,
    camera: Perspective,
    people: Sequence[int] | None = None,
    opacity: float = 1.0,
) -> np.ndarray:
    """Draw bodies over their picture (H, W, 3) uint8 RGB -> a new picture; pixels without a body stay.

    `vertices` (B, V, 3) meters, as in `Body`; `camera` onto the full picture, one for each body or for all,
    adds its translation. Bodies hide one another by depth, so bring cameras to one lens first
    (`Perspective.at_focal`). `people` are numbers that choose the colors, such as ids.
    """
    drawn = image.copy()
    if len(vertices) == 0:
        return drawn
    scene = torch.stack(list(vertices)).detach().float()
    count, size = scene.shape[:2]
    depth = scene[..., 2:] + camera.translation[:, None, 2:]
    points = torch.cat([camera.project(scene), depth], -1).flatten(0, 1)
    numbers = range(count) if people is None else people
    palette = torch.tensor([COLORS[int(n) % len(COLORS)] for n in numbers], device=scene.device)
    values = torch.cat([vertex_normals(scene, faces).flatten(0, 1), palette.repeat_interleave(size, 0)], 1)
    mesh = (faces + size * torch.arange(count, device=faces.device)[:, None, None]).flatten(0, 1)
    left, top, right, bottom = _region(points, image.shape[1], image.shape[0])
    if right <= left or bottom <= top:
        return drawn
    zoom = 2 if (right - left) * (bottom - top) <= _SAMPLES else 1  # larger bodies have smooth edges without
    rows = max(1, _SAMPLES // (zoom * zoom * max(1, right - left)))
    for start in range(top, bottom, rows):
        stop = min(start + rows, bottom)
        moved = (points - points.new_tensor([left, start, 0])) * points.new_tensor([zoom, zoom, 1])
        moved += points.new_tensor([(zoom - 1) / 2, (zoom - 1) / 2, 0])  # pixel centers are whole in both
        fine = (stop - start) * zoom, (right - left) * zoom
        cover = _shaded(moved, mesh, values, fine, zoom).cpu().numpy()
        below = drawn[start:stop, left:right]
        mixed = below * (1 - opacity * cover[..., 3:]) + opacity * cover[..., :3] * 255
        drawn[start:stop, left:right] = mixed.round().clip(0, 255).astype(np.uint8)
    return drawn


def sheet(
    image: np.ndarray,
    vertices: Tensor | Sequence[Tensor],
    faces: Tensor,
    camera: Perspective,
    people: Sequence[int] | None = None,
    opacity: float = 1.0,
) -> np.ndarray:
    """`overlay`, beside it the same bodies from the right and from above: (H, W + 2 min(H, W), 3)."""
    views = [overlay(image, vertices, faces, camera, people, opacity)]
    height, width = image.shape[0], min(image.shape[:2])
    for turn in (SIDE, TOP):
        blank = np.full((height, width, 3), BACKGROUND, np.uint8)
        if len(vertices):
            scene = torch.stack(list(vertices)).detach().float() + camera.translation[:, None]
            turned = scene @ turn.to(scene.device).T
            low, high = turned.flatten(0, 1).amin(0), turned.flatten(0, 1).amax(0)
            scale = 0.9 * (scene.new_tensor([width, height]) / (high - low)[:2]).amin()
            distance = 10 * (high - low).amax()  # nearly without perspective
            lens = Perspective(
                focal=(scale * distance).expand(1, 2),
                center=scene.new_tensor([[(width - 1) / 2, (height - 1) / 2]]),
                translation=torch.stack([*-(low + high)[:2] / 2, distance - (low + high)[2] / 2])[None],
            )
            blank = overlay(blank, turned, faces, lens, people)
        views.append(blank)
    return np.concatenate(views, 1)


def _region(points: Tensor, width: int, height: int) -> tuple[int, int, int, int]:
    """Points (N, 3) -> the box x0, y0, x1, y1 of whole pixels in the picture that they may touch."""
    seen = points[(points[:, 2] > NEAR) & points.isfinite().all(1), :2]
    if len(seen) == 0:
        return 0, 0, 0, 0
    limit = torch.tensor([width, height], device=points.device)
    low = (seen.amin(0).floor() - 1).clamp(min=0).minimum(limit)
    high = (seen.amax(0).ceil() + 2).clamp(min=0).minimum(limit)
    return (*low.long().tolist(), *high.long().tolist())


def _shaded(points: Tensor, faces: Tensor, values: Tensor, size: tuple[int, int], zoom: int) -> Tensor:
    """Points (N, 3), normal and color per point (N, 6) -> (h, w, 4) color times cover, and cover."""
    place, seen = seen_values(rasterize(points[None], faces, size), faces, values[None])
    normal, color = normalize(seen[:, :3], dim=-1), seen[:, 3:]
    key, fill = normalize(normal.new_tensor([KEY, FILL]), dim=-1)
    halfway = normalize(key + key.new_tensor([0, 0, -1]), dim=0)
    wrapped = ((normal @ key) * 0.5 + 0.5).square()  # light that bends around, as from a large window
    ambient = 0.32 - 0.08 * normal[:, 1]  # y is down: a little more from above
    light = ambient + 0.72 * wrapped + 0.14 * (normal @ fill).clamp(min=0)
    shine = 0.10 * (normal @ halfway).clamp(min=0).square().square().square().square()
    lit = (color * light[:, None] + shine[:, None]).clamp(0, 1)
    planes = torch.cat([lit, torch.ones_like(lit[:, :1])], 1).T
    picture = planes.new_zeros(4, size[0] * size[1]).scatter(1, place.expand(4, -1), planes).view(4, *size)
    return avg_pool2d(picture, zoom).permute(1, 2, 0)
