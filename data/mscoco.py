"""MS COCO with the points of COCO-WholeBody (Jin et al., 2020), fitted by NeuralAnnot (Moon et al., 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from common.joints import SMPLX
from data.formats.coco_json import COCO_134, CocoJson, whole_body_points
from data.formats.records_columns import Record


@dataclass(frozen=True)
class MSCOCO(CocoJson):
    """Train, where crowds and the unlabelled are left out, and val, which has everybody and no fits.

    Its folder is MSCOCO or coco. The fits are those of MSCOCO_train_SMPLX_all_NeuralAnnot.json, else of the
    older MSCOCO_train_SMPLX.json; those of SMPL bodies are in MSCOCO_train_SMPL_NeuralAnnot.json.
    """

    annotations = {split: f"coco_wholebody_{split}_v1.0.json" for split in ("train", "val")}
    joint_set = COCO_134
    source = "Get it from https://cocodataset.org; see dataset/README.md."
    fit_files: ClassVar[tuple[str, ...]] = (
        "MSCOCO_train_SMPLX_all_NeuralAnnot.json",
        "MSCOCO_train_SMPLX.json",
    )

    @property
    def images(self) -> dict[str, str]:  # type: ignore[override]
        """The folder of each split's pictures."""
        return {split: f"{self._folder}/images/{split}2017" for split in self.annotations}

    @property
    def _folder(self) -> str:
        return next((name for name in ("MSCOCO", "coco") if (self.root / name).is_dir()), "MSCOCO")

    def files(self) -> tuple[Path, ...]:
        folder = self.root / self._folder / "annotations"
        annotation = folder / self.annotations[self.split]
        if self.split != "train":
            return (annotation,)
        names = self.fit_files if self.body == SMPLX else ("MSCOCO_train_SMPL_NeuralAnnot.json",)
        fits = [folder / name for name in names]
        return annotation, next((path for path in fits if path.is_file()), fits[0])

    def record(self, annotation: dict[str, Any], image: dict[str, Any], fit: Any) -> Record | None:
        if self.split == "train":
            return super().record(annotation, image, fit)
        return super().record(annotation | {"iscrowd": 0, "num_keypoints": None}, image, fit)

    def points(self, annotation: dict[str, Any]) -> np.ndarray:
        return whole_body_points(annotation)
