"""How fast OSX, SMPLer-X and SMPLer see people: in float32, in bfloat16, and on torch's plain layers.

Figures are processor seconds a picture, the best of a few (five minutes in all). The published programs' own
stand beside them, of a core where a matrix product of 2048 takes 116 GFLOP/s and oneDNN's linear layer 258:
compare the calibrations first. Plain is the same network without packed weights and folded norms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from unittest.mock import patch

import torch
from torch import Tensor, nn

from common.networks.layers import packed
from common.networks.model import Model
from common.networks.one_stage import OneStage
from common.networks.osx import OSX
from common.networks.smpler import SMPLer
from common.networks.smpler_x import SMPLerX
from common.structures import Inputs
from common.utils.timing import milliseconds

BATCHES = (1, 8)
REPEATS = {1: 3, 8: 1}  # by the size of the batch
NETWORKS: dict[str, tuple[Callable[[], Model], tuple[float, float]]] = {  # published: by the sizes of BATCHES
    "SMPLer-X-S": (partial(SMPLerX, "small", free="allow"), (0.184, 0.182)),
    "SMPLer-X-B": (partial(SMPLerX, "base", free="allow"), (0.462, 0.444)),
    "SMPLer-X-L": (partial(SMPLerX, "large", free="allow"), (1.393, 1.353)),
    "OSX-B without decoders": (partial(OSX, "base", False, False, free="allow"), (0.475, 0.454)),
    "OSX-B": (partial(OSX, "base", free="allow"), (0.825, 0.817)),
    "OSX-L": (partial(OSX, "large", free="allow"), (1.695, 1.743)),
    "SMPLer": (partial(SMPLer, 32, free="only"), (0.160, 0.139)),
    "SMPLer-L": (partial(SMPLer, 48, free="only"), (0.249, 0.209)),
}


def measure() -> list[tuple[str, str]]:
    """Rows of (what, figure): the calibration, then each network at batches of 1 and 8."""
    rows = list(_calibration())
    for name, (make, published) in NETWORKS.items():
        network = _lively(make().eval())
        for count, theirs in zip(BATCHES, published, strict=True):
            rows.append((f"{name}, batch {count}", _figure(network, count, theirs)))
    return rows


def _calibration() -> Iterator[tuple[str, str]]:
    x, weight = torch.rand(1784, 768), torch.rand(3072, 768)
    work = 2 * x.numel() * len(weight) / 1e9
    with torch.inference_mode():
        square = torch.rand(2048, 2048)
        yield "matrix product of 2048", f"{2 * 2048**3 / _seconds(lambda: square @ square) / 1e9:.0f} GFLOP/s"
        plain = _seconds(lambda: nn.functional.linear(x, weight))
        yield "linear layer of 768 to 3072, plain", f"{work / plain:.0f} GFLOP/s"
        if torch.backends.mkldnn.is_available():
            ready = packed.pack_linear(weight, len(x))
            rate = work / _seconds(lambda: packed.linear(x, ready, None))
            taken = "taken" if packed.pays(torch.float32, torch.get_num_threads()) else "not taken"
            yield "the same, packed by oneDNN", f"{rate:.0f} GFLOP/s ({taken} here)"


def _figure(network: Model, count: int, published: float) -> str:
    dice = torch.Generator().manual_seed(0)
    view = {"body": torch.rand(count, 3, *network.views["body"].size, generator=dice)}
    inputs = Inputs(view, {}, torch.eye(3).expand(count, 3, 3), torch.zeros(count, 3))
    run = partial(network, inputs)
    with torch.inference_mode():
        whole = run()
        ours = _seconds(run, REPEATS[count]) / count
        with torch.autocast("cpu", torch.bfloat16):
            half = run()
            faster = _seconds(run, REPEATS[count]) / count
        with patch.object(packed, "packing", return_value=None):
            plain = _seconds(run, REPEATS[count]) / count
        apart = (half.body.vertices - whole.body.vertices).norm(dim=-1).mean() * 1000
    return (
        f"{ours:.3f} s (published {published:.3f}); plain {plain:.3f} s, {plain / ours:.2f} times that; "
        f"bfloat16 {faster:.3f} s, {ours / faster:.2f} times as fast, {apart:.1f} mm apart"
    )


@torch.no_grad()
def _lively(network: Model) -> Model:
    """Drawn weights; under those that training begins with, boxes are empty and poses all alike.

    What norms pass on is halved, so that sums of many layers stay as small as in a trained network.
    """
    dice = torch.Generator().manual_seed(0)

    def drawn(weight: Tensor) -> Tensor:
        return torch.randn(weight.shape, generator=dice) / weight[0].numel() ** 0.5

    for parameter in network.parameters():
        if parameter.dim() > 1:
            parameter.copy_(drawn(parameter))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.fill_(0.5)
    if isinstance(network, OneStage):
        for size in network.box_net.sizes.values():
            size[2].bias.copy_(torch.tensor([2.6, 3.1]))
    return network


def _seconds(run: Callable[[], object], repeats: int = 4) -> float:
    return milliseconds(run, repeats) / 1e3
