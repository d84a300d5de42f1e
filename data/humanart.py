"""Human-Art: people in paintings, statues, cartoons and photographs (Ju et al., 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from common.joints import COCO_17
from data.formats.coco_json import CocoJson


@dataclass(frozen=True)
class HumanArt(CocoJson):
    """Points in the picture alone, the 17 of COCO."""

    annotations = {
        "train": "HumanArt/annotations/training_humanart.json",
        "val": "HumanArt/annotations/validation_humanart.json",
    }
    images = {"train": "", "val": ""}  # file names begin with HumanArt/images
    joint_set = COCO_17
    source = "Ask for it at https://github.com/IDEA-Research/HumanArt; see dataset/README.md."

    def points(self, annotation: dict[str, Any]) -> np.ndarray:
        points = np.reshape(annotation["keypoints"], (-1, 3)).astype(np.float64)
        points[:, 2] = points[:, 2] > 0
        return points
