"""Any of our data sets to METRO's .tsv format, and several of these to a mixture, in dataset/TSV.

    python -m tool.prepare.tsv set PW3D 3dpw/train.yaml split=train --regressor 3dpw
    python -m tool.prepare.tsv set MSCOCO coco_smpl/train.yaml
    python -m tool.prepare.tsv mix Tax-H36m-coco40k-Muco-UP-Mpii/train.yaml mpii/train.yaml \\
        coco_smpl/train.yaml:40000

The first two write pictures, sizes, labels and line list into a folder beside the yaml; stopped, they go on
where they were, and the yaml is there once all of it is. The last copies nothing: it names what the others
hold, all of it or so many persons, spread over it.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from tqdm import tqdm

from common.joints import SMPL
from common.preprocess.pictures import BrokenPicture, jpeg_size, read_bytes, read_picture
from common.structures import Person
from common.utils.errors import UserError
from common.utils.files import written_beside
from common.utils.paths import DATASET, shown
from data.formats.metro_tsv import FOLDER, read_listing, shown_lines
from data.formats.tsv import Lines, TsvWriter, write_lines
from data.loading.dataset import Dataset
from main.command_line import sentences
from tool.prepare.tsv_labels import Labels, whole_body
from tool.show_dataset import data_set

Array = np.ndarray

KINDS = ("img", "hw", "label")
SETTLED = 500  # persons between two notes of how far it got
HOPELESS = 20  # persons in a row that cannot be used
LOOKED_AT = 200  # persons, to see whether a set has bodies of SMPL


@dataclass
class Progress:
    """How far a set got; what it holds is on disk by then."""

    of: str
    next: int = 0  # the person
    lines: int = 0
    left_out: int = 0
    sizes: tuple[int, ...] = (0,) * len(KINDS)  # bytes of each file

    @classmethod
    def read(cls, path: Path, of: str) -> Progress:
        """What was noted, or the start; UserError where another set was begun there."""
        if not path.is_file():
            return cls(of)
        found = cls(**json.loads(path.read_text()))
        if found.of != of:
            raise UserError(
                f"{shown(path.parent)} holds the beginning of another set, {found.of}; finish that, or "
                "delete it."
            )
        return found


def write_set(dataset: Dataset, path: Path, labels: Labels, of: str = "") -> Progress:
    """Write a data set as `path`, a yaml, and a folder of its name; go on where that was stopped.

    Raises UserError where it is there already, or nobody in a row of persons can be used.
    """
    folder, part = path.with_suffix(""), path.with_suffix(".part")
    if path.suffix != ".yaml":
        raise UserError(f"{shown(path)} is no name of a yaml file; call it {path.name}.yaml.")
    if path.exists() or folder.exists():
        raise UserError(f"{shown(path)} or its folder is there already and is kept; choose another name.")
    part.mkdir(parents=True, exist_ok=True)
    progress = Progress.read(part / "progress.json", of or dataset.name)
    files = [
        TsvWriter(part / f"{kind}.tsv", size, progress.lines)
        for kind, size in zip(KINDS, progress.sizes, strict=True)
    ]
    _write_persons(dataset, files, labels, progress, part / "progress.json")
    for file in files:
        file.close()
    if not progress.lines:
        raise UserError(f"{dataset.name} has nobody who could be written.")
    write_lines(part / "linelist.tsv", ([line] for line in range(progress.lines)))
    (part / "progress.json").unlink()
    os.replace(part, folder)
    names = {kind: f"{folder.name}/{kind}.tsv" for kind in (*KINDS, "linelist")}
    _write_yaml(path, names)
    return progress


def _write_persons(
    dataset: Dataset, files: list[TsvWriter], labels: Labels, progress: Progress, note: Path
) -> None:
    failed = 0
    shown_range = tqdm(range(progress.next, len(dataset)), disable=not sys.stderr.isatty(), leave=False)
    for index in shown_range:
        try:
            name, columns = columns_of(dataset[index], labels)
            for file, column in zip(files, columns, strict=True):
                file.add(name, column)
            progress.lines, failed = progress.lines + 1, 0
        except (ValueError, BrokenPicture) as error:
            progress.left_out, failed = progress.left_out + 1, failed + 1
            tqdm.write(f"person {index} is left out: {error}", file=sys.stderr)
            if failed == HOPELESS:
                raise UserError(
                    f"{HOPELESS} persons in a row cannot be used, the last one: {error}"
                ) from error
        progress.next = index + 1
        if progress.next % SETTLED == 0:
            _settle(files, progress, note)
    _settle(files, progress, note)


def _settle(files: list[TsvWriter], progress: Progress, note: Path) -> None:
    for file in files:
        file.settle()
    progress.sizes = tuple(file.size for file in files)
    with written_beside(note) as temporary:
        temporary.write_text(json.dumps(asdict(progress)))


def columns_of(person: Person, labels: Labels) -> tuple[str, tuple[bytes, str, str]]:
    """A person's key, and what each file says of it; ValueError or BrokenPicture where it cannot be used."""
    encoded, (width, height) = encoded_picture(person)
    size = json.dumps([{"height": height, "width": width}])
    label = json.dumps([labels.of(person)], allow_nan=False)
    return person.name, (base64.b64encode(encoded), size, label)


def encoded_picture(person: Person) -> tuple[bytes, tuple[int, int]]:
    """The picture's file as it lies, or a PNG, and its width and height.

    Those who read the format turn pictures upright, and ours are not: one that would be turned is coded anew.
    """
    if person.image is None:
        raise BrokenPicture(f"{person.name} has no picture.")
    if isinstance(person.image, np.ndarray):
        return _png(person.image), (person.image.shape[1], person.image.shape[0])
    data = person.image if isinstance(person.image, bytes) else read_bytes(Path(person.image), person.name)
    size = jpeg_size(data)
    if size is not None and b"Exif" not in data[:65536]:
        return data, size
    picture = read_picture(data, name=person.name)
    same = np.array_equal(picture, read_picture(data, upright=True, name=person.name))
    return data if same else _png(picture), (picture.shape[1], picture.shape[0])


def _png(picture: Array) -> bytes:
    return cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()


def write_mixture(path: Path, chosen: Sequence[tuple[Path, int | None]]) -> int:
    """Write a composite yaml that shows the persons of others, or so many of each; how many there are."""
    lines = path.with_suffix(".linelist.tsv")
    if path.exists() or lines.exists():
        raise UserError(f"{shown(path)} or its line list is there already and is kept; choose another name.")
    named: dict[str, list[str]] = {kind: [] for kind in KINDS}
    rows = []
    for source, (given, count) in enumerate(chosen):
        found = yaml.safe_load(_present(given).read_text())
        if found.get("composite"):
            raise UserError(f"{shown(given)} is a mixture itself; name the sets that it is made of.")
        for kind in KINDS:
            named[kind].append(os.path.relpath(given.parent / found[kind], path.parent))
        listing = read_listing(given)
        shown_here = shown_lines(listing, [len(Lines(listing.labels[0]))])[:, 1]
        if count is not None:
            places = np.linspace(0, len(shown_here), min(count, len(shown_here)), endpoint=False)
            shown_here = shown_here[places.astype(np.int64)]
        rows += [(source, line) for line in shown_here.tolist()]
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_beside(lines) as temporary:
        write_lines(temporary, rows)
    _write_yaml(path, {"composite": True, **named, "linelist": lines.name})
    return len(rows)


def _write_yaml(path: Path, content: dict[str, Any]) -> None:
    with written_beside(path) as temporary:
        temporary.write_text(yaml.safe_dump(content, sort_keys=False))


def _present(path: Path) -> Path:
    if not path.is_file():
        raise UserError(f"{shown(path)} is missing; make it with `python -m tool.prepare.tsv set`.")
    return path


def with_smpl(dataset: Any) -> Any:
    """A data set that can hand over bodies of several layouts hands over those of SMPL, if it has any.

    Where these are files of their own, which are not there, it says so and gives what it has.
    """
    if not (is_dataclass(dataset) and any(field.name == "body" for field in fields(dataset))):
        return dataset
    asked = replace(dataset, body=SMPL)
    try:
        first = (asked[index] for index in range(min(len(asked), LOOKED_AT)))
        return asked if any(whole_body(person) for person in first) else dataset
    except UserError as error:
        len(dataset)  # it lacks more than that? then this is said
        print(f"Without bodies of SMPL: {error}", file=sys.stderr)
        return dataset


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, default=DATASET / FOLDER, help="where sets of this format lie")
    whats = parser.add_subparsers(dest="what", required=True)
    one = whats.add_parser("set", help="one data set")
    one.add_argument("set", help="a class of data/*.py, such as MPII")
    one.add_argument("yaml", type=Path, help="what is written, below --root")
    one.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="such as split=test interval=5")
    one.add_argument(
        "--regressor", choices=("h36m_correct", "3dpw"), default="h36m_correct", help="of points off meshes"
    )
    mix = whats.add_parser("mix", help="several, which are written already")
    mix.add_argument("yaml", type=Path, help="what is written, below --root")
    mix.add_argument("sets", nargs="+", metavar="YAML[:COUNT]", help="what it is made of, below --root")
    options = parser.parse_args(arguments)
    with sentences():
        path = options.root / options.yaml
        if options.what == "set":
            dataset = with_smpl(data_set(options.set, options.overrides))
            of = " ".join([options.set, *sorted(options.overrides), options.regressor])
            made = write_set(dataset, path, Labels(options.regressor), of)
            print(f"{made.lines} persons of {dataset.name} in {shown(path)}, {made.left_out} left out")
        else:
            count = write_mixture(path, [_counted(options.root, text) for text in options.sets])
            print(f"{count} persons in {shown(path)}")


def _counted(root: Path, text: str) -> tuple[Path, int | None]:
    name, colon, count = text.partition(":")
    if colon and not count.isdigit():
        raise UserError(
            f"'{text}' is not of the form YAML or YAML:COUNT, such as coco_smpl/train.yaml:40000."
        )
    return root / name, int(count) if colon else None


if __name__ == "__main__":
    main()
