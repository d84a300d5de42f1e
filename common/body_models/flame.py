"""FLAME: the head (Li et al. 2017)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from common import joints
from common.body_models import files
from common.body_models.body_model import BodyModel
from common.body_models.skin_points import Points, SkinPoints

NECK = joints.FLAME_5.index("neck")


class FLAME(BodyModel):
    """FLAME: 5 joints that turn; 73 are reported, 51 of them landmarks, 17 the face's contour."""

    def __init__(
        self,
        gender: str = "neutral",
        betas: int = 10,
        expression: int = 10,
        *,
        folder: Path | None = None,
        file: str | Path | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        source = files.find("flame", gender, folder=folder, file=file)
        arrays = files.read(source.path, files.ARRAYS, optional=("topology",))
        arrays["shapedirs"] = files.directions(arrays, betas, expression, source.path)
        landmarks, contour = files.flame_landmarks(source, arrays["f"])
        super().__init__(
            replace(joints.FLAME, betas=betas, expression=expression),
            joints.FLAME_73,
            files.topology(arrays, source),
            arrays,
            SkinPoints(landmarks, contour, NECK, dtype),
            dtype,
        )
