"""Data sets that come as HumanData `.npz` files: a new one is a file of a few lines.

    class BEDLAM(HumanData):
        annotations = {"train": "bedlam_train.npz"}   # in dataset/preprocessed_datasets; a tuple if several
        images = "BEDLAM/train_images"                # in dataset
        flat_hand = True                              # its hands are given from a flat hand

    BEDLAM("train", interval=5)[42]   # a Person

The first use of a file indexes it (data/formats/index.py); from then on it opens at once and takes next to no
memory, however long it is. What one set alone needs, it does in its own `finish`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from common.joints import SMPLX, BodyLayout
from common.structures import Person
from common.utils.errors import UserError, did_you_mean
from common.utils.paths import DATASET, shown
from data.formats.columns import Columns
from data.formats.humandata_columns import READER, write_humandata
from data.formats.humandata_rows import HumanDataRows
from data.formats.index import opened_index
from data.formats.opened_late import OpenedLate

ANNOTATIONS = "preprocessed_datasets"  # the folder of all HumanData files


@dataclass(frozen=True)
class HumanData(OpenedLate):
    """Persons of one or several HumanData files.

    Rows that cannot be used (points or parameters that are no numbers, an empty box) are named in the log
    and left out in training; a test split that has any is refused, unless `flawed="skip"` says to go on
    without them, as the published loaders do. Published (SMPLer-X): confidences are ignored, eyes do not
    turn, and the eyes among the face's points are exchanged; `as_published` brings that back.
    """

    annotations: ClassVar[Mapping[str, str | tuple[str, ...]]] = {}  # of each split
    images: ClassVar[str] = ""  # the folder that `image_path` starts from
    source: ClassVar[str] = "See dataset/README.md."  # where to get it
    image_size: ClassVar[tuple[int, int] | None] = None  # width, height, where the file does not say
    lens: ClassVar[tuple[float, float, float, float] | None] = None  # focal lengths, principal point, pixels
    flat_hand: ClassVar[bool] = False  # the hands are given from a flat hand
    gendered: ClassVar[bool] = False  # betas are those of the body of the person's own gender
    joints_are_fitted: ClassVar[bool] = True  # annotation and fit are one
    padding: ClassVar[float] = 0.79968  # of 1.25, the view's, makes the published 0.9996: they are padded
    part_aspect: ClassVar[float] = 0.75  # published: hand and face boxes are grown as the body's is
    part_padding: ClassVar[float] = 1.2
    intervals: ClassVar[Mapping[str, int]] = {}  # of each split, if not 1

    split: str = "train"
    interval: int | None = None  # every so many rows of each file, from the first on; None: the set's own
    flawed: Literal["skip", "refuse"] | None = None  # None: skip in training, else refuse
    as_published: bool = False
    file: str | None = None  # in place of the split's own
    body: BodyLayout = SMPLX  # whose parameters are handed over
    root: Path = DATASET

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, index: int) -> Person:
        self.check_number(index)
        place = bisect_right(self._starts, index) - 1
        part = self.parts[place]
        row = part.row(index - self._starts[place])
        person = part.person(row, f"{self.name}/{index}")
        return self.finish(person, part.columns, row)

    def finish(self, person: Person, columns: Columns, row: int) -> Person:
        """What the set alone knows of a person; `columns` and `row` are where it was read."""
        return person

    @cached_property
    def parts(self) -> tuple[HumanDataRows, ...]:
        """The files, opened at first use; UserError where one is missing or is refused."""
        interval = self.interval or self.intervals.get(self.split, 1)
        return tuple(HumanDataRows(self, path, self._opened(path), interval) for path in self.files())

    def files(self) -> tuple[Path, ...]:
        """The annotation files of the split; UserError in one paragraph where one is missing."""
        if self.split not in self.annotations and self.file is None:
            known = did_you_mean(self.split, self.annotations)
            raise UserError(f"{self.name} has no split '{self.split}'{known}")
        names = self.file or self.annotations[self.split]
        folder = self.root / ANNOTATIONS
        paths = tuple(folder / name for name in ((names,) if isinstance(names, str) else names))
        missing = [shown(path) for path in paths if not path.is_file()]
        if missing:
            raise UserError(
                f"{self.name} is not there: {', '.join(missing)} is missing, and its pictures go to "
                f"{shown(self.root / self.images)}. {self.source}"
            )
        return paths

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        """Where each file's persons start, and how many there are in all."""
        return tuple(np.cumsum([0, *(len(part) for part in self.parts)]).tolist())

    def _opened(self, path: Path) -> Columns:
        try:
            return opened_index([path], READER, partial(write_humandata, path=path))
        except ValueError as error:
            raise UserError(f"{self.name} cannot be read: {error}") from error
