"""`output.pkl`: what lies in it is what the demo found, in the published layout."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from common.body_models.build import body_model
from common.body_models.regressors import Regressor
from common.geometry.rotation import matrix_from_axis_angle
from common.joints import COCO_17, MANO, SMPL, SMPLX, SPIN_49, SPIN_159, BodyLayout
from common.networks.model import Model
from common.structures import Body, Inputs, Person, Perspective, Prediction, View
from common.utils.errors import UserError
from demo.exporters.pickled import Pickled
from demo.predict import Found, Predictor

pytestmark = pytest.mark.usefixtures("human_model_files")
MEAN = (0.485, 0.456, 0.406)


class Standing(Model):
    """Says the same turned body to whoever it sees, wherever its own numbers put it."""

    def __init__(self, layout: BodyLayout) -> None:
        super().__init__()
        self.views = {"body": View((224, 224), padding=1.2, sampling="resize_cubic", mean=MEAN)}
        self.joint_set, self.body_model = SPIN_159, body_model(layout)
        self.numbers = torch.nn.Parameter(torch.tensor([0.9, 0.1, -0.05]))

    def read_joints(self, body: Body) -> torch.Tensor:
        return body.vertices[:, : len(SPIN_159)]

    def forward(self, inputs: Inputs) -> Prediction:
        count, layout = len(inputs.views["body"]), self.body_model.layout
        turns = 0.1 * torch.randn(1, len(layout.joints), 3, generator=torch.Generator().manual_seed(0))
        flat = torch.ones(count, dtype=torch.bool)
        betas, expression = torch.zeros(count, layout.betas), torch.zeros(count, layout.expression)
        params = self.body_model.params(turns.expand(count, -1, -1), betas, expression, flat)
        body = self.body_model(params)
        scale, x, y = self.numbers.expand(count, -1).unbind(1)
        both = torch.full((count, 2), 1.0)
        place = torch.stack([x, y, 2 * 5000 / (224 * scale)], 1)
        return Prediction(params, body, self.read_joints(body), Perspective(5000 * both, 112 * both, place))


def people() -> list[Person]:
    image = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    points = np.random.default_rng(1).uniform(20, 200, (17, 3)).astype(np.float32)
    boxes = np.array([[40.5, 20, 160, 200], [150, 30, 300, 220.25]])
    return [
        Person(f"p/{i}", image, box, joint_set=COCO_17, joints_2d=points + i) for i, box in enumerate(boxes)
    ]


def written(layout: BodyLayout, tmp_path: Path) -> tuple[dict, Found]:
    model = Standing(layout)
    found = Predictor(model)(people())
    pickled = Pickled(model)
    pickled.add(found, "clip", 3)
    pickled.add(found, "clip", 4, [7, 9])
    pickled.write(tmp_path / "output.pkl")
    return pickle.loads((tmp_path / "output.pkl").read_bytes()), found


def test_every_entry_has_the_published_shape_and_needs_no_accelerator(tmp_path):
    content, _ = written(SMPLX, tmp_path)
    shapes = {name: value.shape for name, value in content.items() if isinstance(value, np.ndarray)}
    assert shapes == {
        "pred_cam": (4, 3), "orig_cam": (4, 4), "orig_cam_t": (4, 3), "smplx_verts": (4, 10475, 3),
        "verts": (4, 6890, 3), "pose": (4, 72), "betas": (4, 10), "joints3d": (4, 49, 3), "bboxes": (4, 4),
    }  # fmt: skip
    assert [points.shape for points in content["joints2d"]] == [(17, 3)] * 4
    assert content["frame_ids"] == [3, 3, 4, 4]
    assert content["person_ids"] == ["clip_f3_p0", "clip_f3_p1", "clip_f4_p7", "clip_f4_p9"]
    assert b"torch" not in (tmp_path / "output.pkl").read_bytes()
    (params,) = content["smplx_params"]
    assert params["body_pose"].shape == (4, 24, 3, 3) and params["left_hand_pose"].shape == (4, 15, 3, 3)
    assert params["jaw_pose"].shape == (4, 1, 3, 3) and params["expression"].shape == (4, 10)


def test_poses_and_joints_are_those_that_were_found(tmp_path):
    content, found = written(SMPLX, tmp_path)
    turns = matrix_from_axis_angle(torch.tensor(content["pose"][:2]).reshape(-1, 3)).reshape(2, 24, 3, 3)
    torch.testing.assert_close(turns[:, :22], found.params.rotations[:, :22], rtol=0, atol=1e-5)
    np.testing.assert_allclose(content["joints3d"][:2], found.body.vertices[:, : len(SPIN_49)])
    np.testing.assert_array_equal(content["joints2d"][1], people()[1].joints_2d)


@pytest.mark.parametrize("layout", [SMPL, SMPLX], ids=["smpl", "smplx"])
def test_both_published_cameras_see_the_body_where_the_demo_draws_it(layout, tmp_path):
    content, found = written(layout, tmp_path)
    width, height = 320, 240
    points = (found.body.vertices - found.body.vertices.mean(1, keepdim=True))[:, ::97].double().numpy()
    drawn = found.camera.project(torch.tensor(points).float()).numpy()
    place = content["orig_cam_t"][:2, None]
    seen = 5000 * (points + place)[..., :2] / (points + place)[..., 2:] + [width / 2, height / 2]
    np.testing.assert_allclose(seen, drawn, atol=1.1, err_msg="published: boxes are cut to whole pixels")
    scale, shift = content["orig_cam"][:2, None, :2], content["orig_cam"][:2, None, 2:]
    flat = (scale * (points[..., :2] + shift) + 1) / 2 * [width, height]
    np.testing.assert_allclose(flat, drawn, atol=2.5, err_msg="it knows no depth")
    np.testing.assert_allclose(content["pred_cam"][:2], [[0.9, 0.1, -0.05]] * 2, atol=1e-4)


def test_bodies_of_smpl_have_its_mesh_and_those_of_hands_are_refused(tmp_path):
    content, found = written(SMPL, tmp_path)
    np.testing.assert_array_equal(content["verts"][:2], found.body.vertices)
    assert "smplx_verts" not in content
    with pytest.raises(UserError, match="not of mano"):
        Pickled(Standing(MANO))


def test_nothing_found_is_nothing_written(tmp_path):
    Pickled(Standing(SMPL)).write(tmp_path / "output.pkl")
    assert not list(tmp_path.iterdir())


def test_without_the_correspondences_of_smplx_there_is_no_mesh_of_smpl(tmp_path, monkeypatch):
    def missing(*names: str) -> None:
        raise FileNotFoundError

    monkeypatch.setattr("demo.exporters.pickled.Regressor", missing)
    content, _ = written(SMPLX, tmp_path)
    assert "verts" not in content and "smplx_verts" in content


def test_a_mesh_of_smplx_is_carried_over_to_smpl_where_the_correspondences_are(tmp_path):
    content, found = written(SMPLX, tmp_path)
    expected = Regressor("smplx", "smpl").read(found.body.vertices)
    np.testing.assert_allclose(content["verts"][:2], expected)
