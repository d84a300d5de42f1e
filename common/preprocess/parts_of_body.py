"""Hands and face cut from the body's own crop, flipped and turned with it (published: PyMAF-X's training)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from common.geometry.crop import mapped
from common.geometry.resampling import shrunk_cubic
from common.preprocess.augment import Chance
from common.preprocess.pictures import Picture
from common.preprocess.views import PARTS, TWINS, canvas, locate, normalized
from common.structures import Crop, Person, View

Array = np.ndarray

GROWN = 1.5  # published: a part's box is so much larger than its points; paddings of views do not count
LEAST = 0.01  # half a side below which a part counts as not there, where the body's crop is 2 wide
ABSENT = (0.0, 0.0, 0.5)  # published: middle and half a side of what stands for it, the crop's middle


def apply(views: Mapping[str, View]) -> bool:
    """Whether hands and face can be cut so: the main view is the body, in whole pixels."""
    main = next(iter(views.values()))
    return main.box == "body" and main.sampling == "resize_cubic" and main.content == "image"


def cut_with_parts(
    person: Person, views: Mapping[str, View], chance: Chance, picture: Picture
) -> dict[str, tuple[Tensor, Crop]]:
    """Every view and where it was cut, as `views.cut` says it; the first is the body.

    A part's box lies around its points that are seen, upright in the body's crop; without any, it is the one
    that the person's `part_boxes` has, which is not grown.
    """
    main = next(iter(views.values()))
    crop = locate(person, main, chance, picture.size)
    pixels = canvas(picture, person, main, chance)
    cuts = {}
    for name, view in views.items():
        if view.box == "body":
            cuts[name] = normalized(shrunk_cubic(pixels, view.size), view), crop
            continue
        middle, half = _place(person, main, view.box, crop, chance.scale)
        cuts[name] = _sampled(pixels, middle, half, view), _moved(crop, middle, half, main, view)
    return cuts


def _place(person: Person, main: View, box: str, crop: Crop, scale: float) -> tuple[Array, float]:
    """(2,) middle and half the side of a part, where the body's crop reaches from -1 to 1.

    scale: by which boxes are grown; around points that are seen, the box is as large as they are.
    """
    name = TWINS.get(box, box) if crop.flipped else box
    matrix, size = crop.matrix.numpy().astype(np.float64), np.array(main.size[::-1], np.float64)
    points = _points(person, name)
    if len(points):
        seen = 2 * mapped(matrix, points) / size - 1
        low, high = seen.min(0), seen.max(0)
        half = GROWN * float((high - low).max()) / 2
        if half >= LEAST:
            return (low + high) / 2, half
    boxes = np.zeros((3, 5)) if person.part_boxes is None else person.part_boxes
    row = np.asarray(boxes[PARTS.index(name)], np.float64)
    if row[4] > 0:
        x, y = 2 * mapped(matrix, (row[:2] + row[2:4])[None] / 2)[0] / size - 1
        flat = crop.matrix.numpy()[:, :2]
        zoom = abs(float(np.linalg.det(flat.astype(np.float64)))) ** 0.5
        return np.array([x, y]), scale * zoom * float(max(row[2:4] - row[:2])) / main.size[0]
    return np.array(ABSENT[:2]), ABSENT[2]


def _points(person: Person, part: str) -> Array:
    """(N, 2) the points of a part that are seen, in picture pixels."""
    if person.joint_set is None or person.joints_2d is None or part not in person.joint_set.parts:
        return np.zeros((0, 2))
    points = np.asarray(person.joints_2d[person.joint_set.parts[part]], np.float64)
    return points[points[:, 2] > 0, :2]


def _sampled(pixels: Array, middle: Array, half: float, view: View) -> Tensor:
    """The part's view of the (H, W, 3) crop: bilinear, black outside; only what is needed becomes float."""
    size = np.array(pixels.shape[1::-1])
    low = np.clip(np.floor((middle - half + 1) / 2 * size).astype(int) - 2, 0, size - 1)
    high = np.clip(np.ceil((middle + half + 1) / 2 * size).astype(int) + 2, low + 1, size)
    picture = torch.from_numpy(pixels[low[1] : high[1], low[0] : high[0]]).permute(2, 0, 1)[None].float()
    zoom = size / (high - low)
    x, y = zoom * (middle + 1) - 2 * low / (high - low) - 1  # where only that reaches from -1 to 1
    theta = torch.tensor([[[half * zoom[0], 0.0, x], [0.0, half * zoom[1], y]]], dtype=torch.float32)
    grid = affine_grid(theta, [1, 3, *view.size], align_corners=False)
    return normalized(grid_sample(picture, grid, align_corners=False)[0].movedim(0, -1).numpy(), view)


def _moved(crop: Crop, middle: Array, half: float, main: View, view: View) -> Crop:
    """The body's crop, then the part's: picture pixels to pixels of the part's view."""
    sizes = [torch.tensor(size[::-1], dtype=torch.float64) for size in (main.size, view.size)]
    zoom = sizes[1] / sizes[0] / half
    shift = sizes[1] / 2 * (1 - (1 + torch.from_numpy(middle)) / half)
    matrix = crop.matrix.double() * zoom[:, None]
    matrix = torch.cat([matrix[:, :2], (matrix[:, 2] + shift)[:, None]], 1)
    return Crop(matrix.float(), crop.angle, crop.flipped, crop.image_size)
