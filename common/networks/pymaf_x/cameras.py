"""The cameras of PyMAF-X: one so far away that three numbers tell it, or a lens on the full picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from common.structures import Crop, Inputs, Perspective
from common.utils.record import Record

SIDE = 224  # pixels of every view
FOCAL = 5000.0  # pixels of the view
UNKNOWN = (0.8, 0.3, 0.5, 0.5)  # what the regressor is told of a lens that nobody knows (published)
NEARER = 10.0  # a hand or a face fills its view as if this many times as large


@dataclass
class InPicture(Record):
    """A lens that sees the full picture, of which the view shows a part."""

    lens: Perspective
    crop: Crop

    def project(self, points: Tensor) -> Tensor:
        return self.crop.points(self.lens.project(points))

    def in_image(self, crop: Crop) -> Perspective:
        return self.lens


def far(numbers: Tensor) -> Perspective:
    """(B, 3) scale, x and y -> a camera onto the view."""
    scale, shift = numbers.split([1, 2], 1)
    both = numbers.new_ones(len(numbers), 2)
    depth = 2 * FOCAL / (SIDE * scale + 1e-9)
    return Perspective(both * FOCAL, both * (SIDE / 2), torch.cat([shift, depth], 1))


def nearer(numbers: Tensor) -> Tensor:
    """(B, 3) of a hand or a face as it is estimated -> as it is seen."""
    return numbers * numbers.new_tensor([NEARER, 1 / NEARER, 1 / NEARER])


def in_picture(numbers: Tensor, crop: Crop, intrinsics: Tensor) -> InPicture:
    """(B, 3), where the view was cut, (B, 3, 3) -> a camera at its true place before the picture."""
    scale, shift = numbers.split([1, 2], 1)
    center, side = _square(crop)
    focal = intrinsics[:, :1, 0]
    size = scale * side
    away = 2 * (center - crop.image_size / 2) / size
    translation = torch.cat([shift + away, 2 * focal / size], 1)
    lens = Perspective(focal.expand(-1, 2), intrinsics[:, :2, 2], translation)
    return InPicture(lens, crop)


def told(inputs: Inputs, full_picture: bool) -> Tensor:
    """(B, 4) field of view, the view's share of the picture, its middle: what the regressor is told."""
    if not full_picture:
        return inputs.views["body"].new_tensor(UNKNOWN).expand(len(inputs.views["body"]), -1)
    crop = inputs.crops["body"]
    center, side = _square(crop)
    height = crop.image_size[:, 1:]
    angle = 2 * torch.atan2(height, 2 * inputs.intrinsics[:, :1, 0])
    return torch.cat([angle, side / height, center / crop.image_size], 1)


def on_view(camera: Perspective | InPicture, points: Tensor) -> Tensor:
    """(B, N, 3) -> (B, N, 2), -1 to 1 over the view."""
    return camera.project(points) / (SIDE / 2) - 1


def _square(crop: Crop) -> tuple[Tensor, Tensor]:
    """The middle (B, 2) and the side (B, 1) of what the view shows of the picture, in its pixels."""
    middle = crop.matrix.new_full((len(crop.matrix), 1, 2), SIDE / 2)
    zoom = torch.linalg.det(crop.matrix[:, :, :2]).abs().sqrt()
    return crop.back(middle)[:, 0], (SIDE / zoom)[:, None]
