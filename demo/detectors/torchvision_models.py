"""torchvision's detectors: Faster R-CNN, Keypoint R-CNN and Mask R-CNN, with its own weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.error import URLError

import numpy as np
import torch
from torch import nn
from torchvision.models import WeightsEnum, detection
from torchvision.models.detection.roi_heads import paste_masks_in_image

from common.joints import COCO_17
from common.structures import Person
from common.utils.errors import UserError
from demo.detectors import persons
from demo.detectors.blazepose import BlazePose
from demo.detectors.silhouettes import own_pieces

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

    Silhouettes are those of "masks", or read in each person's own box by `mask_by`: "blazepose", or
    "mask_rcnn", which is asked about that box alone; so silhouette and points are one person's. The weights
    come from torchvision's own store and are kept in torch's cache; without `pretrained` they are
    random. Raises UserError where they are neither in the cache nor to be had.
    """

    def __init__(
        self,
        kind: str = "keypoints",
        threshold: float = 0.7,
        pretrained: bool = True,
        mask_by: Literal["blazepose", "mask_rcnn"] | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.kind, self.mask_by = kind, mask_by
        self.threshold = threshold
        self.device = device
        if kind not in KINDS:
            raise UserError(f"torchvision has no detector of '{kind}' here; there are: {', '.join(KINDS)}.")
        self.network = self._network(kind, pretrained).to(device).eval().requires_grad_(False)
        needs_blazepose = kind != "keypoints" or mask_by == "blazepose"
        self.blazepose = BlazePose(device=device) if needs_blazepose else None
        self.mask_network: nn.Module | None = None
        if mask_by == "mask_rcnn" and kind != "masks":
            self.mask_network = self._network("masks", pretrained).to(device).eval().requires_grad_(False)

    def _network(self, kind: str, pretrained: bool) -> nn.Module:
        known = KINDS[kind]
        weights = _weights(known.weights) if pretrained else None
        network = known.build(weights=None, weights_backbone=None)
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
        if self.kind == "keypoints":
            people = [
                Person(f"{name}/{i}", image=image, box=box, joint_set=COCO_17, joints_2d=joints, score=score)
                for i, (box, joints, score) in enumerate(zip(boxes, _joints(found), scores, strict=True))
            ]
        else:
            assert self.blazepose is not None
            with_mask = self.mask_by == "blazepose"
            people = persons.read_inside(self.blazepose, image, name, boxes, with_mask, scores)
        for person, mask in zip(people, self._masks(image, picture, found, boxes), strict=False):
            person.mask = own_pieces(mask, person.joints_2d)
        return people

    def _masks(
        self, image: np.ndarray, picture: torch.Tensor, found: dict[str, np.ndarray], boxes: np.ndarray
    ) -> list[np.ndarray]:
        """(H, W) bool of each person; nothing where nobody was asked, or BlazePose has them already."""
        if self.kind == "masks" and self.mask_by != "blazepose":
            return list(found["masks"][:, 0] > 0.5)
        if self.mask_network is not None:
            inside = torch.from_numpy(found["boxes"]).to(self.device)
            return list(masks_in_boxes(self.mask_network, picture, inside).cpu().numpy())
        if self.kind == "keypoints" and self.blazepose is not None:
            read = persons.read_inside(self.blazepose, image, "", boxes, with_mask=True)
            return [person.mask for person in read]
        return []


def masks_in_boxes(network: nn.Module, picture: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """What torchvision's Mask R-CNN takes for the person in each box (N, 4) of a picture (3, H, W), 0 to 1:
    (N, H, W) bool.
    """
    height, width = picture.shape[1:]
    images, _ = network.transform([picture])
    tall, wide = images.image_sizes[0]
    enlarged = boxes * boxes.new_tensor([wide / width, tall / height] * 2)
    heads = network.roi_heads
    pooled = heads.mask_roi_pool(network.backbone(images.tensors), [enlarged], images.image_sizes)
    chances = heads.mask_predictor(heads.mask_head(pooled))[:, PERSON : PERSON + 1].sigmoid()
    return paste_masks_in_image(chances, boxes, (height, width))[:, 0] > 0.5


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
