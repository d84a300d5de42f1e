"""How far a body's own numbers, rotations or shape, lie from the true ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from common.metrics.metric import Metric
from common.metrics.points import NotComparable
from common.structures import Batch, Prediction


@dataclass(frozen=True)
class ParameterError(Metric):
    """The mean squared difference of rotation matrices, entry by entry, or of shape coefficients.

    Published by STRAPS ("pose_mses", "shape_mses"). Of the true body's numbers, which `prepare` makes, only
    those that are known count; a person of whom none is has no number. Raises NotComparable where the two
    bodies are not described by the same numbers.
    """

    name: str
    numbers: Literal["rotations", "betas"]

    def measure(self, prediction: Prediction, batch: Batch) -> dict[str, Tensor]:
        if batch.target.params is None:
            raise ValueError("The benchmark's `prepare` made no true body; use one that does: PosedTargets.")
        guess, truth = (getattr(params, self.numbers) for params in (prediction.params, batch.target.params))
        if guess.shape != truth.shape:
            raise NotComparable(
                f"{self.name} cannot compare {self.numbers} {tuple(guess.shape[1:])} of the network with "
                f"{tuple(truth.shape[1:])} of the benchmark: they are of two body models."
            )
        turning = truth.shape[1] if self.numbers == "rotations" else 0
        known = batch.target.known[:, :turning] if turning else batch.target.known[:, -2:-1]
        squared = (guess - truth).square().flatten(2 if turning else 1).mean(-1).reshape(known.shape)
        return {self.name: (squared * (known > 0)).sum(1) / (known > 0).sum(1)}
