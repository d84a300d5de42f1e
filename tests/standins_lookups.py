"""What PyMAF-X looks up besides body models, as random numbers with the official names, shapes and types.

As in `standins.py`, every draw comes in the order it was drawn in for the published numbers.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sparse
from scipy.io import savemat
from standins import dice, smplx_arrays

Array = np.ndarray


def large_smplx() -> dict[str, Any]:
    """SMPL-X of 2020: 300 directions of shape and 100 of expression, in float32 as all layers round them."""
    arrays = smplx_arrays("NEUTRAL", 400)
    return arrays | {name: arrays[name].astype(np.float32) for name in ("shapedirs", "posedirs")}


def start() -> dict[str, Array]:
    """Where regression begins: 24 rotations by their first two columns, row by row, shape and camera."""
    drawn = dice("pymafx-mean")
    turns = drawn.normal(0, 0.1, (24, 3))
    turns[0] = np.pi, 0, 0
    return {
        "pose": _matrices(turns)[:, :, :2].reshape(144).astype(np.float32),
        "shape": drawn.normal(0, 0.2, 10).astype(np.float32),
        "cam": np.array([0.9, 0, 0], np.float32),
    }


def extra_joints(name: str = "pymafx-extra", joints: int = 9) -> Array:
    """(9, 6890) each of twelve vertices."""
    drawn, matrix = dice(name), np.zeros((joints, 6890))
    for row in matrix:
        shares = drawn.rand(12)
        row[drawn.choice(6890, 12, replace=False)] = shares / shares.sum()
    return matrix


def hierarchy(name: str, *sizes: int) -> dict[str, Array]:
    """Meshes thinned step by step: neighbors, the way down, a vertex a row, and up, three vertices a row."""
    drawn = dice(name)
    result: dict[str, list[Any]] = {"A": [], "D": [], "U": []}
    for size in sizes:
        edges = drawn.randint(0, size, (2, 3 * size))
        result["A"].append(sparse.csr_matrix((np.ones(3 * size), edges), (size, size)))
    for fine, coarse in pairwise(sizes):
        kept = np.sort(drawn.choice(fine, coarse, replace=False))
        down = sparse.coo_matrix((np.ones(coarse), (np.arange(coarse), kept)), (coarse, fine))
        near = np.stack([drawn.choice(coarse, 3, replace=False) for _ in range(fine)])
        places = (np.repeat(np.arange(fine), 3), near.ravel())
        up = sparse.coo_matrix((_shares(drawn, fine).ravel(), places), (fine, coarse))
        result["D"].append(down)
        result["U"].append(up)
    return {key: _objects(matrices) for key, matrices in result.items()}


def smplx_to_smpl() -> dict[str, Any]:
    """Three vertices a row; sparse here, which the official file is not."""
    drawn = dice("pymafx-smplx-to-smpl")
    rows, columns = np.repeat(np.arange(6890), 3), drawn.randint(0, 10475, 3 * 6890)
    shares = _shares(drawn, 6890).ravel().astype(np.float32)
    return {"matrix": sparse.coo_matrix((shares, (rows, columns)), (6890, 10475)).tocsr()}


def hand(side: str) -> dict[str, Array]:
    """Which of SMPL's vertices are a hand's, in the order of MANO."""
    drawn = dice(f"pymafx-part-smpl-{side}hand")
    return {
        "vids": np.sort(drawn.choice(6890, 778, replace=False)),
        "faces": drawn.randint(0, 778, (1538, 3)),
    }


def chart() -> dict[str, Array]:
    """DensePose's mesh on SMPL's: 24 surfaces, cut apart where they meet."""
    drawn = dice("densepose-chart")
    vertices, faces = drawn.randint(1, 6891, (1, 7829)), drawn.randint(1, 7830, (13774, 3))
    return {
        "All_vertices": vertices, "All_Faces": faces, "All_FaceIndices": drawn.randint(1, 25, (13774, 1)),
        "All_U_norm": drawn.rand(7829, 1), "All_V_norm": drawn.rand(7829, 1),
    }  # fmt: skip


FILES: dict[str, Callable[[], Any]] = {
    "smplx/SMPLX_NEUTRAL_2020.npz": large_smplx,
    "smplx/smplx_to_smpl.pkl": smplx_to_smpl,
    "smpl/smpl_mean_params.npz": start,
    "smpl/J_regressor_extra.npy": extra_joints,
    "smpl/smpl_downsampling.npz": lambda: hierarchy("pymafx-smpl-levels", 6890, 1723, 431),
    "smpl/smpl_lhand_vids.npz": lambda: hand("l"),
    "smpl/smpl_rhand_vids.npz": lambda: hand("r"),
    "smpl/UV_Processed.mat": chart,
    "mano/mano_downsampling.npz": lambda: hierarchy("pymafx-mano-levels", 778, 195, 49),
    "flame/flame_downsampling.npy": lambda: np.sort(dice("pymafx-flame").choice(5023, 708, replace=False)),
}


def write(root: Path) -> Path:
    """Write all of FILES below a folder."""
    for name, make in FILES.items():
        path, held = root / name, make()
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".npz":
            np.savez(path, **held)
        elif path.suffix == ".npy":
            np.save(path, held)
        elif path.suffix == ".mat":
            savemat(path, held)
        else:
            path.write_bytes(pickle.dumps(held, protocol=4))
    return root


def _matrices(turns: Array) -> Array:
    angles = np.linalg.norm(turns, axis=-1)[:, None, None]
    x, y, z = (turns / (angles[:, 0] + 1e-12)).T
    zero = np.zeros_like(x)
    skew = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(-1, 3, 3)
    return np.eye(3) + np.sin(angles) * skew + (1 - np.cos(angles)) * skew @ skew


def _shares(drawn: np.random.RandomState, rows: int) -> Array:
    shares = drawn.rand(rows, 3)
    return shares / shares.sum(-1, keepdims=True)


def _objects(values: list[Any]) -> Array:
    result = np.empty(len(values), object)
    result[:] = values
    return result
