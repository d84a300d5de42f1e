"""A label file of the SPIN family (`.npz`, a row a person) as columns, whatever of it is known here."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntFlag
from itertools import chain
from pathlib import Path

import numpy as np

from common.joints import SPIN_159
from data.formats.columns import ColumnsWriter
from data.formats.npz import Npz

Array = np.ndarray

READER = "spin npz 1"
_POSES = {
    "pose": 72, "xpose": 72, "global_orient": 3, "left_hand_pose": 45, "right_hand_pose": 45, "jaw_pose": 3,
    "leye_pose": 3, "reye_pose": 3, "lh_global_orient": 3, "rh_global_orient": 3, "fa_global_orient": 3,
    "trans": 3,
}  # fmt: skip
_SHAPES = ("shape", "xshape", "lh_shape", "rh_shape", "fa_shape", "expression")
_FLAGS = ("has_smpl", "valid_fit", "valid_fit_lh", "valid_fit_rh", "valid_fit_fa", "f_pix", "f_pix_pred")
_HANDS = (("lhand", SPIN_159.parts["left_hand"]), ("rhand", SPIN_159.parts["right_hand"]))
_PARTS = (*_HANDS, ("face", SPIN_159.parts["face"]))
PLACES = {  # in the picture, of the 159 points; feet that are annotated take the place of OpenPose's
    "openpose": slice(0, 25), "part": slice(25, 49), "feet_kp2d": slice(19, 25),
    **{f"{name}_kp2d": places for name, places in _PARTS},
    **{f"det_{name}_kp2d": places for name, places in _PARTS},
}  # fmt: skip
PLACES_3D = {"S": slice(25, 49), **{f"{name}_kp3d": places for name, places in _PARTS}}
_ROWS = 2**16  # written at once


class Flaw(IntFlag):
    """What is wrong with a row."""

    NUMBERS = 1
    BOX = 2


FLAWS = {Flaw.NUMBERS: "numbers that are none (NaN)", Flaw.BOX: "an empty box"}


def write_spin(writer: ColumnsWriter, path: Path) -> None:
    """Read a file entry by entry, under its own names; ValueError, naming both, where it is none."""
    with Npz(path) as npz:
        missing = [name for name in ("imgname", "center", "scale") if name not in npz]
        if missing:
            raise ValueError(f"{path} is no label file of the SPIN family: it has no {', '.join(missing)}.")
        for name in ("imgname", "gender"):
            if name in npz:
                rows = chain.from_iterable(np.asarray(part).ravel().tolist() for part in npz.parts(name))
                writer.add_text(name, (_text(row) for row in rows))
        flaws = np.zeros(writer.rows or 0, np.uint8)
        for name, shape, dtype in _wanted(npz):
            _write(writer, npz, name, shape, dtype, flaws)
        if "img_width" in npz and "img_height" in npz:
            sizes = [np.ravel(npz[name]) for name in ("img_width", "img_height")]
            writer.add("image_size", np.stack(sizes, -1), np.int32)
        writer.add("flaw", flaws)


def _wanted(npz: Npz) -> list[tuple[str, tuple[int, ...], type]]:
    """Name, shape of a row and type of each entry that is read."""
    shapes: list[tuple[str, tuple[int, ...], type]] = [
        ("center", (2,), np.float64),
        ("scale", (), np.float64),
    ]
    shapes += [(name, (width,), np.float32) for name, width in _POSES.items()]
    shapes += [(name, (), np.float32) for name in _FLAGS]
    for places, width in ((PLACES, 3), (PLACES_3D, 4)):
        shapes += [(name, (place.stop - place.start, width), np.float32) for name, place in places.items()]
    shapes += [(name, (npz.shape(name)[-1],), np.float32) for name in _SHAPES if name in npz]
    return [entry for entry in shapes if entry[0] in npz]


def _write(
    writer: ColumnsWriter, npz: Npz, name: str, shape: tuple[int, ...], dtype: type, flaws: Array
) -> None:
    """One entry as a column; rows with numbers that are none, or an empty box, are marked."""
    given, size = npz.shape(name), int(np.prod(shape, dtype=np.int64))
    if given[0] != len(flaws) or np.prod(given, dtype=np.int64) != len(flaws) * size:
        raise ValueError(f"'{name}' of {npz.path} is {given}, not {(len(flaws), *shape)}.")

    def parts() -> Iterator[Array]:
        first = 0
        for part in npz.parts(name):
            column = np.asarray(part, dtype).reshape(-1, *shape)
            some = slice(first, first + len(column))
            flaws[some] |= _marked(np.isfinite(column).reshape(len(column), -1).all(1), Flaw.NUMBERS)
            if name == "scale":
                flaws[some] |= _marked(column > 0, Flaw.BOX)
            first += len(column)
            yield column

    writer.add_parts(name, (len(flaws), *shape), dtype, parts())


def _marked(sound: Array, flaw: Flaw) -> Array:
    return np.where(sound, 0, flaw).astype(np.uint8)


def _text(row: str | bytes) -> str:
    return row.decode() if isinstance(row, bytes) else str(row)
