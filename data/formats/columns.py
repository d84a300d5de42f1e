"""Columns of numbers and text in one file: written once, then memory-mapped and shared by all processes.

The file is its columns as raw numbers, one after the other, then a JSON footer that says where each lies, the
footer's length, and a magic word; nothing in it can run. A file without its end is no file of columns.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

Array = np.ndarray

_MAGIC = b"COLUMNS1"
_ALIGNED = 64  # bytes
_ENDS = "/ends"  # the column of where each row of a text ends


class Columns(Mapping[str, Array]):
    """The columns of a file, read-only; what is looked at is shared with every process that looks at it.

    `columns["box"]` is a whole column, `columns.text("image", row)` one row of a text column. `rows` is how
    many rows all have, `info` what the writer noted. Pickled, it is its path, opened anew where it arrives.
    Raises ValueError where the file is no file of columns, or lacks its end.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with self.path.open("rb") as file:
            footer = _footer(file, self.path)
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.rows: int = footer["rows"]
        self.info: dict[str, Any] = footer["info"]
        self._columns = {name: self._column(**where) for name, where in footer["columns"].items()}

    def __reduce__(self) -> tuple[Any, ...]:
        return Columns, (self.path,)

    def __getitem__(self, name: str) -> Array:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._columns if not name.endswith(_ENDS))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def text(self, name: str, row: int) -> str:
        """One row of a text column."""
        ends = self._columns[name + _ENDS]
        first = int(ends[row - 1]) if row else 0
        return self._columns[name][first : int(ends[row])].tobytes().decode()

    def _column(self, dtype: str, shape: list[int], offset: int) -> Array:
        count = int(np.prod(shape, dtype=np.int64))
        return np.frombuffer(self._bytes, dtype, count, offset).reshape(shape)


class ColumnsWriter:
    """Writes columns to a new file, one after the other; `close` writes the footer that makes it whole.

    Used as a context, it closes itself where all went well, and leaves an unfinished file where not.
    """

    def __init__(self, path: str | Path) -> None:
        self._file: BinaryIO = Path(path).open("wb")  # noqa: SIM115, it is open as long as the writer
        self._path = Path(path)
        self._columns: dict[str, dict[str, Any]] = {}
        self.rows: int | None = None
        self.info: dict[str, Any] = {}

    def __enter__(self) -> ColumnsWriter:
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self._file.close()

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def add(self, name: str, column: Array, dtype: np.dtype | type | None = None) -> None:
        """A whole column (N, ...)."""
        column = np.asarray(column, dtype)
        self.add_parts(name, column.shape, column.dtype, [column])

    def add_parts(
        self, name: str, shape: Sequence[int], dtype: np.dtype | type, parts: Iterable[Array]
    ) -> None:
        """A column of (N, ...) in parts of rows, which never lie in memory all at once.

        Raises ValueError where it has another number of rows than the columns before, or the parts do.
        """
        self._check(name, shape[0])
        offset, dtype = self._aligned(), np.dtype(dtype)
        written = sum(self._file.write(np.ascontiguousarray(part, dtype).data) for part in parts if part.size)
        if written != int(np.prod(shape, dtype=np.int64)) * dtype.itemsize:
            raise ValueError(f"Column '{name}' of {self._path} has {written} bytes, not those of {shape}.")
        self._columns[name] = {"dtype": dtype.str, "shape": list(shape), "offset": offset}

    def add_text(self, name: str, rows: Iterable[str]) -> None:
        """A column of text, as UTF-8."""
        offset, total, ends, waiting = self._aligned(), 0, [], []
        for row in rows:
            waiting.append(row.encode())
            total += len(waiting[-1])
            ends.append(total)
            if len(waiting) == 65536:
                self._file.write(b"".join(waiting))
                waiting = []
        self._file.write(b"".join(waiting))
        self._columns[name] = {"dtype": "|u1", "shape": [total], "offset": offset}
        self.add(name + _ENDS, np.array(ends, np.int64))

    def close(self) -> None:
        footer = json.dumps({"rows": self.rows or 0, "info": self.info, "columns": self._columns}).encode()
        self._file.write(footer + len(footer).to_bytes(8, "little") + _MAGIC)
        self._file.close()

    def _check(self, name: str, rows: int) -> None:
        if self.rows is None:
            self.rows = rows
        if rows != self.rows:
            raise ValueError(f"Column '{name}' has {rows} rows, those before it have {self.rows}.")

    def _aligned(self) -> int:
        self._file.write(bytes(-self._file.tell() % _ALIGNED))
        return self._file.tell()


def _footer(file: BinaryIO, path: Path) -> dict[str, Any]:
    size = file.seek(0, 2)
    file.seek(max(size - 16, 0))
    tail = file.read()
    if size < 16 or tail[8:] != _MAGIC:
        raise ValueError(f"{path} is no whole file of columns; delete it, and it is made again.")
    length = int.from_bytes(tail[:8], "little")
    file.seek(size - 16 - length)
    return json.loads(file.read(length))
