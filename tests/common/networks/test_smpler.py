"""SMPLer refines an estimate step by step; its parts are held to the published numbers elsewhere."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from common.networks.smpler import SMPLer
from common.structures import Inputs

COUNT = 2


class Maps(nn.Module):
    """In place of an HRNet, which takes most of the time: four maps of a picture's mean colors."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.channels = channels
        self.layers = nn.ModuleList(nn.Conv2d(3, count, 1) for count in channels)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        scales = enumerate(self.layers, start=2)
        return tuple(layer(nn.functional.avg_pool2d(image, 2**scale)) for scale, layer in scales)


@pytest.fixture(scope="module")
def built(human_model_files: object) -> SMPLer:
    torch.manual_seed(0)
    model = SMPLer(18, refinements=2)
    model.backbone = Maps(model.backbone.channels)
    with torch.no_grad():
        for refine in model.refinements:
            nn.init.normal_(refine.rotation.weight, std=0.02)
    return model.eval()


@pytest.fixture
def model(built: SMPLer) -> SMPLer:
    return copy.deepcopy(built)


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    view = torch.randn(COUNT, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    return Inputs({"body": view}, {}, torch.eye(3).expand(COUNT, 3, 3), torch.zeros(COUNT, 3))


def test_every_stage_is_a_whole_prediction(model: SMPLer, inputs: Inputs) -> None:
    with torch.no_grad():
        told = model(inputs)
    assert len(told.stages) == 2
    for stage in (*told.stages, told):
        assert stage.joints.shape == (COUNT, 14, 3) and stage.body.vertices.shape == (COUNT, 6890, 3)
        posed = model.body_model(stage.params)
        torch.testing.assert_close(stage.body.vertices, posed.vertices, rtol=0, atol=1e-6)
        torch.testing.assert_close(stage.joints, model.read_joints(posed), rtol=0, atol=1e-6)
        turns = stage.params.rotations
        torch.testing.assert_close(turns @ turns.mT, torch.eye(3).expand_as(turns), rtol=0, atol=1e-5)
    assert not torch.allclose(told.params.rotations, told.stages[-1].params.rotations, atol=1e-3)


def test_refinements_that_correct_nothing_change_nothing(model: SMPLer, inputs: Inputs) -> None:
    with torch.no_grad():
        for refine in model.refinements:
            for layer in (refine.rotation, refine.shape, refine.camera):
                nn.init.zeros_(layer.weight)
        told = model(inputs)
    first = told.stages[0]
    torch.testing.assert_close(told.params.rotations, first.params.rotations, rtol=0, atol=1e-6)
    torch.testing.assert_close(told.camera.scale, first.camera.scale)


def test_a_person_is_seen_alone(model: SMPLer, inputs: Inputs) -> None:
    alone = Inputs({"body": inputs.views["body"][1:]}, {}, inputs.intrinsics[1:], inputs.part_scores[1:])
    with torch.no_grad():
        both, one = model(inputs), model(alone)
    torch.testing.assert_close(
        one.params.rotations[0], both.params.rotations[1], rtol=0, atol=1e-4
    )  # untrained


def test_every_weight_learns(model: SMPLer, inputs: Inputs) -> None:
    told = model.train()(inputs)
    (told.joints.square().sum() + told.camera.scale.sum() + told.params.betas.sum()).backward()
    assert not [name for name, weight in model.named_parameters() if weight.grad is None]
    still = [name for name, weight in model.named_parameters() if not weight.grad.any()]
    assert all(name.endswith(("key.bias", "relative_position")) for name in still)


def test_in_half_precision_bodies_and_cameras_stay_whole(model: SMPLer, inputs: Inputs) -> None:
    with torch.no_grad():
        exact = model(inputs)
        with torch.autocast("cpu", torch.bfloat16):
            told = model(inputs)
    for tensor in (told.params.rotations, told.params.betas, told.camera.scale, told.body.vertices):
        assert tensor.dtype == torch.float32
    turns = told.params.rotations
    torch.testing.assert_close(turns @ turns.mT, torch.eye(3).expand_as(turns), rtol=0, atol=1e-5)
    assert (told.body.vertices - exact.body.vertices).norm(dim=-1).mean() < 0.05  # untrained


def test_it_compiles_as_one_graph(model: SMPLer, inputs: Inputs) -> None:
    with torch.no_grad():
        expected = model(inputs)
        told = torch.compile(model, fullgraph=True, backend="eager")(inputs)
    torch.testing.assert_close(told.body.vertices, expected.body.vertices, rtol=0, atol=1e-5)


def test_another_size_of_the_view_is_refused(model: SMPLer) -> None:
    small = Inputs({"body": torch.zeros(1, 3, 192, 256)}, {}, torch.eye(3)[None], torch.zeros(1, 3))
    with pytest.raises(ValueError, match=r"must be 224 x 224 pixels, not \(192, 256\)"):
        model(small)


def test_without_official_files_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUMAN_MODEL_FILES", "/nowhere")
    with pytest.raises(FileNotFoundError, match="SMPL_NEUTRAL"):
        SMPLer(18)
    with torch.device("meta"):
        model = SMPLer(18, free="only")
    assert model.body_model.topology != "smpl"
