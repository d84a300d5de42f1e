"""HRNet run layer by layer is timm's, with norms folded into convolutions or not."""

from __future__ import annotations

import copy

import pytest
import timm
import torch

from common.networks.backbones.hrnet import HRNet


@pytest.fixture(scope="module")
def small() -> HRNet:
    """The smallest, with numbers in all of its layers."""
    network = HRNet(18).eval()
    dice = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                drawn = torch.randn(tensor.shape, generator=dice)
                if tensor.dim() > 1:
                    tensor.copy_(drawn / tensor[0].numel() ** 0.5)
                else:
                    tensor.copy_(0.1 * drawn + (0.5 if name.endswith(("weight", "var")) else 0.0))
    return network


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    return torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))


def test_its_maps_are_those_of_timm(small: HRNet, picture: torch.Tensor) -> None:
    theirs = timm.create_model("hrnet_w18", head="", num_classes=0).eval()
    theirs.load_state_dict(small.state_dict())
    with torch.no_grad():
        truth, folded = theirs.forward_features(picture), small(picture)
    plain = small(picture)
    assert [tuple(each.shape[1:]) for each in folded] == [
        (18, 16, 24), (36, 8, 12), (72, 4, 6), (144, 2, 3)
    ]  # fmt: skip
    for one, other, true in zip(folded, plain, truth, strict=True):
        torch.testing.assert_close(one, true, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(other, true, rtol=1e-4, atol=1e-4)


def test_what_is_folded_follows_the_weights(small: HRNet, picture: torch.Tensor) -> None:
    network = copy.deepcopy(small)
    with torch.no_grad():
        before = network(picture)[0]
        network.bn1.running_mean += 0.5
        after = network(picture)[0]
    assert not torch.allclose(before, after, atol=1e-3)
    torch.testing.assert_close(after, network(picture)[0].detach(), rtol=1e-4, atol=1e-4)


def test_in_training_norms_count_the_batch(small: HRNet, picture: torch.Tensor) -> None:
    network = copy.deepcopy(small).train()
    kept = network.bn1.running_mean.clone()
    with torch.no_grad():
        maps = network(picture)
    assert not torch.equal(network.bn1.running_mean, kept)
    assert all(each.isfinite().all() for each in maps)
