"""Layers on packed weights give the numbers of plain ones, and notice every change of their weights."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from common.networks.layers import packed
from common.networks.layers.linear import Linear, Pointwise
from common.networks.layers.upsampling import Upsampling

LAYERS = {
    "linear": (lambda: Linear(48, 80), (40, 48)),
    "linear without bias": (lambda: Linear(48, 80, bias=False), (40, 48)),
    "linear with gelu": (lambda: Linear(48, 80, gelu=True), (2, 33, 48)),
    "pointwise": (lambda: Pointwise(24, 32), (2, 24, 6, 8)),
    "upsampling": (lambda: Upsampling(24, 16, 8), (2, 24, 5, 7)),
}
layers = pytest.mark.parametrize(("make", "shape"), LAYERS.values(), ids=LAYERS)
Make = Callable[[], nn.Module]


@pytest.fixture(autouse=True)
def taken_where_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever pays on this machine."""
    monkeypatch.setattr(packed, "pays", lambda dtype, threads: True)
    if not torch.backends.mkldnn.is_available():
        pytest.skip("this torch has no oneDNN, so there is nothing to pack for")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The packed kernels that have run."""
    seen: list[str] = []
    for name in ("linear", "upsample"):
        kernel = getattr(packed, name)
        monkeypatch.setattr(
            packed, name, lambda *a, name=name, kernel=kernel: seen.append(name) or kernel(*a)
        )
    return seen


def drawn(make: Make) -> nn.Module:
    """A layer with numbers that differ in every place, norms included."""
    torch.manual_seed(3)
    layer = make().eval()
    for tensor in layer.state_dict(keep_vars=True).values():
        if tensor.is_floating_point():
            tensor.data.uniform_(0.2, 1.0) if tensor.dim() == 1 else tensor.data.normal_(std=0.3)
    return layer.eval()


def plain(layer: nn.Module, x: Tensor) -> Tensor:
    """What torch's own layers say: with gradients on, nothing is packed."""
    with torch.enable_grad():
        return layer(x).detach()


@layers
def test_packed_weights_give_the_plain_numbers(make: Make, shape: tuple[int, ...], calls: list[str]) -> None:
    layer, x = drawn(make), torch.randn(shape)
    expected = plain(layer, x)
    assert not calls
    with torch.no_grad():
        assert torch.allclose(layer(x), expected, atol=2e-5)
        assert calls
        larger = torch.cat([x, torch.randn(shape), -x])  # packed for another batch, right for any
        assert torch.allclose(layer(larger), plain(layer, larger), atol=2e-5)


@layers
def test_a_change_of_weights_is_noticed(make: Make, shape: tuple[int, ...]) -> None:
    layer, other, x = drawn(make), make().eval(), torch.randn(shape)
    with torch.no_grad():
        layer(x)
        for change in (
            lambda: next(layer.parameters()).mul_(-1.5),
            lambda: layer.load_state_dict(other.state_dict()),
            lambda: layer.load_state_dict(
                {k: v.clone() for k, v in drawn(make).state_dict().items()}, assign=True
            ),
        ):
            before = layer(x)
            change()
            assert not torch.allclose(layer(x), before, atol=1e-3)
            assert torch.allclose(layer(x), plain(layer, x), atol=2e-5)
        next(layer.parameters()).data.mul_(2)
        assert torch.allclose(layer.eval()(x), plain(layer, x), atol=5e-5)


@layers
def test_copies_hold_no_packed_weights(make: Make, shape: tuple[int, ...]) -> None:
    layer, x = drawn(make), torch.randn(shape)
    names = set(layer.state_dict())
    with torch.no_grad():
        expected = layer(x)
        assert set(layer.state_dict()) == names
        twin = copy.deepcopy(layer)
        assert torch.equal(twin(x), expected)
        next(twin.parameters()).zero_()
        assert torch.equal(layer(x), expected)
        assert torch.equal(pickle.loads(pickle.dumps(layer))(x), expected)


@layers
def test_half_precision_is_that_of_autocast(make: Make, shape: tuple[int, ...], calls: list[str]) -> None:
    layer, x = drawn(make), torch.randn(shape)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        half = layer(x)
        assert calls and half.dtype == torch.bfloat16
        expected = plain(layer, x)
    assert torch.allclose(half.float(), expected.float(), atol=0.03 * expected.abs().max().item())


@layers
def test_gradients_and_training_take_the_plain_layers(
    make: Make, shape: tuple[int, ...], calls: list[str]
) -> None:
    layer, x = drawn(make), torch.randn(shape, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None and all(parameter.grad is not None for parameter in layer.parameters())
    if isinstance(layer, Upsampling):  # whose norms then take the batch's own mean
        with torch.no_grad():
            layer.train()(x)
    assert not calls


def test_few_rows_are_not_worth_packing(calls: list[str]) -> None:
    with torch.no_grad():
        drawn(lambda: Linear(48, 80))(torch.randn(2, 48))
    assert not calls


def test_the_compiler_sees_the_plain_layer(calls: list[str]) -> None:
    layer, x = drawn(lambda: Linear(48, 80, gelu=True)), torch.randn(40, 48)
    with torch.no_grad():
        compiled = torch.compile(layer, backend="eager", fullgraph=True)(x)
    assert not calls
    assert torch.allclose(compiled, plain(layer, x))


def test_whether_packing_pays_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    packed.pays.cache_clear()
    first = packed.pays(torch.float32, torch.get_num_threads())
    assert isinstance(first, bool)
    monkeypatch.setattr(packed, "_seconds", lambda *a: pytest.fail("measured again"))
    assert packed.pays(torch.float32, torch.get_num_threads()) is first
