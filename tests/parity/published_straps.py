"""STRAPS filled as the published network was, and its checkpoint as the published loop writes it."""

from __future__ import annotations

import gzip
import json
from functools import cache

import numpy as np
import standins
import torch
from torch import Tensor

from common.checkpoint import translated
from common.networks.straps import STRAPS
from common.utils.paths import ROOT

SHARED = ROOT.parent / "shared" / "parity" / "straps"
HERE = ROOT / "tests" / "parity"
TWICE = {"fc1": "ief_layers.0", "fc2": "ief_layers.2", "fc3": "ief_layers.4"}  # one layer, two names


@cache
def shapes(depth: int) -> dict[str, list[int]]:
    """The names and shapes of a published checkpoint, both names of what it holds twice."""
    return json.loads(gzip.decompress((HERE / "straps_checkpoints.json.gz").read_bytes()))[str(depth)]


def weights(depth: int) -> dict[str, Tensor]:
    """Its tensors, by published names; what has two names was filled by the second."""
    state = {}
    for name, shape in shapes(depth).items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(0)
            continue
        for first, second in TWICE.items():
            name_filled = name.replace(f"ief_module.{first}.", f"ief_module.{second}.")
            if name_filled != name:
                break
        state[name] = torch.from_numpy(np.ascontiguousarray(standins.filled(name_filled, tuple(shape))))
    return state


def network(depth: int = 18, size: int = 256) -> STRAPS:
    """The published network with these weights, in evaluation; it needs the stand-ins of official files."""
    model = STRAPS(depth, size, channels_last=False)  # another layout sums in another order
    model.load_state_dict(translated(model, weights(depth)), strict=False)
    return model.eval()


@cache
def faces_and_parts() -> tuple[Tensor, Tensor]:
    """(F, 3) faces that join each vertex to its neighbors, (F,) the part of the first corner's joint."""
    owner = standins.smpl_arrays()["weights"].argmax(1)
    of_joint = [np.flatnonzero(owner == joint) for joint in range(24)]
    drawn, faces = standins.dice("straps-faces"), np.empty((13776, 3), np.int64)
    for place in range(len(faces)):
        joint = place % 24
        bridges = (place // 24) % 2 and joint
        last = of_joint[standins.SMPL_PARENTS[joint]] if bridges else of_joint[joint]
        faces[place] = [*drawn.choice(of_joint[joint], 2), drawn.choice(last)]
    part = np.array([6, 4, 5, 6, 4, 5, 6, 4, 5, 6, 4, 5, 3, 6, 6, 3, 1, 2, 1, 2, 1, 2, 1, 2])
    return torch.from_numpy(faces), torch.from_numpy(part[owner[faces[:, 0]]])


def poses(name: str, count: int) -> tuple[Tensor, Tensor]:
    """(N, 24, 3) axis-angle, upright with y down, and (N, 10) betas."""
    drawn = standins.dice(f"straps-{name}")
    pose = drawn.normal(0, 0.2, (count, 24, 3))
    pose[:, 0] = np.add(drawn.normal(0, 0.1, (count, 3)), (np.pi, 0, 0))
    betas = drawn.normal(0, 0.7, (count, 10))
    return torch.from_numpy(pose.astype(np.float32)), torch.from_numpy(betas.astype(np.float32))


def checkpoint(depth: int = 18) -> dict[str, object]:
    """What the published loop saves; the last weights are not the best."""
    best = weights(depth)
    return {
        "epoch": 90,
        "best_epoch": 85,
        "best_epoch_val_metrics": {"pves_pa": np.float32(0.07), "mpjpes_pa": np.float64(0.06)},
        "model_state_dict": {name: torch.zeros_like(tensor) for name, tensor in best.items()},
        "best_model_state_dict": best,
        "optimiser_state_dict": {"state": {}, "param_groups": []},
        "criterion_state_dict": {"verts_log_var": torch.tensor(-1e-6)},
    }
