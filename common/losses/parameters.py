"""Losses of the numbers that pose and shape a body."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from common.geometry.rotation import matrix_from_axis_angle
from common.losses.masked import Distance, Over, distance, masked_mean
from common.structures import Prediction, Target


@dataclass(frozen=True)
class Pose:
    """Axis-angles as the network says them, `extras["pose"]` (B, N, 3), against those annotated.

    Defined on axis-angles, hands from the mean hand, because matrices forget turns beyond pi (OSX, SMPLer-X);
    where `as_matrices`, on the matrices they make (SMPLest-X). `silent` are the joints of the body of which
    the network says nothing, `first` and `last` bound those that count, of the N it speaks of. The mean is
    over all entries unless `over` says otherwise.
    """

    silent: tuple[int, ...] = ()
    first: int = 0
    last: int | None = None
    as_matrices: bool = False
    kind: Distance = "l1"
    over: Over = "all"

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        spoken = [joint for joint in range(target.pose.shape[1]) if joint not in self.silent]
        chosen = slice(self.first, self.last)
        guess, truth = prediction.extras["pose"][:, chosen], target.pose[:, spoken][:, chosen]
        if self.as_matrices:
            guess, truth = (matrix_from_axis_angle(turns).flatten(2) for turns in (guess, truth))
        known = target.known[:, spoken][:, chosen]
        return masked_mean(distance(guess, truth, self.kind), known, self.over)


@dataclass(frozen=True)
class Rotations:
    """Rotation matrices of the joints from `first` to before `last`, against the posed truth's.

    They count as far as they are known and, where it is given, as the joint `known_with` is. The mean is over
    all entries unless `over` says otherwise.
    """

    first: int = 0
    last: int | None = None
    kind: Distance = "l2"
    over: Over = "all"
    known_with: int | None = None

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        guess, truth = prediction.params.rotations.flatten(2), target.params.rotations.flatten(2)
        chosen = slice(self.first, guess.shape[1] if self.last is None else self.last)
        errors = distance(guess[:, chosen], truth[:, chosen], self.kind)
        known = target.known[:, : guess.shape[1]][:, chosen]
        if self.known_with is not None:
            known = known * target.known[:, self.known_with, None]
        return masked_mean(errors, known, self.over)


@dataclass(frozen=True)
class Betas:
    """The shape, as far as both sides have coefficients.

    The mean is over all entries unless `over` says otherwise.
    """

    kind: Distance = "l1"
    over: Over = "all"

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        errors = _coefficients(prediction.params.betas, target.params.betas, self.kind)
        return masked_mean(errors, target.known[:, -2:-1], self.over)


@dataclass(frozen=True)
class Expression:
    """The face's expression, as far as both sides have coefficients.

    The mean is over all entries unless `over` says otherwise.
    """

    kind: Distance = "l1"
    over: Over = "all"

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        errors = _coefficients(prediction.params.expression, target.params.expression, self.kind)
        return masked_mean(errors, target.known[:, -1:], self.over)


def _coefficients(guess: Tensor, truth: Tensor, kind: Distance) -> Tensor:
    """(B, S) and (B, T) -> (B, 1, min(S, T)) errors."""
    count = min(guess.shape[1], truth.shape[1])
    return distance(guess[:, None, :count], truth[:, None, :count], kind)
