"""OSX and SMPLer-X: what their predictions hold, and what must not depend on batch, mode or compiler."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import standins
import torch

from common.joints import WHOLE_BODY_137
from common.networks.backbones.vit import Size
from common.networks.heads.hands import as_right, as_they_are
from common.networks.model import Model
from common.networks.one_stage import in_view
from common.networks.osx import OSX
from common.networks.smpler_x import SMPLerX
from common.structures import Inputs, Prediction

TINY = Size(64, 2, 2, 0.1)
SYSTEMS = {"SMPLer-X": partial(SMPLerX, TINY), "OSX": partial(OSX, TINY)}
systems = pytest.mark.parametrize("make", SYSTEMS.values(), ids=SYSTEMS)
SHAPES = {
    "pose": (53, 3), "positions": (65, 3), "positions_2d": (65, 2),
    "part_centers": (3, 2), "part_sizes": (3, 2), "part_boxes": (3, 4),
}  # fmt: skip


def seen(count: int) -> Inputs:
    torch.manual_seed(1)
    return Inputs(
        {"body": torch.rand(count, 3, 512, 384)}, {}, torch.eye(3).expand(count, 3, 3), torch.zeros(count, 3)
    )


def lively(make: type[Model]) -> Model:
    """A network whose heat maps point somewhere, with boxes that hold something."""
    model = standins.fill_(make().eval())
    with torch.no_grad():
        model.body_position_net.conv.weight *= 4
        model.box_net.bbox_center.weight *= 30
        model.hands.position_net.conv.weight *= 4
        for size in model.box_net.sizes.values():
            size[2].bias += torch.tensor([2.5, 3.0])
    return model


@pytest.fixture(scope="module")
def osx(human_model_files: Path) -> Model:
    return lively(SYSTEMS["OSX"])


@systems
def test_a_prediction_holds_what_it_promises(human_model_files: Path, make: type[Model]) -> None:
    with torch.no_grad():
        told = lively(make)(seen(2))
    with_face = {"face_positions": (72, 3)} if "face_positions" in told.extras else {}
    assert {name: tuple(value.shape[1:]) for name, value in told.extras.items()} == SHAPES | with_face
    assert told.params.rotations.shape == (2, 55, 3, 3)
    assert told.params.betas.shape == told.params.expression.shape == (2, 10)
    assert told.joints.shape == (2, len(WHOLE_BODY_137), 3)
    assert (told.params.rotations.mT @ told.params.rotations - torch.eye(3)).abs().max() < 1e-5
    assert told.camera.project(told.joints).shape == (2, 137, 2)


@systems
def test_a_person_is_seen_alike_alone_and_among_three(human_model_files: Path, make: type[Model]) -> None:
    """Published: three at once went wrong, their rotations were crossed over the batch."""
    model, inputs = lively(make), seen(3)
    with torch.no_grad():
        together = model(inputs)
        assert not torch.allclose(together.body.vertices[0], together.body.vertices[1], atol=1e-2)
        for person in range(3):
            alone = model(replace(inputs, views={"body": inputs.views["body"][person : person + 1]}))
            assert torch.allclose(alone.body.vertices[0], together.body.vertices[person], atol=1e-4)
            for name, values in alone.extras.items():
                assert torch.allclose(values[0], together.extras[name][person], atol=1e-3), name


def test_pose_and_rotations_say_the_same(osx: Model) -> None:
    with torch.no_grad():
        told = osx(seen(1))
    pose = torch.cat([told.extras["pose"][:, :23], torch.zeros(1, 2, 3), told.extras["pose"][:, 23:]], 1)
    again = osx.body_model.params(pose, told.params.betas, told.params.expression, torch.tensor([False]))
    assert torch.allclose(again.rotations, told.params.rotations, atol=1e-6)
    assert torch.equal(told.params.rotations[:, 23:25], torch.eye(3).expand(1, 2, 3, 3))


def test_boxes_are_made_of_their_centers_and_sizes(osx: Model) -> None:
    with torch.no_grad():
        extras = osx(seen(2)).extras
    low, high = extras["part_boxes"].split(2, -1)
    assert torch.allclose((low + high) / 2, extras["part_centers"], atol=1e-3)
    longest = extras["part_sizes"].amax(-1, keepdim=True)
    assert torch.allclose(high - low, longest * torch.tensor([[2.0], [2.0], [1.5]]), atol=1e-3)


def test_a_hands_positions_fill_its_box() -> None:
    boxes = torch.tensor([[[1.0, 2, 5, 6], [4, 4, 8, 8], [0, 0, 2, 2]]])
    hands = torch.tensor([[[0.0, 0, 3], [16, 16, 3]], [[8, 8, 3], [0, 16, 3]]])[None]
    points = in_view(torch.tensor([[[3.0, 7, 0]]]), hands, boxes)[0] / 32
    assert torch.equal(points, torch.tensor([[3.0, 7], [1, 2], [5, 6], [6, 6], [4, 8]]))


@systems
def test_training_from_scratch_begins_at_rest_before_the_camera(
    human_model_files: Path, make: type[Model]
) -> None:
    rotations = make().eval()(seen(2)).params.rotations[:, :22]
    expected = torch.eye(3).repeat(2, 22, 1, 1)
    expected[:, 0] = torch.tensor([1.0, -1.0, -1.0]).diag()  # y and z of a picture point down and away
    torch.testing.assert_close(rotations, expected)


def test_a_left_hand_that_mirrors_the_right_one_is_its_mirror_image(osx: Model) -> None:
    torch.manual_seed(0)
    hand, points = torch.randn(1, 32, 16, 16), torch.randn(1, 20, 256)
    with torch.no_grad():
        positions, _ = osx.hands.position_net(as_right(torch.cat([hand.flip(-1), hand])))
        places, pose = as_they_are(positions, osx.hands.regressor(points.expand(2, -1, -1), positions))
    assert torch.allclose(
        places[:, 0] * torch.tensor([-1.0, 1, 1]) + torch.tensor([15.0, 0, 0]), places[:, 1]
    )
    assert torch.allclose(pose[:, 0] * torch.tensor([1.0, -1, -1]), pose[:, 1])


@systems
def test_every_parameter_is_taught(human_model_files: Path, make: type[Model]) -> None:
    model = lively(make)
    told = model(seen(1))
    parts = [told.body.vertices, told.joints, told.camera.translation, *told.extras.values()]
    sum(part.square().mean() for part in parts if part.requires_grad).backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize(
    ("taught", "untouched"),
    [
        ("part_sizes", ("box_net.bbox_center", "body_position_net", "hands", "face")),
        ("part_centers", ("box_net.sizes", "body_position_net", "hands")),
        ("positions", ("box_net", "body_regressor", "hands.decoder", "hands.regressor", "face")),
        ("face_positions", ("box_net", "hands", "face.decoder", "face.regressor")),
    ],
)
def test_gradients_stop_where_they_are_published_to_stop(
    osx: Model, taught: str, untouched: tuple[str, ...]
) -> None:
    osx.zero_grad(set_to_none=True)
    osx(seen(1)).extras[taught].sum().backward()
    reached = [name for name, parameter in osx.named_parameters() if parameter.grad is not None]
    assert reached
    assert not [name for name in reached if name.startswith(untouched)]
    assert not osx(seen(1)).extras["part_boxes"].requires_grad


@systems
def test_it_compiles_whole(human_model_files: Path, make: type[Model]) -> None:
    model, inputs = lively(make), seen(1)
    with torch.no_grad():
        told = torch.compile(model, fullgraph=True, backend="eager")(inputs)
        plain: Prediction = model(inputs)
    assert torch.allclose(told.body.vertices, plain.body.vertices, atol=1e-4)


def test_half_precision_moves_the_body_by_millimeters(osx: Model) -> None:
    with torch.no_grad():
        whole = osx(seen(1))
        with torch.autocast("cpu", torch.bfloat16):
            half = osx(seen(1))
    assert half.body.vertices.dtype == half.extras["positions"].dtype == torch.float32
    distance = (half.body.vertices - whole.body.vertices).norm(dim=-1).mean()
    assert 0 < distance < 0.02


def test_another_size_of_picture_is_refused(osx: Model) -> None:
    with pytest.raises(ValueError, match=r"512 x 384 pixels, not \(256, 192\)"):
        osx(Inputs({"body": torch.rand(1, 3, 256, 192)}, {}, torch.eye(3)[None], torch.zeros(1, 3)))
