"""Files of tab-separated columns with a person a line: read, and written, by the bytes that lines begin at.

Beside every `X.tsv` may lie a `X.lineidx`, the first byte of each line as a decimal number (METRO). It is
kept as an index of numbers (data/formats/index.py), made from the file itself where there is none.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from common.utils.paths import shown
from data.formats.columns import ColumnsWriter
from data.formats.index import opened_index

Array = np.ndarray

READER = "tsv lines 1"
_CHUNK = 2**24  # bytes of a file that are looked through at once


class Lines(Sequence[list[bytes]]):
    """The lines of a file as lists of columns; nothing but those asked for is read.

    Threads and processes, forked ones too, may share it. Raises FileNotFoundError where the file is missing,
    and ValueError, naming file and line, where its `.lineidx` is not that of the file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.offsets: Array = line_offsets(self.path)

    def __reduce__(self) -> tuple[Any, ...]:
        return Lines, (self.path,)

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, line: int) -> list[bytes]:  # type: ignore[override]
        """The columns of one line, without the spaces around them; IndexError past the last."""
        if not 0 <= line < len(self):
            raise IndexError(f"{shown(self.path)} has {len(self)} lines, not one numbered {line + 1}.")
        start = int(self.offsets[line])
        end = self._bytes.find(b"\n", start)
        return [column.strip() for column in self._bytes[start : end if end >= 0 else None].split(b"\t")]

    def named(self, line: int) -> str:
        """A line as a user finds it, counted from 1."""
        return f"line {line + 1} of {shown(self.path)}"

    @cached_property
    def _bytes(self) -> mmap.mmap:
        with self.path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def line_offsets(path: Path) -> Array:
    """(N,) int64, memory-mapped: where each line begins; raises as `Lines` does."""
    listed = path.with_suffix(".lineidx")
    files = [path, listed] if listed.is_file() else [path]

    def write(writer: ColumnsWriter) -> None:
        offsets = numbers(listed)[:, 0] if len(files) > 1 else _found(path)
        _check(offsets, path, listed)
        writer.add("offset", offsets)

    return opened_index(files, READER, write, f"{path.name}.lines")["offset"]


def numbers(path: Path, columns: int = 1) -> Array:
    """(N, columns) int64 of a file of whole numbers; ValueError naming the line that is broken."""
    words = path.read_bytes().split()
    try:
        table = np.array(words or [], dtype="S20").astype(np.int64).reshape(-1, columns)
    except ValueError:
        table = None
    lines = path.read_bytes().splitlines()
    if table is None or len(table) != len(lines):
        for place, line in enumerate(lines, start=1):
            if len(line.split()) != columns or not all(word.isdigit() for word in line.split()):
                raise ValueError(
                    f"line {place} of {shown(path)} is {line[:40]!r}, not {columns} whole number"
                    f"{'s' * (columns > 1)}."
                )
    assert table is not None
    return table


def _found(path: Path) -> Array:
    """Where lines begin, by their ends."""
    starts, base = [np.zeros(min(path.stat().st_size, 1), np.int64)], 0
    with path.open("rb") as file:
        while part := file.read(_CHUNK):
            starts.append(np.flatnonzero(np.frombuffer(part, np.uint8) == 10) + base + 1)
            base += len(part)
    offsets = np.concatenate(starts)
    return offsets[offsets < base]


def _check(offsets: Array, path: Path, listed: Path) -> None:
    size = path.stat().st_size
    wrong = np.flatnonzero((offsets >= size) | (offsets < 0) | (np.diff(offsets, prepend=-1) <= 0))
    if len(wrong):
        place = int(wrong[0])
        raise ValueError(
            f"line {place + 1} of {shown(listed)} says byte {offsets[place]}, which cannot be where a line "
            f"of {path.name} ({size} bytes) begins: copy both anew, or delete it, and it is made again."
        )


class TsvWriter:
    """Appends lines to `X.tsv` and their places to `X.lineidx`; goes on behind the first `size` bytes."""

    def __init__(self, path: Path, size: int = 0, lines: int = 0) -> None:
        self.size, self.lines = size, lines
        self._files = [_cut(path, size), _cut(path.with_suffix(".lineidx"), None)]
        kept = self._files[1].read().split(b"\n")[:lines]
        self._files[1].seek(0)
        self._files[1].truncate()
        self._files[1].write(b"".join(offset + b"\n" for offset in kept))

    def add(self, *columns: str | bytes) -> None:
        """One line; ValueError for a column that holds a tab or an end of a line."""
        cells = [column.encode() if isinstance(column, str) else column for column in columns]
        if any(b"\t" in cell or b"\n" in cell for cell in cells):
            raise ValueError("A column of a .tsv file cannot hold tabs or ends of lines.")
        text = b"\t".join(cells) + b"\n"
        self._files[0].write(text)
        self._files[1].write(b"%d\n" % self.size)
        self.size, self.lines = self.size + len(text), self.lines + 1

    def settle(self) -> None:
        """Force what was written to disk."""
        for file in self._files:
            file.flush()
            os.fsync(file.fileno())

    def close(self) -> None:
        self.settle()
        for file in self._files:
            file.close()


def _cut(path: Path, size: int | None) -> Any:
    file = path.open("r+b" if path.exists() else "w+b")
    if size is not None:
        file.truncate(size)
        file.seek(size)
    return file


def write_lines(path: Path, rows: Iterable[Sequence[int]]) -> None:
    """A file of whole numbers, such as a line list."""
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
