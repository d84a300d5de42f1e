"""MANO: one hand (Romero et al. 2017)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from common import joints
from common.body_models import arrays, files
from common.body_models.body_model import BodyModel
from common.body_models.skin_points import Points, SkinPoints

# The tips from the thumb to the pinky, where hand data sets and PyMAF-X read them.
TIPS = (745, 317, 445, 556, 673)


class MANO(BodyModel):
    """MANO: the wrist and 15 finger joints turn; 21 are reported, the last five the tips."""

    def __init__(
        self,
        side: str = "right",
        betas: int = 10,
        *,
        folder: str | Path | None = None,
        file: str | Path | None = None,
        free: files.Free = "allow",
        as_published: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """`folder`, `file` and `free` say which file is read, see `files.find`.

        The left hand was released with the right one's shape directions along x, which should be mirrored
        (smplx, issue 48). Here they are, where the right hand's file lies beside it and shows the mistake;
        `as_published` leaves it.
        """
        source = files.find("mano", side, folder=folder, file=file, free=free)
        numbers = arrays.read_body(source, betas, also=("hands_mean",))
        if side == "left" and not as_published:
            numbers["shapedirs"] = _mirrored(numbers["shapedirs"], source)
        super().__init__(
            replace(joints.MANO, betas=betas),
            joints.MANO_21,
            arrays.topology(numbers, source),
            numbers | {"mean_pose": np.concatenate([np.zeros((1, 3)), numbers["hands_mean"].reshape(15, 3)])},
            SkinPoints(Points.at_vertices(TIPS), dtype=dtype),
            dtype,
        )


def _mirrored(left: np.ndarray, source: files.BodyFile) -> np.ndarray:
    """(V, 3, S) the left hand's shape directions, mirrored along x if they are the right hand's."""
    path = files.first_of(source.path.parent, files.names_of("mano", "right"))
    if path is None:
        return left
    right = arrays.read_arrays(path, ("shapedirs",))["shapedirs"][..., : left.shape[-1]]
    same = np.allclose(left[:, 0], right[:, 0], atol=1e-6)
    return left * np.array([-1.0, 1.0, 1.0])[:, None] if same else left
