"""Data sets whose files are of their own kind: a set reads them as records once, then as columns.

A set says its files, reads them as flat dicts, and turns a row back into a Person:

    class Ours(Records):
        def files(self) -> tuple[Path, ...]:
            return (self.root / "Ours" / f"{self.split}.json",)

        def records(self) -> Iterator[Record]:
            for person in json.loads(self.files()[0].read_text()):
                yield {"image": person["file"], "box": person["xywh"], "pose": person["pose"]}

        def person(self, row: Row, name: str) -> Person:
            return Person(name, self.root / "Ours" / row.text("image"), xyxy(row["box"]), pose=row["pose"])

A record may have any names; of three, more is known: `box` (4,) x, y, width, height, which must not be empty;
`number`, by which the sampling interval counts, the record's place from 1 on if it has none; `image`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from common.structures import Person
from common.utils.errors import UserError, did_you_mean
from common.utils.paths import DATASET, shown
from data.formats.columns import Columns, ColumnsWriter
from data.formats.detections import Detections
from data.formats.flaws import left_out
from data.formats.index import opened_index
from data.formats.opened_late import OpenedLate
from data.formats.records_columns import FLAWS, Record, Row, write_records

Array = np.ndarray


@dataclass(frozen=True)
class Records(OpenedLate, ABC):
    """Persons of files that the set itself knows how to read.

    Records that cannot be used (NaN, lists of a wrong length, an empty box) are named in the log and left
    out in training; a test split that has any is refused, unless `flawed="skip"` says to go on without them,
    as the published loaders do. `as_published` brings back what was wrong with the published loader. Networks
    that look at points and silhouettes are shown those of `detections`, see `formats/detections.py`.
    """

    source: ClassVar[str] = "See dataset/README.md."  # where to get it
    version: ClassVar[int] = 1  # of `records`: another number makes the index anew
    intervals: ClassVar[dict[str, int]] = {}  # of each split, if not 1

    split: str = "train"
    interval: int | None = None  # only records whose number is a multiple of it; None: the set's own
    flawed: Literal["skip", "refuse"] | None = None  # None: skip in training, else refuse
    as_published: bool = False
    root: Path = DATASET
    detections: Path | None = field(default=None, kw_only=True)

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits there are; where a set says none, any is looked for."""
        return ()

    @property
    def variant(self) -> str:
        """The end of an index's name, where a split can be read in more ways than one."""
        return ""

    @abstractmethod
    def files(self) -> tuple[Path, ...]:
        """The files that the records are read from; when one of them changes, they are read again."""

    @abstractmethod
    def records(self) -> Iterator[Record]:
        """All records of the split, whatever the sampling interval."""

    @abstractmethod
    def person(self, row: Row, name: str) -> Person:
        """One record as a Person of the name given; ValueError where it cannot be one."""

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Person:
        self.check_number(index)
        row = int(self.rows[index])
        try:
            person = self.person(Row(self.columns, row), f"{self.name}/{index}")
            return person if self.detections is None else self._detected.seen(person)
        except ValueError as error:
            raise ValueError(f"record {row} of {shown(self.files()[0])}: {error}") from error

    @cached_property
    def columns(self) -> Columns:
        """All records, as columns; UserError in one paragraph where a file, or such a split, is missing."""
        if self.splits and self.split not in self.splits:
            raise UserError(f"{self.name} has no split '{self.split}'{did_you_mean(self.split, self.splits)}")
        files = self.files()
        missing = [shown(path) for path in files if not path.is_file()]
        if missing:
            raise UserError(
                f"{self.name} ({self.split}) is not there: {', '.join(missing)} is missing. {self.source}"
            )
        reader = f"{type(self).__module__}.{type(self).__qualname__} {self.split} {self.version}"
        try:
            return opened_index(
                files, reader, self._write, f"{files[0].name}.{self.name}.{self.split}{self.variant}"
            )
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{self.name} ({self.split}) cannot be read from {shown(files[0])}: {error!r}"
            ) from error

    @cached_property
    def rows(self) -> Array:
        """Which records are shown."""
        interval = self.interval or self.intervals.get(self.split, 1)
        columns = self.columns
        numbers = columns["number"] if "number" in columns else np.arange(1, columns.rows + 1)
        chosen = np.flatnonzero(numbers % interval == 0)
        return left_out(self, shown(self.files()[0]), chosen, columns["flaw"][chosen], FLAWS)

    @cached_property
    def _detected(self) -> Detections:
        assert self.detections is not None
        return Detections(self.detections)

    def _write(self, writer: ColumnsWriter) -> None:
        write_records(writer, self.records())
