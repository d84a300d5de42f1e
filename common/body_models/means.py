"""The mean pose, shape and camera that regressors of SMPL start from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from common.body_models.arrays import read_arrays
from common.body_models.files import first_of
from common.geometry.rotation import matrix_from_axis_angle, six_d_from_matrix
from common.joints import SMPL
from common.utils import paths

NAMES = ("neutral_smpl_mean_params_6dpose.npz", "smpl_mean_params.npz")  # STRAPS's and SPIN's: the same file
_SITE = "the data of SPIN, https://github.com/nkolot/SPIN, or the additional files of STRAPS"


@dataclass(frozen=True)
class Means:
    """Where a regressor starts."""

    pose: Tensor  # (24, 6) the first two columns of each rotation, row by row; upright in a picture, y down
    betas: Tensor  # (10,)


def published(folder: str | Path | None = None, names: tuple[str, ...] = NAMES) -> Means:
    """The means that the published systems start from; they lie beside the official body models.

    `names` of the file, the first that is there. Raises FileNotFoundError where the file is missing.
    """
    home = (Path(folder) if folder else paths.human_model_files()) / "smpl"
    path = first_of(home, names)
    if path is None:
        raise FileNotFoundError(f"{home / names[-1]} is missing: it comes from {_SITE}; put it there.")
    arrays = read_arrays(path, ("pose", "shape"))
    pose, betas = (torch.from_numpy(arrays[name].astype(np.float32)) for name in ("pose", "shape"))
    return Means(pose.reshape(24, 6), betas.reshape(-1))


def free() -> Means:
    """Where a network on the free body starts: it stands upright, arms hanging, of the mean shape."""
    turns = torch.zeros(len(SMPL.joints), 3, device="cpu")  # also for a network built on the meta device
    turns[0, 0] = torch.pi
    for side, sign in (("left", -1.0), ("right", 1.0)):
        turns[SMPL.joints.index(f"{side}_shoulder"), 2] = sign * 1.0
        turns[SMPL.joints.index(f"{side}_elbow"), 1] = sign * 0.3
        turns[SMPL.joints.index(f"{side}_knee"), 0] = 0.15
    return Means(six_d_from_matrix(matrix_from_axis_angle(turns)), torch.zeros(SMPL.betas, device="cpu"))
