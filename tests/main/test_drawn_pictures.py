"""What a network sees of some people, with its answer drawn over it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from common.joints import COCO_17
from common.structures import View
from data.loading.dataset import Samples
from main.experiment import Experiment
from main.pictures import picture_of, pictures, save


def test_people_stand_side_by_side_with_their_bodies(toy: Experiment) -> None:
    model = toy.model().eval()
    samples = Samples(toy.train, model, model.joint_set, model.body_model.layout)
    batch = toy.prepare(model, model.body_model.layout)(samples.__getitems__([(0, 0), (1, 1), (2, 2)]))
    with torch.no_grad():
        prediction = model(batch.inputs)
    sheet = pictures(model, batch, prediction, most=2)
    assert sheet.shape == (16, 24, 3) and sheet.dtype == np.uint8
    batch.target.joints_2d[..., 2] = 0
    without_dots = pictures(model, batch, prediction, most=2)
    plain = np.concatenate(
        [picture_of(model.views["body"], view) for view in batch.inputs.views["body"][:2]], 1
    )
    assert (sheet != without_dots).any() and (without_dots != plain).any()


def test_a_photograph_looks_as_it_did() -> None:
    picture = torch.randint(0, 256, (3, 8, 6))
    view = View((8, 6), mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
    mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (view.mean, view.std))
    shown = picture_of(view, (picture / 255 - mean) / std)
    assert np.array_equal(shown, picture.permute(1, 2, 0).numpy())


def test_points_and_silhouettes_are_seen_too() -> None:
    points = torch.zeros(17, 3)
    points[0] = torch.tensor([30.0, 20.0, 1.0])
    points[1] = torch.tensor([float("inf"), 20.0, 1.0])
    shown = picture_of(View((40, 60), content="keypoints", joint_set=COCO_17), points)
    assert shown[20, 30, 0] < 200 < shown[0, 0, 0] and (shown[:10] == shown[0, 0]).all()
    proxy = torch.zeros(18, 40, 60)
    proxy[0, 10:20] = 1
    shown = picture_of(View((40, 60), content="proxy", joint_set=COCO_17), proxy)
    assert shown[15, 5, 0] < shown[30, 5, 0]


def test_a_picture_is_saved_as_its_name_says(tmp_path: Path) -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[..., 0] = 200
    save(tmp_path / "vis" / "red.png", picture)
    assert np.array_equal(cv2.imread(str(tmp_path / "vis" / "red.png"))[..., ::-1], picture)
