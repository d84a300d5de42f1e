"""Which vertices stand for a whole mesh where a network looks at a few hundred of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from common.body_models.files import first_of
from common.utils import paths
from common.utils.unpickle import as_sparse, read_objects


@dataclass(frozen=True)
class Samples:
    """A published choice of vertices; its file lies beside the body models of its family."""

    count: int
    name: str
    site: str
    levels: int = 0  # of a hierarchy of meshes: how often it is thinned; 0: the file holds the numbers


SAMPLES = {
    "smpl": Samples(
        431, "smpl_downsampling.npz", "the data of PyMAF-X or GraphCMR (mesh_downsampling.npz)", 2
    ),
    "mano": Samples(
        195, "mano_downsampling.npz", "the data of PyMAF-X or MeshGraphormer (mano_downsampling.npz)", 1
    ),
    "flame": Samples(708, "flame_downsampling.npy", "the downloads of PyMAF-X"),
}


def sampled_vertices(family: str, folder: str | Path | None = None) -> Tensor:
    """(N,) the vertices that stand for a mesh of "smpl", "mano" or "flame".

    Raises FileNotFoundError where the file is missing, ValueError where it holds something else.
    """
    source = SAMPLES[family]
    home = (Path(folder) if folder else paths.human_model_files()) / family
    path = first_of(home, (source.name,))
    if path is None:
        raise FileNotFoundError(
            f"{home / source.name} is missing: it comes from {source.site}; put it there."
        )
    if not source.levels:
        chosen = torch.from_numpy(np.load(path, allow_pickle=False).astype(np.int64).reshape(-1))
    else:
        steps = [as_sparse(_plain(step)) for step in read_objects(path, "D")[: source.levels]]
        chosen = chosen_by(reduce(lambda fine, coarse: coarse @ fine, steps), str(path))
    if len(chosen) != source.count:
        raise ValueError(f"{path} chooses {len(chosen)} vertices, not {source.count}: it is another file.")
    return chosen


def farthest_vertices(rest: Tensor, count: int) -> Tensor:
    """(V, 3) a mesh at rest -> (count,) vertices far from one another, in order, for a mesh of our own.

    Each is the farthest from all before it (Gonzalez 1985); the first is the one farthest from the middle.
    """
    distance = (rest - rest.mean(0)).norm(dim=1)
    chosen = []
    for _ in range(count):
        chosen.append(int(distance.argmax()))
        nearer = (rest - rest[chosen[-1]]).norm(dim=1)
        distance = nearer if len(chosen) == 1 else distance.minimum(nearer)
    return torch.tensor(sorted(chosen), device="cpu")


def chosen_by(matrix: csr_matrix | Tensor, what: str) -> Tensor:
    """(N, V) a matrix that picks one vertex a row -> (N,) which; ValueError, naming `what`, for another."""
    matrix = csr_matrix(matrix.numpy() if isinstance(matrix, Tensor) else matrix)
    matrix.eliminate_zeros()
    if (np.diff(matrix.indptr) != 1).any() or (np.abs(matrix.data - 1) > 1e-6).any():
        raise ValueError(f"{what} does not pick one vertex a row: it is another kind of matrix.")
    return torch.from_numpy(matrix.indices.astype(np.int64))


def _plain(step: Any) -> Any:
    return step.item() if isinstance(step, np.ndarray) and step.shape == () else step
