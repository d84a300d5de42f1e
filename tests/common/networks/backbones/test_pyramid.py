"""Feature pyramids: three maps, the same numbers in inference, and every published start fits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from common.checkpoint import load_weights
from common.networks.backbones.pyramid import HRNetPyramid, ResNetPyramid


@pytest.fixture(scope="module")
def resnet() -> ResNetPyramid:
    torch.manual_seed(0)
    return ResNetPyramid().eval()


def test_maps_are_a_16th_an_8th_and_a_4th_of_the_picture(resnet: ResNetPyramid) -> None:
    picture = torch.randn(1, 3, 64, 96)
    for pyramid in (resnet, HRNetPyramid(18).eval()):
        with torch.no_grad():
            maps = pyramid(picture)
        assert [m.shape[1] for m in maps] == list(pyramid.channels)
        assert [tuple(m.shape[2:]) for m in maps] == [(4, 6), (8, 12), (16, 24)]


def test_inference_says_what_learning_sees(resnet: ResNetPyramid) -> None:
    picture = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        folded = resnet(picture)
    for fast, learning in zip(folded, resnet(picture), strict=True):
        plain = learning.detach()
        torch.testing.assert_close(fast, plain, atol=1e-5 * plain.abs().max().item(), rtol=0)


@pytest.mark.parametrize("kind", ["classifier", "pose"])
def test_published_networks_are_what_it_starts_from(kind: str, resnet: ResNetPyramid, tmp_path: Path) -> None:
    state = {name: tensor + 1 for name, tensor in resnet.state_dict().items()}
    if kind == "classifier":
        state = {name: tensor for name, tensor in state.items() if not name.startswith("deconv_layers.")}
        state |= {"fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}
    else:  # an older file, from before norms counted their batches
        state = {name: tensor for name, tensor in state.items() if not name.endswith("batches_tracked")}
        state |= {"final_layer.weight": torch.zeros(17, 256, 1, 1), "final_layer.bias": torch.zeros(17)}
    torch.save(state, tmp_path / "published.pth")
    pyramid = ResNetPyramid()
    own = pyramid.deconv_layers[0].weight.detach().clone()
    load_weights(pyramid, tmp_path / "published.pth")
    assert torch.equal(pyramid.conv1.weight, state["conv1.weight"])
    given = state.get("deconv_layers.0.weight", own)
    assert torch.equal(pyramid.deconv_layers[0].weight, given)
