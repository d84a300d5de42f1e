"""MPI-INF-3DHP's numbers: shares of points, by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from common.metrics.points import Measured
from data.mpi_inf_3dhp_spin import LIMITS, benchmark


def apart(*millimeters: float) -> tuple[Measured, Measured]:
    """Points of one person, so far from where they should be."""
    truth = torch.randn(1, len(millimeters), 3, generator=torch.Generator().manual_seed(0))
    guess = truth.clone()
    guess[0, :, 0] += torch.tensor(millimeters) / 1000
    zero = torch.zeros(1, 1, 3)
    return Measured(guess, zero, "points"), Measured(truth, zero, "points")


class Given:
    """Points that are what they are."""

    def __init__(self, *millimeters: float) -> None:
        self.millimeters = millimeters

    def pair(self, prediction: object, batch: object) -> tuple[Measured, Measured]:
        return apart(*self.millimeters)


@pytest.mark.parametrize(
    ("millimeters", "pck", "auc"),
    [
        ((0.0, 0.0), 100.0, 100 * 30 / 31),  # nothing is nearer than 0
        ((149.0, 151.0), 50.0, 100 * 0.5 / 31),
        ((72.0, 72.0), 100.0, 100 * 16 / 31),  # at 75, 80 ... 150
    ],
)
def test_shares_are_counted(millimeters: tuple[float, ...], pck: float, auc: float) -> None:
    by_name = {metric.name: metric for metric in benchmark().metrics}
    for name, expected in (("pck", pck), ("auc", auc)):
        metric = replace(by_name[name], points=Given(*millimeters))
        found = metric.measure(SimpleNamespace(), SimpleNamespace())[name]
        torch.testing.assert_close(found, torch.tensor([expected]), rtol=1e-4, atol=1e-4)


def test_limits_reach_150_millimeters_in_steps_of_five() -> None:
    assert (LIMITS[0], LIMITS[1], LIMITS[-1], len(LIMITS)) == (0.0, 5.0, 150.0, 31)
