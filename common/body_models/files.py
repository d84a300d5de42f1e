"""The files of body models: which one is read, what it holds, and what to do where it is missing."""

from __future__ import annotations

import logging
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from common.body_models.skin_points import Points
from common.utils import paths
from common.utils.unpickle import as_array, read_object, read_pickle

logger = logging.getLogger(__name__)

ARRAYS = (
    "v_template",
    "f",
    "shapedirs",
    "posedirs",
    "J_regressor",
    "weights",
    "kintree_table",
)  # in every file

Free = Literal[
    "allow", "never", "only"
]  # the free body: where the official file is missing, not at all, always


@dataclass(frozen=True)
class Family:
    """An official body model: where it comes from, and how its files are called."""

    name: str  # its folder below the body-model files, and its topology
    site: str
    names: tuple[
        str, ...
    ]  # with {gender} or a short {g}; read without regard to case, the first found is taken
    variants: tuple[str, ...] = ("neutral", "female", "male")


FAMILIES = {
    "smpl": Family(
        "smpl",
        "https://smpl.is.tue.mpg.de (the old neutral one: https://smplify.is.tue.mpg.de)",
        (
            "SMPL_{gender}.npz",
            "SMPL_{gender}.pkl",
            "basicmodel_{gender}_lbs_10_207_0_v1.1.0.pkl",
            "basicmodel_{g}_lbs_10_207_0_v1.1.0.pkl",
            "basicmodel_{gender}_lbs_10_207_0_v1.0.0.pkl",
            "basicmodel_{g}_lbs_10_207_0_v1.0.0.pkl",
        ),
    ),
    "smplx": Family(
        "smplx",
        "https://smpl-x.is.tue.mpg.de",
        (
            "SMPLX_{gender}.npz",
            "SMPLX_{gender}.pkl",
            "SMPLX_{gender}_2020.npz",
            "SMPLX_{gender}_2020.pkl",
        ),
    ),
    "mano": Family(
        "mano", "https://mano.is.tue.mpg.de", ("MANO_{gender}.pkl", "MANO_{gender}.npz"), ("right", "left")
    ),
    "flame": Family(
        "flame",
        "https://flame.is.tue.mpg.de",
        (
            "FLAME_{gender}.pkl",
            "FLAME_{gender}.npz",
            "{gender}_model.pkl",
            "generic_model.pkl",
            "flame2023.pkl",
        ),
    ),
}


@dataclass(frozen=True)
class BodyFile:
    """A body-model file that is there."""

    path: Path
    family: str
    is_free: bool


def find(
    family: str,
    variant: str,
    *,
    folder: Path | None = None,
    file: str | Path | None = None,
    free: Free = "allow",
) -> BodyFile:
    """The file of a body model; `variant` is a gender or, for MANO, a side.

    `folder` holds the official files (`smplx/...`, as `paths.human_model_files()`); `file` names one of them, or
    any path. Raises ValueError for an unknown variant, FileNotFoundError in one sentence where nothing is there.
    """
    known = FAMILIES[family]
    if variant not in known.variants:
        raise ValueError(f"There is no '{variant}' {family} body; choose one of {', '.join(known.variants)}.")
    official = (Path(folder) if folder else paths.human_model_files()) / family
    if file is not None:
        return BodyFile(_named(Path(file), official, known), family, is_free=False)
    if free != "only" and (path := _first(official, _names(known, variant))):
        return BodyFile(path, family, is_free=False)
    if free != "never" and (path := _first(paths.FREE / family, _names(known, variant))):
        if free == "allow":
            _say_once(family, variant, path)
        return BodyFile(path, family, is_free=True)
    raise FileNotFoundError(missing(known, variant, official))


def missing(family: Family, variant: str, folder: Path) -> str:
    """The sentence for a body model that is not there."""
    name = _names(family, variant)[0]
    return (
        f"The {variant} {family.name} body model is missing: register at {family.site}, download it, "
        f"and put {name} into {folder} (`python -m tool.check_files` lists what is there)."
    )


def read(path: Path, wanted: Iterable[str], optional: Iterable[str] = ()) -> dict[str, np.ndarray]:
    """The arrays of an .npz or .pkl file by their official names; those of `optional` where they are there.

    Nothing in the file is run. Raises ValueError in one sentence where the file is cut off or lacks something.
    """
    content = _Npz(path) if path.suffix == ".npz" else _Pickle(path)
    lacking = [key for key in wanted if key not in content.names]
    if lacking:
        raise ValueError(
            f"{path} lacks {', '.join(lacking)}: it is no body model of this kind; fetch it again."
        )
    return {key: content.array(key) for key in (*wanted, *optional) if key in content.names}


class _Npz:
    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.file = np.load(path, allow_pickle=False)
        except (zipfile.BadZipFile, ValueError, EOFError) as error:
            raise ValueError(_cut_off(path)) from error
        self.names = set(self.file.files)

    def array(self, key: str) -> np.ndarray:
        try:
            return self.file[key]
        except (zipfile.BadZipFile, ValueError, EOFError, zlib.error, OSError) as error:
            raise ValueError(_cut_off(self.path)) from error


class _Pickle:
    def __init__(self, path: Path) -> None:
        content = read_pickle(path)
        if not isinstance(content, dict):
            raise ValueError(f"{path} holds no table of arrays: it is no body model; fetch it again.")
        self.content, self.names = content, set(content)

    def array(self, key: str) -> np.ndarray:
        return as_array(self.content[key])


def _cut_off(path: Path) -> str:
    return f"{path} is cut off or is no .npz file; fetch it again."


def _names(family: Family, variant: str) -> list[str]:
    generic = "generic" if variant == "neutral" else variant
    names = [name.format(gender=variant.upper(), g=variant[0]) for name in family.names]
    return [name.replace("NEUTRAL_model", generic + "_model") for name in names]


def _first(folder: Path, names: Iterable[str]) -> Path | None:
    """The first of the names that a folder has, without regard to case."""
    there = {path.name.lower(): path for path in folder.glob("*")} if folder.is_dir() else {}
    return next((there[name.lower()] for name in names if name.lower() in there), None)


def _named(file: Path, folder: Path, family: Family) -> Path:
    for path in (folder / file, paths.found(file)):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"{folder / file} is missing: register at {family.site}, download it, and put it there "
        "(`python -m tool.check_files` lists what is there)."
    )


@cache
def _say_once(family: str, variant: str, path: Path) -> None:
    logger.warning(
        "The official %s %s body model is not there; the free body %s is used instead (its numbers are its own).",
        variant, family, path.name,
    )  # fmt: skip


def directions(arrays: dict[str, np.ndarray], betas: int, expression: int, path: Path) -> np.ndarray:
    """(V, 3, betas + expression) from a file's shapedirs, which hold 300 + 100, 10 + 10, or shape alone."""
    every = arrays["shapedirs"]
    every = every[:, :, None] if every.ndim == 2 else every
    start = 300 if every.shape[-1] >= 400 else 10
    shape, face = every[..., : start if expression else None], every[..., start:]
    if betas > shape.shape[-1] or expression > face.shape[-1]:
        raise ValueError(
            f"{path} has {shape.shape[-1]} shape and {face.shape[-1]} expression coefficients, "
            f"{betas} and {expression} were asked for."
        )
    return np.concatenate([shape[..., :betas], face[..., :expression]], -1)


def topology(arrays: dict[str, np.ndarray], source: BodyFile) -> str:
    """What may index the vertices of a file: its own tag, else its family's name."""
    return str(arrays["topology"]) if "topology" in arrays else source.family


def with_kid(arrays: dict[str, np.ndarray], betas: int, source: BodyFile) -> np.ndarray:
    """The directions with one more after the betas, from the adult to the child (AGORA, Patel et al. 2021)."""
    path = source.path.parent / f"{source.family}_kid_template.npy"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: it comes with https://agora.is.tue.mpg.de; put it there."
        )
    child = np.load(path)
    to_child = child - child.mean(0) - arrays["v_template"]
    return np.insert(arrays["shapedirs"], betas, to_child, axis=-1)


def flame_landmarks(source: BodyFile, faces: np.ndarray) -> tuple[Points, Points]:
    """FLAME's 51 landmarks and its contour table, from the two files beside the model."""
    fixed = source.path.parent / "flame_static_embedding.pkl"
    moving = source.path.parent / "flame_dynamic_embedding.npy"
    for path in (fixed, moving):
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is missing: it comes with the PyMAF-X and smplify-x data; put it there."
            )
    tables = read_pickle(fixed), read_object(moving)
    return tuple(
        Points.on_faces(faces, as_array(t["lmk_face_idx"]), as_array(t["lmk_b_coords"])) for t in tables
    )
