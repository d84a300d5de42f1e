"""What detectors do to key points: unsteady, missing, mistaken and misplaced ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from common.joints import JointSet
from common.utils.random import normal, uniform

SURE = 0.75  # confidence from which on a point is as steady as it gets


@dataclass(frozen=True)
class Detections:
    """How good a detector is; shares are of all persons unless it says points."""

    noise: tuple[float, float] = (0.003, 0.02)  # in heights of the person, at a shoulder; log-uniform
    outwards: float = 1.0  # how much less steady hands and feet are: 0 all alike, 1 as detectors are
    offset: float = 0.02  # meters between what the detector calls a joint and the body's joint
    outliers: float = 0.01  # points that are found somewhere else
    swapped: float = 0.03  # left and right mistaken, of legs, arms or both
    dropped: tuple[float, ...] = (0.0, 0.0, 0.1, 0.3)  # points, at one of these rates
    absent: float = 0.25  # for each group that some detectors do not know
    cut_off: float = 0.25  # a half, or a limb, is hidden
    doubtful: float = 0.25  # points of low confidence, and less steady; those outside the picture are, too
    outside_lost: float = 0.9  # points outside the picture
    untroubled: float = 0.5  # persons without outliers, and nothing swapped, unknown or hidden

    @classmethod
    def good(cls) -> Detections:
        """What the synthetic benchmark measures with: unsteady points, some missing."""
        return cls(
            noise=(0.005, 0.02),
            outwards=0.0,
            offset=0.0,
            dropped=(0.0, 0.1, 0.3),
            doubtful=0.0,
            untroubled=1.0,
        )


# how much less steady than a shoulder
_UNSTEADY = {
    "nose": 0.5, "eye": 0.5, "ear": 0.7, "shoulder": 1.0, "elbow": 1.2, "wrist": 1.4,
    "thumb_2": 1.8, "index_1": 1.8, "pinky_1": 1.8, "hip": 1.3, "knee": 1.1, "ankle": 1.3,
    "heel": 1.6, "big_toe": 1.7, "small_toe": 1.8,
}  # fmt: skip
_FACE, _HANDS = ("nose", "eye", "ear"), ("thumb_2", "index_1", "pinky_1")
_FEET = ("heel", "big_toe", "small_toe")
_ARMS, _LEGS = ("shoulder", "elbow", "wrist", *_HANDS), ("hip", "knee", "ankle", *_FEET)
_UNKNOWN = (("eye", "ear"), _HANDS, _FEET, ("small_toe",), ("nose", "eye", "ear"))


class DetectionErrors(nn.Module):
    """Turns true key points into found ones, by chance that follows from seeds."""

    def __init__(self, joint_set: JointSet, detections: Detections) -> None:
        super().__init__()
        self.detections = detections
        parts = [name.removeprefix("left_").removeprefix("right_") for name in joint_set.names]

        def mask(*names: str, side: str = "") -> Tensor:
            named = zip(joint_set.names, parts, strict=True)
            return torch.tensor([part in names and name.startswith(side) for name, part in named])

        hidden = [mask(*_LEGS), mask(*_LEGS[1:]), mask(*_LEGS[2:]), mask(*_FEET), mask(*_FACE, *_ARMS)]
        for side in ("left", "right"):
            hidden += [
                mask(*_ARMS, *_LEGS, side=side),
                mask(*_ARMS[1:], side=side),
                mask(*_LEGS[1:], side=side),
            ]
            hidden += [mask(*_ARMS[2:], side=side)]
        unsteady = torch.tensor([_UNSTEADY.get(part, 1.0) for part in parts]) ** detections.outwards
        self.register_buffer("unsteady", unsteady, persistent=False)
        self.register_buffer("mirrored", torch.tensor(joint_set.mirrored), persistent=False)
        self.register_buffer("unknown", torch.stack([mask(*group) for group in _UNKNOWN]), persistent=False)
        self.register_buffer("hidden", torch.stack(hidden), persistent=False)
        swaps = torch.stack([mask(*_LEGS), mask(*_ARMS, *_FACE), mask(*_FACE, *_ARMS, *_LEGS)])
        self.register_buffer("swaps", swaps, persistent=False)

    def forward(self, seed: Tensor, pixels: Tensor, visible: Tensor, meter: Tensor) -> Tensor:
        """(B, N, 2) true pixels, (B, N) in the picture, (B,) pixels a meter -> (B, N, 3) found ones."""
        count = pixels.shape[1]
        place, person = uniform(seed, 4, count), uniform(seed + (1 << 60), 8)
        height = _height(pixels)
        confidence = self._confidence(place[:, 0], place[:, 1], visible)
        troubled = (person[:, 7] >= self.detections.untroubled)[:, None]
        astray = (place[:, 2] < self.detections.outliers) & troubled
        pixels = pixels + self._shifts(seed, person[:, 0], confidence, astray, height, meter)
        pixels = self._with_sides_swapped(pixels, person[:, 1], person[:, 2], troubled)
        unknown = uniform(seed + (1 << 59), len(self.unknown))
        found = self._found(visible, place[:, 3], person[:, 3:7], unknown, troubled)
        found = found | (found.sum(1, keepdim=True) < 4)  # somebody was found, after all
        return torch.cat([pixels, (confidence * found)[..., None]], -1) * found[..., None]

    def _confidence(self, dice: Tensor, doubt: Tensor, visible: Tensor) -> Tensor:
        low, high = SURE * (0.05 + 0.95 * dice), SURE + (1 - SURE) * dice
        return torch.where((doubt < self.detections.doubtful) | ~visible, low, high)

    def _shifts(
        self, seed: Tensor, level: Tensor, confidence: Tensor, astray: Tensor, height: Tensor, meter: Tensor
    ) -> Tensor:
        """(B, N, 2) pixels by which each point is off."""
        least, most = (math.log(level) for level in self.detections.noise)
        doubt = (1 - confidence / SURE).clamp(min=0)
        share = torch.exp(least + (most - least) * level)[:, None] * self.unsteady * (1 + 2.5 * doubt)
        share = torch.where(astray, 0.15, share)
        steps = normal(seed + (1 << 58), 2, len(self.unsteady), 2)
        offset = self.detections.offset * meter[:, None] * self.unsteady
        return (share * height[:, None])[..., None] * steps[:, 0] + offset[..., None] * steps[:, 1]

    def _with_sides_swapped(self, pixels: Tensor, dice: Tensor, which: Tensor, troubled: Tensor) -> Tensor:
        mistaken = (dice < self.detections.swapped)[:, None] & troubled
        chosen = self.swaps[(which * len(self.swaps)).long()] & mistaken
        return torch.where(chosen[..., None], pixels[:, self.mirrored], pixels)

    def _found(
        self, visible: Tensor, dice: Tensor, person: Tensor, unknown: Tensor, troubled: Tensor
    ) -> Tensor:
        """(B, N) whether each point is found: visible, not dropped, not hidden, known to the detector."""
        settings = self.detections
        rates = dice.new_tensor(settings.dropped)
        dropped = dice < rates[(person[:, 0] * len(rates)).long()][:, None]
        cut_off = (person[:, 2] < settings.cut_off)[:, None]
        hidden = self.hidden[(person[:, 1] * len(self.hidden)).long()] & cut_off
        absent = ((unknown < settings.absent)[..., None] & self.unknown).any(1)
        lost = ~visible & (person[:, 3:4] < settings.outside_lost)
        return ~(dropped | lost | ((hidden | absent) & troubled))


def _height(pixels: Tensor) -> Tensor:
    """(B, N, 2) -> (B,) the longer side of the box about the points."""
    return (pixels.amax(1) - pixels.amin(1)).amax(-1)
