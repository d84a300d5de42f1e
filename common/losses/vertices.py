"""The loss of a posed mesh against the true one."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from common.geometry.align import scaled
from common.losses.masked import Distance, Over, distance, masked_mean
from common.structures import Prediction, Target


@dataclass(frozen=True)
class Vertices:
    """The vertices in meters, of persons whose whole pose and shape are annotated.

    Where `relative`, both meshes are seen from their first joint, the root; where `rest`, they are compared
    in the rest pose, seen from their middles and as large as the true one: the shape alone, for its size
    cannot be seen in a picture. The mean is over all entries unless `over`
    says otherwise.
    """

    relative: bool = False
    rest: bool = False
    kind: Distance = "l1"
    over: Over = "all"

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        guess, truth = prediction.body, target.body
        if guess.topology != truth.topology:
            raise ValueError(f"A '{guess.topology}' mesh cannot be taught by a '{truth.topology}' one.")
        if self.rest:
            errors = distance(scaled(guess.rest, truth.rest), truth.rest, self.kind)
            return masked_mean(errors, target.known[:, -2:-1].expand(-1, errors.shape[1]), self.over)
        origin = guess.joints[:, :1] if self.relative else 0.0
        true_origin = truth.joints[:, :1] if self.relative else 0.0
        errors = distance(guess.vertices - origin, truth.vertices - true_origin, self.kind)
        known = target.known[:, :-1].amin(1, keepdim=True)  # the expression may be missing: it moves little
        return masked_mean(errors, known.expand(-1, errors.shape[1]), self.over)
