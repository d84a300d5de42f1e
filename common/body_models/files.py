"""The files of body models: which one is read, and what to do where it is missing."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from common.utils import paths

logger = logging.getLogger(__name__)

Free = Literal[
    "allow", "never", "only"
]  # the free body: where the official file is missing, not at all, always


@dataclass(frozen=True)
class Family:
    """An official body model: where it comes from, and how its files are called."""

    name: str  # its folder below the body-model files, and its topology
    site: str  # where to register
    vertices: int
    names: tuple[
        str, ...
    ]  # of its file, by {gender} or its first letter {g}; the first that is there is read
    variants: tuple[str, ...] = ("neutral", "female", "male")

    def file_names(self, variant: str) -> list[str]:
        """What the file of a gender or a side may be called; small and capital letters are not told apart."""
        return [name.format(gender=variant.upper(), g=variant[0]) for name in self.names]


FAMILIES = {
    "smplx": Family(
        name="smplx",
        site="https://smpl-x.is.tue.mpg.de",
        vertices=10475,
        names=(
            "SMPLX_{gender}.npz", "SMPLX_{gender}.pkl", "SMPLX_{gender}_2020.npz", "SMPLX_{gender}_2020.pkl",
        ),
    ),
    "smpl": Family(
        name="smpl",
        site="https://smpl.is.tue.mpg.de (version 1.0.0 of the neutral one: https://smplify.is.tue.mpg.de)",
        vertices=6890,
        names=(
            "SMPL_{gender}.pkl", "SMPL_{gender}.npz",
            "basicmodel_{g}_lbs_10_207_0_v1.1.0.pkl", "basicmodel_{gender}_lbs_10_207_0_v1.1.0.pkl",
            "basicmodel_{g}_lbs_10_207_0_v1.0.0.pkl", "basicmodel_{gender}_lbs_10_207_0_v1.0.0.pkl",
        ),
    ),
    "mano": Family(
        name="mano",
        site="https://mano.is.tue.mpg.de",
        vertices=778,
        names=("MANO_{gender}.pkl", "MANO_{gender}.npz"),
        variants=("right", "left"),
    ),
    "flame": Family(
        name="flame",
        site="https://flame.is.tue.mpg.de",
        vertices=5023,
        names=("FLAME_{gender}.pkl", "FLAME_{gender}.npz", "{gender}_model.pkl"),
    ),
}  # fmt: skip
GENERIC = ("generic_model.pkl", "flame2023.pkl")  # what FLAME's own downloads call the neutral one


@dataclass(frozen=True)
class BodyFile:
    """A body-model file that is there."""

    path: Path
    family: str
    is_free: bool

    def beside(self, name: str, site: str) -> Path:
        """A file that belongs to it; FileNotFoundError in one sentence where it is missing."""
        path = self.path.parent / name
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing: it comes from {site}; put it there.")
        return path


def find(
    family: str,
    variant: str,
    *,
    folder: str | Path | None = None,
    file: str | Path | None = None,
    free: Free = "allow",
) -> BodyFile:
    """The file of a body model; `variant` is a gender or, for MANO, a side.

    `folder` holds the official files in folders by family, as `paths.human_model_files()` does; `file` is the
    name of one of them, or any path. Where the official file is missing and `free` allows it, the free body
    is taken, which is said once. Raises ValueError for an unknown variant, FileNotFoundError in one sentence.
    """
    known = FAMILIES[family]
    if variant not in known.variants:
        raise ValueError(
            f"There is no '{variant}' {family} body model; there are {', '.join(known.variants)}."
        )
    official = (Path(folder) if folder else paths.human_model_files()) / family
    if file is not None:
        return BodyFile(_named(Path(file), official, known), family, is_free=False)
    if free != "only" and (path := first_of(official, names_of(family, variant))):
        return BodyFile(path, family, is_free=False)
    if free != "never" and (path := first_of(paths.FREE / family, names_of(family, variant))):
        if free == "allow":
            _say_once(family)
        return BodyFile(path, family, is_free=True)
    raise FileNotFoundError(_missing(official / known.file_names(variant)[0], known, f"The {variant} "))


def names_of(family: str, variant: str) -> list[str]:
    """What the file of a gender or a side may be called, in the order in which they are preferred."""
    names = FAMILIES[family].file_names(variant)
    return [*names, *GENERIC] if (family, variant) == ("flame", "neutral") else names


def first_of(folder: Path, names: Iterable[str]) -> Path | None:
    """The first of the names that a folder has, in small or capital letters."""
    there = {path.name.lower(): path for path in folder.glob("*")} if folder.is_dir() else {}
    return next((there[name.lower()] for name in names if name.lower() in there), None)


def _named(file: Path, folder: Path, family: Family) -> Path:
    for path in (folder / file, paths.found(file)):
        if path.is_file():
            return path
    raise FileNotFoundError(_missing(folder / file, family, "A "))


def _missing(path: Path, family: Family, article: str) -> str:
    return (
        f"{article}{family.name} body model is missing: register at {family.site}, download it, and put it "
        f"at {path} (`python -m tool.check_files` lists what is there)."
    )


@cache
def _say_once(family: str) -> None:
    logger.warning(
        "No official %s body model is there, so the free body is used: its shapes and numbers are its own "
        "(`python -m tool.check_files` says more).",
        family,
    )
