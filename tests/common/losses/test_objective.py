"""Objectives."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import torch

from common.losses.objective import LearnedWeights, Term, WeightedSum


@dataclass(frozen=True)
class Off:
    """How far a number is from the true one, squared."""

    def __call__(self, prediction, target):
        return (prediction.value - target).square()


def said(value: float, *earlier: float):
    stages = tuple(said(number) for number in earlier)
    return SimpleNamespace(value=torch.tensor(value, requires_grad=True), stages=stages)


def test_terms_are_named_and_weighted() -> None:
    terms = WeightedSum({"a": Term(2.0, Off()), "b": Term(0.5, Off())})(said(3.0), torch.tensor(1.0))
    assert {name: value.item() for name, value in terms.items()} == {"a": 8.0, "b": 2.0}


def test_every_stage_counts_where_asked() -> None:
    prediction = said(3.0, 2.0, 1.0)
    objective = WeightedSum({"last": Term(1.0, Off()), "all": Term(1.0, Off(), every_stage=True)})
    terms = objective(prediction, torch.tensor(1.0))
    assert (terms["last"].item(), terms["all"].item()) == (4.0, 5.0)


def test_learned_weights_start_as_the_terms_have_them_and_learn() -> None:
    objective = LearnedWeights({"a": Term(4.0, Off())})
    terms = objective(said(3.0), torch.tensor(1.0))
    start = objective.log_variance["a"].detach()
    torch.testing.assert_close(terms["a"].detach(), 4 * torch.tensor(4.0) + start[0])
    terms["a"].backward()
    # exp(-s) L + s is smallest at s = log L: a loss of 4 asks for less weight than 4
    assert objective.log_variance["a"].grad < 0
    assert objective.log_variance["a"].shape == (1,)
