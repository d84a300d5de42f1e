"""Data sets in the .tsv format of METRO and Mesh Graphormer ("human_mesh_tsv"), which SMPLer reads.

    class PW3DTSV(MetroTsv):
        annotations = {"train": "3dpw/train.yaml", "test": "3dpw/test_has_gender.yaml"}   # in dataset/TSV

A yaml names files of pictures (base64) and of labels, both with a line a person, and a list of the lines that
are shown; a composite one names several of each. `python -m tool.prepare.tsv` writes them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from os.path import normpath
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import yaml

from common.geometry.crop import square_box
from common.joints import SMPL, SPIN_24
from common.preprocess.pictures import read_picture
from common.structures import Person
from common.utils.errors import UserError, did_you_mean
from common.utils.paths import DATASET, shown
from data.formats.columns import ColumnsWriter
from data.formats.flaws import left_out
from data.formats.index import opened_index
from data.formats.metro_labels import FLAWS, checksum, labels_of, opened_labels
from data.formats.opened_late import OpenedLate
from data.formats.tsv import Lines, numbers

Array = np.ndarray

FOLDER = "TSV"  # of all sets of this format
BOX_SIDE = 200.0  # pixels, of scale 1
FILLED = 1.2  # the box's side by the longer one of the person
_GENDERS = ("neutral", "female", "male")


@dataclass(frozen=True)
class Listing:
    """What a yaml says, as paths."""

    images: tuple[Path, ...]
    labels: tuple[Path, ...]
    lines: Path | None  # those that are shown: a line, or a source and its line; None: all
    composite: bool

    @property
    def files(self) -> tuple[Path, ...]:
        return (*self.images, *self.labels, *([self.lines] if self.lines else []))


@dataclass(frozen=True)
class MetroTsv(OpenedLate):
    """Persons of a yaml, in the order of its line list.

    The box is square and is what SMPLer sees of a picture (`padding` None); a network whose view has another
    shape wants the person's own box, of which `padding=1.0` gives the square hull. Published: points in the
    picture count by their confidence even where the label says that there are none (`has_2d_joints` 0), which
    `as_published` brings back.
    """

    annotations: ClassVar[Mapping[str, str]] = {}  # the yaml of each split, in dataset/TSV
    source: ClassVar[str] = "See dataset/README.md."  # where to get it

    split: str = "train"
    interval: int = 1  # every so many persons, from the first on
    flawed: Literal["skip", "refuse"] | None = None  # None: skip in training, else refuse
    as_published: bool = False
    padding: float | None = None
    file: str | None = None  # a yaml in place of the split's own
    root: Path = DATASET

    def __len__(self) -> int:
        return len(self._shown)

    def __getitem__(self, index: int) -> Person:
        self.check_number(index)
        source, line = self._shown[index].tolist()
        label = self._labels[source][line]
        points, points_3d, body = (bool(has) for has in label["has"])
        side = BOX_SIDE * float(label["scale"]) / (1 if self.padding is None else FILLED)
        return Person(
            name=f"{self.name}/{index}",
            image=self._picture(source, line, int(label["key"])),
            box=square_box(label["center"], side),
            padding=self.padding,
            joint_set=SPIN_24,
            joints_2d=label["joints_2d"] if points or self.as_published else None,
            joints_3d=label["joints_3d"] if points_3d else None,
            body=SMPL if body else None,
            pose=label["pose"] if body else None,
            betas=label["betas"] if body else None,
            gender=_GENDERS[int(label["gender"])],
        )

    @cached_property
    def listing(self) -> Listing:
        """The files; UserError in one paragraph where one, or such a split, is missing."""
        if self.split not in self.annotations and self.file is None:
            known = did_you_mean(self.split, self.annotations)
            raise UserError(f"{self.name} has no split '{self.split}'{known}")
        path = self._path
        listing = read_listing(path) if path.is_file() else None
        missing = [shown(file) for file in (listing.files if listing else [path]) if not file.is_file()]
        if missing:
            raise UserError(
                f"{self.name} ({self.split}) is not there: {', '.join(missing)} is missing. {self.source}"
            )
        assert listing is not None
        return listing

    @cached_property
    def _sources(self) -> tuple[tuple[Any, Lines], ...]:
        """Labels and pictures of each source; UserError where one cannot be read."""
        try:
            return tuple(map(_opened, self.listing.labels, self.listing.images))
        except ValueError as error:
            raise UserError(f"{self.name} ({self.split}) cannot be read: {error}") from error

    @cached_property
    def _labels(self) -> tuple[Array, ...]:
        return tuple(labels_of(columns) for columns, _ in self._sources)

    @cached_property
    def _keyed(self) -> tuple[bool, ...]:
        """Whether pictures and labels of a source have the same keys, as far as the first line tells."""
        return tuple(
            checksum(lines[0][0]) == labels[0]["key"]
            for labels, (_, lines) in zip(self._labels, self._sources, strict=True)
        )

    @cached_property
    def _shown(self) -> Array:
        """(N, 2) source and line of every person."""
        lengths = [len(labels) for labels in self._labels]
        try:
            chosen = shown_lines(self.listing, lengths)[:: self.interval]
        except ValueError as error:
            raise UserError(f"{self.name} ({self.split}) cannot be read: {error}") from error
        flaws = np.zeros(len(chosen), np.uint8)
        for source, (columns, _) in enumerate(self._sources):
            if columns["flaw"].any():
                rows = np.flatnonzero(chosen[:, 0] == source)
                flaws[rows] = columns["flaw"][chosen[rows, 1]]
        places = left_out(self, shown(self._path), np.arange(len(chosen)), flaws, FLAWS)
        return chosen if len(places) == len(chosen) else chosen[places]

    @property
    def _path(self) -> Path:
        return self.root / FOLDER / (self.file or self.annotations[self.split])

    def _picture(self, source: int, line: int, key: int) -> Array:
        """(H, W, 3) uint8 RGB, upright; ValueError, naming file and line, where it cannot be used."""
        lines = self._sources[source][1]
        columns = lines[line]
        if len(columns) < 2:
            raise ValueError(f"{lines.named(line)} is broken: it has no picture; fetch it again.")
        if self._keyed[source] and checksum(columns[0]) != key:
            labels = self.listing.labels[source].name
            raise ValueError(
                f"{lines.named(line)} is the picture '{columns[0].decode(errors='replace')[:80]}', not that "
                f"of the same line of {labels}; both must come from one download."
            )
        try:
            encoded = base64.b64decode(columns[-1], validate=True)
        except binascii.Error as error:
            raise ValueError(
                f"{lines.named(line)} is broken, no base64 ({error}); fetch it again."
            ) from error
        return read_picture(encoded, upright=True, name=lines.named(line))


def read_listing(path: Path) -> Listing:
    """The files that a yaml names, from its own folder on; UserError where it is none."""
    try:
        given = yaml.safe_load(path.read_text())
        listing = _listing(given, path.parent)
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        where = getattr(error, "problem_mark", None)
        place = f", line {where.line + 1}" if where else ""
        reason = f"it says no {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]
        raise UserError(f"{shown(path)}{place} does not name pictures and labels: {reason}.") from error
    if len(listing.images) != len(listing.labels):
        raise UserError(
            f"{shown(path)} names {len(listing.images)} files of pictures, {len(listing.labels)} of labels."
        )
    return listing


def _listing(given: Mapping[str, Any], folder: Path) -> Listing:
    composite = bool(given.get("composite"))
    lines = given["linelist"] if composite else given.get("linelist")
    images, labels = (tuple(_paths(given[name], folder, composite)) for name in ("img", "label"))
    return Listing(images, labels, None if lines is None else folder / lines, composite)


def _paths(named: str | list[str], folder: Path, composite: bool) -> Iterator[Path]:
    """One file, a list of them, or, in a composite yaml, a text file that lists them."""
    if isinstance(named, str) and composite:
        named = (folder / named).read_text().split()
    for name in [named] if isinstance(named, str) else named:
        yield Path(normpath(folder / name))


def shown_lines(listing: Listing, lengths: list[int]) -> Array:
    """(N, 2) source and line, memory-mapped where listed; ValueError naming a line that is out of bounds."""
    path = listing.lines
    if path is None:
        return np.stack([np.zeros(lengths[0], np.int64), np.arange(lengths[0])], 1)

    def write(writer: ColumnsWriter) -> None:
        table = numbers(path, 2 if listing.composite else 1)
        writer.add("chosen", table if listing.composite else np.insert(table, 0, 0, 1))

    chosen = opened_index([path], f"metro lines 1 {listing.composite}", write)["chosen"]
    limits = np.append(lengths, 0)  # a source that is none has no lines
    wrong = np.flatnonzero(chosen[:, 1] >= limits[np.minimum(chosen[:, 0], len(lengths))])
    if len(wrong):
        place = int(wrong[0])
        source, line = chosen[place].tolist()
        raise ValueError(
            f"line {place + 1} of {shown(path)} asks for row {line} of source {source}, but the "
            f"{len(lengths)} sources have {', '.join(map(str, lengths))} rows."
        )
    return chosen


def _opened(labels: Path, images: Path) -> tuple[Any, Lines]:
    columns, lines = opened_labels(labels), Lines(images)
    if len(lines) != columns.rows:
        raise ValueError(
            f"{shown(labels)} has {columns.rows} lines and {shown(images)} {len(lines)}; both must come from "
            "one download."
        )
    return columns, lines
