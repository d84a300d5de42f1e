"""A body's mesh as an OBJ, PLY or GLB file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from torch import Tensor

from common.utils.errors import UserError
from common.utils.files import written_beside

FORMATS = (".obj", ".ply", ".glb")
# glTF looks along -z with y up; the camera of the house along z with y down: half a turn about x.
Y_UP = np.array([1.0, -1.0, -1.0])


def write_mesh(path: str | Path, vertices: Tensor | np.ndarray, faces: Tensor | np.ndarray) -> None:
    """vertices (V, 3) meters, faces (F, 3) -> a file in the format of its ending, whole or not at all.

    OBJ and PLY keep the camera's axes (x right, y down, z forward). GLB has x right, y up, z backward, as its
    standard demands: (x, -y, -z) of the same point. Vertices keep their number and order.

    Raises UserError for another ending, OSError in one sentence where the file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise UserError(f"{path}: meshes are written as {', '.join(FORMATS)}, not as '{path.suffix}'.")
    points, corners = (
        np.asarray(a.detach().cpu() if isinstance(a, Tensor) else a) for a in (vertices, faces)
    )
    points = points.astype(np.float64) * (Y_UP if kind == ".glb" else 1.0)
    mesh = trimesh.Trimesh(points, corners, process=False)
    options: dict[str, Any] = {
        ".obj": {},
        ".ply": {"vertex_normal": True},
        ".glb": {"include_normals": True},
    }[kind]
    with written_beside(path) as beside:
        mesh.export(beside, file_type=kind[1:], **options)
