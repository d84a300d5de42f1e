"""Rows of an annotation file, one after the other, into the columns of an index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from data.formats.columns import Columns, ColumnsWriter


def add_rows(writer: ColumnsWriter, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows that all have the same entries: text, or numbers of one shape a name.

    Real numbers are stored in float32, whole ones in int64, truth in bool. Raises ValueError where a row has
    other entries or shapes than the first, naming the row and the entry.
    """
    columns: dict[str, list[Any]] = {}
    for number, row in enumerate(rows):
        if number == 0:
            columns = {name: [] for name in row}
        if row.keys() != columns.keys():
            raise ValueError(f"Row {number} has {', '.join(row)}, the first has {', '.join(columns)}.")
        for name, value in row.items():
            value = value if isinstance(value, str) else _small(value)
            if number and np.shape(value) != np.shape(columns[name][0]):
                raise ValueError(
                    f"Row {number}: '{name}' is of shape {np.shape(value)}, in the first row of "
                    f"{np.shape(columns[name][0])}."
                )
            columns[name].append(value)
    for name, values in columns.items():
        if isinstance(values[0], str):
            writer.add_text(name, values)
        else:
            writer.add(name, np.stack(values))


def row(columns: Columns, place: int) -> dict[str, Any]:
    """One row back: text, and arrays that may be written to."""
    return {
        name: columns.text(name, place)
        if f"{name}/ends" in columns._columns
        else np.array(columns[name][place])
        for name in columns
    }


def _small(value: Any) -> np.ndarray:
    array = np.asarray(value)
    match array.dtype.kind:
        case "f":
            return array.astype(np.float32)
        case "i" | "u":
            return array.astype(np.int64)
        case "b":
            return array
    raise ValueError(f"{value!r} is neither numbers nor text.")
