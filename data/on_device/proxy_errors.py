"""What detectors do to a silhouette and its joints: parts that are missing, mistaken or misplaced."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from common.joints import COCO_17, SMPL_24, JointSet
from common.utils.random import uniform

# what a joint of the body turns, as it is missing from a silhouette: a trunk is not torn apart
_TRUNK = ("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar")
_SWAPPED = ("shoulder", "hip")
COARSE = 32  # pixels along a side of a coarse silhouette
_DROPPED = ("elbow", "wrist", "knee", "ankle")


@dataclass(frozen=True)
class ProxyErrors:
    """How good a detector is; shares are of all persons unless it says joints, lengths in sides of the view.

    By default what the authors trained their next network with (Sengupta et al. 2021), left and right alike,
    and silhouettes as coarse as a Mask R-CNN's for some.
    """

    joints: float = 6 / 256  # at most so far off along each axis; how far at most is drawn for each person
    limbs: float = 0.1  # for each part of a limb and for the head: it is missing from the silhouette
    trunk: float = 0.05
    part_joints: float = 0.5  # joints of a part that is missing are lost with it
    dropped: float = 0.1  # joints of limbs
    swapped: float = 0.1  # for shoulders and for hips: left and right mistaken
    hidden: float = 0.1  # behind a box
    box: tuple[float, float] = (0.1, 0.3)  # its sides, drawn evenly
    coarse: float = 0.2  # silhouettes of a 32nd of the view
    untroubled: float = 0.5  # persons of whom no part is missing, and nothing lost, mistaken or hidden

    @classmethod
    def good(cls) -> ProxyErrors:
        """What the synthetic benchmark measures with: joints a little off, a whole silhouette."""
        return cls(
            joints=2 / 256,
            limbs=0.0,
            trunk=0.0,
            part_joints=0.0,
            dropped=0.0,
            swapped=0.0,
            hidden=0.0,
            coarse=0.0,
        )


class Disturb(nn.Module):
    """Draws these errors by chance that follows from seeds, and applies them."""

    def __init__(self, errors: ProxyErrors, joint_set: JointSet = COCO_17) -> None:
        super().__init__()
        self.errors = errors
        names = joint_set.names
        rates = [errors.trunk if name in _TRUNK else errors.limbs for name in SMPL_24.names]
        part = [SMPL_24.index(name) if name in SMPL_24.names else SMPL_24.index("head") for name in names]
        limb = [name.split("_")[-1] in _DROPPED for name in names]
        self._keep("rates", torch.tensor(rates))
        self._keep("part_of_joint", torch.tensor(part))
        self._keep("droppable", torch.tensor(limb))
        self._keep("mirrored", torch.tensor(joint_set.mirrored))
        self._keep("kind", torch.tensor([_kind(name) for name in names]))

    def _keep(self, name: str, values: Tensor) -> None:
        self.register_buffer(name, values, persistent=False)

    def parts(self, seed: Tensor) -> Tensor:
        """(B,) -> (B, 24) bool: the parts, by the joint that turns them, that are in the silhouette."""
        dice = uniform(seed, 1 + len(self.rates))
        return (dice[:, 1:] >= self.rates) | self.is_untroubled(seed)

    def is_untroubled(self, seed: Tensor) -> Tensor:
        """(B,) -> (B, 1) bool; each method is given the same seed."""
        return uniform(seed, 1) < self.errors.untroubled

    def points(
        self, seed: Tensor, points: Tensor, seen: Tensor, parts: Tensor, side: int
    ) -> tuple[Tensor, Tensor]:
        """(B, J, 2) pixels of a view of `side`, (B, J) bool -> the same, as a detector finds them."""
        troubled = ~self.is_untroubled(seed)
        dice, most = uniform(seed + 1, points.shape[1], 4), uniform(seed + 2, 1, 1)
        noisy = points + (2 * dice[..., :2] - 1) * most * self.errors.joints * side
        lost = self.droppable & (dice[..., 2] < self.errors.dropped)
        lost = lost | (~parts[:, self.part_of_joint] & (dice[..., 3] < self.errors.part_joints))
        swap = uniform(seed + 3, len(_SWAPPED) + 1)[:, self.kind] < self.errors.swapped
        lost, swap = lost & troubled, swap & (self.kind > 0) & troubled
        chosen = torch.where(swap, self.mirrored, torch.arange(len(self.kind), device=seed.device))
        noisy = noisy.gather(1, chosen[..., None].expand(-1, -1, 2))
        return noisy, (seen & ~lost).gather(1, chosen)

    def mask(self, seed: Tensor, mask: Tensor) -> Tensor:
        """(B, h, w) bool -> the same, something before it for some, coarse for some."""
        height, width = mask.shape[1:]
        troubled, dice = ~self.is_untroubled(seed), uniform(seed + 4, 6)
        least, most = self.errors.box
        sides = least + (most - least) * dice[:, 1:3]
        low = (dice[:, 3:5] * (1 - sides))[..., None]
        high = low + sides[..., None]
        x = (torch.arange(width, device=mask.device) + 0.5) / width
        y = (torch.arange(height, device=mask.device) + 0.5) / height
        across = (x > low[:, 0]) & (x < high[:, 0]) & (dice[:, :1] < self.errors.hidden) & troubled
        down = (y > low[:, 1]) & (y < high[:, 1])
        mask = mask & ~(down[:, :, None] & across[:, None])
        if not self.errors.coarse:
            return mask
        small = adaptive_avg_pool2d(mask[:, None].float(), COARSE)[:, 0]
        rough = _enlarged(small, height, width) > 0.5
        return torch.where((dice[:, 5] < self.errors.coarse)[:, None, None], rough, mask)


def _enlarged(small: Tensor, height: int, width: int) -> Tensor:
    """(B, n, n) -> (B, height, width), bilinear; as products of matrices, which is soonest."""
    down, across = (_weights(small, side) for side in (height, width))
    return down @ small @ across.mT


def _weights(small: Tensor, side: int) -> Tensor:
    """(side, n) how much of each of n numbers a pixel takes."""
    place = (torch.arange(side, device=small.device) + 0.5) * small.shape[1] / side - 0.5
    place = place.clamp(0, small.shape[1] - 1)
    return (1 - (place[:, None] - torch.arange(small.shape[1], device=small.device)).abs()).clamp(min=0)


def _kind(name: str) -> int:
    """Which of the pairs that are mistaken a joint is of, from 1; 0 for none."""
    last = name.split("_")[-1]
    return _SWAPPED.index(last) + 1 if last in _SWAPPED else 0
