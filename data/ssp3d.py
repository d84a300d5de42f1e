"""SSP-3D: sportspeople whose shapes were fitted to many frames at once (Sengupta et al., 2020)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from torch import nn

from common.joints import COCO_17, SMPL, BodyLayout
from common.metrics.keypoint_error import KeypointError
from common.metrics.point_error import PointError
from common.metrics.shapes import RestMesh
from common.metrics.silhouette_iou import SilhouetteIoU
from common.networks.model import Model
from common.preprocess.pictures import read_picture
from common.structures import Person
from common.utils.errors import UserError
from data.formats.humandata import HumanData
from data.formats.npz import Npz
from data.formats.records import Records
from data.formats.records_columns import Record, Row
from data.loading.dataset import Benchmark
from data.on_device.posed_targets import PosedTargets

Array = np.ndarray

PERSONS = 311
FOCAL, SIDE = 5000.0, 512  # pixels: of the lens that the fits were made with, and of the pictures
PADDING, FRAME = 1.2, 256  # published: of the boxes, and the size in which silhouettes are compared
READINGS = ("", "gendered", "silhouettes")
_GENDERS = {"m": "male", "f": "female"}
_KEYS = ("fnames", "shapes", "poses", "joints2D", "cam_trans", "genders", "bbox_centres", "bbox_whs")


class SSP3D(HumanData):
    """The 311 persons as SMPLer-X trains on them."""

    annotations = {"train": "ssp3d_230525_311.npz"}
    images = "SSP3D"
    image_size = (512, 512)
    source = "Get it from https://github.com/akashsengupta1997/SSP-3D; see dataset/README.md."


@dataclass(frozen=True)
class SSP3DSilhouettes(Records):
    """The 311 persons as their authors publish them: SMPL bodies of the person's gender, and silhouettes.

    Bodies are fitted, not measured; silhouettes and key points were found by Mask R-CNN's kin, so a network
    that is fed with them is judged kindly.
    """

    splits = ("test",)
    source: ClassVar[str] = SSP3D.source

    split: str = "test"

    @property
    def folder(self) -> Path:
        """Where it lies: in a folder of its own, or in the one its archive makes."""
        own, archived = self.root / "SSP3D", self.root / "ssp_3d"
        return archived if not (own / "labels.npz").is_file() and archived.is_dir() else own

    def files(self) -> tuple[Path, ...]:
        return (self.folder / "labels.npz",)

    def records(self) -> Iterator[Record]:
        with Npz(self.files()[0]) as file:
            columns = {name: np.asarray(file[name]) for name in _KEYS}
        for row in range(len(columns["fnames"])):
            values = {name: column[row] for name, column in columns.items()}
            yield {
                "image": str(values["fnames"]),
                "gender": _GENDERS[str(values["genders"])],
                "pose": np.reshape(values["poses"], (24, 3)),
                "betas": values["shapes"],
                "translation": values["cam_trans"],
                "joints_2d": values["joints2D"],
                "square_box": [*values["bbox_centres"][::-1], values["bbox_whs"]],  # x, y of the middle, side
            }

    def person(self, row: Row, name: str) -> Person:
        x, y, side = row["square_box"].tolist()
        middle = (SIDE - 1) / 2
        return Person(
            name=name,
            image=self.folder / "images" / row.text("image"),
            box=np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2]),
            joint_set=COCO_17,
            joints_2d=row["joints_2d"] - np.float32([0.5, 0.5, 0.0]),  # 0 is the picture's edge in the file
            body=SMPL,
            pose=row["pose"],
            betas=row["betas"],
            translation=row["translation"],
            gender=row.text("gender"),
            intrinsics=np.array([[FOCAL, 0.0, middle], [0.0, FOCAL, middle], [0.0, 0.0, 1.0]]),
            mask=self._mask(row),
        )

    def silhouette(self, name: str) -> tuple[Array, Array]:
        """The silhouette of the person of a name, (256, 256) bool around the annotated box, and (2, 3): where
        in it a pixel of the picture lies. Whole pixels are cut, stretched at the picture's rim (published).
        """
        row = Row(self.columns, int(self.rows[int(name.rpartition("/")[2])]))
        mask, (x, y, side) = self._mask(row), row["square_box"]
        x0, y0, x1, y1 = cut_corners((float(x), float(y)), float(side) * PADDING)
        cut = mask[y0:y1, x0:x1].astype(np.uint8)
        small = cv2.resize(cut, (FRAME, FRAME), interpolation=cv2.INTER_NEAREST) > 0
        zoom_x, zoom_y = FRAME / cut.shape[1], FRAME / cut.shape[0]
        middle = 0.5  # of the first pixel, from the edge that both count from
        matrix = [
            [zoom_x, 0.0, zoom_x * (middle - x0) - middle],
            [0.0, zoom_y, zoom_y * (middle - y0) - middle],
        ]
        return small, np.array(matrix)

    def _mask(self, row: Row) -> Array:
        """(H, W) bool."""
        return read_picture(self.folder / "silhouettes" / row.text("image"))[..., 0] > 0


def cut_corners(middle: tuple[float, float], side: float) -> tuple[int, int, int, int]:
    """x, y of the middle and a side -> x0, y0, x1, y1 in whole pixels, cut toward zero, not below it."""
    x, y = middle
    corners = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    x0, y0, x1, y1 = (max(int(corner), 0) for corner in corners)
    return x0, y0, x1, y1


def _as_annotated(model: Model, body: BodyLayout) -> nn.Module:
    """Nothing is posed."""
    return nn.Identity()


def benchmark(reading: str = "") -> Benchmark:
    """Shape and silhouette of 311 persons: PVE-T-SC against SMPL of the person's gender, and mIOU.

    reading: of the predicted shape, for the protocol is published twice. "" takes the mesh of the network's
    own body, which is neutral (as the successor of STRAPS measures); "gendered" poses its coefficients on
    SMPL of the person's gender (the helper beside the data set), which suits networks trained for that alone.
    "silhouettes" leaves the shape out, and needs no body of SMPL's: for a network on the free body. Raises
    UserError for any other.
    """
    if reading not in READINGS:
        raise UserError(f"SSP3D has the readings {', '.join(READINGS[1:])} and '', not '{reading}'.")
    seen = (SilhouetteIoU(), KeypointError("joints_2d_pixels", COCO_17, in_picture=True))
    shape = PointError("pve_t_sc", RestMesh(gendered=reading == "gendered"), "scale")
    is_shape_measured = reading != "silhouettes"
    return Benchmark(
        name=f"SSP3D_{reading}" if reading else "SSP3D",
        dataset=SSP3DSilhouettes(),
        metrics=(shape, *seen) if is_shape_measured else seen,
        joint_set=COCO_17,
        body=SMPL,
        count=PERSONS,
        prepare=partial(PosedTargets, gendered=True) if is_shape_measured else _as_annotated,
    )
