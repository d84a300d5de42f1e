"""An `.npz` archive read in parts, its pickled entries without running what lies in them."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from common.utils.unpickle import Inert, as_array, unpickled

Array = np.ndarray

_PART = 2**26  # bytes read at once


class Npz:
    """The entries of an archive by name; whole as `npz[name]`, in parts of rows as `npz.parts(name)`.

    An entry that is no array, such as a dict of arrays, comes back as what it was. Raises FileNotFoundError,
    KeyError, and ValueError, naming file and entry, where the archive is damaged or an entry holds code.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self._zip = zipfile.ZipFile(self.path)
        except zipfile.BadZipFile as error:
            raise ValueError(f"{self.path} is cut short or is no .npz file; fetch it again.") from error
        self.names = tuple(name.removesuffix(".npy") for name in self._zip.namelist())

    def __enter__(self) -> Npz:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an array, without reading it; of a pickled list, its length."""
        with self._entry(name) as file:
            shape, _, dtype = self._header(file, name)
        return np.shape(self[name]) if dtype.hasobject else shape

    def __getitem__(self, name: str) -> Any:
        with self._entry(name) as file:
            shape, in_columns, dtype = self._header(file, name)
            if not dtype.hasobject:
                count = int(np.prod(shape, dtype=np.int64))
                flat = np.frombuffer(self._read(file, count * dtype.itemsize, name), dtype, count)
                return flat.reshape(shape, order="F" if in_columns else "C")
            value = unpickled(cast(BinaryIO, file), f"'{name}' of {self.path}")
        value = as_array(value) if isinstance(value, Inert | np.ndarray) else value
        return value.item() if isinstance(value, np.ndarray) and value.shape == () else value

    def parts(self, name: str) -> Iterator[Array]:
        """An array in parts of rows, some 64 MB each."""
        with self._entry(name) as file:
            shape, in_columns, dtype = self._header(file, name)
            if dtype.hasobject or in_columns or not shape:
                yield np.asarray(self[name])
                return
            width = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
            step = max(_PART // max(width, 1), 1)
            for first in range(0, shape[0], step):
                rows = min(step, shape[0] - first)
                yield np.frombuffer(self._read(file, rows * width, name), dtype).reshape(rows, *shape[1:])

    def _entry(self, name: str) -> Any:
        if name not in self.names:
            raise KeyError(f"{self.path} has no '{name}'; it has {', '.join(self.names)}.")
        return self._zip.open(name + ".npy")

    def _header(self, file: BinaryIO, name: str) -> tuple[tuple[int, ...], bool, np.dtype]:
        formats = np.lib.format
        try:
            first = formats.read_magic(file) == (1, 0)
            return (formats.read_array_header_1_0 if first else formats.read_array_header_2_0)(file)
        except Exception as error:  # a damaged header fails in any way
            raise ValueError(f"'{name}' of {self.path} is damaged; fetch the file again.") from error

    def _read(self, file: BinaryIO, size: int, name: str) -> bytes:
        try:
            data = file.read(size)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise ValueError(
                f"'{name}' of {self.path} is damaged ({error}); fetch the file again."
            ) from error
        if len(data) != size:
            raise ValueError(f"'{name}' of {self.path} is cut short; fetch the file again.")
        return data
