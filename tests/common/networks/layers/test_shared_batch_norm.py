"""Batch norm over the persons of all processes."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from processes import together
from torch import Tensor, nn

from common.networks.layers.shared_batch_norm import shared


def network() -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 5), nn.BatchNorm1d(5)
    )
    for norm in (net[1], net[4]):
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    return net


def pictures() -> Tensor:
    return torch.randn(6, 3, 6, 6, generator=torch.Generator().manual_seed(1))


def step(net: nn.Module, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The answer, and after a backward pass all that has changed, and the gradients."""
    answer = net(x)
    (answer.sin() * x.mean((1, 2, 3))[:, None]).sum().backward()  # nothing that a norm takes away again
    state = {name: value.clone() for name, value in net.state_dict().items()}
    return answer.detach(), state | {f"{name}'": p.grad for name, p in net.named_parameters()}


def _process(rank: int, folder: Path) -> None:
    net = shared(network(), on_gpu=False)
    answer, state = step(net, pictures()[3 * rank : 3 * rank + 3])
    torch.save((answer, state, net.eval()(pictures()).detach()), folder / f"{rank}.pt")


def test_two_processes_norm_as_one_does(tmp_path: Path) -> None:
    together(_process, tmp_path)
    (one, first, tested), (two, second, _) = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    alone = network()
    answer, state = step(alone, pictures())
    torch.testing.assert_close(torch.cat([one, two]), answer)
    for name, value in state.items():
        ours = first[name] + second[name] if name.endswith("'") else first[name]
        torch.testing.assert_close(ours, value, rtol=1e-4, atol=1e-5, msg=name)
    torch.testing.assert_close(tested, alone.eval()(pictures()))


def test_the_network_is_the_same_but_for_its_norms() -> None:
    before = network()
    after = shared(copy.deepcopy(before), on_gpu=False)
    assert {name: value.tolist() for name, value in before.state_dict().items()} == {
        name: value.tolist() for name, value in after.state_dict().items()
    }
    x = pictures()
    torch.testing.assert_close(after.eval()(x), before.eval()(x))
