"""SMPL-X: body, hands and face in one mesh (Pavlakos et al. 2019)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from common import joints
from common.body_models import arrays, files
from common.body_models.body_model import BodyModel
from common.body_models.skin_points import Points, SkinPoints

NECK = joints.SMPLX_55.index("neck")
# The vertices that the official layer reports as joints, in the order of SMPLX_144.
SKIN_VERTICES = (
    9120, 9929, 9448, 616, 6,  # nose, eyes, ears
    5770, 5780, 8846, 8463, 8474, 8635,  # feet
    5361, 4933, 5058, 5169, 5286, 8079, 7669, 7794, 7905, 8022,  # finger tips
)  # fmt: skip
HANDS = ("hands_meanl", "hands_meanr")
FACE = ("lmk_faces_idx", "lmk_bary_coords", "dynamic_lmk_faces_idx", "dynamic_lmk_bary_coords")


class SMPLX(BodyModel):
    """SMPL-X: 55 joints turn; 144 are reported, the last 89 on the skin, 17 of them on the face's contour."""

    def __init__(
        self,
        gender: str = "neutral",
        betas: int = 10,
        expression: int = 10,
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
        source = files.find("smplx", gender, folder=folder, file=file, free=free)
        numbers = arrays.read_body(source, betas, expression, also=(*HANDS, *FACE), kid=kid)
        landmarks = Points.on_faces(numbers["f"], numbers["lmk_faces_idx"], numbers["lmk_bary_coords"])
        contour = Points.on_faces(
            numbers["f"], numbers["dynamic_lmk_faces_idx"], numbers["dynamic_lmk_bary_coords"]
        )
        mean_hands = [numbers[name].reshape(15, 3) for name in HANDS]
        super().__init__(
            replace(joints.SMPLX, betas=betas + kid, expression=expression),
            joints.SMPLX_144,
            arrays.topology(numbers, source),
            numbers | {"mean_pose": np.concatenate([np.zeros((25, 3)), *mean_hands])},
            SkinPoints(Points.at_vertices(SKIN_VERTICES).and_then(landmarks), contour, NECK, dtype),
            dtype,
        )
