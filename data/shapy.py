"""SHAPY's HBW: people whose measured bodies are known, in photographs (Choutas et al., 2022)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from torch import nn

from common.joints import SMPLX, SMPLX_144, BodyLayout
from common.metrics.body_measures import BodyMeasures, StandingMesh
from common.metrics.point_error import PointError
from common.networks.model import Model
from common.structures import Person
from common.utils.errors import UserError
from common.utils.paths import shown
from data.formats.columns import Columns
from data.formats.hbw_submission import HbwSubmission
from data.formats.humandata import HumanData
from data.loading.dataset import Benchmark

VERTICES = 10475


@dataclass(frozen=True)
class SHAPY(HumanData):
    """Each person of the validation split with its true shape: a mesh at rest. The test split has no truth.

    Published: the loader fails on any file.
    """

    annotations = {"val": "shapy_val_230512_705.npz", "test": "shapy_test_230512_1631.npz"}
    images = "SHAPY"
    source = "Register at https://shapy.is.tue.mpg.de; see dataset/README.md."

    split: str = "val"

    def finish(self, person: Person, columns: Columns, row: int) -> Person:
        if self.split != "val":
            return person
        return replace(person, vertices=self._shape(Path(columns.text("image_path", row))))

    def _shape(self, picture: Path) -> np.ndarray:
        """(10475, 3) of the person of HBW/images/val/<person>/...; FileNotFoundError where it is missing."""
        file = self.root / self.images / "HBW" / "smplx" / "val" / f"{_subject(picture)}.npy"
        if not file.is_file():
            raise FileNotFoundError(f"{shown(file)} is missing, the true shape of {picture.name}.")
        mesh = np.load(file, allow_pickle=False).astype(np.float32)
        if mesh.shape != (VERTICES, 3):
            raise ValueError(f"{shown(file)} is {mesh.shape}, not the ({VERTICES}, 3) of a mesh.")
        return mesh

    @cached_property
    def pictures(self) -> dict[str, str]:
        """The last four parts of each picture's path, by the person's name."""
        rows = [part.columns.text("image_path", part.row(i)) for part in self.parts for i in range(len(part))]
        return {f"{self.name}/{i}": "/".join(Path(row).parts[-4:]) for i, row in enumerate(rows)}


def _subject(picture: Path) -> str:
    """001_26_02 of HBW/images/val/001_26_02/Photos_in_the_Wild/00001.png."""
    parts = picture.parts
    if "images" not in parts[:-2]:
        raise ValueError(f"{picture} does not lie in HBW/images/<split>/<person>.")
    return parts[parts.index("images") + 2]


def benchmark(split: str = "val") -> Benchmark:
    """Shapes at rest: vertices, 20 000 points of the skin, height, girths, mass; "test" makes their file."""
    if split not in SHAPY.annotations:
        raise UserError(f"SHAPY is measured on val, or a file for its test is made, not '{split}'.")
    people, is_test = SHAPY(split), split == "test"
    shape = (
        PointError("v2v", StandingMesh()), PointError("p2p_20k", StandingMesh("hd")), BodyMeasures(),
    )  # fmt: skip
    return Benchmark(
        name="SHAPY_test" if is_test else "SHAPY",
        dataset=people,
        metrics=(HbwSubmission(people),) if is_test else shape,
        joint_set=SMPLX_144,
        body=SMPLX,
        count=1631 if is_test else 705,
        prepare=_as_read,
    )


def _as_read(model: Model, body: BodyLayout) -> nn.Module:
    """What is true is in the data set's files; nothing is posed."""
    return nn.Identity()
