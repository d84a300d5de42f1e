"""How much of the surroundings each point of the skin sees: the inside of the mouth sees none."""

from __future__ import annotations

import importlib.util

import numpy as np
import trimesh

from common.utils.errors import UserError

_LIFT = 2e-4  # meters off the skin, so that a ray does not meet the triangles it starts from


def visible_share(vertices: np.ndarray, faces: np.ndarray, rays: int = 64) -> np.ndarray:
    """(N, 3), (F, 3) -> (N,) in [0, 1], of random rays into the half space above the skin.

    Raises UserError where embreex, which casts the rays, is missing.
    """
    if importlib.util.find_spec("embreex") is None:
        raise UserError("The package embreex is missing; `pip install embreex` brings what casts rays.")
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    normals = mesh.vertex_normals[:, None]
    directions = np.random.default_rng(0).normal(size=(len(vertices), rays, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    directions *= np.sign((directions * normals).sum(-1, keepdims=True))
    starts = np.repeat(vertices[:, None] + _LIFT * normals, rays, 1)
    met = mesh.ray.intersects_any(starts.reshape(-1, 3), directions.reshape(-1, 3))
    return 1 - met.reshape(len(vertices), rays).mean(1)
