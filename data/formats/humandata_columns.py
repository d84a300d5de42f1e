"""A HumanData `.npz` file (mmhuman3d) as columns: what can be learnt from, in the form it is read in.

Columns of N rows: `image_path`; `box` (4,) x, y, width, height; `part_boxes` (3, 5) the same and a
confidence, left hand, right hand, face; `joints_2d` (J, 3), `joints_3d` (K, 4); of each body `smplx`, `smpl`,
whichever the file has: `/pose` (P, 3), `/betas`, `/expression`, `/translation`, `/gender`; `image_size`
width, height; `meta/...` other numbers a row; `flaw`, bits of `Flaw`. In `info`: `joints_2d`, `joints_3d`,
the places of the annotated joints among the 144 of SMPL-X (nothing is taught by the 46 further ones that
HumanData has), and `known`, of each body which of its rotations and whether betas and expression are given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntFlag
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from common.joints import SMPL, SMPLX, BodyLayout
from data.formats.columns import ColumnsWriter
from data.formats.npz import Npz

Array = np.ndarray

READER = "humandata 1"
ALL_POINTS, _SMPLX = 190, 144  # joints of the convention 'human_data', the first of which are SMPL-X's own
_POINTS = {  # in the order in which they are preferred (published)
    2: ("keypoints2d", "keypoints2d_smplx", "keypoints2d_smpl", "keypoints2d_original"),
    3: (
        "keypoints3d_cam", "keypoints3d", "keypoints3d_smplx", "keypoints3d_smpl", "keypoints3d_original",
    ),
}  # fmt: skip
_ROWS = 2**16  # bodies written at once
_GENDERS = {"neutral": 0, "n": 0, "female": 1, "f": 1, "male": 2, "m": 2}
PLACES = {  # of the rotations that an entry holds
    SMPLX.name: {
        "global_orient": slice(0, 1), "body_pose": slice(1, 22), "jaw_pose": slice(22, 23),
        "leye_pose": slice(23, 24), "reye_pose": slice(24, 25),
        "left_hand_pose": slice(25, 40), "right_hand_pose": slice(40, 55),
    },
    SMPL.name: {"global_orient": slice(0, 1), "body_pose": slice(1, 24)},
}  # fmt: skip


class Flaw(IntFlag):
    """What is wrong with a row."""

    POINTS_3D = 1  # a coordinate is no number
    POINTS_2D = 2
    BODY = 4
    BOX = 8  # it is empty, or no number


FLAWS = {
    Flaw.POINTS_3D: "3D points that are no numbers",
    Flaw.POINTS_2D: "2D points that are no numbers",
    Flaw.BODY: "body parameters that are no numbers",
    Flaw.BOX: "an empty box",
}


def write_humandata(writer: ColumnsWriter, path: Path) -> None:
    """Read a file part by part; ValueError, naming file and entry, where it is none, or lengths differ."""
    with Npz(path) as npz:
        if "image_path" not in npz:
            raise ValueError(f"{path} is no HumanData file: it has no 'image_path'.")
        for name in ("image_path", "vertices3d_path"):
            if name in npz:
                texts = chain.from_iterable(np.asarray(part).tolist() for part in npz.parts(name))
                writer.add_text(name, (str(text) for text in texts))
        flaws = np.zeros(writer.rows or 0, np.uint8)
        try:
            _write_boxes(writer, npz, flaws)
            for axes in _POINTS:
                _write_points(writer, npz, axes, flaws)
            _write_bodies(writer, npz, flaws)
            _write_meta(writer, npz)
        except ValueError as error:
            raise ValueError(f"{path} cannot be read: {error}") from error
        writer.add("flaw", flaws)


def _write_boxes(writer: ColumnsWriter, npz: Npz, flaws: Array) -> None:
    if "bbox_xywh" in npz:
        box = _boxes(npz, "bbox_xywh", len(flaws))[:, :4]
        writer.add("box", box, _number(box))
        with np.errstate(invalid="ignore"):
            sound = np.isfinite(box).all(1) & (box[:, 2:] > 0).all(1)
        flaws |= _flaw(sound, Flaw.BOX)
    names = ("lhand_bbox_xywh", "rhand_bbox_xywh", "face_bbox_xywh")
    given = [_boxes(npz, name, len(flaws)) if name in npz else None for name in names]
    if given[0] is None or given[1] is None:  # published: hands only where both have boxes
        given[:2] = [None, None]
    if any(part is not None for part in given):
        parts = [np.zeros((len(flaws), 5)) if part is None else _with_confidence(part, 5) for part in given]
        kinds = {_number(part) for part in given if part is not None}
        writer.add("part_boxes", np.stack(parts, 1), kinds.pop() if len(kinds) == 1 else np.float64)


def _boxes(npz: Npz, name: str, rows: int) -> Array:
    """(N, 4) or, with a confidence, (N, 5)."""
    boxes = np.asarray(npz[name])
    if boxes.ndim != 2 or len(boxes) != rows or boxes.shape[1] not in (4, 5):
        raise ValueError(f"'{name}' is {boxes.shape}, not ({rows}, 5).")
    return boxes


def _number(column: Array) -> type:
    """Whole numbers stay whole numbers: the published boxes are cut where theirs are."""
    return np.int64 if np.issubdtype(column.dtype, np.integer) else np.float64


def _with_confidence(column: Array, width: int) -> Array:
    """A column without its last channel gets one of ones."""
    if column.shape[-1] == width:
        return column
    if column.shape[-1] != width - 1:
        raise ValueError(f"something has {column.shape[-1]} numbers where {width} are due.")
    return np.concatenate([column, np.ones_like(column[..., :1])], -1)


def _write_points(writer: ColumnsWriter, npz: Npz, axes: int, flaws: Array) -> None:
    name = next((name for name in _POINTS[axes] if name in npz), None)
    if name is None:
        return
    shape = npz.shape(name)
    if len(shape) != 3 or shape[0] != len(flaws):
        raise ValueError(f"'{name}' is {shape}, not ({len(flaws)}, joints, {axes + 1}).")
    mask = _mask(npz, name, axes, shape[1])
    places = np.flatnonzero(mask)
    chosen = places < _SMPLX
    picked = np.flatnonzero(chosen) if shape[1] == len(places) else places[chosen]
    flaw = Flaw.POINTS_3D if axes == 3 else Flaw.POINTS_2D
    confident = False

    def parts() -> Iterator[Array]:
        nonlocal confident
        first = 0
        for part in npz.parts(name):
            points = _with_confidence(part[:, picked].astype(np.float32), axes + 1)
            flaws[first : first + len(part)] |= _flaw(np.isfinite(points).all((1, 2)), flaw)
            confident = confident or bool((points[..., -1] > 0).any())
            first += len(part)
            yield points

    writer.add_parts(f"joints_{axes}d", (shape[0], len(picked), axes + 1), np.float32, parts())
    writer.info[f"joints_{axes}d"] = places[chosen].tolist()
    writer.info[f"joints_{axes}d_confident"] = confident  # else nobody wrote confidences down


def _mask(npz: Npz, name: str, axes: int, width: int) -> Array:
    """(190,) which joints a column of `width` joints has: all of them, or, compressed, those alone."""
    names = (f"{name}_mask", f"keypoints{axes}d_mask", "mask")
    found = next((mask for mask in names if mask in npz), None)
    mask = np.ones(width, bool) if found is None else np.asarray(npz[found]).ravel() > 0
    convention = str(npz[f"{name}_convention"]) if f"{name}_convention" in npz else "human_data"
    if convention not in ("human_data", "smplx") or len(mask) not in (_SMPLX, ALL_POINTS):
        raise ValueError(
            f"'{name}' has {len(mask)} joints of '{convention}'; convert it to the 190 of 'human_data'."
        )
    if width not in (len(mask), mask.sum()):
        raise ValueError(f"'{name}' has {width} joints, its mask has {mask.sum()} of {len(mask)}.")
    return mask


def _write_bodies(writer: ColumnsWriter, npz: Npz, flaws: Array) -> None:
    """SMPL-X, else SMPL-H in its place; and SMPL. Published: the betas of SMPL-H are another body's."""
    known = {}
    whole = next((name for name in ("smplx", "smplh") if name in npz), None)
    for name, layout in ((whole, SMPLX), ("smpl", SMPL)):
        if name is None or name not in npz:
            continue
        entry = npz[name]
        if not isinstance(entry, Mapping):
            raise ValueError(f"'{name}' is no dict of body parameters.")
        entry = {key: value for key, value in entry.items() if name != "smplh" or "betas" not in key}
        known[layout.name] = _write_body(writer, entry, layout, flaws)
    writer.info["known"] = known


def _write_body(
    writer: ColumnsWriter, entry: Mapping[str, Any], layout: BodyLayout, flaws: Array
) -> list[int]:
    """One body's columns -> (P + 2,) which of its rotations, betas and expression are given."""
    joints, rows = len(layout.joints), len(flaws)
    given = [
        (places, _shaped(entry, name, rows, 3 * (places.stop - places.start)))
        for name, places in PLACES[layout.name].items()
        if name in entry
    ]

    def poses() -> Iterator[Array]:
        for first in range(0, rows, _ROWS):
            some = slice(first, first + _ROWS)
            pose = np.zeros((len(flaws[some]), joints, 3), np.float32)
            for places, rotations in given:
                pose[:, places] = rotations[some].reshape(len(pose), -1, 3)
            flaws[some] |= _flaw(np.isfinite(pose).all((1, 2)), Flaw.BODY)
            yield pose

    writer.add_parts(f"{layout.name}/pose", (rows, joints, 3), np.float32, poses())
    betas = "betas_neutral" if "betas_neutral" in entry else "betas"
    columns = {"betas": betas, "expression": "expression", "translation": "transl"}
    for column, name in columns.items():
        if name in entry:
            numbers = _shaped(entry, name, rows)
            writer.add(f"{layout.name}/{column}", numbers)
            flaws |= _flaw(np.isfinite(numbers).all(1), Flaw.BODY)
    if "gender" in entry:
        writer.add(f"{layout.name}/gender", _genders(entry["gender"], rows))
    known = np.zeros(joints + 2, int)
    for places, _ in given:
        known[places] = 1
    known[-2:] = [betas in entry, "expression" in entry]
    return known.tolist()


def _flaw(sound: Array, flaw: Flaw) -> Array:
    """(N,) bool -> (N,) the flaw's bit where it is false."""
    return np.where(sound, 0, flaw).astype(np.uint8)


def _shaped(entry: Mapping[str, Any], name: str, rows: int, width: int | None = None) -> Array:
    """(N, width) float32; both (N, 21, 3) and (N, 63) are."""
    numbers = np.asarray(entry[name], np.float32)
    if len(numbers) != rows or (width and numbers.size != rows * width):
        raise ValueError(f"'{name}' of its body is {numbers.shape}, not ({rows}, {width or 'any'}).")
    return numbers.reshape(rows, -1)


def _genders(given: Any, rows: int) -> Array:
    """(N,) 0 neutral, 1 female, 2 male."""
    words = [given] * rows if isinstance(given, str) else list(np.asarray(given).ravel().tolist())
    unknown = sorted({str(word) for word in words} - _GENDERS.keys())
    if unknown or len(words) != rows:
        raise ValueError(
            f"{len(words)} genders of {rows}, with unknown ones: {', '.join(unknown) or 'none'}."
        )
    return np.array([_GENDERS[word] for word in words], np.uint8)


def _write_meta(writer: ColumnsWriter, npz: Npz) -> None:
    """Numbers and genders of every row; what else lies in `meta` is not read."""
    rows = writer.rows or 0
    if "meta" not in npz or not isinstance(meta := npz["meta"], Mapping):
        return
    if {"width", "height"} <= meta.keys():
        sizes = [np.asarray(meta[name]).ravel() for name in ("width", "height")]
        writer.add("image_size", np.stack(sizes, -1), np.int32)
    if isinstance(meta.get("gender"), Sequence | np.ndarray) and len(meta["gender"]) == rows:
        writer.add("meta/gender", _genders(meta["gender"], rows))
    for name in meta.keys() - {"width", "height", "gender"}:
        numbers = _numbers(meta[name], rows)
        if numbers is not None:
            writer.add(f"meta/{name}", numbers)


def _numbers(value: Any, rows: int) -> Array | None:
    """A few numbers a row, or None."""
    if not isinstance(value, list | tuple | np.ndarray) or len(value) != rows:
        return None
    try:
        numbers = np.asarray(value)
    except ValueError:
        return None
    return numbers if numbers.dtype.kind in "bif" and numbers.size <= 16 * rows else None
