"""SMPL-X: body, hands and face in one mesh (Pavlakos et al. 2019)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from common import joints
from common.body_models import files
from common.body_models.body_model import BodyModel
from common.body_models.skin_points import Points, SkinPoints

NECK = joints.SMPLX_55.index("neck")
# The vertices that the official layer reports as joints, in the order of SMPLX_144.
SKIN_VERTICES = (
    9120, 9929, 9448, 616, 6,  # nose, eyes, ears
    5770, 5780, 8846, 8463, 8474, 8635,  # feet
    5361, 4933, 5058, 5169, 5286, 8079, 7669, 7794, 7905, 8022,  # finger tips
)  # fmt: skip
ARRAYS = (
    *files.ARRAYS, "hands_meanl", "hands_meanr",
    "lmk_faces_idx", "lmk_bary_coords", "dynamic_lmk_faces_idx", "dynamic_lmk_bary_coords",
)  # fmt: skip


class SMPLX(BodyModel):
    """SMPL-X: 55 joints that turn; 144 are reported, 21 of them vertices, 51 landmarks, 17 the face's contour."""

    def __init__(
        self,
        gender: str = "neutral",
        betas: int = 10,
        expression: int = 10,
        *,
        folder: Path | None = None,
        file: str | Path | None = None,
        free: files.Free = "allow",
        kid: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """`kid` adds a last coefficient to the betas that leads from the adult (0) to the child (1)."""
        source = files.find("smplx", gender, folder=folder, file=file, free=free)
        arrays = files.read(source.path, ARRAYS, optional=("topology",))
        arrays["shapedirs"] = files.directions(arrays, betas, expression, source.path)
        if kid:
            arrays["shapedirs"] = files.with_kid(arrays, betas, source)
        mean = np.zeros((55, 3))
        mean[25:40] = arrays["hands_meanl"].reshape(15, 3)
        mean[40:55] = arrays["hands_meanr"].reshape(15, 3)
        landmarks = Points.on_faces(arrays["f"], arrays["lmk_faces_idx"], arrays["lmk_bary_coords"])
        contour = Points.on_faces(
            arrays["f"], arrays["dynamic_lmk_faces_idx"], arrays["dynamic_lmk_bary_coords"]
        )
        super().__init__(
            replace(joints.SMPLX, betas=betas + kid, expression=expression),
            joints.SMPLX_144,
            files.topology(arrays, source),
            arrays | {"mean_pose": mean},
            SkinPoints(Points.at_vertices(SKIN_VERTICES).and_then(landmarks), contour, NECK, dtype),
            dtype,
        )
