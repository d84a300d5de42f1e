"""Published checkpoints of PyMAF-X as names and shapes, our networks filled so, and what they are asked."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import standins
import torch
from torch import Tensor

from common.checkpoint import translated
from common.networks.pymaf_x.pymaf_x import MEAN, STD, PyMAFX
from common.structures import Crop, Inputs
from common.utils.paths import ROOT

HERE = Path(__file__).parent
SHARED = ROOT.parent / "shared" / "parity" / "pymaf_x"
PICTURES = {"body": "body", "left_hand": "lhand", "right_hand": "rhand", "face": "face"}
SIDE = 224
# what comes from files, and was not filled
CONSTANT = re.compile(r"map$|sampling_idx$|^grid_points$|\.body_model\.|\.init_\w+$|num_batches_tracked$")
NETWORKS: dict[str, dict[str, Any]] = {  # how each published variant is built here
    "full_body_v1.1": {},
    "full_body_v1.0": {"own_meshes": False, "dense_face": False, "expression": 10},
    "body_only_smpl_hr48": {"parts": ("body",), "body": "smpl"},
    "body_only_smplx_hr48": {"parts": ("body",)},
    "body_only_smpl_res50": {"parts": ("body",), "body": "smpl", "backbone": "resnet"},
    "body_only_smplx_res50": {"parts": ("body",), "backbone": "resnet"},
    "hand_only_mano": {"parts": ("hand",)},
    "hand_only_mano_aux": {"parts": ("hand",), "coordinates": True},
    "hand_only_mano_without_opt_wrist": {"parts": ("hand",)},
    "face_only_flame": {"parts": ("face",)},
    "face_only_flame_aux": {"parts": ("face",), "coordinates": True},
    "face_only_flame_without_opt_wrist": {"parts": ("face",)},
}


@cache
def checkpoints() -> dict[str, dict[str, tuple[int, ...]]]:
    """Names and shapes of every published file."""
    return json.loads(gzip.decompress((HERE / "pymaf_x_checkpoints.json.gz").read_bytes()))


def shapes_of(checkpoint: str) -> dict[str, Tensor]:
    """The tensors of a file, without numbers."""
    return {name: torch.empty(shape, device="meta") for name, shape in checkpoints()[checkpoint].items()}


def weights(checkpoint: str, **others: tuple[int, ...]) -> dict[str, Tensor]:
    """What was filled of a published file of that kind, by published names; `others` have another shape."""
    state = {}
    for name, shape in (checkpoints()[checkpoint] | others).items():
        if CONSTANT.search(name):
            continue
        state[name] = _filled(name, tuple(shape))
    return state


@cache
def _filled(name: str, shape: tuple[int, ...]) -> Tensor:
    values = standins.filled(name, shape).astype(np.float32)
    if name.startswith("encoders.body.") and len(shape) == 4:
        values *= np.float32(0.5)
    if re.match(r"regressor\.\d\.dec\w*\.weight$", name):
        values *= np.float32(0.1)
    return torch.from_numpy(values)


def network(checkpoint: str, **others: Any) -> PyMAFX:
    """A network with these weights, in evaluation, that gives all its stages."""
    return filled(PyMAFX(**NETWORKS[checkpoint], every_stage=True, **others), weights(checkpoint))


def filled(model: PyMAFX, published: Mapping[str, Tensor]) -> PyMAFX:
    """With these published tensors, but the constants of its files."""
    state = translated(model, published)
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(name.startswith("given.") or name.endswith("num_batches_tracked") for name in missing)
    return model.eval()


def pictures(views: tuple[str, ...], count: int = 2, kind: str = "") -> dict[str, Tensor]:
    """What the published networks were shown; `kind` is "loss-" for those they were taught with."""
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    return {
        view: (torch.from_numpy(standins.input_image(_named(view, kind), count, 3, SIDE, SIDE)) - mean) / std
        for view in views
    }


def _named(view: str, kind: str) -> str:
    return f"pymafx-{kind}{PICTURES[view]}"


def inputs(
    views: Mapping[str, Tensor],
    scores: Tensor | None = None,
    crops: Mapping[str, Crop] | None = None,
    intrinsics: Tensor | None = None,
) -> Inputs:
    """The pictures, cut from nowhere where nobody says, with no detector's word on hands and face."""
    count = len(next(iter(views.values())))
    scores = torch.full((count, 3), -1.0) if scores is None else scores
    intrinsics = torch.eye(3).expand(count, 3, 3) if intrinsics is None else intrinsics
    return Inputs(dict(views), dict(crops or dict.fromkeys(views, whole(count))), intrinsics, scores)


def whole(count: int) -> Crop:
    """The crop of a picture that is the view."""
    return crop(torch.eye(3)[:2].expand(count, 2, 3), (SIDE, SIDE))


def crop(matrix: Tensor, size: tuple[float, float]) -> Crop:
    """Where a view was cut: (B, 2, 3), from a picture of so many pixels."""
    count = len(matrix)
    flat = torch.zeros(count)
    return Crop(matrix, flat, flat > 0, torch.tensor(size, dtype=torch.float32).expand(count, 2))
