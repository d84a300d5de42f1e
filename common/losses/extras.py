"""Losses of what a network says besides the body."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from common.structures import Prediction, Target


@dataclass(frozen=True)
class Vanishing:
    """The mean absolute value of an extra output that ought to be zero, such as what is left unexplained."""

    name: str  # in `Prediction.extras`

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        return prediction.extras[self.name].abs().mean()
