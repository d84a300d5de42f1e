"""Rows of a data set that cannot be used: named, counted, and left out or a reason to stop."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Literal, Protocol

import numpy as np

from common.utils.errors import UserError

Array = np.ndarray

_NAMED = 5  # rows that a sentence names


class _DataSet(Protocol):
    name: str
    split: str
    flawed: Literal["skip", "refuse"] | None


def left_out(dataset: _DataSet, file: str, rows: Array, flaws: Array, texts: Mapping[int, str]) -> Array:
    """(N,) rows of a file -> those that `flaws` (N,), bits with a text each, says nothing against.

    What is left out is said in the log, by number. Where the data set says to refuse, as all splits but those
    for training do by default, UserError.
    """
    if not flaws.any():
        return rows
    found = {text: rows[(flaws & bit) > 0] for bit, text in texts.items()}
    said = "; ".join(f"{len(some)} have {text} ({_named(some)})" for text, some in found.items() if len(some))
    said = f"of {len(rows)} rows of {file}, {said}"
    if (dataset.flawed or ("skip" if dataset.split == "train" else "refuse")) == "refuse":
        raise UserError(
            f"{dataset.name} ({dataset.split}) is not whole: {said}; put the file right, or set "
            "flawed='skip' to leave them out, as the published loaders do."
        )
    logging.getLogger(__name__).warning("%s (%s) leaves rows out: %s.", dataset.name, dataset.split, said)
    return rows[flaws == 0]


def _named(rows: Array) -> str:
    return f"row{'s' * (len(rows) > 1)} {', '.join(map(str, rows[:_NAMED]))}" + ", ..." * (len(rows) > _NAMED)
