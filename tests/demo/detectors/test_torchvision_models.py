"""torchvision's detectors with random weights: what goes in and out, and the sentence when offline."""

from __future__ import annotations

from urllib.error import URLError

import numpy as np
import pytest
import torch
from drawn import drawn_people
from torch import nn
from torchvision.models import WeightsEnum

from common.joints import BLAZEPOSE_33, COCO_17
from common.utils.errors import UserError
from demo.detectors.torchvision_models import TorchvisionDetector, masks_in_boxes

PICTURE = drawn_people(160, 160, [(80, 150)], 140)
BOX = [40.0, 8.0, 120.0, 152.0]


class Answers(nn.Module):
    """In place of a network: a dog, an unsure person, a person."""

    def forward(self, pictures: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
        assert pictures[0].shape == (3, 160, 160) and pictures[0].min() >= 0 and pictures[0].max() <= 1
        keypoints = torch.full((3, 17, 3), 50.5)
        return [
            {
                "boxes": torch.tensor([BOX] * 3),
                "labels": torch.tensor([18, 1, 1]),
                "scores": torch.tensor([0.99, 0.2, 0.9]),
                "masks": torch.ones(3, 1, 160, 160),
                "keypoints": keypoints,
                "keypoints_scores": torch.zeros(3, 17),
            }
        ]


def test_with_random_weights_the_network_runs():
    detector = TorchvisionDetector("boxes", pretrained=False, threshold=0.99)
    detector.network.transform.min_size = (128,)  # of its own accord it would enlarge the picture to 800
    assert isinstance(detector(PICTURE, "x"), list)


@pytest.fixture()
def answering(monkeypatch):
    def make(kind: str) -> TorchvisionDetector:
        monkeypatch.setattr(TorchvisionDetector, "_network", lambda self, kind, pretrained: Answers())
        return TorchvisionDetector(kind)

    return make


def test_only_sure_persons_count_and_their_points_are_in_the_pixels_of_the_house(answering):
    (person,) = answering("keypoints")(PICTURE, "x")
    assert person.name == "x/0" and person.joint_set is COCO_17 and person.score == pytest.approx(0.9)
    np.testing.assert_allclose(person.box, np.array(BOX) - 0.5)
    np.testing.assert_allclose(person.joints_2d[0], [50.0, 50.0, 0.5])


def test_in_the_boxes_of_the_others_key_points_are_read(answering):
    (person,) = answering("masks")(PICTURE, "x")
    assert person.joint_set is BLAZEPOSE_33 and person.joints_2d[:, 2].mean() > 0.5
    assert person.mask.dtype == bool and person.mask.shape == (160, 160)


def test_without_network_one_sentence_says_which_file_is_missing_and_where(monkeypatch, tmp_path):
    def refuse(self, *_, **__):
        raise URLError("no route")

    monkeypatch.setattr(WeightsEnum, "get_state_dict", refuse)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(
        UserError, match=r"checkpoints.keypointrcnn.*\.pth and cannot be downloaded.*https://"
    ):
        TorchvisionDetector()


def test_an_unknown_kind_is_refused_with_what_there_is():
    with pytest.raises(UserError, match="boxes, keypoints, masks"):
        TorchvisionDetector("faces", pretrained=False)


def test_silhouettes_are_read_in_the_boxes_of_those_whose_points_are_read(answering, monkeypatch):
    (alone,) = answering("keypoints")(PICTURE, "x")
    assert alone.mask is None
    monkeypatch.setattr(TorchvisionDetector, "_network", lambda self, kind, pretrained: Answers())
    (person,) = TorchvisionDetector("keypoints", mask_by="blazepose")(PICTURE, "x")
    assert person.joint_set is COCO_17 and person.mask.shape == (160, 160) and person.mask.any()
    (person,) = TorchvisionDetector("boxes", mask_by="blazepose")(PICTURE, "x")
    assert person.joint_set is BLAZEPOSE_33 and person.mask.any()


def test_mask_rcnn_looks_into_given_boxes_alone():
    detector = TorchvisionDetector("masks", pretrained=False)
    network = detector.network
    network.transform.min_size = (128,)
    boxes = torch.tensor([BOX, [60.0, 60.0, 100.0, 120.0]])
    with torch.inference_mode():
        network.roi_heads.mask_predictor.mask_fcn_logits.bias.fill_(100.0)  # a person everywhere
        masks = masks_in_boxes(network, torch.rand(3, 160, 160), boxes)
    assert masks.shape == (2, 160, 160) and masks.dtype == torch.bool
    for mask, box in zip(masks, boxes, strict=True):
        rows, columns = mask.nonzero().unbind(1)
        found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert torch.allclose(torch.stack(found).float(), box, atol=2)
