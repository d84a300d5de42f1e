"""The rows of one HumanData file, turned into Persons as a data set wants them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.geometry.crop import padded, sanitized
from common.joints import SMPL, SMPLX, SMPLX_144, JointSet
from common.structures import Person
from common.utils.paths import shown
from data.formats.columns import Columns
from data.formats.flaws import left_out
from data.formats.humandata_columns import FLAWS

if TYPE_CHECKING:
    from data.formats.humandata import HumanData

Array = np.ndarray

LARGEST_BETA = 3.0
GENDERS = ("neutral", "female", "male")
_FACE_EYES = {"left_face_eye": "left_eye", "right_face_eye": "right_eye"}  # WHOLE_BODY_137 has them twice
_EXCHANGED = {"left_face_eye": "right_eye", "right_face_eye": "left_eye"}  # published


class HumanDataRows:
    """Which rows of a file are shown, and each as a Person; UserError where one is refused."""

    def __init__(self, dataset: HumanData, path: Path, columns: Columns, interval: int) -> None:
        self.dataset, self.path, self.columns, self.interval = dataset, path, columns, interval
        self._chosen = _sound_rows(dataset, path, columns, interval)
        self._images = dataset.root / dataset.images
        self._points = _Points(columns, dataset.as_published)
        self._body = _Body(columns, dataset)
        self._sizes = columns.get("image_size")
        lens = dataset.lens
        self._intrinsics = lens and np.array([[lens[0], 0, lens[2]], [0, lens[1], lens[3]], [0, 0, 1.0]])

    def __len__(self) -> int:
        return -(-self.columns.rows // self.interval) if self._chosen is None else len(self._chosen)

    def row(self, index: int) -> int:
        """The row of the file that its person `index` is read from."""
        return index * self.interval if self._chosen is None else int(self._chosen[index])

    def person(self, row: int, name: str) -> Person:
        """One row; ValueError, naming file and row, where its box lies outside its picture."""
        size = self.dataset.image_size if self._sizes is None else tuple(self._sizes[row].tolist())
        return Person(
            name=name,
            image=self._images / self.columns.text("image_path", row).lstrip("/"),
            box=self._box(row, size),
            padding=self.dataset.padding,
            part_boxes=self._part_boxes(row, size),
            joint_set=self._points.joint_set,
            joints_2d=self._points.of("joints_2d", row),
            joints_3d=self._points.of("joints_3d", row),
            joints_are_fitted=self.dataset.joints_are_fitted,
            body=self._body.layout,
            flat_hand=self.dataset.flat_hand,
            intrinsics=self._intrinsics,
            **self._body.of(row),
        )

    def _box(self, row: int, size: tuple[float, float] | None) -> Array | None:
        """x0, y0, x1, y1; published: kept inside the picture."""
        if "box" not in self.columns:
            return None
        box = _corners(self.columns["box"][row])
        kept = box if size is None else sanitized(box, size)
        if kept is None:
            raise ValueError(f"row {row} of {shown(self.path)} has a box {box.tolist()} outside its picture.")
        return kept

    def _part_boxes(self, row: int, size: tuple[float, float] | None) -> Array | None:
        """(3, 5); published: kept inside the picture and padded, or absent."""
        if "part_boxes" not in self.columns:
            return None
        boxes = np.zeros((3, 5), np.float32)
        aspect, padding = self.dataset.part_aspect, self.dataset.part_padding
        for place, given in enumerate(self.columns["part_boxes"][row]):
            corners = _corners(given) if given[4] > 0 else None
            if corners is not None and size is not None:
                corners = sanitized(corners, size)
            if corners is not None:
                boxes[place] = *padded(corners, aspect, padding).tolist(), 1
        return boxes


class _Points:
    """Annotated points of a file: one joint set for its 2D and its 3D points."""

    def __init__(self, columns: Columns, as_published: bool) -> None:
        self.columns = {name: columns[name] for name in ("joints_2d", "joints_3d") if name in columns}
        places = sorted({place for name in self.columns for place in columns.info[name]})
        names = [SMPLX_144.names[place] for place in places]
        eyes = _EXCHANGED if as_published else _FACE_EYES
        eyes = {twin: eye for twin, eye in eyes.items() if eye in names}
        self.joint_set = JointSet("humandata", (*names, *eyes)) if places else None
        wanted = [*places, *(SMPLX_144.index(eye) for eye in eyes.values())]
        self._take = {name: _found(columns.info[name], wanted) for name in self.columns}
        self._confident = {
            name: columns.info[f"{name}_confident"] and not as_published for name in self.columns
        }

    def of(self, name: str, row: int) -> Array | None:
        """(J, 3) or (J, 4), confidence 0 or 1; a file that says 0 everywhere has not said anything."""
        if name not in self.columns:
            return None
        take, there = self._take[name]
        points = self.columns[name][row].take(take, 0)
        points[:, -1] = points[:, -1] > 0 if self._confident[name] else 1
        if there is not None:
            points *= there
        return points


def _found(given: list[int], wanted: list[int]) -> tuple[Array, Array | None]:
    """Where each wanted joint lies among those given, and (J, 1) whether it does; None where all do."""
    place = {joint: number for number, joint in enumerate(given)}
    there = np.array([[joint in place] for joint in wanted], np.float32)
    return np.array([place.get(joint, 0) for joint in wanted]), None if there.all() else there


class _Body:
    """Body parameters of a file, as those of the layout that is asked for.

    An SMPL body is given as an SMPL-X body in the pose of its first 22 joints, and the other way round, its
    betas not known (published).
    """

    def __init__(self, columns: Columns, dataset: HumanData) -> None:
        wanted, known = dataset.body, columns.info["known"]
        name = next((name for name in (wanted.name, SMPLX.name, SMPL.name) if name in known), None)
        self.layout = None if name is None else wanted
        self._same = name == wanted.name
        self._gender = columns.get("meta/gender") if dataset.gendered else columns.get(f"{name}/gender")
        if name is None:
            return
        self._columns = {key: columns.get(f"{name}/{key}") for key in ("pose", "betas", "expression")}
        self._translation = columns.get(f"{name}/translation")
        self._known = np.zeros(len(wanted.joints) + 2, np.float32)
        shared = len(wanted.joints) + 2 if self._same else 22
        self._known[:shared] = known[name][:shared]
        self._shared = shared
        self._still = self._known.copy()
        self._still[-2] = 0
        if dataset.as_published:
            eyes = [place for place, joint in enumerate(wanted.joints.names) if "eyeball" in joint]
            self._known[eyes] = self._still[eyes] = 0
        self._unposed = np.flatnonzero(self._known[:-2] == 0)

    def of(self, row: int) -> dict[str, Array | str | None]:
        """The fields of a Person that say its body."""
        if self.layout is None:
            return {}
        pose = self._columns["pose"][row]
        if not self._same:
            pose = np.concatenate([pose[:22], np.zeros((len(self._known) - 24, 3), np.float32)])
        elif len(self._unposed):
            pose = pose.copy()
            pose[self._unposed] = 0
        betas, expression = self._columns["betas"], self._columns["expression"]
        shape = None if betas is None or not self._same else betas[row]
        return {
            "pose": pose,
            "betas": shape,
            "expression": None if expression is None or not self._same else expression[row],
            "translation": None if self._translation is None else self._translation[row],
            "known": self._known if _is_shape(shape) else self._still,
            "gender": GENDERS[self._gender[row]] if self._gender is not None else GENDERS[0],
        }


def _is_shape(betas: Array | None) -> bool:
    """Whether betas are known: published, neither where all are zero nor where a fit went far astray."""
    return betas is not None and bool(betas.any()) and float(np.abs(betas).max()) <= LARGEST_BETA


def _corners(box: Array) -> Array:
    """x, y, width, height -> x0, y0, x1, y1."""
    x, y, width, height = box[:4].tolist()
    return np.array([x, y, x + width, y + height], box.dtype)


def _sound_rows(dataset: HumanData, path: Path, columns: Columns, interval: int) -> Array | None:
    """The rows to show where some are left out; None where every one is shown."""
    flaws = columns["flaw"][::interval]
    if not flaws.any():
        return None
    rows = np.arange(0, columns.rows, interval, dtype=np.uint32)
    return left_out(dataset, shown(path), rows, flaws, FLAWS)
