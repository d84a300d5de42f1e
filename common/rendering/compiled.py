"""The z-buffer of `zbuffer.py` compiled by numba for bulk work on a CPU: the same pixels in less time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import numpy as np
import torch
from torch import Tensor


def installed() -> bool:
    """Whether the optional package numba is there."""
    return find_spec("numba") is not None


def nearest(
    points: Tensor, faces: Tensor, size: tuple[int, int], near: float, culled: bool
) -> tuple[Tensor, Tensor]:
    """As `zbuffer.nearest`, in one thread; the first call of an installation takes seconds, to compile.

    Raises ImportError without numba, ValueError for points not on the CPU, IndexError for faces of no points.
    """
    if not installed():
        raise ImportError(
            "The compiled rasterizer needs numba; install it with `pip install humanmesh[fast]`."
        )
    if points.device.type != "cpu":
        raise ValueError(f"The compiled rasterizer runs on the CPU; the points are on {points.device}.")
    if len(faces) and (int(faces.min()) < 0 or int(faces.max()) >= points.shape[1]):
        raise IndexError(f"Faces name corners up to {int(faces.max())}, there are {points.shape[1]} points.")
    face = torch.full((len(points), *size), -1)
    depth = torch.full((len(points), *size), float("inf"))
    corners = points.detach().float().contiguous().numpy(), faces.long().contiguous().numpy()
    _compiled()(*corners, np.float32(near), culled, face.numpy(), depth.numpy())
    return face, depth


@cache
def _compiled() -> Callable[..., None]:
    from numba import njit  # optional

    return njit(nogil=True, cache=True, error_model="numpy")(_draw)


def _draw(
    points: np.ndarray, faces: np.ndarray, near: np.float32, culled: bool, face: np.ndarray, depth: np.ndarray
) -> None:
    """Fill face and depth (B, h, w); float32 throughout, each step as in `zbuffer.py`."""
    zero, one = np.float32(0), np.float32(1)
    last_row, last_column = np.float32(face.shape[1] - 1), np.float32(face.shape[2] - 1)
    for body in range(points.shape[0]):
        for index in range(faces.shape[0]):
            i, j, k = faces[index, 0], faces[index, 1], faces[index, 2]
            ax, ay, az = points[body, i, 0], points[body, i, 1], points[body, i, 2]
            bx, by, bz = points[body, j, 0], points[body, j, 1], points[body, j, 2]
            cx, cy, cz = points[body, k, 0], points[body, k, 1], points[body, k, 2]
            if not (az > near and bz > near and cz > near and np.isfinite(az + bz + cz)):
                continue
            area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
            if area == zero or not np.isfinite(area) or (culled and area > zero):
                continue
            left, right = max(np.ceil(min(ax, bx, cx)), zero), min(np.floor(max(ax, bx, cx)), last_column)
            top, bottom = max(np.ceil(min(ay, by, cy)), zero), min(np.floor(max(ay, by, cy)), last_row)
            if left > right or top > bottom:
                continue
            mirror = one if area > zero else -one
            az, bz, cz = one / az, one / bz, one / cz
            for row in range(int(top), int(bottom) + 1):
                y = np.float32(row)
                for column in range(int(left), int(right) + 1):
                    x = np.float32(column)
                    a = ((bx - x) * (cy - y) - (by - y) * (cx - x)) * mirror
                    b = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) * mirror
                    c = ((ax - x) * (by - y) - (ay - y) * (bx - x)) * mirror
                    if a >= zero and b >= zero and c >= zero:
                        here = (a + b + c) / (a * az + b * bz + c * cz)
                        if here < depth[body, row, column]:
                            depth[body, row, column] = here
                            face[body, row, column] = index
