"""AGORA's release to what data/agora.py reads: crops of its 4K renderings, and annotations as json.

    python -m tool.prepare.agora annotations --trust [--folder dataset/AGORA/data]
    python -m tool.prepare.agora crops [--splits train validation test] [--size 512 384] [--workers 8]

The first reads the release's data frames, `{train,validation}_SMPLX/SMPLX/*_withjv.pkl`, which are pickles of
pandas and so run code: say --trust if you fetched them from https://agora.is.tue.mpg.de yourself. It also
writes the bodies' pickles anew without torch. The second cuts every annotated person out of `3840x2160/...`,
beside it in `..._crop`, and goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from common.geometry.crop import around, padded
from common.preprocess.pictures import read_picture
from common.utils.errors import UserError
from common.utils.files import written_beside
from common.utils.paths import DATASET, shown
from data.agora import SIZE
from data.formats.coco_json import read_json
from main.command_line import sentences
from tool.prepare.agora_annotations import write_annotations

Array = np.ndarray

FOLDER = DATASET / "AGORA" / "data"
PADDING = 1.25
ROOTS = ("_fix_betas", "_fix_global_orient_transl", "")  # annotations whose boxes are the same


class Cut(NamedTuple):
    """A crop to make: its path without an ending, and the box x, y, width, height in the rendering."""

    path: Path
    box: tuple[float, ...]


def cuts(folder: Path, split: str) -> dict[Path, list[Cut]]:
    """What is cut out of each rendering; UserError where nothing says who is there."""
    if split == "test":
        table = read_json(_present(folder / "AGORA_test_bbox.json"))
        target = folder / "3840x2160" / "test_crop"
        return {
            folder / "3840x2160" / "test" / name: [
                Cut(target / f"{Path(name).stem}_pid_{place}", tuple(person["bbox"]))
                for place, person in enumerate(persons)
            ]
            for name, persons in table.items()
        }
    names = [folder / f"AGORA_{split}{fix}.json" for fix in ROOTS]
    table = read_json(next((path for path in names if path.is_file()), None) or _present(names[-1]))
    pictures = {image["id"]: folder / image["file_name_3840x2160"] for image in table["images"]}
    found: dict[Path, list[Cut]] = {picture: [] for picture in pictures.values()}
    for person in table["annotations"]:
        picture = pictures[person["image_id"]]
        target = picture.parent.with_name(f"{picture.parent.name}_crop")
        found[picture].append(Cut(target / f"{picture.stem}_ann_id_{person['id']}", tuple(person["bbox"])))
    return found


def widened(box: Sequence[float], size: tuple[int, int]) -> Array | None:
    """x, y, width, height -> x0, y0, x1, y1 inside the rendering, grown to the crop's aspect (published)."""
    x, y, width, height = box
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(SIZE[0] - 1, x0 + max(0, width - 1)), min(SIZE[1] - 1, y0 + max(0, height - 1))
    if not (width * height > 0 and x1 >= x0 and y1 >= y0):
        return None
    whole = all(isinstance(number, int) for number in box)
    corners = np.array([x0, y0, x1, y1], np.int64 if whole else np.float64)
    return padded(corners, size[1] / size[0], PADDING)


def cut_out(job: tuple[Path, list[Cut]], size: tuple[int, int]) -> int:
    """Write the crops of one rendering that are not there yet; how many. `size` is height and width."""
    picture, wanted = job
    wanted = [cut for cut in wanted if not cut.path.with_suffix(".json").is_file()]
    boxes = [(cut, box) for cut in wanted if (box := widened(cut.box, size)) is not None]
    if not boxes:
        return 0
    pixels = read_picture(picture)[:, :, ::-1]
    for cut, box in boxes:
        matrix = around(box, size)
        crop = cv2.warpAffine(pixels, matrix, size[::-1], flags=cv2.INTER_LINEAR)
        with written_beside(cut.path.with_suffix(".png")) as temporary:
            cv2.imwrite(str(temporary), crop)
        x0, y0, x1, y1 = box.tolist()
        note = {
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "img2bb_trans": matrix.astype(float).tolist(),
            "resized_height": size[0],
            "resized_width": size[1],
        }
        with written_beside(cut.path.with_suffix(".json")) as temporary:
            temporary.write_text(json.dumps(note))
    return len(boxes)


def cut_all(folder: Path, splits: Iterable[str], size: tuple[int, int], workers: int) -> Iterator[str]:
    """Cut every rendering of the splits; a sentence a split."""
    for split in splits:
        jobs = cuts(folder, split)
        with ProcessPoolExecutor(workers) as pool:
            made = sum(pool.map(partial(cut_out, size=size), jobs.items(), chunksize=8))
        yield f"{split}: {made} new crops from {len(jobs)} renderings"


def _present(path: Path) -> Path:
    if not path.is_file():
        raise UserError(
            f"{shown(path)} is missing; get AGORA from https://agora.is.tue.mpg.de and run `python -m "
            "tool.prepare.agora annotations --trust` first (dataset/README.md says how it lies)."
        )
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("annotations", "crops"))
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--splits", nargs="+", default=["train", "validation", "test"])
    parser.add_argument("--size", nargs=2, type=int, default=(512, 384), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--trust", action="store_true", help="read pickles of pandas, which may run code")
    options = parser.parse_args(arguments)
    with sentences():
        if options.what == "crops":
            for sentence in cut_all(options.folder, options.splits, tuple(options.size), options.workers):
                print(sentence)
        else:
            for split in set(options.splits) - {"test"}:
                print(write_annotations(options.folder, split, options.trust))


if __name__ == "__main__":
    main()
