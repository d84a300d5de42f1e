"""Layers built without random numbers are those built with them, but for the numbers."""

from __future__ import annotations

import torch
from torch import nn

from common.networks.layers.unfilled import Unfilled


def built() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ConvTranspose2d(4, 2, 4), nn.Linear(5, 6))


def test_nothing_is_drawn_within() -> None:
    before = torch.get_rng_state()
    with Unfilled():
        built()
        nn.init.normal_(torch.zeros(3))
        nn.init.kaiming_uniform_(tensor=torch.zeros(3, 3))
    assert torch.equal(torch.get_rng_state(), before)


def test_all_else_is_as_ever() -> None:
    with Unfilled():
        unfilled = built()
    whole = built()
    shapes = {name: tensor.shape for name, tensor in whole.state_dict().items()}
    assert {name: tensor.shape for name, tensor in unfilled.state_dict().items()} == shapes
    for name, tensor in unfilled[1].state_dict().items():
        assert torch.equal(tensor, whole[1].state_dict()[name])
    assert all(weight.requires_grad and weight.is_leaf for weight in unfilled.parameters())


def test_what_is_built_after_is_filled() -> None:
    with Unfilled():
        pass
    torch.manual_seed(0)
    assert nn.Linear(50, 60).weight.std() > 0.01
