"""SMPL: the body (Loper et al. 2015)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from common import joints
from common.body_models import arrays, files
from common.body_models.body_model import BodyModel
from common.body_models.skin_points import Points, SkinPoints

# The vertices that the official layer reports as joints, in the order of SMPL_45.
SKIN_VERTICES = (
    332, 6260, 2800, 4071, 583,  # nose, eyes, ears
    3216, 3226, 3387, 6617, 6624, 6787,  # feet
    2746, 2319, 2445, 2556, 2673, 6191, 5782, 5905, 6016, 6133,  # finger tips
)  # fmt: skip


class SMPL(BodyModel):
    """SMPL: 24 joints turn; 45 are reported, the last 21 vertices."""

    def __init__(
        self,
        gender: str = "neutral",
        betas: int = 10,
        *,
        folder: str | Path | None = None,
        file: str | Path | None = None,
        free: files.Free = "allow",
        kid: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """`folder`, `file` and `free` say which file is read, see `files.find`.

        `kid` adds a last coefficient to the betas that leads from the adult (0) to the child (1).
        """
        source = files.find("smpl", gender, folder=folder, file=file, free=free)
        numbers = arrays.read_body(source, betas, kid=kid)
        super().__init__(
            replace(joints.SMPL, betas=betas + kid),
            joints.SMPL_45,
            arrays.topology(numbers, source),
            numbers,
            SkinPoints(Points.at_vertices(SKIN_VERTICES), dtype=dtype),
            dtype,
        )
