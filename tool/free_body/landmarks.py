"""Facial landmarks: 51 that stay with the face, 17 of a contour that follows the outline as the head turns.

Where they lie on MakeHuman's face was found once by MediaPipe's face mesh on a picture of the template; the
file beside this one holds the result, so that the build does without MediaPipe.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import trimesh
from scipy.spatial import cKDTree
from torch import Tensor

from common.body_models.skin_points import LARGEST_YAW
from common.joints import SMPLX_144
from tool.free_body.symmetry import mirrored

_FILE = Path(__file__).with_name("landmarks.json")
_CANDIDATES = 40  # triangles looked at for the nearest point
_SLICE = 0.006  # meters above and below a point of the contour, where the outline is sought
_FACE = SMPLX_144.names[SMPLX_144.parts["face"]]
_NAMES, _CONTOUR = _FACE[:51], _FACE[51:]


@dataclass(frozen=True)
class Landmarks:
    """Points in faces, by barycentric coordinates."""

    faces: np.ndarray  # (51,)
    weights: np.ndarray  # (51, 3)
    contour_faces: np.ndarray  # (79, 17) a row a degree of yaw: 0 to 39 turns right, then 1 to 39 left
    contour_weights: np.ndarray  # (79, 17, 3)


def place_landmarks(figure: Tensor, base_mesh: Tensor) -> Tensor:
    """(N, 3) MakeHuman's mesh in any shape, (N,) its vertices' numbers in base.obj -> (68, 3), symmetric."""
    table = json.loads(_FILE.read_text())["points"]
    place = {int(number): k for k, number in enumerate(base_mesh)}
    points = []
    for name in _FACE:
        entry = table[name.replace("right_", "left_")]
        weights = torch.tensor(entry["weights"])
        point = weights / weights.sum() @ figure[[place[k] for k in entry["vertices"]]]
        if not name.startswith(("left_", "right_")):
            point = point * point.new_tensor([0.0, 1.0, 1.0])
        points.append(mirrored(point) if name.startswith("right_") else point)
    return torch.stack(points)


def find_landmarks(
    points: np.ndarray, vertices: np.ndarray, faces: np.ndarray, skin: np.ndarray, head: np.ndarray
) -> Landmarks:
    """(68, 3) near the skin, (V, 3), (F, 3), (H,) the faces of the visible head, (3,) its joint."""
    surface = _Surface(vertices, faces, skin)
    fixed = surface.nearest(points[: len(_NAMES)])
    start = points[len(_NAMES) :]
    rows = [_outline(start, surface, head, degrees) for degrees in _yaws()]
    contour = surface.nearest(np.concatenate(rows))
    size = (len(rows), len(_CONTOUR))
    return Landmarks(fixed[0], fixed[1], contour[0].reshape(size), contour[1].reshape(*size, 3))


def _yaws() -> list[int]:
    """The head's turn to its left in degrees, row by row: formats count it the other way round."""
    return [-row for row in range(LARGEST_YAW + 1)] + list(range(1, LARGEST_YAW + 1))


def _outline(start: np.ndarray, surface: _Surface, head: np.ndarray, degrees: int) -> np.ndarray:
    """(17, 3) the contour of a turned head: on the side that turns away, points slide back to the outline."""
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    across = np.array([cosine, 0.0, sine])  # the picture's x axis in the head's frame
    found = start.copy()
    for k, point in enumerate(start):
        side = np.sign(np.round(point[0], 6))
        if side * sine <= 1e-6:
            continue
        ring = surface.ring(point, head)
        ring = ring[(np.sign(ring[:, 0]) == side) & (ring[:, 2] >= point[2] - 0.004)]
        if len(ring):
            found[k] = ring[np.argmax(side * (ring @ across))]
    return found


class _Surface:
    """The visible skin of the head."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray, skin: np.ndarray) -> None:
        self._skin = skin
        self._triangles = vertices[faces[skin]]
        self._vertices = vertices[np.unique(faces[skin])]
        self._tree = cKDTree(self._triangles.mean(1))

    def nearest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(M, 3) -> the faces (M,) and barycentric coordinates (M, 3) of the nearest points of the skin."""
        near = self._tree.query(points, _CANDIDATES)[1]  # (M, C)
        triangles = self._triangles[near.reshape(-1)]
        repeated = np.repeat(points, _CANDIDATES, 0)
        closest = trimesh.triangles.closest_point(triangles, repeated)
        best = np.linalg.norm(closest - repeated, axis=1).reshape(near.shape).argmin(1)
        chosen = np.arange(len(points)) * _CANDIDATES + best
        weights = trimesh.triangles.points_to_barycentric(triangles[chosen], closest[chosen])
        weights = weights.clip(0, 1)
        return self._skin[near.reshape(-1)[chosen]], weights / weights.sum(1, keepdims=True)

    def ring(self, point: np.ndarray, head: np.ndarray) -> np.ndarray:
        """The vertices as high as the point, the nape left out."""
        level = np.abs(self._vertices[:, 1] - point[1]) < _SLICE
        return self._vertices[level & (self._vertices[:, 2] > head[2] - 0.02)]
