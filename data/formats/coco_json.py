"""Data sets in the COCO json format, with what lies beside it: body fits, cameras, whole-body key points.

    class MSCOCO(CocoJson):
        annotations = {"train": "MSCOCO/annotations/coco_wholebody_train_v1.0.json"}     # in dataset
        fits = {"train": "MSCOCO/annotations/MSCOCO_train_SMPLX_all_NeuralAnnot.json"}   # by annotation id
        images = {"train": "MSCOCO/images/train2017"}
        joint_set = COCO_134

        def points(self, annotation): return whole_body_points(annotation)

What one set alone needs, it does in its own `record` (what is kept of an annotation, None to leave it out)
or `person`. A record may hold: `image`, `image_size`, `box` x, y, width, height, `whole` (all its numbers are
whole), `part_boxes` (3, 5) the same and a confidence, `parts_whole`, `joints_2d`, `joints_3d`, and the names
of `fitted_body`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from common.geometry.crop import padded, sanitized
from common.joints import COCO_WHOLE_BODY_133, SMPL, SMPLX, BodyLayout, JointSet
from common.structures import Person
from data.formats.records import Records
from data.formats.records_columns import Record, Row

Array = np.ndarray

COCO_134 = JointSet("coco_134", (*COCO_WHOLE_BODY_133.names, "pelvis"), COCO_WHOLE_BODY_133.parts)
_WHOLE_BODY = ("keypoints", "foot_kpts", "face_kpts", "lefthand_kpts", "righthand_kpts")
PART_BOXES = ("lefthand_box", "righthand_box", "face_box")
PART_FLAGS = ("lefthand_valid", "righthand_valid", "face_valid")
FIT_FLAGS = ("lhand_valid", "rhand_valid", "face_valid")


@dataclass(frozen=True)
class CocoJson(Records):
    """Persons of a COCO json file: an annotation each, whose picture and fit are found by their ids."""

    annotations: ClassVar[Mapping[str, str]] = {}  # the json of each split, in the data folder
    fits: ClassVar[Mapping[str, str]] = {}  # {annotation id: {"smplx_param": ..., "cam_param": ...}}
    smpl_fits: ClassVar[Mapping[str, str]] = {}  # the same with "smpl_param", of SMPL bodies
    images: ClassVar[Mapping[str, str]] = {}  # the folder that file names start from
    joint_set: ClassVar[JointSet | None] = None  # of the points
    part_aspect: ClassVar[float] = 0.75

    padding: float = 1.0  # times the view's: OSX has 1.25 in all, SMPLer-X 1.2, which is 0.96 of the view's
    part_padding: float | None = None  # of hand and face boxes, once grown to `part_aspect` (SMPLer-X: 1.2)
    body: BodyLayout = SMPLX  # whose fits are handed over: SMPL-X's, or SMPL's, which are files of their own

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self.annotations)

    @property
    def variant(self) -> str:
        return "" if self.body == SMPLX else f".{self.body.name}"

    def files(self) -> tuple[Path, ...]:
        fits = self.fits if self.body == SMPLX else self.smpl_fits
        names = (self.annotations[self.split], fits.get(self.split))
        return tuple(self.root / name for name in names if name)

    def records(self) -> Iterator[Record]:
        files = self.files()
        whole = read_json(files[0])
        images = {image["id"]: image for image in whole["images"]}
        fits = read_json(files[1]) if len(files) > 1 else {}
        for number, annotation in enumerate(whole["annotations"], start=1):
            fit = fits.get(str(annotation["id"]))
            record = self.record(annotation, images[annotation["image_id"]], fit)
            if record is not None:
                yield {"number": number, **record}

    def record(self, annotation: dict[str, Any], image: dict[str, Any], fit: Any) -> Record | None:
        """What is kept of an annotation; None for one that is left out, as crowds and the unlabelled are."""
        if annotation.get("iscrowd") or annotation.get("num_keypoints") == 0:
            return None
        record = {
            "image": image["file_name"],
            "image_size": (image["width"], image["height"]),
            "joints_2d": self.points(annotation),
            **box_of(annotation["bbox"]),
            **part_boxes_of(annotation),
        }
        return record | (fitted_body(fit, annotation) if fit else {})

    def points(self, annotation: dict[str, Any]) -> Array | None:
        """(J, 3) annotated points of `joint_set`, or None."""
        return None

    def person(self, row: Row, name: str) -> Person:
        size = row["image_size"].tolist()
        lens = row["lens"]
        return Person(
            name=name,
            image=self.root / self.images[self.split] / row.text("image").lstrip("/"),
            box=kept_box(row["box"], bool(row["whole"]), size),
            padding=self.padding,
            part_boxes=self.part_boxes(row, size),
            joint_set=self.joint_set,
            joints_2d=row["joints_2d"],
            joints_3d=row["joints_3d"],
            body=None if row["pose"] is None else self.body,
            pose=row["pose"],
            betas=row["betas"],
            expression=row["expression"],
            translation=row["translation"],
            known=row["known"],
            intrinsics=None
            if lens is None
            else np.array([[lens[0], 0, lens[2]], [0, lens[1], lens[3]], [0, 0, 1]]),
        )

    def part_boxes(self, row: Row, size: tuple[float, float]) -> Array | None:
        """(3, 5) x0, y0, x1, y1 and a confidence."""
        given = row["part_boxes"]
        if given is None:
            return None
        boxes = np.zeros((3, 5), np.float32)
        for place, (box, whole) in enumerate(zip(given, row["parts_whole"], strict=True)):
            corners = corners_of(box, bool(whole))
            if self.part_padding is not None and box[4] > 0:
                kept = sanitized(corners, size)
                corners = None if kept is None else padded(kept, self.part_aspect, self.part_padding)
            if box[4] > 0 and corners is not None:
                boxes[place] = [*corners, 1]
        return boxes


def read_json(path: Path) -> Any:
    """What a json file holds; ValueError, naming it, where it is cut short or is none."""
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is cut short or is no json file ({error}); fetch it again.") from error


def box_of(box: list[float], name: str = "") -> Record:
    """A box as a record keeps it. Published: one whose numbers are all whole is padded in whole numbers."""
    return {f"{name}box": box, f"{name}whole": all(isinstance(number, int) for number in box)}


def part_boxes_of(
    annotation: Mapping[str, Any], boxes: tuple[str, ...] = PART_BOXES, flags: tuple[str, ...] = PART_FLAGS
) -> Record:
    """Left hand, right hand, face, where the annotation has them; one whose flag is unset is absent."""
    if not any(name in annotation for name in boxes):
        return {}
    given = [
        annotation.get(name) if annotation.get(flag, True) else None
        for name, flag in zip(boxes, flags, strict=True)
    ]
    rows = [[*box, 1.0] if box is not None else [0.0] * 5 for box in given]
    return {"part_boxes": rows, "parts_whole": [box is not None and box_of(box)["whole"] for box in given]}


def corners_of(box: Array, whole: bool = False) -> Array:
    """x, y, width, height -> x0, y0, x1, y1, in whole numbers if they were."""
    x, y, width, height = box[:4].tolist()
    return np.array([x, y, x + width, y + height]).astype(np.int64 if whole else np.float64)


def kept_box(box: Array, whole: bool, size: tuple[float, float]) -> Array:
    """x0, y0, x1, y1 inside a picture of (width, height), as published; ValueError where nothing is left."""
    kept = sanitized(corners_of(box, whole), size)
    if kept is None:
        raise ValueError(f"its box {box.tolist()} (x, y, width, height) lies outside its picture, {size}.")
    return kept


def whole_body_points(annotation: Mapping[str, Any]) -> Array:
    """(134, 3) COCO-WholeBody points and the pelvis between the hips; confidence 0 or 1.

    Published (Hand4Whole): where the root of a hand or the tip of the nose was not annotated, the body's
    wrist or nose stands for it.
    """
    points = np.concatenate([np.reshape(annotation[name], (-1, 3)) for name in _WHOLE_BODY]).astype(
        np.float64
    )
    points[:, 2] = points[:, 2] > 0
    place = COCO_134.index
    hips = points[[place("left_hip"), place("right_hip")]]
    pelvis = np.append(hips[:, :2].mean(0), hips[:, 2].prod())
    for empty, twin in (
        ("left_hand_root", "left_wrist"),
        ("right_hand_root", "right_wrist"),
        ("nose_bridge_4", "nose"),
    ):
        if points[place(empty), 2] == 0:
            points[place(empty)] = points[place(twin)]
    return np.concatenate([points, pelvis[None]])


def fitted_body(fit: Mapping[str, Any], annotation: Mapping[str, Any] = {}) -> Record:
    """A SMPL-X fit of the Hand4Whole family as the names of a record; what is not valid is zero, and unknown.

    fit: `smplx_param` (root_pose, body_pose, shape, trans, and, if it has them, lhand_pose, rhand_pose,
    jaw_pose, expr and flags such as lhand_valid) and `cam_param` (focal, princpt); or the former alone. Flags
    that a fit lacks are the annotation's. One of SMPL is its `smpl_param` (pose, shape, trans), all of it
    valid.
    """
    given = fit.get("smpl_param", fit.get("smplx_param", fit))
    lens = fit.get("cam_param")
    if "pose" in given:
        return {
            "pose": np.reshape(given["pose"], (len(SMPL.joints), 3)),
            "betas": given["shape"],
            "translation": given.get("trans"),
            "lens": None if lens is None else [*lens["focal"], *lens["princpt"]],
        }
    flags = {
        flag: bool(given.get(flag, annotation.get(other, True)))
        for flag, other in zip(FIT_FLAGS, PART_FLAGS, strict=True)
    }
    face = flags["face_valid"] and "jaw_pose" in given and "expr" in given
    pose, known = np.zeros((55, 3)), np.zeros(57)
    parts = {
        "root_pose": (slice(0, 1), True),
        "body_pose": (slice(1, 22), True),
        "jaw_pose": (slice(22, 23), face),
        "lhand_pose": (slice(25, 40), flags["lhand_valid"]),
        "rhand_pose": (slice(40, 55), flags["rhand_valid"]),
    }
    for name, (places, valid) in parts.items():
        if valid and given.get(name) is not None:
            pose[places], known[places] = np.reshape(given[name], (-1, 3)), 1
    known[55:] = [1, face]
    return {
        "pose": pose,
        "known": known,
        "betas": given["shape"],
        "expression": given["expr"] if face else None,
        "translation": given.get("trans"),
        "lens": None if lens is None else [*lens["focal"], *lens["princpt"]],
    }
