"""MANO: one hand (Romero et al. 2017)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from common import joints
from common.body_models import files
from common.body_models.body_model import BodyModel
from common.body_models.skin_points import Points, SkinPoints

# The tips, thumb to pinky, as hand data sets and PyMAF-X read them.
TIPS = (745, 317, 445, 556, 673)


class MANO(BodyModel):
    """MANO: the wrist and 15 finger joints turn; 21 are reported, the last five are the tips."""

    def __init__(
        self,
        side: str = "right",
        betas: int = 10,
        *,
        folder: Path | None = None,
        file: str | Path | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        source = files.find("mano", side, folder=folder, file=file)
        arrays = files.read(source.path, (*files.ARRAYS, "hands_mean"), optional=("topology",))
        arrays["shapedirs"] = files.directions(arrays, betas, 0, source.path)
        mean = np.concatenate([np.zeros((1, 3)), arrays["hands_mean"].reshape(15, 3)])
        super().__init__(
            replace(joints.MANO, betas=betas),
            joints.MANO_21,
            files.topology(arrays, source),
            arrays | {"mean_pose": mean},
            SkinPoints(Points.at_vertices(TIPS), dtype=dtype),
            dtype,
        )
