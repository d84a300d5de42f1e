"""Losses of the numbers that pose and shape a body, and of its mesh."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from common.body_models.regressors import regressor_matrix
from common.losses.parameters import Betas, Expression, Pose, Rotations
from common.losses.vertices import Vertices
from common.structures import Body, BodyParams


def params(seed: int, betas: int = 10) -> BodyParams:
    dice = torch.Generator().manual_seed(seed)
    return BodyParams(
        torch.randn(2, 5, 3, 3, generator=dice),
        torch.randn(2, betas, generator=dice),
        torch.randn(2, 4, generator=dice),
    )


def body(seed: int, topology: str = "smplx") -> Body:
    dice = torch.Generator().manual_seed(seed)
    return Body(
        torch.randn(2, 9, 3, generator=dice),
        torch.randn(2, 5, 3, generator=dice),
        torch.zeros(2, 9, 3),
        topology,
    )


def pair(**known):
    target = SimpleNamespace(pose=torch.ones(2, 5, 3), params=params(1), body=body(1), known=torch.ones(2, 7))
    return SimpleNamespace(params=params(0), body=body(0), extras={"pose": torch.zeros(2, 5, 3)}), target


def test_only_known_rotations_count() -> None:
    prediction, target = pair()
    assert Pose()(prediction, target) == 1
    target.known[:, :3] = 0
    torch.testing.assert_close(Pose()(prediction, target), torch.tensor(2 / 5))
    torch.testing.assert_close(Pose(over="entries")(prediction, target), torch.tensor(1.0))
    difference = (prediction.params.rotations - target.params.rotations)[:, 3:].square().sum()
    torch.testing.assert_close(Rotations()(prediction, target), difference / (2 * 5 * 9))


def test_some_rotations_can_be_left_to_another_term() -> None:
    prediction, target = pair()
    one, others = Rotations(last=1), Rotations(first=1)
    torch.testing.assert_close(
        one(prediction, target) + 4 * others(prediction, target), 5 * Rotations()(prediction, target)
    )


def test_shape_and_face_have_their_own_knowledge() -> None:
    prediction, target = pair()
    target.known[:, 5] = 0
    assert Betas()(prediction, target) == 0 and Expression()(prediction, target) > 0
    target.known[:, 5:] = torch.tensor([1.0, 0.0])
    assert Betas()(prediction, target) > 0 and Expression()(prediction, target) == 0


def test_coefficients_are_compared_as_far_as_both_have_them() -> None:
    prediction, target = pair()
    whole = Betas()(prediction, target)
    target.params = BodyParams(
        target.params.rotations,
        torch.cat([target.params.betas, torch.ones(2, 3)], 1),
        target.params.expression,
    )
    torch.testing.assert_close(Betas()(prediction, target), whole)


def test_a_mesh_teaches_where_the_whole_body_is_known() -> None:
    prediction, target = pair()
    each = (prediction.body.vertices - target.body.vertices).abs().mean((1, 2))
    torch.testing.assert_close(Vertices()(prediction, target), each.mean())
    target.known[0, 3] = 0
    torch.testing.assert_close(Vertices()(prediction, target), each[1] / 2)
    torch.testing.assert_close(Vertices(over="persons")(prediction, target), each[1])


def test_relative_meshes_do_not_tell_where_they_stand() -> None:
    prediction, target = pair()
    value = Vertices(relative=True)(prediction, target)
    moved = Body(prediction.body.vertices + 3, prediction.body.joints + 3, prediction.body.rest, "smplx")
    prediction.body = moved
    torch.testing.assert_close(Vertices(relative=True)(prediction, target), value)


def test_meshes_can_be_seen_from_a_regressed_point(human_model_files: Path) -> None:
    prediction, target = pair()
    dice = torch.Generator().manual_seed(5)
    meshes = torch.randn(2, 2, 6890, 3, generator=dice)
    prediction.body, target.body = (Body(mesh, mesh[:, :5], mesh, "smpl") for mesh in meshes)
    pelvis = torch.from_numpy(regressor_matrix("smpl", "3dpw").toarray()[0]).float()
    moved = [mesh - (pelvis @ mesh)[:, None] for mesh in meshes]
    loss = Vertices(relative=True, regressor="3dpw")
    torch.testing.assert_close(loss(prediction, target), (moved[0] - moved[1]).abs().mean())


def test_meshes_of_two_topologies_refuse_each_other() -> None:
    prediction, target = pair()
    target.body = body(1, "smpl")
    with pytest.raises(ValueError, match="'smplx' mesh cannot be taught by a 'smpl' one"):
        Vertices()(prediction, target)
