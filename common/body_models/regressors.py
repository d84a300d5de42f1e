"""Named points and parts of a mesh, looked up by its topology; what that lacks is refused in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor, nn

from common.body_models import files
from common.body_models.arrays import read_arrays
from common.structures import Body
from common.utils import paths
from common.utils.unpickle import as_array, as_sparse, read_pickle


@dataclass(frozen=True)
class PointFile:
    """A file that defines points or parts of a mesh; it lies beside the body models of its family."""

    names: tuple[str, ...]  # what it may be called; the first that is there is read
    site: str  # where it comes from
    keys: tuple[str, ...] = (
        "regressor",
    )  # of the array, where the file holds several: the first that is there
    free: str = ""  # what the free body's own is called, if it has one


_CORRESPONDENCES = "https://smpl-x.is.tue.mpg.de (MANO, FLAME and SMPL correspondences)"
_SPIN = "the data of SPIN, https://github.com/nkolot/SPIN"
_POSE2MESH = "the data of Pose2Mesh, https://github.com/hongsukchoi/Pose2Mesh_RELEASE"


def _joints(family: str) -> PointFile:
    """The joints that turn, as the neutral body model itself regresses them."""
    names = tuple(files.names_of(family, "neutral"))
    free = next(name for name in names if name.endswith(".npz"))
    return PointFile(names, files.FAMILIES[family].site, ("J_regressor",), free)


# Points as weighted means of vertices, by family and name.
REGRESSORS = {
    ("smplx", "joints"): _joints("smplx"),
    ("smplx", "h36m"): PointFile(
        ("J_regressor_h36m_smplx.npy",),
        "the Human3.6M data of Hand4Whole or OSX",
        free="J_regressor_h36m_smplx.npz",
    ),
    ("smplx", "j14"): PointFile(
        ("SMPLX_to_J14.pkl",), "the data of ExPose, https://expose.is.tue.mpg.de", free="SMPLX_to_J14.npz"
    ),
    ("smplx", "smpl"): PointFile(
        ("smplx2smpl.pkl", "smplx_to_smpl.pkl", "smplx2smpl_deftrafo_setup.pkl"),
        _CORRESPONDENCES,
        ("matrix", "mtx"),
    ),
    ("smplx", "hd"): PointFile(("HD_SMPLX_from_SMPL.pkl",), "https://shapy.is.tue.mpg.de (HBW evaluation)"),
    ("smpl", "joints"): _joints("smpl"),
    ("smpl", "extra"): PointFile(("J_regressor_extra.npy",), _SPIN),
    ("smpl", "h36m"): PointFile(("J_regressor_h36m.npy",), _SPIN, free="J_regressor_h36m_smpl.npz"),
    ("smpl", "h36m_correct"): PointFile(
        ("J_regressor_h36m_correct.npy",), _POSE2MESH, free="J_regressor_h36m_smpl.npz"
    ),
    ("smpl", "3dpw"): PointFile(
        ("J_regressor_3dpw.npy",), "the data of SMPLer", free="J_regressor_h36m_smpl.npz"
    ),
    ("smpl", "cocoplus"): PointFile(("cocoplus_regressor.npy",), "the additional files of STRAPS"),
    ("smpl", "j14"): PointFile((), "", free="SMPL_to_J14.npz"),
}
# Lists of vertices, by family and name.
PARTS = {
    ("smplx", "left_hand"): PointFile(
        ("MANO_SMPLX_vertex_ids.pkl",), _CORRESPONDENCES, ("left_hand",), "MANO_SMPLX_vertex_ids.npz"
    ),
    ("smplx", "right_hand"): PointFile(
        ("MANO_SMPLX_vertex_ids.pkl",), _CORRESPONDENCES, ("right_hand",), "MANO_SMPLX_vertex_ids.npz"
    ),
    ("smplx", "head"): PointFile(
        ("SMPL-X__FLAME_vertex_ids.npy",), _CORRESPONDENCES, ("head",), "SMPL-X__FLAME_vertex_ids.npz"
    ),
}


class Regressor(nn.Module):
    """Reads the points of one name off bodies of one topology, as weighted means of few vertices."""

    vertices: Tensor  # (K, N) N is the most that any point takes
    weights: Tensor  # (K, N)

    def __init__(
        self, topology: str, name: str, folder: str | Path | None = None, dtype: torch.dtype = torch.float32
    ) -> None:
        """`name` is one of REGRESSORS; `folder` holds the official files, by family.

        Raises ValueError for what is not defined on a topology, FileNotFoundError where its file is missing.
        """
        super().__init__()
        self.topology = topology
        matrix = regressor_matrix(topology, name, folder)
        counts = np.diff(matrix.indptr)
        row, place = np.repeat(np.arange(len(counts)), counts), np.arange(matrix.nnz)
        place -= np.repeat(matrix.indptr[:-1], counts)
        vertices = torch.zeros(len(counts), int(counts.max()), dtype=torch.int64, device="cpu")
        weights = torch.zeros(
            vertices.shape, dtype=dtype, device="cpu"
        )  # on the meta device they are known too
        vertices[row, place] = torch.from_numpy(matrix.indices).long()
        weights[row, place] = torch.from_numpy(matrix.data).to(dtype)
        self.register_buffer("vertices", vertices, persistent=False)
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, body: Body) -> Tensor:
        """(B, K, 3), off the posed vertices. Raises ValueError for a body of another topology."""
        if body.topology != self.topology:
            raise ValueError(f"Points of a {self.topology} mesh cannot be read off a {body.topology} mesh.")
        return self.read(body.vertices)

    def read(self, vertices: Tensor, rows: Sequence[int] | None = None) -> Tensor:
        """(B, V, 3) of this topology -> (B, K, 3), or some of them by number."""
        places, weights = self.vertices, self.weights
        if rows is not None:
            places, weights = places[list(rows)], weights[list(rows)]
        picked = vertices.index_select(1, places.flatten()).unflatten(1, places.shape)
        return (picked * weights[..., None]).sum(2)


@cache
def shared_regressor(topology: str, name: str, device: torch.device) -> Regressor:
    """The regressor of that name, read once; for losses and metrics, which are told of a mesh by its body."""
    return Regressor(topology, name).to(device)


def regressor_matrix(topology: str, name: str, folder: str | Path | None = None) -> csr_matrix:
    """(K, V) the points of one name as weighted means of vertices. Raises as `Regressor` does."""
    source, path = _located(REGRESSORS, topology, name, folder)
    matrix = as_sparse(_content(path, source.keys))
    return matrix[:, : files.FAMILIES[path.parent.name].vertices]  # the official transfer adds normals


def part_vertices(topology: str, name: str, folder: str | Path | None = None) -> Tensor:
    """(N,) the vertices of a part, one of PARTS; the official ones in the order of MANO and FLAME.

    Raises as `Regressor` does.
    """
    source, path = _located(PARTS, topology, name, folder)
    return torch.from_numpy(as_array(_content(path, source.keys)).astype(np.int64).reshape(-1))


@cache
def faces_of(topology: str) -> Tensor:
    """(F, 3) int64: the triangles of a mesh. Raises ValueError for a topology that nobody has."""
    is_free = topology not in files.FAMILIES
    family = _free_family(topology) if is_free else topology
    if not family:
        raise ValueError(f"There is no body model whose mesh is '{topology}'.")
    variant = files.FAMILIES[family].variants[0]
    source = files.find(family, variant, free="only" if is_free else "never")
    return torch.from_numpy(read_arrays(source.path, ("f",))["f"].astype(np.int64))


def _located(
    table: Mapping[tuple[str, str], PointFile], topology: str, name: str, folder: str | Path | None
) -> tuple[PointFile, Path]:
    """Which file defines something on a topology, and where it is."""
    is_free = topology not in files.FAMILIES
    family = _free_family(topology) if is_free else topology
    source = table.get((family, name))
    if source is None or not (source.free if is_free else source.names):
        known = [n for (f, n), s in table.items() if f == family and (s.free if is_free else s.names)]
        others = f"only {', '.join(known)}" if known else "nor is anything else"
        raise ValueError(f"'{name}' is not defined on {topology} meshes, {others}.")
    home = (paths.FREE if is_free else Path(folder) if folder else paths.human_model_files()) / family
    path = files.first_of(home, (source.free,) if is_free else source.names)
    if path is None:
        missing = home / (source.free if is_free else source.names[0])
        raise FileNotFoundError(f"{missing} is missing: it comes from {source.site}; put it there.")
    return source, path


@cache
def _free_family(topology: str) -> str:
    """Which family's format a free body of this topology has; "" if there is none."""
    for family in files.FAMILIES:
        path = files.first_of(paths.FREE / family, files.names_of(family, "neutral"))
        if path and read_arrays(path, (), ("topology",)).get("topology") == topology:
            return family
    return ""


def _content(path: Path, keys: tuple[str, ...]) -> Any:
    """What a file holds under the first key that it has, or as a whole where it holds one thing."""
    if path.suffix == ".npz":
        return next(iter(read_arrays(path, (), keys).values()))
    content = np.load(path, allow_pickle=False) if path.suffix == ".npy" else read_pickle(path)
    if not isinstance(content, dict):
        return content
    if not set(keys) & set(content):
        raise ValueError(
            f"{path} holds none of {', '.join(keys)}: it is another kind of file; fetch the right one."
        )
    return next(content[key] for key in keys if key in content)
