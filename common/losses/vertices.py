"""The loss of a posed mesh against the true one."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from common.body_models.regressors import shared_regressor
from common.geometry.align import scaled
from common.losses.masked import Distance, Over, distance, masked_mean
from common.structures import Body, Prediction, Target


@dataclass(frozen=True)
class Vertices:
    """The vertices in meters, of persons whose whole pose and shape are annotated.

    Where `relative`, both meshes are seen from their first joint, the root; where `rest`, they are compared
    in the rest pose, seen from their middles and as large as the true one: the shape alone, for its size
    cannot be seen in a picture. With a `regressor`, "h36m_correct" or another of
    `body_models/regressors.py`, they are seen from its first point instead of the root. The mean is over all
    entries unless `over` says otherwise.
    """

    relative: bool = False
    rest: bool = False
    kind: Distance = "l1"
    over: Over = "all"
    regressor: str = ""

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        guess, truth = prediction.body, target.body
        if guess.topology != truth.topology:
            raise ValueError(f"A '{guess.topology}' mesh cannot be taught by a '{truth.topology}' one.")
        if self.rest:
            errors = distance(scaled(guess.rest, truth.rest), truth.rest, self.kind)
            return masked_mean(errors, target.known[:, -2:-1].expand(-1, errors.shape[1]), self.over)
        errors = distance(self._relative(guess), self._relative(truth), self.kind)
        known = target.known[:, :-1].amin(1, keepdim=True)  # the expression may be missing: it moves little
        return masked_mean(errors, known.expand(-1, errors.shape[1]), self.over)

    def _relative(self, body: Body) -> Tensor:
        """(B, V, 3) the vertices, from where they are seen."""
        if not self.relative:
            return body.vertices
        if not self.regressor:
            return body.vertices - body.joints[:, :1]
        points = shared_regressor(body.topology, self.regressor, body.vertices.device)(body)
        return body.vertices - points[:, :1]
