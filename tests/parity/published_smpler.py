"""SMPLer filled as the published networks were for the numbers on record."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import cache

import numpy as np
import standins
import torch
from torch import Tensor

from common.checkpoint import translated
from common.networks.smpler import SMPLer
from common.structures import Inputs
from common.utils.paths import ROOT

Table = Mapping[str, np.ndarray]

SHARED = ROOT.parent / "shared" / "parity" / "smpler"
HERE = ROOT / "tests" / "parity"
VARIANTS = {32: "SMPLer", 48: "SMPLer-L"}
STAGE_1 = ("backbone.", "SMPL_predictor.", "smpl_handler.")
BODY = "smpl_handler.smpl."
REGRESSOR = "smpl_handler.J_regressor_h36m_correct"
# By these the numbers that follow from names were changed: parts of the name, its end, of vectors alone?
SCALED = [
    (("backbone.", "fuse_layers"), ".weight", True, 0.3),
    (("backbone.", "branches"), "bn2.weight", True, 0.5),
    (("backbone.", "layer1"), "bn3.weight", True, 0.5),
    ((), "feat_position_embedding", False, 300.0),
    (("relative_position_encoding_table",), "", False, 10.0),
    (("SMPL_predictor.dec",), ".weight", False, 0.1),
    (("beta_predictor",), ".weight", False, 0.3),
    (("theta_predictor",), ".weight", False, 0.3),
    (("cam_predictor",), ".weight", False, 0.05),
]


@cache
def shapes(width: int = 32) -> dict[str, list[int]]:
    """Names and shapes of a published checkpoint."""
    return json.loads(gzip.decompress((HERE / "smpler_checkpoints.json.gz").read_bytes()))[VARIANTS[width]]


def weights(width: int = 32, refinements: int = 3, regressor: str = "h36m_correct") -> dict[str, Tensor]:
    """What a published file holds, by published names; its body is left empty. Not to be changed."""
    named = standins.regressor_near_joints(f"J_regressor_{regressor}").astype(np.float32)
    state = filled(width) | {REGRESSOR: torch.from_numpy(named)}
    return {name: value for name, value in state.items() if refinements or name.startswith(STAGE_1)}


@cache
def filled(width: int) -> dict[str, Tensor]:
    """All but the regressor."""
    means = mean_params()
    state = {name: _value(name, tuple(shape)) for name, shape in shapes(width).items()}
    state |= {f"SMPL_predictor.init_{name}": means[name][None] for name in ("pose", "shape")}
    state["SMPL_predictor.init_cam"] = np.array([[1, 0, 0]], np.float32)
    return {name: torch.from_numpy(np.array(value)) for name, value in state.items()}


def mean_params() -> Table:
    """What the first estimate starts from, near the rest pose."""
    drawn = standins.dice("smpl-mean-params")
    upright = np.tile(np.array([1, 0, 0, 1, 0, 0], np.float32), 24)
    pose = upright + drawn.normal(0, 0.05, 144).astype(np.float32)
    return {"pose": pose, "shape": drawn.normal(0, 0.3, 10).astype(np.float32)}


def _value(name: str, shape: tuple[int, ...]) -> np.ndarray:
    if name.startswith(BODY):
        return np.zeros(shape, np.float32)
    if name.endswith("num_batches_tracked"):
        return np.array(0)
    value = standins.filled(name, shape).astype(np.float32)
    for parts, end, vectors, factor in SCALED:
        if all(part in name for part in parts) and name.endswith(end) and not (vectors and len(shape) > 1):
            value = (value * np.float32(factor)).astype(np.float32)
            break
    if name.endswith("theta_predictor.bias"):
        value[[0, 3]] += 1
    return value


def network(width: int = 32, refinements: int = 3, regressor: str = "h36m_correct") -> SMPLer:
    """The published network with these weights, in evaluation; it needs the stand-ins of official files.

    The weights are shared by all networks of a width.
    """
    with torch.device("meta"):  # nothing is drawn that is replaced at once
        model = SMPLer(width, refinements, regressor)
    model.load_state_dict(translated(model, weights(width, refinements, regressor)), assign=True)
    return model.eval()


def inputs(name: str, *shape: int) -> Inputs:
    """The picture of that name, as the network wants it."""
    picture = torch.from_numpy(standins.input_image(name, *shape))
    mean, std = (picture.new_tensor(numbers)[:, None, None] for numbers in STATISTICS)
    count = shape[0]
    view = {"body": (picture - mean) / std}
    return Inputs(view, {}, torch.eye(3).expand(count, 3, 3), torch.zeros(count, 3))


STATISTICS = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
