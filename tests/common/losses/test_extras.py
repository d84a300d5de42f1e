"""Losses of extra outputs."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from common.losses.extras import Vanishing


def test_what_vanished_costs_nothing_and_the_rest_its_mean_size() -> None:
    for values, cost in ((torch.zeros(3, 2), 0.0), (torch.tensor([[1.0, -3.0]]), 2.0)):
        prediction = SimpleNamespace(extras={"miss": values})
        assert Vanishing("miss")(prediction, None).item() == cost
