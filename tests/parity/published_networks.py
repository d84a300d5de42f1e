"""Published checkpoints as names and shapes, and our networks filled as the published ones were."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import cache

import numpy as np
import standins
import torch
from torch import Tensor, nn

from common.checkpoint import translated
from common.utils.paths import ROOT

Shapes = Mapping[str, tuple[int, ...]]

# With numbers that follow from names alone, heat maps are flat and boxes empty: some were changed by hand.
SCALED = {
    "osx": {
        "encoder.pos_embed": 200, "encoder.task_tokens": 100, "encoder.patch_embed.proj.weight": 6,
        "body_position_net.conv.0.weight": 10, "hand_position_net.conv.0.weight": 16,
        "face_position_net.conv.0.weight": 16, "box_net.bbox_center.0.weight": 64,
    },
    "smpler_x": {
        "body_position_net.conv.0.weight": 6, "hand_position_net.conv.0.weight": 20,
        "box_net.bbox_center.0.weight": 60,
    },
}  # fmt: skip
SET = {
    "osx": {
        "box_net.lhand_size.2.bias": (2.6, 3.1), "box_net.rhand_size.2.bias": (3.2, 2.4),
        "box_net.face_size.2.bias": (2.9, 3.6),
    },
}  # fmt: skip
MOVED = {
    "smpler_x": {
        "box_net.lhand_size.2.bias": (3.0, 3.5), "box_net.rhand_size.2.bias": (2.5, 4.0),
        "box_net.face_size.2.bias": (2.0, 2.5),
    },
}  # fmt: skip


@cache
def checkpoints() -> dict[str, Shapes]:
    """Names and shapes of every published file: osx/osx_b.normal, smpler_x/s, vitpose/base..."""
    return json.loads(gzip.decompress((ROOT / "tests" / "parity" / "checkpoints.json.gz").read_bytes()))


def weights(checkpoint: str) -> dict[str, Tensor]:
    """What a published file of that kind holds on record, by published names."""
    system = checkpoint.split("/")[0]
    scaled, fixed, moved = (table.get(system, {}) for table in (SCALED, SET, MOVED))
    state = {}
    for name, shape in checkpoints()[checkpoint].items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(0)
            continue
        values = fixed[name] if name in fixed else standins.filled(name, shape) * scaled.get(name, 1)
        values = np.asarray(values, np.float32) + np.asarray(moved.get(name, 0), np.float32)
        state[name] = torch.from_numpy(values)
    return state


def filled(network: nn.Module, checkpoint: str) -> nn.Module:
    """The network with these weights, in evaluation."""
    network.load_state_dict(translated(network, weights(checkpoint)))
    return network.eval()


def shapes_of(checkpoint: str) -> dict[str, Tensor]:
    """The same without numbers."""
    return {name: torch.empty(shape, device="meta") for name, shape in checkpoints()[checkpoint].items()}
