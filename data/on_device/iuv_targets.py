"""Maps of where on a surface each pixel lies, drawn from the annotated body on the device (PyMAF-X)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from scipy.io import loadmat
from torch import Tensor, nn

from common.body_models.files import first_of
from common.body_models.regressors import Regressor
from common.geometry.camera import solve_translation
from common.joints import BodyLayout
from common.networks.model import Model
from common.rendering.rasterizer import interpolate, rasterize
from common.structures import Batch, Target
from common.utils import paths
from data.on_device.posed_targets import PosedTargets

FOCAL = 5000.0  # pixels of the view
CHART = "UV_Processed.mat"
SITE = (
    "the data of DensePose (https://github.com/facebookresearch/DensePose, DensePoseData/get_densepose_uv.sh)"
)
MARGIN = 0.001  # meters, around the resting mesh whose coordinates become 0 to 1
TAUGHT = 22  # turns of a body that have to be known for its map to be drawn


class DrawnTargets(nn.Module):
    """Poses the annotated persons, then draws `map` (B, 3, h, w), and `map_known` (B,) 0 or 1, to the extras.

    The camera is the one that brings the posed joints of `part` over their annotated pixels; nobody's map is
    drawn whose body is not known. `cell` pixels of the view are one of the map's.
    """

    colors: Tensor  # (V, 3) of each corner of the drawn mesh
    corners: Tensor  # (V,) its vertices
    faces: Tensor  # (F, 3)

    def __init__(self, model: Model, body: BodyLayout, part: str, cell: int = 4) -> None:
        """Raises FileNotFoundError where a file of the body or of its chart is missing."""
        super().__init__()
        self.posed = PosedTargets(model, body)
        self.read_joints = model.read_joints
        self.view = next(iter(model.views.values())).size
        self.members, self.cell = model.joint_set.parts[part], cell

    def _keep(self, **tables: Tensor) -> None:
        for name, table in tables.items():
            self.register_buffer(name, table, persistent=False)

    @torch.no_grad()
    def forward(self, batch: Batch) -> Batch:
        batch = self.posed(batch)
        target = batch.target
        known = self.known(target)
        drawn = self.draw(target) * known[:, None, None, None]
        return replace(
            batch, target=replace(target, extras={**target.extras, "map": drawn, "map_known": known})
        )

    def known(self, target: Target) -> Tensor:
        """(B,) whose body is known, 0 or 1."""
        return (target.known[:, :TAUGHT] > 0).all(1).to(target.known.dtype)

    def mesh(self, vertices: Tensor) -> Tensor:
        """(B, V, 3) the posed body's -> those of the mesh that is drawn."""
        return vertices

    def draw(self, target: Target) -> Tensor:
        """(B, 3, h, w)."""
        assert target.body is not None
        translation = self.camera(target)
        points = self.mesh(target.body.vertices)[:, self.corners] + translation[:, None]
        middle = points.new_tensor(self.view[::-1]) / 2
        # the map's cells are counted from their middles, the published pixels from the view's corner
        pixels = (points[..., :2] / points[..., 2:] * FOCAL + middle) / self.cell - 0.5
        size = (self.view[0] // self.cell, self.view[1] // self.cell)
        fragments = rasterize(torch.cat([pixels, points[..., 2:]], -1), self.faces, size)
        colors = self.colors.expand(len(points), -1, -1)
        return interpolate(fragments, self.faces, colors).permute(0, 3, 1, 2)

    def camera(self, target: Target) -> Tensor:
        """(B, 3) where a camera of focal length 5000 has to see the body from."""
        points, confidence = target.joints_2d[:, self.members].split([2, 1], -1)
        joints = self.read_joints(target.body)[:, self.members]
        focal = points.new_full((len(points), 2), FOCAL)
        middle = points.new_tensor(self.view[::-1]).expand(len(points), 2) / 2
        return solve_translation(joints, points, confidence[..., 0], focal, middle)


class IuvTargets(DrawnTargets):
    """DensePose's maps: the surface over 24, and u and v on it (Guler et al. 2018).

    Published: a corner has the surface of the first face it belongs to, so between two surfaces a pixel may
    show a third.
    """

    def __init__(self, model: Model, body: BodyLayout, part: str = "spin", cell: int = 4) -> None:
        super().__init__(model, body, part, cell)
        family = model.body_model.layout.name
        self.to_smpl = Regressor("smplx", "smpl") if family == "smplx" else None
        vertices, faces, colors = chart(paths.human_model_files())
        self._keep(corners=vertices, faces=faces, colors=colors)

    def mesh(self, vertices: Tensor) -> Tensor:
        return vertices if self.to_smpl is None else self.to_smpl.read(vertices)


class CoordinateTargets(DrawnTargets):
    """Maps of a hand or a head alone: where a pixel's place on the surface is at rest, each axis 0 to 1."""

    def known(self, target: Target) -> Tensor:
        return (target.known[:, :-2] > 0).any(1).to(target.known.dtype)

    def __init__(self, model: Model, body: BodyLayout, part: str, cell: int = 4) -> None:
        super().__init__(model, body, part, cell)
        rest = self.posed.body_model.template.unflatten(0, (-1, 3))
        lowest = rest.min() - MARGIN
        colors = (rest - lowest) / (rest.max() - lowest + MARGIN)
        vertices = torch.arange(len(rest), device=rest.device)
        self._keep(corners=vertices, faces=self.posed.body_model.faces, colors=colors)


@cache
def chart(folder: Path) -> tuple[Tensor, Tensor, Tensor]:
    """DensePose's mesh on SMPL's: vertices (7829,), faces (13774, 3), colors (7829, 3).

    Raises FileNotFoundError where its file is missing.
    """
    path = first_of(folder / "smpl", (CHART,))
    if path is None:
        raise FileNotFoundError(f"{folder / 'smpl' / CHART} is missing: it comes from {SITE}; put it there.")
    table = loadmat(path, appendmat=False)
    vertices = table["All_vertices"].astype(np.int64).reshape(-1) - 1
    faces = table["All_Faces"].astype(np.int64).reshape(-1, 3) - 1
    surface = table["All_FaceIndices"].astype(np.float32).reshape(-1)
    first = np.zeros(len(vertices), np.float32)
    first[faces[::-1].reshape(-1)] = np.repeat(surface[::-1], 3)  # the first face comes last, and stays
    u, v = (table[name].astype(np.float32).reshape(-1) for name in ("All_U_norm", "All_V_norm"))
    return (
        torch.from_numpy(vertices),
        torch.from_numpy(faces),
        torch.from_numpy(np.stack([first / 24, u, v], 1)),
    )
