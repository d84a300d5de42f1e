"""Posed targets: a body is mirrored and turned exactly as the picture it was seen in."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from common.body_models.build import body_model
from common.joints import SMPL, SMPLX, BodyLayout
from common.networks.model import Model
from common.preprocess.augment import Chance
from common.preprocess.sample import make_sample
from common.structures import Batch, Person, Sample, View
from data.on_device.posed_targets import PosedTargets

CHANCES = (Chance(), Chance(angle=0.4), Chance(flipped=True), Chance(1.2, -0.9, True))


class Any(Model):
    def __init__(self, body: BodyLayout) -> None:
        super().__init__()
        self.views, self.body_model = (
            {"body": View((64, 64), content="keypoints", joint_set=SMPL.joints)},
            body_model(body),
        )


def person(body: BodyLayout, seed: int = 0, **fields) -> Person:
    dice = torch.Generator().manual_seed(seed)
    return Person(
        f"set/{seed}",
        joint_set=body.joints,
        joints_2d=torch.ones(len(body.joints), 3).numpy(),
        intrinsics=torch.tensor([[500.0, 0, 99], [0, 500, 49], [0, 0, 1]]).numpy(),
        box=torch.tensor([10.0, 10, 50, 90]).numpy(),
        body=body,
        pose=(0.4 * torch.randn(len(body.joints), 3, generator=dice)).numpy(),
        betas=torch.randn(10, generator=dice).numpy(),
        **fields,
    )


def batch_of(model: Model, body: BodyLayout, persons: list[Person], chances=CHANCES) -> Batch:
    return Sample.stack(
        [make_sample(p, model.views, body.joints, body, c) for p, c in zip(persons, chances, strict=True)]
    )


def around_pelvis(points: Tensor) -> Tensor:
    return points - points[:, :1]


@pytest.mark.parametrize("body", [SMPL, SMPLX], ids=lambda body: body.name)
def test_a_body_turns_and_mirrors_as_its_joints_do_in_the_view(body):
    model = Any(body)
    batch = batch_of(model, body, [person(body)] * 4)
    target = PosedTargets(model, body)(batch).target
    plain = target.body.joints[:1, : len(body.joints)].expand(4, -1, 3)
    seen = batch.inputs.crops["body"].turned(around_pelvis(plain))
    swapped = seen[:, list(body.joints.mirrored)]
    expected = torch.where(batch.inputs.crops["body"].flipped[:, None, None], swapped, seen)
    ours = around_pelvis(target.body.joints[:, : len(body.joints)])
    assert (ours - expected).norm(dim=-1).max() < 5e-3  # bodies are nearly symmetric
    assert (ours[1:] - ours[:1]).norm(dim=-1).amax(1).min() > 0.1
    torch.testing.assert_close(
        target.params.rotations,
        model.body_model.params(target.pose, target.betas, target.expression, target.flat_hand).rotations,
    )


def test_an_upright_unflipped_view_leaves_the_body_as_annotated():
    model = Any(SMPLX)
    batch = batch_of(model, SMPLX, [person(SMPLX)], CHANCES[:1])
    target = PosedTargets(model, SMPLX)(batch).target
    torch.testing.assert_close(target.pose, batch.target.pose, rtol=0, atol=1e-6)


def test_what_is_known_of_a_side_goes_with_it_into_the_mirror():
    model = Any(SMPLX)
    known = torch.ones(57)
    known[SMPLX.joints.parts["left_hand"]] = 0
    batch = batch_of(model, SMPLX, [person(SMPLX, known=known.numpy())] * 4)
    after = PosedTargets(model, SMPLX)(batch).target.known
    left, right = SMPLX.joints.parts["left_hand"], SMPLX.joints.parts["right_hand"]
    assert after[:, left].sum(1).tolist() == [0, 0, 15, 15]
    assert after[:, right].sum(1).tolist() == [15, 15, 0, 0]
    assert (after[:, 55:] == 1).all()


def test_a_failed_fit_becomes_the_mean_shape_where_that_was_asked_for():
    model, persons = Any(SMPL), [person(SMPL), person(SMPL)]
    persons[0].betas[:], persons[1].betas[:] = 2.9, 0
    persons[1].betas[4] = -3.1
    batch = batch_of(model, SMPL, persons, CHANCES[:2])
    limited = PosedTargets(model, SMPL, largest_beta=3.0)(batch).target
    assert (limited.betas[0] == batch.target.betas[0]).all() and (limited.betas[1] == 0).all()
    assert torch.equal(PosedTargets(model, SMPL)(batch).target.betas, batch.target.betas)


def test_each_gender_is_posed_as_its_own_body_where_that_was_asked_for():
    model = Any(SMPL)
    persons = [person(SMPL, gender=gender) for gender in ("neutral", "female", "male")]
    batch = batch_of(model, SMPL, persons, CHANCES[:1] * 3)
    target = PosedTargets(model, SMPL, gendered=True)(batch).target
    for i, gender in enumerate(("neutral", "female", "male")):
        own = body_model(SMPL, gender)
        alone = own(target.params.map(lambda tensor, i=i: tensor[i : i + 1]))
        torch.testing.assert_close(target.body.vertices[i], alone.vertices[0])
        torch.testing.assert_close(target.body.joints[i], alone.joints[0])
    assert (target.body.vertices[1] - target.body.vertices[2]).abs().max() > 0.01
    alike = PosedTargets(model, SMPL)(batch).target.body.vertices
    torch.testing.assert_close(alike[1], alike[2])


def test_persons_without_a_view_are_posed_as_they_are():
    model = Any(SMPL)
    bare = replace(person(SMPL), joints_2d=None, box=None)
    target = PosedTargets(model, SMPL)(batch_of(model, SMPL, [bare], CHANCES[2:3])).target
    torch.testing.assert_close(target.pose[0], torch.tensor(bare.pose), rtol=0, atol=1e-6)


def test_another_layout_than_the_models_brings_its_own_body():
    model = Any(SMPLX)
    target = PosedTargets(model, SMPL)(batch_of(model, SMPL, [person(SMPL)], CHANCES[:1])).target
    assert target.body.vertices.shape == (1, 6890, 3)


def test_hands_given_from_a_flat_hand_are_taught_from_the_mean_hand():
    model = Any(SMPLX)
    batch = batch_of(model, SMPLX, [person(SMPLX), person(SMPLX, flat_hand=True)], CHANCES[:2])
    target = PosedTargets(model, SMPLX)(batch).target
    mean = model.body_model.mean_pose
    assert mean.abs().max() > 0.1 and not target.flat_hand.any()
    hands = slice(25, 55)  # the turn of the view is the root's alone
    torch.testing.assert_close(target.pose[1, hands], target.pose[0, hands] - mean[hands])
    flat = model.body_model.params(
        *(batch.target.pose[1:], target.betas[1:], target.expression[1:]), torch.ones(1).bool()
    )
    torch.testing.assert_close(target.params.rotations[1, 1:], flat.rotations[0, 1:])


@pytest.mark.usefixtures("human_model_files")
def test_gendered_bodies_are_of_one_mesh_whatever_the_networks() -> None:
    """A network on the free body is not the neutral one among official bodies."""
    free = SimpleNamespace(views={"body": None}, body_model=body_model(SMPL, free="only"))
    assert PosedTargets(free, SMPL).body_model is free.body_model
    gendered = PosedTargets(free, SMPL, gendered=True)
    assert {model.topology for model in (gendered.body_model, *gendered.others)} == {"smpl"}
