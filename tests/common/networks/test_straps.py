"""STRAPS: a proxy in, a body and a weak-perspective camera out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from common.body_models import means
from common.checkpoint import about, load_weights
from common.geometry.rotation import matrix_from_6d
from common.joints import COCO_17, LSP_14, STRAPS_31
from common.networks.backbones.resnet import ResNet
from common.networks.layers.feedback import Feedback
from common.networks.straps import STRAPS
from common.structures import BodyParams, Inputs, Prediction
from main.evaluator import evaluate
from main.experiment import load

COUNT, SIDE = 2, 64


@pytest.fixture(scope="module")
def model() -> STRAPS:
    torch.manual_seed(0)
    return STRAPS(size=SIDE, free="only").eval()


def told(model: STRAPS, proxy: Tensor) -> Prediction:
    one = torch.eye(3).expand(len(proxy), 3, 3)
    return model(Inputs({"proxy": proxy}, {}, one, torch.zeros(len(proxy), 3)))


def test_it_starts_from_a_person_who_stands_upright(model: STRAPS) -> None:
    mean = means.free()
    rotations = matrix_from_6d(mean.pose)[None]
    body = model.body_model(BodyParams(rotations, mean.betas[None], torch.zeros(1, 0)))
    names = dict(zip(model.body_model.joint_set.names, body.joints[0], strict=True))
    assert names["head"][1] < names["pelvis"][1] < names["left_ankle"][1], "y points down"
    assert names["left_wrist"][1] > names["left_shoulder"][1] + 0.3, "arms hang"
    assert names["left_hip"][0] > names["right_hip"][0], "seen from before, its left is to the right"


def test_both_kinds_of_joints_lie_where_they_are_called(model: STRAPS) -> None:
    body = model.body_model(
        BodyParams(torch.eye(3).expand(1, 24, 3, 3), torch.zeros(1, 10), torch.zeros(1, 0))
    )
    joints = dict(zip(STRAPS_31.names, model.read_joints(body)[0], strict=True))
    for name in LSP_14.names[:12]:
        assert (joints[name] - joints[name.removesuffix("_h36m")]).norm() < 0.15, name


def test_every_step_starts_where_the_last_one_ended(model: STRAPS) -> None:
    proxy = torch.rand(COUNT, 18, SIDE, SIDE)
    with torch.no_grad():
        prediction = told(model, proxy)
        features = model.encoder(proxy)
        steps = prediction.extras["steps"]
        before = torch.cat([model.feedback.start.expand(COUNT, 1, -1), steps[:, :-1]], 1)
        for step in range(3):
            moved = before[:, step] + model.feedback.layers(torch.cat([features, before[:, step]], 1))
            assert torch.allclose(moved, steps[:, step], atol=1e-5)


def test_the_whole_network_compiles_into_one_graph(model: STRAPS) -> None:
    proxy = torch.rand(COUNT, 18, SIDE, SIDE)

    def network(picture: Tensor) -> Tensor:
        prediction = told(model, picture)
        return prediction.camera.project(prediction.joints)

    with torch.no_grad():
        compiled = torch.compile(network, fullgraph=True, backend="eager")(proxy)
        assert torch.allclose(compiled, network(proxy), atol=1e-3)


def test_seen_from_both_sides_a_mirrored_person_gets_the_mirrored_body() -> None:
    torch.manual_seed(0)
    model = STRAPS(size=SIDE, free="only", both=True).eval()
    proxy = torch.rand(COUNT, 18, SIDE, SIDE)
    with torch.no_grad():
        one, other = told(model, proxy), told(model, proxy[:, model.mirror].flip(3))
        pixels, mirrored = (told.camera.project(told.joints[:, :17]) for told in (one, other))
    assert torch.allclose(one.params.betas, other.params.betas, atol=1e-5)
    back = torch.stack([SIDE - mirrored[..., 0], mirrored[..., 1]], -1)[:, list(COCO_17.mirrored)]
    # the free body's own left and right differ by a millimeter
    assert torch.allclose(pixels, back, atol=0.2)


def test_layouts_of_the_encoder_agree() -> None:
    one, other = ResNet(18, 4).eval(), ResNet(18, 4, channels_last=False).eval()
    other.load_state_dict(one.state_dict())
    picture = torch.rand(2, 4, 48, 48)
    with torch.no_grad():
        assert torch.allclose(one(picture), other(picture), rtol=1e-4, atol=1e-5)


def test_a_depth_that_is_not_there_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="depth 20; there are 18, 34, 50, 101"):
        ResNet(20)


def test_feedback_without_corrections_stays_at_its_start() -> None:
    feedback = Feedback(4, torch.arange(3.0), hidden=5)
    torch.nn.init.zeros_(feedback.layers[4].weight)
    for estimate in feedback(torch.rand(2, 4)):
        assert torch.equal(estimate, torch.arange(3.0).expand(2, -1))


def test_published_weights_need_the_published_means(tmp_path: object) -> None:
    with pytest.raises(FileNotFoundError, match=r"smpl_mean_params\.npz is missing"):
        means.published(tmp_path)


def test_the_shipped_weights_know_more_of_shapes_than_their_mean() -> None:
    few = ["test.shapes.count=96", "test.shapes.dataset.count=96"]
    experiment = load("config/straps/straps_free.py", few)
    model = experiment.model().eval()
    load_weights(model, experiment.released)
    assert about(experiment.released)["config"] == "config/straps/straps_free.py"
    numbers = evaluate(model, experiment.test[0], batch_size=32).numbers
    assert numbers["pve_t_sc"] < 0.6 * numbers["pve_t_sc_of_mean_shape"]
    assert numbers["pa_mpjpe"] < 55
