"""Records, one flat dict a person, as columns: what is absent becomes no number, what is broken is marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntFlag
from typing import Any, TypeAlias

import numpy as np

from data.formats.columns import Columns, ColumnsWriter

Array = np.ndarray
Record: TypeAlias = Mapping[str, Any]  # text, numbers, or arrays of numbers whose shape is the same in all

_MISSING = -1  # in a column of whole numbers


class Flaw(IntFlag):
    """What is wrong with a record."""

    NUMBERS = 1
    LENGTH = 2
    BOX = 4


FLAWS = {
    Flaw.NUMBERS: "numbers that are none (NaN)",
    Flaw.LENGTH: "lists of another length than the others'",
    Flaw.BOX: "an empty box",
}


class Row:
    """One row of columns by name: an array or a number, None where the record had none."""

    def __init__(self, columns: Columns, row: int) -> None:
        self.columns, self.row = columns, row

    def __getitem__(self, name: str) -> Any:
        column = self.columns.get(name)
        if column is None:
            return None
        value = column[self.row]
        if column.dtype.kind == "f":
            first = value.ravel()[0] if value.size else 0.0
            return None if first != first and np.isnan(value).all() else value
        return None if column.ndim == 1 and value == _MISSING else value

    def text(self, name: str) -> str:
        """A text; empty where the record had none."""
        return self.columns.text(name, self.row) if name in self.columns else ""


def write_records(writer: ColumnsWriter, records: Iterable[Record]) -> None:
    """A column for every name that any record has anything under, and `flaw`.

    Numbers become float32, those of names that end in `box` float64, whole numbers stay whole; a record whose
    array has another shape than the first one's loses it. Absent: NaN, -1 among whole numbers, empty text.
    """
    gathered: dict[str, list[Any]] = {}
    flaws: list[int] = []
    for count, record in enumerate(records):
        flaws.append(0)
        for name in record.keys() - gathered.keys():
            gathered[name] = [None] * count
        for name, values in gathered.items():
            values.append(_compact(record.get(name)))
    writer.rows = len(flaws)
    marks = np.array(flaws, np.uint8)
    for name, values in gathered.items():
        if any(isinstance(value, str) for value in values):
            writer.add_text(name, (value or "" for value in values))
        elif any(value is not None for value in values):
            writer.add(name, _column(name, values, marks))
        values.clear()
    writer.add("flaw", marks)


def _compact(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int | float | np.number):
        return value
    array = np.asarray(value)
    return array.astype(np.float64) if array.dtype.kind not in "iub" else array


def _column(name: str, values: list[Any], flaws: Array) -> Array:
    """(N, ...) of one shape; marks the rows that are flawed."""
    first = next(value for value in values if value is not None)
    shape = np.shape(first)
    wrong = np.array([value is not None and np.shape(value) != shape for value in values])
    flaws |= np.where(wrong, Flaw.LENGTH, 0).astype(np.uint8)
    given = np.array([value is not None for value in values]) & ~wrong
    whole = not shape and all(isinstance(value, int | np.integer) for value in values if value is not None)
    if whole:
        return np.array([_MISSING if value is None else int(value) for value in values], np.int64)
    column = np.full((len(values), *shape), np.nan, np.float64 if name.endswith("box") else np.float32)
    for row in np.flatnonzero(given):
        column[row] = values[row]
    broken = given & ~np.isfinite(column).reshape(len(values), -1).all(1)
    flaws |= np.where(broken, Flaw.NUMBERS, 0).astype(np.uint8)
    if name == "box":
        with np.errstate(invalid="ignore"):
            empty = given & ~(column[:, 2:4] > 0).all(1)
        flaws |= np.where(empty, Flaw.BOX, 0).astype(np.uint8)
    return column
