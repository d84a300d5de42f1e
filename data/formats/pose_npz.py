"""SMPL poses in one `.npz`: `fnames` (N,), `poses` (N, 72), `shapes` (N, 10), as STRAPS published it."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.utils.files import written_beside

_COLUMNS = {"fnames": (), "poses": (72,), "shapes": (10,)}


@dataclass(frozen=True, eq=False)
class Poses:
    """Poses as columns: axis-angle, the root first, in the frame of an upright picture (x right, y down)."""

    names: np.ndarray  # (N,) str, such as "cmu/01/01_05/000133"
    poses: np.ndarray  # (N, 72) axis-angle of the 24 joints of SMPL
    shapes: np.ndarray  # (N, 10)
    notice: str = ""  # where they come from, and on which terms

    def __len__(self) -> int:
        return len(self.names)

    def starting_with(self, *prefixes: str) -> Poses:
        """Those whose names start with one of the prefixes; all where none is given."""
        return self._chosen(self._starting_with(prefixes)) if prefixes else self

    def without(self, *prefixes: str) -> Poses:
        """Those whose names start with none of the prefixes."""
        return self._chosen(~self._starting_with(prefixes))

    def _starting_with(self, prefixes: tuple[str, ...]) -> np.ndarray:
        return np.array([str(name).startswith(prefixes) for name in self.names], dtype=bool)

    def _chosen(self, rows: np.ndarray) -> Poses:
        return Poses(self.names[rows], self.poses[rows], self.shapes[rows], self.notice)


def read_poses(path: str | Path) -> Poses:
    """The poses of one file, in float32; half-precision files are a third of the size and read just the same.

    Raises FileNotFoundError where it is missing, ValueError where it is not such a file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"The pose file {path} is missing; name an .npz of fnames, poses and shapes.")
    try:
        with np.load(path, allow_pickle=False) as file:
            columns = {name: file[name] for name in (*_COLUMNS, "notice") if name in file}
    except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{path} cannot be read as a pose file (.npz): {error}.") from error
    _check(path, columns)
    notice = str(columns.get("notice", ""))
    return Poses(
        columns["fnames"], *(columns[name].astype(np.float32) for name in ("poses", "shapes")), notice
    )


def write_poses(path: str | Path, poses: Poses, dtype: type = np.float32) -> None:
    """Write compressed, whole or not at all; float16 keeps every angle to 0.1 degrees."""
    with written_beside(path) as temporary:
        np.savez_compressed(
            temporary,
            fnames=poses.names,
            poses=poses.poses.astype(dtype),
            shapes=poses.shapes.astype(dtype),
            notice=np.array(poses.notice),
        )


def _check(path: Path, columns: dict[str, np.ndarray]) -> None:
    for name, shape in _COLUMNS.items():
        if name not in columns:
            raise ValueError(
                f"{path} is no pose file: it has no '{name}' (it has {', '.join(columns) or 'nothing'})."
            )
        column = columns[name]
        if (
            column.ndim != 1 + len(shape)
            or column.shape[1:] != shape
            or len(column) != len(columns["fnames"])
        ):
            wanted = ("N", *map(str, shape))
            raise ValueError(f"{path}: '{name}' is {column.shape}, not ({', '.join(wanted)}).")
