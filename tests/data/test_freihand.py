"""FreiHAND's own files: hands, boxes, pictures, and what a network that knows them is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from common.body_models.build import body_model
from common.joints import MANO, MANO_21, RIGHT_HAND_21
from common.structures import Prediction, View, WeakPerspective
from data.freihand import FREIHAND_21, FreiHAND, benchmark
from main.evaluator import evaluate


@pytest.fixture
def root(tmp_path: Path, human_model_files: Path) -> Path:
    """Three hands of the stand-in model, half a meter away."""
    model = body_model(MANO)
    turns = 0.2 * torch.randn(3, 16, 3, generator=torch.Generator().manual_seed(0))
    hand = model(model.params(turns, torch.zeros(3, 10), torch.zeros(3, 0), torch.ones(3, dtype=torch.bool)))
    place = torch.tensor([0.0, 0.0, 0.5])
    order = list(FREIHAND_21.taken_from(MANO_21))
    contents = {
        "K": [[[480.0, 0, 112], [0, 480.0, 112], [0, 0, 1]]] * 3,
        "xyz": (hand.joints[:, order] + place).tolist(),
        "verts": (hand.vertices + place).tolist(),
    }
    folder = tmp_path / "FreiHAND"
    (folder / "evaluation" / "rgb").mkdir(parents=True)
    for kind, content in contents.items():
        (folder / f"evaluation_{kind}.json").write_text(json.dumps(content))
    for number in range(3):
        picture = np.full((224, 224, 3), 40 * number, np.uint8)
        cv2.imwrite(str(folder / "evaluation" / "rgb" / f"{number:08}.jpg"), picture)
    return tmp_path


def test_joints_and_box_lie_on_the_picture_of_the_hand(root):
    dataset = FreiHAND("test", root=root)
    person = dataset[2]
    assert len(dataset) == 3 and person.name == "FreiHAND/evaluation/00000002" and person.image.is_file()
    assert person.vertices.shape == (778, 3) and person.joint_set is FREIHAND_21
    low, high = person.joints_2d[:, :2].min(0), person.joints_2d[:, :2].max(0)
    assert person.part_boxes[:, 4].tolist() == [0, 1, 0]
    assert (person.part_boxes[1, :2] <= low + 1e-9).all() and (person.part_boxes[1, 2:4] >= high - 1e-9).all()
    sides = person.box[2:] - person.box[:2]
    assert sides[0] == pytest.approx(sides[1]) == pytest.approx((high - low).max())


def test_its_joints_are_those_of_the_networks_of_hands():
    assert tuple(name.removeprefix("right_") for name in RIGHT_HAND_21.names[1:]) == FREIHAND_21.names[1:]
    assert sorted(FREIHAND_21.names) == sorted(MANO_21.names)


class Knowing(nn.Module):
    """Says the first hand, whoever it is shown."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.views = {"right_hand": View((224, 224), "right_hand", padding=1.44, sampling="resize_cubic")}
        self.joint_set, self.body_model = RIGHT_HAND_21, body_model(MANO)
        self.scale = nn.Parameter(torch.ones(()))
        self.turns = 0.2 * torch.randn(3, 16, 3, generator=torch.Generator().manual_seed(0))

    def forward(self, inputs):
        count = len(inputs.views["right_hand"])
        flat = torch.ones(count, dtype=torch.bool)
        turns, model = self.turns[:1].expand(count, -1, -1), self.body_model
        params = model.params(turns, torch.zeros(count, 10), torch.zeros(count, 0), flat)
        body = model(params)
        camera = WeakPerspective(torch.ones(count), torch.zeros(count, 2), torch.full((count, 2), 224.0))
        return Prediction(params, body, body.joints, camera)


def test_the_benchmark_measures_from_files_to_numbers(root):
    measured = replace(benchmark(), dataset=FreiHAND("test", root=root), count=3)
    result = evaluate(Knowing(root), measured, batch_size=2)
    first = result.rows["FreiHAND/evaluation/00000000"]
    assert first["pa_mpjpe"] < 0.1 and first["pa_mpvpe"] < 0.1
    assert first["pa_f_5"] == first["pa_f_15"] == 1.0
    assert result.numbers["pa_mpvpe"] > 0.1 and result.numbers["pa_f_15"] >= result.numbers["pa_f_5"]
