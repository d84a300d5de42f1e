"""What a network costs, module by module, without weights or data:

python tool/profile_model.py --config config/smpler_x/smpler_x_s32.py [model.free=allow]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from common.networks.model import Model
from common.structures import Crop, Inputs, View
from main.command_line import sentences
from main.experiment import load


@dataclass(frozen=True)
class Cost:
    """Of one module with all that is inside it."""

    name: str
    parameters: int
    flops: int  # of one batch forward; a multiplication and an addition are two


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 where the network could be measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--config", required=True)
    parser.add_argument("--batch_size", type=int, default=1)
    parser.add_argument("--depth", type=int, default=1, help="how far down modules are listed")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="of the experiment")
    found = parser.parse_args(arguments)
    with sentences():
        with torch.device("meta"):
            model = load(found.config, found.overrides).model().to("meta")
        costs, activations = profiled(model, found.batch_size, found.depth)
        print(table(costs, activations, found.batch_size))
    return 0


def profiled(model: Model, batch_size: int, depth: int = 1) -> tuple[list[Cost], int]:
    """The costs of a model on the `meta` device, itself first, and the bytes training keeps of a batch."""
    own = {tensor.untyped_storage()._cdata for tensor in (*model.parameters(), *model.buffers())}
    kept: dict[int, Tensor] = {}  # by storage; a tensor that is kept keeps its storage's number from others

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage()._cdata] = tensor
        return tensor

    counter = FlopCounterMode(display=False, depth=None)
    with counter, torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model.train()(inputs_of(model, batch_size))
    flops, root = counter.get_flop_counts(), type(model).__name__
    costs = [Cost(root, _parameters(model), counter.get_total_flops())]
    for name, module in model.named_modules():
        count = sum(flops.get(f"{root}.{name}", {}).values())
        if name and name.count(".") < depth and (count or _parameters(module)):
            costs.append(Cost(name, _parameters(module), count))
    return costs, sum(kept[place].untyped_storage().nbytes() for place in kept.keys() - own)


def inputs_of(model: Model, batch_size: int) -> Inputs:
    """Empty pictures of the kind a network asks for."""
    views = {
        name: torch.empty(batch_size, *_shape(view), device="meta") for name, view in model.views.items()
    }
    crop = Crop(
        torch.empty(batch_size, 2, 3, device="meta"),
        torch.empty(batch_size, device="meta"),
        torch.empty(batch_size, dtype=torch.bool, device="meta"),
        torch.empty(batch_size, 2, device="meta"),
    )
    lens, scores = torch.empty(batch_size, 3, 3, device="meta"), torch.empty(batch_size, 3, device="meta")
    return Inputs(views, dict.fromkeys(views, crop), lens, scores)


def table(costs: Sequence[Cost], activations: int, batch_size: int) -> str:
    """A line a module, and one of what training keeps."""
    rows = [("", "parameters", "GFLOPs")]
    rows += [(cost.name, f"{cost.parameters / 1e6:.2f} M", f"{cost.flops / 1e9:.2f}") for cost in costs]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"{a:{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
    of = "1 person" if batch_size == 1 else f"{batch_size} persons"
    count = costs[0].parameters
    return "\n".join(
        [
            *lines,
            f"{count:,} parameters: {count / 1e6:.1f} million, or {count / 2**20:.1f} times 2^20, which some "
            "papers call as many M.",
            f"Training in float32 keeps {activations / 2**20:.0f} MiB of activations for {of}.",
        ]
    )


def _shape(view: View) -> tuple[int, ...]:
    points = len(view.joint_set) if view.joint_set else 0
    kinds = {"image": (3, *view.size), "proxy": (1 + points, *view.size), "keypoints": (points, 3)}
    return kinds[view.content]


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


if __name__ == "__main__":
    raise SystemExit(main())
