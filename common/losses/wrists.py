"""The loss of how a hand is turned in the camera's frame (SMPLest-X)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from common.joints import SMPLX_55
from common.losses.masked import distance, masked_mean
from common.structures import Prediction, Target

_ARM = ("collar", "shoulder", "elbow", "wrist")
_SPINE = SMPLX_55.indices(("pelvis", "spine1", "spine2", "spine3"))
CHAINS = tuple(
    (*_SPINE, *SMPLX_55.indices(tuple(f"{side}_{name}" for name in _ARM))) for side in ("left", "right")
)


@dataclass(frozen=True)
class Wrists:
    """Both wrists' rotations in the camera's frame, those of the posed truth against those predicted.

    Predicted by tokens of their own, `hand_roots` of the extras (B, 2, 3, 3); or, with `chain`, by the
    rotations of all joints from the pelvis to the wrist, of which the pelvis gets no gradient. Persons count
    whose wrist is known, and whose joint `gate` of the points, the pelvis, lies in the view. The two hands'
    means of absolute errors over all entries are added.
    """

    chain: bool = False
    gate: int = 0

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        truth = wrists(target.params.rotations)
        guess = prediction.extras["hand_roots"]
        if self.chain:
            turns = prediction.params.rotations
            guess = wrists(torch.cat([turns[:, :1].detach(), turns[:, 1:]], 1))
        known = target.known[:, [chain[-1] for chain in CHAINS]]
        seen = target.joints_2d[:, self.gate, 2:] > 0
        return 2 * masked_mean(distance(guess.flatten(2), truth.flatten(2), "l1"), known * seen, "all")


def wrists(rotations: Tensor) -> Tensor:
    """(B, 55, 3, 3) relative to parents -> (B, 2, 3, 3) left and right wrist in the frame of the root."""
    return torch.stack([reduce(torch.matmul, rotations[:, list(chain)].unbind(1)) for chain in CHAINS], 1)
