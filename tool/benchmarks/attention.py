"""What SMPLer's decoupled attention costs, beside full attention among targets and features.

A layer of width 128 with 4 heads, for one person: 26 targets look at more and more features, then at each
other; or all are tokens alike. Times are processor time, forward in inference, then forward and backward.
Memory in inference is the most that lives at once, in training what is kept for the backward pass; both
count tensors, not the few kilobytes inside of a kernel. Half a minute in all.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from common.networks.layers.decoupled_attention import Attention, Layer
from common.utils.timing import milliseconds

TARGETS, WIDTH, HEADS = 26, 128, 4
FEATURES = (196, 784, 3_136, 12_544)  # a map of 14 x 14 cells, 28 x 28, 56 x 56, 112 x 112
MOST_SCORES = 3_136  # features; for more, keeping all scores takes gigabytes


def measure() -> list[tuple[str, str]]:
    """Rows of (what, figure)."""
    torch.manual_seed(0)
    rows = []
    for count in FEATURES:
        targets, features = torch.rand(1, TARGETS, WIDTH), torch.rand(1, count, WIDTH)
        for name, run, kernel in _ways(count):
            with kernel:
                rows.append((f"{count:,} features, {name}", _figure(run, targets, features)))
    return rows


def _ways(count: int) -> Iterator[tuple[str, nn.Module, AbstractContextManager]]:
    """The ways of attention that fit: a name, the module, and which kernel it runs by."""
    yield "decoupled", Decoupled(Attention), nullcontext()
    yield "decoupled, by keys and values", Decoupled(KeysAndValues), nullcontext()
    yield "full, fused", Full(), nullcontext()
    if count <= MOST_SCORES:
        yield "full, all scores kept", Full(), sdpa_kernel(SDPBackend.MATH)


class KeysAndValues(Attention):
    """The same attention as it is usually computed: every feature becomes a key and a value."""

    def context(self, tokens: Tensor, features: Tensor, bias: Tensor | None = None) -> Tensor:
        layers = (self.query, tokens), (self.key, features), (self.value, features)
        heads = [layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for layer, x in layers]
        return scaled_dot_product_attention(*heads, attn_mask=bias).transpose(1, 2).flatten(2)


class Decoupled(nn.Module):
    """Targets look at features, then at each other."""

    def __init__(self, attention: type[Attention]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(WIDTH, HEADS) for _ in range(2))
        for layer in self.layers:
            layer.attention = attention(WIDTH, HEADS)

    def forward(self, targets: Tensor, features: Tensor) -> Tensor:
        look, among = self.layers
        return among(look(targets, features))


class Full(nn.Module):
    """Targets and features look at each other alike."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = Layer(WIDTH, HEADS)
        self.layer.attention = KeysAndValues(WIDTH, HEADS)

    def forward(self, targets: Tensor, features: Tensor) -> Tensor:
        return self.layer(torch.cat([targets, features], 1))[:, :TARGETS]


def _figure(run: nn.Module, targets: Tensor, features: Tensor) -> str:
    targets, features = targets.requires_grad_(), features.requires_grad_()

    def seen() -> Tensor:
        with torch.no_grad():
            return run(targets, features)

    def taught() -> None:
        torch.autograd.grad(
            run(targets, features).sum(), [targets, features, *run.parameters()], allow_unused=True
        )

    kept, duration, alive = _kept(lambda: run(targets, features)), milliseconds(seen, 3), Alive()
    with torch.no_grad(), alive:
        run(targets, features)
    return (
        f"{duration:.2f} ms, {alive.most / 2**20:.1f} MiB; "
        f"in training {milliseconds(taught, 2):.2f} ms, {kept / 2**20:.1f} MiB kept"
    )


class Alive(TorchDispatchMode):
    """Counts the bytes of all tensors made within that live at once, at the most."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self.known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {tensor.untyped_storage()._cdata for tensor in _plain((args, kwargs))}
        made = func(*args, **(kwargs or {}))
        for tensor in _plain(made):
            self._count(tensor.untyped_storage(), given)
        return made

    def _count(self, storage: torch.UntypedStorage, given: set[int]) -> None:
        place, size = storage._cdata, storage.nbytes()
        if place in given or place in self.known:
            return
        self.known.add(place)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._forget, place, size)

    def _forget(self, place: int, size: int) -> None:
        self.known.discard(place)
        self.now -= size


def _plain(tree: Any) -> list[Tensor]:
    """The tensors in it but packed weights, whose memory cannot be seen."""
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor) and leaf.layout == torch.strided]


def _kept(run: Callable[[], Tensor]) -> int:
    """Bytes that a forward pass keeps for the backward pass, weights and inputs included."""
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage()._cdata] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        run()
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
