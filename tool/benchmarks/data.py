"""How fast data sets are read: an index of many rows, records from it, pictures.

    python -m tool.benchmarks.data --rows 4500000 --folder FOLDER    # as many as SMPLer-X trains on; 20 GB

Bars: a set that is indexed opens in under 2 s; a worker that reads it has at most 200 MB of its own, whatever
the number of rows, and makes 20,000 records a second; pictures come at least twice as fast as by the
published way, which decodes and converts whole pictures to float32 before it cuts them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import pickle
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np

from common.geometry.crop import around, padded
from common.preprocess.augment import Augment, Chance
from common.preprocess.views import cut
from common.structures import Person, View
from common.utils.timing import milliseconds
from data.formats.humandata import ANNOTATIONS, HumanData

Array = np.ndarray
Rows = list[tuple[str, str]]

JOINTS, PART, RECORDS = 25, 2**16, 20_000
VIEW = View((512, 384), padding=1.2)
BODY = {"global_orient": (3,), "body_pose": (21, 3), "left_hand_pose": (15, 3), "right_hand_pose": (15, 3),
        "jaw_pose": (3,), "betas": (10,), "expression": (10,), "transl": (3,)}  # fmt: skip


class Synthetic(HumanData):
    """As many rows as asked for, all of noise."""

    annotations: ClassVar = {"train": "synthetic.npz"}
    images = "pictures"


def write_humandata(path: Path, rows: int) -> None:
    """A HumanData file of noise, compressed key points and a SMPL-X body a row, written part by part."""
    dice = np.random.default_rng(0)
    noise = {name: dice.random((PART, *shape), np.float32) for name, shape in BODY.items()}
    mask = np.arange(190) < JOINTS
    whole = {
        "__keypoints_compressed__": np.array(True),
        "keypoints2d_smplx_mask": mask,
        "keypoints3d_smplx_mask": mask,
        "meta": np.array({"height": np.full(rows, 1080), "width": np.full(rows, 1920)}),
    }
    body = {name: np.resize(part, (rows, *part.shape[1:])) for name, part in noise.items()}
    columns: dict[str, Array] = {
        "bbox_xywh": np.array([[300.0, 200, 400, 600, 1]]),
        "lhand_bbox_xywh": np.array([[300.0, 200, 40, 60, 1]]),
        "rhand_bbox_xywh": np.array([[500.0, 200, 40, 60, 1]]),
        "face_bbox_xywh": np.array([[400.0, 200, 40, 60, 1]]),
        "keypoints2d_smplx": 900 * dice.random((PART, JOINTS, 3), np.float32),
        "keypoints3d_smplx": dice.random((PART, JOINTS, 4), np.float32),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", allowZip64=True) as archive:
        for name, value in whole.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, value)
        with archive.open("smplx.npy", "w", force_zip64=True) as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
            pickle.dump(np.array(body), file, protocol=4)
        for name, part in columns.items():
            _write_repeated(archive, name, part, rows)
        names = (
            np.array([f"sequence_{row // 1000:05}/{row:08}.jpg" for row in some]) for some in _parts(rows)
        )
        _write_column(archive, "image_path", (rows,), np.dtype("<U27"), names)


def _write_repeated(archive: zipfile.ZipFile, name: str, part: Array, rows: int) -> None:
    repeated = np.resize(part, (PART, *part.shape[1:]))
    parts = (repeated[: len(some)] for some in _parts(rows))
    _write_column(archive, name, (rows, *part.shape[1:]), part.dtype, parts)


def _write_column(
    archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: np.dtype, parts: Iterator[Array]
) -> None:
    head = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        np.lib.format.write_array_header_1_0(file, head)
        for part in parts:
            file.write(np.ascontiguousarray(part, dtype).tobytes())


def _parts(rows: int) -> Iterator[range]:
    return (range(first, min(first + PART, rows)) for first in range(0, rows, PART))


def private_memory() -> float:
    """MB that belong to this process alone (Linux; elsewhere not a number).

    Pages of a mapped file are not among them, although only one process may have looked at some: they are the
    system's, which drops them when it needs the place.
    """
    try:
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    except OSError:
        return float("nan")
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")) / 1024


def open_rows(root: Path) -> float:
    """Seconds from nothing to the last record, in a process that has not seen the set."""
    start = time.perf_counter()
    dataset = Synthetic(root=root)
    dataset[len(dataset) - 1]
    return time.perf_counter() - start


def read_rows(dataset: Synthetic, records: int, seed: int) -> tuple[float, float]:
    """In a worker: records a second (processor time), and the private MB that it holds after them."""
    chosen = np.random.default_rng(seed).integers(0, len(dataset), records).tolist()
    rates = []
    for some in np.array_split(chosen, 5):
        start = time.process_time()
        for index in some.tolist():
            dataset[index]
        rates.append(len(some) / (time.process_time() - start))
    return max(rates), private_memory()


def measure_rows(folder: Path, rows: int) -> Rows:
    """Open, read and weigh an index of so many rows; the file is made where it is not there."""
    path = folder / ANNOTATIONS / "synthetic.npz"
    if not path.exists():
        write_humandata(path, rows)
    start = time.perf_counter()
    len(Synthetic(root=folder))
    seconds = time.perf_counter() - start
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        opened = pool.apply(open_rows, (folder,))
    dataset = Synthetic(root=folder)
    len(dataset)
    workers = 2  # begun as a loader's on Linux are: with all that this process has, until they change it
    with multiprocessing.Pool(workers) as pool:
        results = pool.starmap(read_rows, [(dataset, RECORDS, seed) for seed in range(workers)])
    rates, private = zip(*results, strict=True)
    what = f"{rows:,} rows, {path.stat().st_size / 2**30:.1f} GB"
    return [
        (f"index {what}, once", f"{seconds:.0f} s"),
        (f"open {what}, indexed", f"{opened:.3f} s"),
        ("records at random, a second and core", f"{min(rates):,.0f}"),
        (f"private memory of a worker that read {RECORDS:,}", f"{max(private):.0f} MB"),
    ]


def published_way(path: Path, box: Array, chance: Chance) -> Array:
    """A crop as the published loaders come by it: decode all, convert all to float32, mirror all, cut."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    picture = picture[:, :, ::-1].copy().astype(np.float32)
    if chance.flipped:
        picture = picture[:, ::-1].copy()
    width = picture.shape[1] if chance.flipped else None
    matrix = around(padded(box, 0.75, 1.2), VIEW.size, chance.scale, chance.angle, width)
    pixels = cv2.warpAffine(picture, matrix, VIEW.size[::-1], flags=cv2.INTER_LINEAR)
    pixels = np.clip(pixels * np.array(chance.color, np.float32), 0, 255)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)) / np.float32(255)


def measure_pictures(folder: Path, count: int = 12) -> Rows:
    """Crops of a 1920 x 1080 JPEG picture, by the published way and by ours, at random boxes."""
    dice = np.random.default_rng(0)
    smooth = cv2.resize(
        dice.integers(0, 255, (68, 120, 3), np.uint8), (1920, 1080), interpolation=cv2.INTER_CUBIC
    )
    grain = np.clip(smooth + dice.normal(0, 4, smooth.shape), 0, 255).astype(np.uint8)
    path = folder / "picture.jpg"
    cv2.imwrite(str(path), grain, [cv2.IMWRITE_JPEG_QUALITY, 90])
    rows = []
    for how, augment in (("as it is", None), ("augmented", Augment())):
        taken = {"published way": 0.0, "ours": 0.0, "ours, reduced decoding": 0.0}
        differences = []
        for _ in range(count):
            height = dice.uniform(300, 1000)
            sides = np.array([height * dice.uniform(0.3, 0.7), height])
            corner = dice.uniform(0, 1, 2) * ((1920, 1080) - sides)
            box = np.concatenate([corner, corner + sides])
            chance = augment.draw(_Draws(dice)) if augment else Chance()
            person, reduced = Person("one", image=path, box=box), replace(chance, reduced=True)
            taken["published way"] += milliseconds(lambda b=box, c=chance: published_way(path, b, c), 5)
            taken["ours"] += milliseconds(lambda p=person, c=chance: cut(p, VIEW, c), 5)
            taken["ours, reduced decoding"] += milliseconds(lambda p=person, c=reduced: cut(p, VIEW, c), 5)
            ours = cut(person, VIEW, chance)[0].numpy()
            differences.append(255 * np.abs(ours - published_way(path, box, chance)).max())
        for name, total in taken.items():
            ratio = taken["published way"] / total
            rows.append(
                (f"a crop of a 1920 x 1080 JPEG, {how}: {name}", f"{total / count:.1f} ms ({ratio:.1f}x)")
            )
        rows.append(
            (f"largest difference of ours from the published way, {how}", f"{max(differences):.2f} of 255")
        )
    return rows


class _Draws:
    """A numpy generator as `Augment` draws from it."""

    def __init__(self, dice: np.random.Generator) -> None:
        self.normal, self.uniform = dice.normal, dice.uniform


def measure(rows: int = 100_000, folder: Path | None = None) -> Rows:
    """Rows of what and figure."""
    cv2.setNumThreads(0)
    place = Path(tempfile.mkdtemp(dir=folder))
    try:
        return measure_rows(place, rows) + measure_pictures(place)
    finally:
        shutil.rmtree(place)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000, help="persons in the file that is made (100000)")
    parser.add_argument(
        "--folder", type=Path, help="where it is made: 3.6 GB a million rows; the system's own"
    )
    options = parser.parse_args(arguments)
    for what, figure in measure(options.rows, options.folder):
        print(f"| {what} | {figure} |", flush=True)


if __name__ == "__main__":
    main()
