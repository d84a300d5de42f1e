"""The labels of METRO's .tsv files, JSON a line, as rows of numbers that are read where they lie."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from enum import IntFlag
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from data.formats.columns import Columns, ColumnsWriter
from data.formats.index import opened_index
from data.formats.tsv import Lines

Array = np.ndarray

READER = "metro labels 1"
GENDERS = {"f": 1, "female": 1, "m": 2, "male": 2}  # others are nobody's: 0
LABEL = np.dtype(
    [
        ("key", "<u4"),  # a checksum
        ("gender", "u1"),
        ("has", "u1", 3),  # points in the picture, points in space, a body
        ("center", "<f8", 2),  # whole pixels are cut by last bits: what decides them is kept as it is
        ("scale", "<f8"),  # sides of the box in 200 pixels
        ("joints_2d", "<f8", (24, 3)),
        ("joints_3d", "<f4", (24, 4)),
        ("pose", "<f4", (24, 3)),
        ("betas", "<f4", 10),
    ]
)
_FLAGS = ("has_2d_joints", "has_3d_joints", "has_smpl")
_ARRAYS = {  # names of a label: ours, and the flag that says whether it is there
    "2d_joints": ("joints_2d", "has_2d_joints"),
    "3d_joints": ("joints_3d", "has_3d_joints"),
    "pose": ("pose", "has_smpl"),
    "betas": ("betas", "has_smpl"),
}
_AT_ONCE = 4096  # labels


class Flaw(IntFlag):
    """What is wrong with a label."""

    NUMBERS = 1
    BOX = 2


FLAWS = {
    Flaw.NUMBERS: "numbers that are none (NaN)",
    Flaw.BOX: "an empty box",
}


def opened_labels(path: Path) -> Columns:
    """Columns `label`, whose bytes are LABEL's, and `flaw`; ValueError naming a line that is broken."""
    listed = path.with_suffix(".lineidx")
    files = [path, listed] if listed.is_file() else [path]
    return opened_index(files, READER, partial(_write, path=path), f"{path.name}.labels")


def labels_of(columns: Columns) -> Array:
    """(N,) of LABEL."""
    return columns["label"].view(LABEL).reshape(-1)


def checksum(key: bytes) -> int:
    """What a picture's and a label's key are compared by."""
    return zlib.crc32(key)


def _write(writer: ColumnsWriter, path: Path) -> None:
    lines, flaws = Lines(path), [np.zeros(0, np.uint8)]

    def parts() -> Iterator[Array]:
        for first in range(0, len(lines), _AT_ONCE):
            count = min(_AT_ONCE, len(lines) - first)
            rows = np.zeros(count, LABEL)
            for place in range(count):
                _fill(rows[place], lines, first + place)
            flaws.append(_flaws(rows))
            yield rows.view(np.uint8).reshape(count, LABEL.itemsize)

    writer.add_parts("label", (len(lines), LABEL.itemsize), np.uint8, parts())
    writer.add("flaw", np.concatenate(flaws))


def _fill(row: Any, lines: Lines, line: int) -> None:
    """One label into its row; ValueError, naming the line, where it is none."""
    try:
        key, text = lines[line][:2]
        label = json.loads(text)[0]
        row["key"] = checksum(key)
        row["gender"] = GENDERS.get(label.get("gender"), 0)
        row["center"], row["scale"] = label["center"], label["scale"]
        row["has"] = [bool(label.get(flag)) for flag in _FLAGS]
        for theirs, (ours, flag) in _ARRAYS.items():
            if theirs in label or label.get(flag):
                row[ours] = np.reshape(label[theirs], row[ours].shape)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise ValueError(f"{lines.named(line)} is no label ({_said(error)}); fetch it again.") from error


def _said(error: Exception) -> str:
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)


def _flaws(rows: Array) -> Array:
    names = ("center", "joints_2d", "joints_3d", "pose", "betas")
    sound = np.isfinite(rows["scale"])
    for name in names:
        sound &= np.isfinite(rows[name]).reshape(len(rows), -1).all(1)
    with np.errstate(invalid="ignore"):
        empty = ~(rows["scale"] > 0)
    return (np.where(sound, 0, Flaw.NUMBERS) | np.where(empty & sound, Flaw.BOX, 0)).astype(np.uint8)
