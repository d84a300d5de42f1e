"""Objectives: weighted losses of the last estimate or of every stage, with fixed or learned weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from common.structures import Prediction, Target

Loss = Callable[[Prediction, Target], Tensor]  # a frozen dataclass with __call__: a scalar, not weighted


class Term(NamedTuple):
    """One loss in an objective."""

    weight: float
    loss: Loss
    every_stage: bool = False  # or of the last estimate alone

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        """The loss, not weighted, summed over the stages it is taken of."""
        stages = prediction.stages if self.every_stage else ()
        return torch.stack([self.loss(stage, target) for stage in (*stages, prediction)]).sum()


class Objective(nn.Module):
    """What training makes small: named terms, of which the loop takes the sum."""

    def __init__(self, terms: Mapping[str, Term]) -> None:
        super().__init__()
        self.terms = dict(terms)

    def forward(self, prediction: Prediction, target: Target) -> dict[str, Tensor]:
        raise NotImplementedError


class WeightedSum(Objective):
    """Losses times the weights of their terms."""

    def forward(self, prediction: Prediction, target: Target) -> dict[str, Tensor]:
        return {name: term.weight * term(prediction, target) for name, term in self.terms.items()}


class LearnedWeights(Objective):
    """Losses that learn their own weights, exp(-s), starting with the terms' (Kendall et al., 2018).

    A loss L becomes exp(-s) L + s; s starts at -log(weight), as published by STRAPS.
    """

    def __init__(self, terms: Mapping[str, Term]) -> None:
        super().__init__(terms)
        # vectors of one, for sharding takes no scalars; 1e-6 is published
        start = {name: torch.full((1,), -math.log(term.weight + 1e-6)) for name, term in terms.items()}
        self.log_variance = nn.ParameterDict(start)

    def forward(self, prediction: Prediction, target: Target) -> dict[str, Tensor]:
        values = {}
        for name, term in self.terms.items():
            variance = self.log_variance[name]
            values[name] = (term(prediction, target) * torch.exp(-variance) + variance).sum()
        return values
