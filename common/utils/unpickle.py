"""Pickles of numbers, read without running anything that lies in them."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from scipy.sparse import coo_matrix, csc_matrix, csr_matrix, issparse


class Inert:
    """What stands in a pickle for an object of a class that is not loaded: its class's name and its state."""

    origin = ""

    def __new__(cls, *arguments: Any) -> Inert:
        made = super().__new__(cls)
        made.arguments, made.state = arguments, {}
        return made

    def __setstate__(self, state: Any) -> None:
        self.state = state


def read_pickle(path: str | Path) -> Any:
    """The lists, dicts, numbers, strings and arrays of a pickle, of Python 2 too; text is taken as Latin-1.

    Chumpy arrays and sparse matrices come back as `Inert`, for `as_array` to turn into numbers; neither
    chumpy nor any other package is imported. Raises FileNotFoundError, and ValueError in one sentence where
    the file is cut off, is no pickle, or holds anything that would have to be run.
    """
    path = Path(path)
    with path.open("rb") as file:
        return unpickled(file, path)


def read_object(path: str | Path) -> Any:
    """What `numpy.save` made of a single object that is no array, read as `read_pickle` reads."""
    path = Path(path)
    with path.open("rb") as file:
        return as_array(_objects(file, path)).item()


def read_objects(path: str | Path, name: str) -> np.ndarray:
    """One of the arrays of objects that `numpy.savez` wrote, read as `read_pickle` reads."""
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
            return as_array(_objects(file, path))
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(f"{path} is cut off or holds no array '{name}'; fetch it again.") from error


def _objects(file: BinaryIO | IO[bytes], path: Path) -> Any:
    """What follows the header of a .npy file whose array holds objects."""
    try:
        version = np.lib.format.read_magic(file)
        read_header = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        read_header(file)
    except ValueError as error:
        raise ValueError(f"{path} is cut off or is no .npy file; fetch it again.") from error
    return unpickled(file, path)


def unpickled(file: BinaryIO | IO[bytes], path: str | Path) -> Any:
    """What `read_pickle` reads, from an open file; `path` is what errors call it."""
    try:
        return _Reader(file, encoding="latin1").load()
    except _Refused as error:
        raise ValueError(f"{path} is not read: it holds {error}, which is code and not numbers.") from error
    except Exception as error:  # a broken pickle fails in any way
        raise ValueError(f"{path} is cut off or is no pickle; fetch it again.") from error


def as_array(value: Any) -> np.ndarray:
    """A NumPy array from an array, a number, a list, a chumpy array or a sparse matrix, which is made dense.

    Raises ValueError for a chumpy expression that would have to be computed.
    """
    if not isinstance(value, Inert):
        return value.toarray() if issparse(value) else np.asarray(value)
    if value.origin.startswith("scipy.sparse"):
        return as_sparse(value).toarray()
    state = value.state if isinstance(value.state, dict) else {}
    if "x" in state:  # a plain chumpy array
        return as_array(state["x"])
    if {"a", "idxs"} <= set(state):  # chumpy's Select: some entries of another, in another shape
        picked = as_array(state["a"]).ravel()[as_array(state["idxs"])]
        return picked.reshape(state.get("preferred_shape", picked.shape))
    if {"a", "newshape"} <= set(state):  # chumpy's Reshape
        return as_array(state["a"]).reshape(state["newshape"])
    raise ValueError(f"{value.origin} would have to be run")


def as_sparse(value: Any) -> csr_matrix:
    """A sparse matrix from what `as_array` takes."""
    if not isinstance(value, Inert) or not value.origin.startswith("scipy.sparse"):
        return csr_matrix(value if issparse(value) else as_array(value))
    state, form = value.state, value.origin.rsplit(".", 1)[-1][:3]
    shape = state.get("_shape", state.get("shape"))
    if form in ("csc", "csr"):
        kind = csc_matrix if form == "csc" else csr_matrix
        return kind((state["data"], state["indices"], state["indptr"]), shape).tocsr()
    if form == "coo":
        places = state["coords"] if "coords" in state else (state["row"], state["col"])
        return coo_matrix((state["data"], tuple(places)), shape).tocsr()
    raise ValueError(f"{value.origin} is a format that is not known here")


class _Refused(Exception):
    """A pickle asks for something that is not known to be harmless; the text is its name."""


class _ArrayClass:
    """Stands for numpy.ndarray where a pickle names it."""


def _empty_array(kind: type, shape: tuple[int, ...], code: str | bytes) -> np.ndarray:
    return np.empty(0)  # what it holds follows as its state


def _array_of_bytes(buffer: bytes, dtype: np.dtype, shape: tuple[int, ...], order: str) -> np.ndarray:
    return np.frombuffer(buffer, dtype).reshape(shape, order=order)


def _scalar(dtype: np.dtype, value: bytes) -> Any:
    return np.frombuffer(value, dtype)[0]


def _bytes_of(text: str, encoding: str) -> bytes:
    return text.encode("latin1")


def _of_python_2(kind: type, base: type, state: Any) -> Any:
    if not issubclass(kind, Inert):
        raise _Refused(f"{kind}")
    return kind()


_HARMLESS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _ArrayClass,
    ("numpy", "dtype"): np.dtype,
    ("multiarray", "_reconstruct"): _empty_array,
    ("multiarray", "scalar"): _scalar,
    ("numeric", "_frombuffer"): _array_of_bytes,
    ("_codecs", "encode"): _bytes_of,
    ("copyreg", "_reconstructor"): _of_python_2,
    ("builtins", "object"): object,
    ("builtins", "set"): set,
    ("builtins", "slice"): slice,
    ("collections", "OrderedDict"): dict,
}
_NUMPY_CORES = ("numpy.core.", "numpy._core.")
_PYTHON_2 = {"__builtin__": "builtins", "copy_reg": "copyreg"}


class _Reader(pickle.Unpickler):
    """An unpickler to which every class is a stranger, but for the few that hold numbers."""

    def find_class(self, module: str, name: str) -> Any:
        module = _PYTHON_2.get(module, module)
        for core in _NUMPY_CORES:
            module = module.removeprefix(core)
        if (module, name) in _HARMLESS:
            return _HARMLESS[module, name]
        if module.split(".")[0] == "chumpy" or module.startswith("scipy.sparse"):
            return type(name, (Inert,), {"origin": f"{module}.{name}"})
        raise _Refused(f"{module}.{name}")
