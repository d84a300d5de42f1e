"""BlazePose's landmark network: a square crop of one person in, key points out, a mask on request."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from demo.detectors.blazepose_trunk import Trunk
from demo.detectors.layers import convolution

SIZE = 256  # pixels, the side of the crop
POINTS = 39  # 33 of BLAZEPOSE_33, then two that say where the next crop should be, then four of the hands
REACH = 3  # cells of the heat map, each way, in which a point is refined


class Reading(NamedTuple):
    """What the network says about a batch of crops."""

    points: Tensor  # (B, 39, 3) x, y in crop pixels (0 is the left or upper edge), z likewise scaled
    visibility: Tensor  # (B, 39) probability that the point is in the crop and not hidden
    presence: Tensor  # (B, 39) probability that the point is in the crop
    is_person: Tensor  # (B,) probability that there is a person
    world: Tensor  # (B, 39, 3) meters, about the middle of the hips, axes of the crop
    heat: Tensor | None  # (B, 39, 64, 64) where each point may be, as logits
    mask: Tensor | None  # (B, 256, 256) the person's silhouette, as logits


def _separable(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        convolution(channels, channels, 3, depthwise=True, activation=nn.ReLU6()),
        convolution(channels, out, activation=nn.ReLU6()),
    )


class Refine(nn.Module):
    """A residual separable convolution; with stride 2 the shortcut is pooled."""

    def __init__(self, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.filter = nn.Sequential(
            nn.Conv2d(channels, channels, 3, stride, 1 if stride == 1 else 0, groups=channels), nn.ReLU6()
        )
        self.mix = convolution(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            return F.relu6(x + self.mix(self.filter(x)))
        # Published: the stride falls on even pixels, so the padding is on the far side alone.
        return F.relu6(F.max_pool2d(x, 2) + self.mix(self.filter(F.pad(x, (0, 1, 0, 1)))))


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Decoder(nn.Module):
    """Features of four strides, brought together at stride 4: (B, 48, 64, 64)."""

    def __init__(self, widths: tuple[int, int, int, int, int]) -> None:
        super().__init__()
        self.from_32 = _separable(6 * widths[4], 48)
        self.from_16 = _separable(widths[3], 48)
        self.from_8 = _separable(widths[1], 48)
        self.from_4 = _separable(widths[0], 48)

    def forward(self, at_4: Tensor, at_8: Tensor, at_16: Tensor, at_32: Tensor) -> Tensor:
        x = _double(self.from_32(at_32)) + self.from_16(at_16)
        x = _double(x) + self.from_8(at_8)
        return _double(x) + self.from_4(at_4)


class Silhouette(nn.Module):
    """The mask's own decoder, from stride 4 to every pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.from_2 = _separable(16, 8)
        self.from_4 = _separable(48, 8)
        self.at_2 = nn.Sequential(Refine(8), Refine(8))
        self.at_1 = nn.Sequential(Refine(8), Refine(8))
        self.out = convolution(8, 1, 3)

    def forward(self, at_2: Tensor, decoded: Tensor) -> Tensor:
        x = self.at_2(_double(self.from_4(decoded)) + self.from_2(at_2))
        return self.out(self.at_1(_double(x)))[:, 0]


def refined(points: Tensor, heat: Tensor) -> Tensor:
    """(B, J, 2) crop pixels -> the same, moved to the middle of the heat around them where it is hot enough.

    Published: the middle of a 7x7 window's probabilities, the place of a cell being its upper left corner;
    points whose window stays below one half, or that lie outside the crop, are left alone.
    """
    height, width = heat.shape[2:]
    cell = points * (width / SIZE)
    reach = torch.arange(-REACH, REACH + 1, device=points.device)
    column = cell[..., 0].long()[..., None] + reach  # (B, J, 7)
    row = cell[..., 1].long()[..., None] + reach
    inside_x, inside_y = (column >= 0) & (column < width), (row >= 0) & (row < height)
    place = row.clamp(0, height - 1)[..., :, None] * width + column.clamp(0, width - 1)[..., None, :]
    window = torch.sigmoid(heat.flatten(2).gather(2, place.flatten(2)).view(place.shape))
    window = window * (inside_y[..., :, None] & inside_x[..., None, :])
    total = window.sum((-2, -1)).clamp(min=1e-9)
    x = (window.sum(-2) * column).sum(-1) / total
    y = (window.sum(-1) * row).sum(-1) / total
    sure = inside_x[..., REACH] & inside_y[..., REACH] & (window.amax((-2, -1)) >= 0.5)
    return torch.where(sure[..., None], torch.stack([x, y], -1) * (SIZE / width), points)


class LandmarkNetwork(nn.Module):
    """BlazePose GHUM "full" (Bazarevsky et al., 2020; Grishchenko et al., 2022)."""

    def __init__(self) -> None:
        super().__init__()
        widths = (24, 32, 64, 88, 144)
        self.trunk = Trunk(widths)
        self.decoder = Decoder(widths)
        self.regressor = nn.Sequential(
            _separable(6 * widths[4], 288),
            *(Refine(288, stride) for stride in (2, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1)),
        )
        self.silhouette = Silhouette()
        self.heat = convolution(48, POINTS)
        self.points = nn.Conv2d(288, 5 * POINTS, 2)
        self.is_person = nn.Conv2d(288, 1, 2)
        self.world = nn.Conv2d(288, 3 * POINTS, 2)

    def forward(self, pictures: Tensor, with_heat: bool = True, with_mask: bool = False) -> Reading:
        """(B, 3, 256, 256) RGB in 0..1."""
        features = self.trunk(pictures)
        x = self.regressor(features.at_32)
        points, visibility, presence = self.points(x).view(-1, POINTS, 5).split((3, 1, 1), dim=-1)
        heat = mask = None
        if with_heat or with_mask:
            decoded = self.decoder(features.at_4, features.at_8, features.at_16, features.at_32)
            heat = self.heat(decoded) if with_heat else None
            mask = self.silhouette(features.at_2, decoded) if with_mask else None
        return Reading(
            points,
            torch.sigmoid(visibility[..., 0]),
            torch.sigmoid(presence[..., 0]),
            torch.sigmoid(self.is_person(x).flatten()),
            self.world(x).view(-1, POINTS, 3),
            heat,
            mask,
        )
