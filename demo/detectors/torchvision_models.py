"""torchvision's detectors: Faster R-CNN, Keypoint R-CNN and Mask R-CNN, with its own weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import numpy as np
import torch
from torch import nn
from torchvision.models import WeightsEnum, detection

from common.joints import COCO_17
from common.structures import Person
from common.utils.errors import UserError
from demo.detectors import persons
from demo.detectors.blazepose import BlazePose

PERSON = 1  # COCO's first category; 0 is the background


@dataclass(frozen=True)
class _Kind:
    build: Callable[..., nn.Module]
    weights: WeightsEnum


KINDS = {
    "boxes": _Kind(
        detection.fasterrcnn_resnet50_fpn_v2, detection.FasterRCNN_ResNet50_FPN_V2_Weights.COCO_V1
    ),
    "keypoints": _Kind(
        detection.keypointrcnn_resnet50_fpn, detection.KeypointRCNN_ResNet50_FPN_Weights.COCO_V1
    ),
    "masks": _Kind(detection.maskrcnn_resnet50_fpn_v2, detection.MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1),
}


class TorchvisionDetector:
    """Persons by one of `KINDS`: "keypoints" gives COCO_17; in the others' boxes BlazePose reads.

    The weights come from torchvision's own store and are kept in torch's cache; without `pretrained` they are
    random. Raises UserError where they are neither in the cache nor to be had.
    """

    def __init__(
        self,
        kind: str = "keypoints",
        threshold: float = 0.7,
        pretrained: bool = True,
        device: torch.device | str = "cpu",
    ) -> None:
        self.kind = kind
        self.threshold = threshold
        self.device = device
        if kind not in KINDS:
            raise UserError(f"torchvision has no detector of '{kind}' here; there are: {', '.join(KINDS)}.")
        self.network = self._network(pretrained).to(device).eval().requires_grad_(False)
        self.blazepose = None if kind == "keypoints" else BlazePose(device=device)

    def _network(self, pretrained: bool) -> nn.Module:
        kind = KINDS[self.kind]
        weights = _weights(kind.weights) if pretrained else None
        network = kind.build(weights=None, weights_backbone=None)
        if weights is not None:
            network.load_state_dict(weights)
        return network

    @torch.inference_mode()
    def __call__(self, image: np.ndarray, name: str) -> list[Person]:
        """(H, W, 3) uint8 RGB -> the persons in it, called name/0, name/1..., the surest first."""
        picture = torch.from_numpy(image).to(self.device).permute(2, 0, 1) / 255
        found = self.network([picture])[0]
        chosen = (found["labels"] == PERSON) & (found["scores"] > self.threshold)
        found = {key: value[chosen].cpu().numpy() for key, value in found.items()}
        boxes = found["boxes"] - 0.5  # 0 is the edge there, the middle of the first pixel here
        scores = found["scores"].tolist()
        if self.blazepose is not None:
            people = persons.read_inside(self.blazepose, image, name, boxes, scores=scores)
        else:
            people = [
                Person(f"{name}/{i}", image=image, box=box, joint_set=COCO_17, joints_2d=joints, score=score)
                for i, (box, joints, score) in enumerate(zip(boxes, _joints(found), scores, strict=True))
            ]
        for person, mask in zip(people, found.get("masks", ()), strict=False):
            person.mask = mask[0] > 0.5
        return people


def _joints(found: dict[str, np.ndarray]) -> np.ndarray:
    """(N, 17, 3) x, y, confidence; the network's scores are logits."""
    confidence = 1 / (1 + np.exp(-found["keypoints_scores"]))
    return np.concatenate([found["keypoints"][..., :2] - 0.5, confidence[..., None]], -1).astype(np.float32)


def _weights(weights: WeightsEnum) -> dict[str, torch.Tensor]:
    """The published weights, downloaded where they are not in torch's cache."""
    file = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rsplit("/", 1)[-1]
    try:
        return dict(weights.get_state_dict(progress=True, check_hash=True, weights_only=True))
    except (URLError, OSError) as error:
        raise UserError(
            f"The weights of torchvision's detector are not in {file} and cannot be downloaded ({error}); "
            f"fetch {weights.url} and put it there, or leave --detector out."
        ) from error
