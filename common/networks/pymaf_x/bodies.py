"""The body models that the parts of PyMAF-X have: of what is predicted, and of what is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from common.body_models import files
from common.body_models.arrays import read_arrays
from common.body_models.body_model import BodyModel
from common.body_models.flame import FLAME
from common.body_models.mano import MANO
from common.body_models.regressors import Regressor
from common.body_models.smpl import SMPL
from common.body_models.smplx import SMPLX
from common.utils import paths

ALL = ("body", "hand", "face")
LARGE = "SMPLX_NEUTRAL_2020.npz"  # which has the 50 coefficients of expression that its face speaks of
FACE_BETAS = 100
HANDS = ("smpl_rhand_vids.npz", "smpl_lhand_vids.npz")


class Bodies(NamedTuple):
    """What is predicted, the meshes of hand and face, and the way from SMPL-X's mesh to SMPL's."""

    predicted: BodyModel
    hand: BodyModel | None
    face: BodyModel | None
    to_smpl: Regressor | None


def bodies(
    parts: tuple[str, ...],
    body: str,
    own_meshes: bool,
    expression: int,
    file: str | Path | None,
    free: files.Free = "never",
) -> Bodies:
    """The models of a network's parts; `body` is "smplx" or "smpl", `file` that of SMPL-X.

    `free`: whether the free body may stand in for a body alone.

    Raises ValueError for another body, FileNotFoundError where a file is missing.
    """
    hand = MANO(free="never") if own_meshes and "hand" in parts else None
    face = (
        FLAME(betas=FACE_BETAS, expression=expression, free="never")
        if own_meshes and "face" in parts
        else None
    )
    if "body" not in parts:
        alone = hand or face
        assert alone is not None
        return Bodies(alone, hand, face, None)
    if body == "smpl":
        return Bodies(SMPL(free=free), None, None, None)
    if body != "smplx":
        raise ValueError(f"There is no body '{body}' here; there are 'smplx' and 'smpl'.")
    whole = SMPLX(
        expression=expression if parts == ALL else 10,
        file=file or smplx_file(parts, own_meshes),
        free=free,
    )
    to_smpl = Regressor("smplx", "smpl") if whole.topology == "smplx" else None
    return Bodies(whole, hand, face, to_smpl)


def smplx_file(parts: tuple[str, ...], own_meshes: bool) -> str | None:
    """The file of SMPL-X that the released weights are for; None: the usual one."""
    return LARGE if parts == ALL and own_meshes else None


def hand_vertices() -> Tensor:
    """(2, 778) SMPL's vertices of the right and the left hand in the order of MANO.

    Raises FileNotFoundError where their files are missing.
    """
    home = paths.human_model_files() / "smpl"
    chosen = []
    for name in HANDS:
        path = files.first_of(home, (name,))
        if path is None:
            raise FileNotFoundError(
                f"{home / name} is missing: it comes from PyMAF-X's downloads (partial_mesh); put it there."
            )
        chosen.append(read_arrays(path, ("vids",))["vids"].astype(np.int64))
    return torch.from_numpy(np.stack(chosen))
