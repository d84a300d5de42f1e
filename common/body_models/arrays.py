"""What the file of a body model holds: its arrays by their official names, cut to what was asked for."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from common.body_models.files import FAMILIES, BodyFile
from common.utils.unpickle import as_array, read_pickle

EVERY = ("v_template", "f", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table")
KID_SITE = "https://agora.is.tue.mpg.de"


def read_body(
    source: BodyFile, betas: int, expression: int = 0, *, also: Iterable[str] = (), kid: bool = False
) -> dict[str, np.ndarray]:
    """A body model's arrays, and `also` those; "shapedirs" is (V, 3, betas + expression), `kid` adds a beta.

    Raises ValueError in one sentence where the file is cut off, lacks an array or has fewer coefficients,
    and FileNotFoundError where the kid's template is missing.
    """
    arrays = read_arrays(source.path, (*EVERY, *also), optional=("topology",))
    count, known = len(arrays["v_template"]), FAMILIES[source.family].vertices
    if count != known and "topology" not in arrays:
        raise ValueError(
            f"{source.path} has {count} vertices, not the {known} of {source.family}: wrong file."
        )
    arrays["shapedirs"] = _directions(arrays["shapedirs"], betas, expression, source.path)
    if kid:
        arrays["shapedirs"] = np.insert(arrays["shapedirs"], betas, _to_kid(arrays["v_template"], source), -1)
    return arrays


def topology(arrays: dict[str, np.ndarray], source: BodyFile) -> str:
    """What may index the vertices: a file's own tag, else its family's name."""
    return str(arrays["topology"]) if "topology" in arrays else source.family


def read_arrays(path: Path, wanted: Iterable[str], optional: Iterable[str] = ()) -> dict[str, np.ndarray]:
    """The arrays of an .npz or .pkl file by name; those of `optional` where they are there.

    Nothing in the file is run, nothing else in it is read. Raises ValueError in one sentence where the file
    is cut off or lacks one of those wanted.
    """
    content = _Npz(path) if path.suffix == ".npz" else _Pickle(path)
    lacking = [name for name in wanted if name not in content.names]
    if lacking:
        raise ValueError(
            f"{path} lacks {', '.join(lacking)}: it is another kind of file; fetch the right one."
        )
    return {name: content.array(name) for name in (*wanted, *optional) if name in content.names}


class _Npz:
    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.file = np.load(path, allow_pickle=False)
            self.names = set(self.file.files)
        except (zipfile.BadZipFile, ValueError, EOFError, AttributeError) as error:
            raise ValueError(f"{path} is cut off or is no .npz file; fetch it again.") from error

    def array(self, name: str) -> np.ndarray:
        try:
            return self.file[name]
        except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError) as error:
            raise ValueError(
                f"{self.path} is damaged: its array {name} cannot be read; fetch it again."
            ) from error


class _Pickle:
    def __init__(self, path: Path) -> None:
        self.path = path
        content = read_pickle(path)
        if not isinstance(content, dict):
            raise ValueError(
                f"{path} holds no table of arrays: it is another kind of file; fetch the right one."
            )
        self.content, self.names = content, set(content)

    def array(self, name: str) -> np.ndarray:
        try:
            return as_array(self.content[name])
        except ValueError as error:
            raise ValueError(
                f"{self.path} is not read: its array {name} is given as code ({error})."
            ) from error


def _directions(every: np.ndarray, betas: int, expression: int, path: Path) -> np.ndarray:
    """Files hold 300 directions of shape and 100 of expression, 10 and 10, or of shape alone."""
    split = 300 if every.shape[-1] >= 400 else 10
    shape, face = every[..., : split if expression else None], every[..., split:]
    if betas > shape.shape[-1] or expression > face.shape[-1]:
        raise ValueError(
            f"{path} has {shape.shape[-1]} shape and {face.shape[-1]} expression coefficients, "
            f"too few for the {betas} and {expression} asked for."
        )
    return np.concatenate([shape[..., :betas], face[..., :expression]], -1)


def _to_kid(adult: np.ndarray, source: BodyFile) -> np.ndarray:
    """(V, 3) from the adult's mean shape to the child's (Patel et al. 2021), whose center is put at zero."""
    kid = np.load(source.beside(f"{source.family}_kid_template.npy", KID_SITE), allow_pickle=False)
    return kid - kid.mean(0) - adult
