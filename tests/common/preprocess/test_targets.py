"""Targets: what was annotated arrives in the view, and what was not has confidence 0."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from common.joints import COCO_17, LSP_14, SMPL, SMPLX, WHOLE_BODY_137, JointSet
from common.preprocess.augment import Chance
from common.preprocess.targets import make_target
from common.preprocess.views import locate
from common.structures import Crop, Person, Target, View

SIZE = (400, 300)


def annotated() -> Person:
    dice = np.random.default_rng(0)
    return Person(
        "set/7",
        box=np.array([100.0, 50, 300, 250]),
        part_boxes=np.array([[200.0, 100, 230, 140, 1], [110, 90, 150, 120, 0.5], [0, 0, 0, 0, 0]]),
        joint_set=COCO_17,
        joints_2d=np.c_[dice.uniform(50, 250, (17, 2)), np.ones(17)],
        joints_3d=np.c_[dice.normal(0, 1, (17, 3)), np.ones(17)],
        body=SMPLX,
        pose=dice.normal(0, 1, (55, 3)),
        betas=dice.normal(0, 1, 16),
        expression=dice.normal(0, 1, 5),
        translation=np.array([0.1, 0.2, 3.0]),
    )


def crop(chance: Chance | None = None) -> Crop:
    return locate(annotated(), View((128, 96)), chance or Chance(), SIZE)


def target(person: Person, chance: Chance | None = None, **others) -> Target:
    return make_target(person, crop(chance), others.get("joint_set", COCO_17), others.get("body", SMPLX))


def test_what_nobody_annotated_is_zero_throughout():
    nothing = target(Person("set/8"))
    for name in (
        "joints_2d",
        "joints_3d",
        "part_boxes",
        "pose",
        "betas",
        "expression",
        "translation",
        "known",
    ):
        assert (getattr(nothing, name) == 0).all()
    assert nothing.vertices.shape == (0, 3) and nothing.joints_3d.shape == (17, 4)
    assert not nothing.joints_are_fitted and not nothing.flat_hand and nothing.gender == 0


def test_every_number_is_float32_whatever_was_given():
    numbers = target(annotated())
    for name in (
        "joints_2d",
        "joints_3d",
        "part_boxes",
        "pose",
        "betas",
        "expression",
        "translation",
        "known",
    ):
        assert getattr(numbers, name).dtype == torch.float32


def test_points_are_matched_by_name():
    other = target(annotated(), joint_set=WHOLE_BODY_137)
    person = annotated()
    for name in COCO_17.names:
        torch.testing.assert_close(
            other.joints_3d[WHOLE_BODY_137.index(name)],
            torch.tensor(person.joints_3d[COCO_17.index(name)], dtype=torch.float32),
        )
    assert other.joints_2d[:, 2].sum() == other.joints_3d[:, 3].sum() == 17
    assert (target(annotated(), joint_set=LSP_14).joints_2d == 0).all()


@pytest.mark.parametrize("flipped", [False, True])
def test_points_in_space_turn_as_the_picture_does(flipped):
    chance = Chance(1.1, math.radians(30), flipped)
    far, person = 1e4, annotated()
    person.joints_2d[:, :2] = 20 * person.joints_3d[:, :2] + 150
    result = target(replace(person, joints_3d=person.joints_3d * [1, 1, far, 1]), chance)
    zoom = torch.linalg.det(crop(chance).matrix[:, :2]).abs().sqrt()
    flat = result.joints_2d[:, :2] - result.joints_2d[:1, :2]
    torch.testing.assert_close(
        flat / zoom / 20, result.joints_3d[:, :2] - result.joints_3d[:1, :2], rtol=0, atol=1e-4
    )
    swap = list(COCO_17.mirrored) if flipped else list(range(17))
    expected = torch.tensor(far * person.joints_3d[swap, 2], dtype=torch.float32)
    torch.testing.assert_close(result.joints_3d[:, 2], expected)


def test_of_a_mirrored_person_the_left_side_teaches_who_knows_the_right_side_alone():
    side = JointSet("right_2", ("right_elbow", "right_wrist"))
    seen = target(annotated(), Chance(flipped=True), joint_set=side)
    whole = target(annotated(), Chance(flipped=True))
    chosen = list(side.taken_from(COCO_17))
    assert torch.equal(seen.joints_2d, whole.joints_2d[chosen])
    assert torch.equal(seen.joints_3d, whole.joints_3d[chosen])
    assert (seen.joints_2d[:, 2] > 0).all()


def test_a_flip_swaps_left_and_right_and_twice_gives_all_back():
    person, chance = annotated(), Chance(flipped=True)
    once = target(person, chance)
    view_width = 96
    mirrored = replace(
        person,
        joints_2d=np.c_[view_width - once.joints_2d[:, 0], once.joints_2d[:, 1:]][list(COCO_17.mirrored)],
    )
    plain = target(person)
    np.testing.assert_allclose(mirrored.joints_2d, plain.joints_2d, atol=1e-3)
    assert once.part_boxes[:, 4].tolist() == [0.5, 1, 0]
    assert plain.part_boxes[:, 4].tolist() == [1, 0.5, 0]


def test_part_boxes_hold_what_they_held():
    for chance in (Chance(), Chance(flipped=True), Chance(0.8, 0.5, True)):
        result, box = target(annotated(), chance).part_boxes, annotated().part_boxes[0]
        corners = torch.tensor(
            [[box[0], box[1]], [box[2], box[3]], [box[0], box[3]], [box[2], box[1]]]
        ).float()
        moved = corners @ crop(chance).matrix[:, :2].T + crop(chance).matrix[:, 2]
        row = result[1 if chance.flipped else 0]
        torch.testing.assert_close(row[:2], moved.amin(0), rtol=0, atol=1e-3)
        torch.testing.assert_close(row[2:4], moved.amax(0), rtol=0, atol=1e-3)


def test_the_body_stays_as_annotated_with_zeros_where_it_is_short():
    person = annotated()
    result = target(person, Chance(1.1, 0.5, True))
    np.testing.assert_allclose(result.pose, person.pose, rtol=1e-6)
    np.testing.assert_allclose(result.betas, person.betas[:10], rtol=1e-6)
    np.testing.assert_allclose(result.expression, [*person.expression, 0, 0, 0, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(result.translation, person.translation, rtol=1e-6)


def test_whatever_is_given_of_a_body_is_known_unless_somebody_said_otherwise():
    assert (target(annotated()).known == 1).all()
    assert target(replace(annotated(), pose=None, expression=None)).known.tolist() == [0] * 55 + [1, 0]
    said = np.zeros(57)
    said[:22] = 1
    assert target(replace(annotated(), known=said)).known.tolist() == said.tolist()


def test_a_body_of_another_layout_is_as_good_as_none():
    result = target(annotated(), body=SMPL)
    assert result.pose.shape == (24, 3) and result.expression.shape == (0,)
    assert (result.pose == 0).all() and (result.known == 0).all() and (result.betas == 0).all()


def test_errors_name_the_person():
    with pytest.raises(ValueError, match="set/7 has 3 rotations"):
        target(replace(annotated(), pose=np.zeros((3, 3))))
    with pytest.raises(ValueError, match="set/7 has gender 'robot'"):
        target(replace(annotated(), gender="robot"))


@pytest.mark.parametrize("name", ["pose", "betas", "expression", "translation"])
def test_a_number_that_is_none_is_named_and_never_becomes_zero(name):
    numbers = getattr(annotated(), name).copy()
    numbers.ravel()[-1] = np.nan
    with pytest.raises(ValueError, match=f"set/7 cannot be used: its {name} holds numbers that are none"):
        target(replace(annotated(), **{name: numbers}))


@pytest.mark.parametrize("name", ["joints_2d", "joints_3d"])
def test_points_that_are_not_as_many_as_their_joints_are_refused(name):
    with pytest.raises(ValueError, match="16 points cannot be those of 'coco_17', which has 17"):
        target(replace(annotated(), **{name: getattr(annotated(), name)[:16]}))
