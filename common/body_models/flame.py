"""FLAME: the head (Li et al. 2017)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from common import joints
from common.body_models import arrays, files
from common.body_models.body_model import BodyModel
from common.body_models.skin_points import Points, SkinPoints
from common.utils.unpickle import as_array, read_object, read_pickle

TURNING = joints.FLAME_5.index("root")  # published: the contour follows the root, not the neck
LANDMARKS = "flame_static_embedding.pkl"
CONTOUR = "flame_dynamic_embedding.npy"
LANDMARK_SITE = "https://github.com/soubhiksanyal/RingNet (folder flame_model)"


class FLAME(BodyModel):
    """FLAME: 5 joints turn; 73 are reported, 51 of them landmarks, 17 of the face's contour."""

    def __init__(
        self,
        gender: str = "neutral",
        betas: int = 10,
        expression: int = 10,
        *,
        folder: str | Path | None = None,
        file: str | Path | None = None,
        free: files.Free = "allow",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """`folder`, `file` and `free` say which file is read, see `files.find`; two more lie beside it."""
        source = files.find("flame", gender, folder=folder, file=file, free=free)
        numbers = arrays.read_body(source, betas, expression)
        landmarks = _points(read_pickle(source.beside(LANDMARKS, LANDMARK_SITE)), numbers["f"])
        contour = _points(read_object(source.beside(CONTOUR, LANDMARK_SITE)), numbers["f"])
        super().__init__(
            replace(joints.FLAME, betas=betas, expression=expression),
            joints.FLAME_73,
            arrays.topology(numbers, source),
            numbers,
            SkinPoints(landmarks, contour, TURNING, dtype),
            dtype,
        )


def _points(table: dict, faces: np.ndarray) -> Points:
    return Points.on_faces(faces, as_array(table["lmk_face_idx"]), as_array(table["lmk_b_coords"]))
