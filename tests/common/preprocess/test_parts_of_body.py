"""Hands and face cut from the body's crop, a view of one hand, bodies of parts."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from common.joints import MANO, RIGHT_HAND_21, SMPLX, SPIN_159
from common.preprocess import parts_of_body
from common.preprocess.augment import Augment, Chance
from common.preprocess.sample import make_sample
from common.preprocess.views import filling
from common.structures import PartBody, Person, View

VIEWS = {
    box: View((224, 224), box, padding=padding, sampling="resize_cubic")
    for box, padding in (("body", 1.2), ("left_hand", 1.44), ("right_hand", 1.44), ("face", 1.68))
}
CHANCES = [
    Chance(parts_from_body=True),
    Chance(0.9, math.radians(25), True, parts_from_body=True),
    Chance(1.1, math.radians(-40), False, parts_from_body=True),
]


def person() -> Person:
    """A bright spot in either hand and the face, and points around each."""
    rows, columns = np.mgrid[:300, :400]
    points, picture = np.zeros((159, 3)), np.zeros((300, 400, 3))
    middles = {"left_hand": (250, 150), "right_hand": (150, 160), "face": (200, 80)}
    for channel, (part, (x, y)) in enumerate(middles.items()):
        picture[..., channel] = 250 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 2 / 9)
        places = SPIN_159.parts[part]
        points[places, :2] = np.random.default_rng(0).uniform(-15, 15, (places.stop - places.start, 2))
        points[places] += (x, y, 1)
    box = np.array([100.0, 50, 300, 250])
    return Person("test/1", picture.astype(np.uint8), box, joint_set=SPIN_159, joints_2d=points)


def sample(chance: Chance, someone: Person | None = None, views: dict[str, View] = VIEWS):
    return make_sample(someone or person(), views, SPIN_159, SMPLX, chance)


@pytest.mark.parametrize("chance", CHANCES, ids=str)
def test_every_view_shows_its_part_where_its_crop_says(chance):
    made = sample(chance)
    order = {"left_hand": 0, "right_hand": 1, "face": 2}
    for name, channel in order.items():
        seen = channel if name == "face" or not chance.flipped else 1 - channel
        light = made.inputs.views[name][seen]
        rows, columns = torch.meshgrid(torch.arange(224.0), torch.arange(224.0), indexing="ij")
        middle = torch.stack([(columns * light).sum(), (rows * light).sum()]) / light.sum()
        crop = made.inputs.crops[name]
        spot = torch.tensor([(250.0, 150.0), (150.0, 160.0), (200.0, 80.0)][seen])
        expected = crop.matrix[:, :2] @ spot + crop.matrix[:, 2]
        assert (middle - expected).abs().max() < 5, "less than a pixel of the picture"


def test_a_part_fills_two_thirds_of_its_view():
    crop = sample(CHANCES[0]).inputs.crops["face"]
    points = torch.tensor(person().joints_2d[SPIN_159.parts["face"], :2]).float()
    seen = points @ crop.matrix[:, :2].T + crop.matrix[:, 2]
    assert float((seen.amax(0) - seen.amin(0)).max()) == pytest.approx(224 / 1.5, rel=1e-3)


def test_an_absent_part_is_cut_from_its_box_or_from_the_middle():
    someone = person()
    someone.joints_2d[SPIN_159.parts["left_hand"], 2] = 0
    crop = sample(CHANCES[0], someone).inputs.crops["left_hand"]
    middle = torch.linalg.solve(crop.matrix[:, :2], 112 - crop.matrix[:, 2])
    torch.testing.assert_close(middle, torch.tensor([200.0, 150.0]), rtol=0, atol=0.5)
    boxes = np.array([[240.0, 140, 260, 160, 0.01], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]])
    crop = sample(CHANCES[0], replace(someone, part_boxes=boxes)).inputs.crops["left_hand"]
    middle = torch.linalg.solve(crop.matrix[:, :2], 112 - crop.matrix[:, 2])
    torch.testing.assert_close(middle, torch.tensor([250.0, 150.0]), rtol=0, atol=0.5)


def test_other_networks_and_other_main_views_are_cut_as_ever():
    views = {"body": View((128, 96)), "face": VIEWS["face"]}
    one, other = sample(CHANCES[0], views=views), sample(Chance(), views=views)
    assert all(torch.equal(one.inputs.views[name], other.inputs.views[name]) for name in views)
    assert not parts_of_body.apply(views) and parts_of_body.apply(VIEWS)


def test_it_is_drawn_where_asked_for():
    class Middle:
        def normal(self) -> float:
            return 0.0

        def uniform(self) -> float:
            return 0.5

    assert Augment(parts_from_body=True).draw(Middle()).parts_from_body
    assert Augment(parts_from_body=True, flip_first=True).draw(Middle()).parts_from_body
    assert not Augment().draw(Middle()).parts_from_body


def hands(left: float, right: float) -> np.ndarray:
    return np.array([[240.0, 140, 260, 160, left], [140, 150, 160, 170, right], [0, 0, 0, 0, 0]])


@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [(1, 1, None), (1, 0, True), (0.2, 0.6, False), (0.6, 0.2, True), (0, 0, None)],
)
def test_a_view_of_one_hand_is_flipped_until_there_is_a_hand(left, right, expected, drawn):
    someone = replace(person(), part_boxes=hands(left, right))
    chance = filling(someone, VIEWS["right_hand"], Chance(flipped=drawn))
    assert chance.flipped == (drawn if expected is None else expected)
    assert filling(someone, VIEWS["body"], Chance(flipped=drawn)).flipped == drawn


def test_a_view_of_one_hand_is_taught_by_the_hand_that_it_shows():
    pose = {name: np.full((16, 3), value) for name, value in (("left_hand", 0.1), ("right_hand", 0.2))}
    bodies = {name: PartBody(MANO, pose[name], np.full(10, pose[name][0, 0])) for name in pose}
    someone = replace(person(), part_bodies=bodies, body=SMPLX, pose=np.zeros((55, 3)))
    views = {"right_hand": VIEWS["right_hand"]}
    for left, right, value in ((1, 0, 0.1), (0, 1, 0.2)):
        made = make_sample(replace(someone, part_boxes=hands(left, right)), views, RIGHT_HAND_21, MANO)
        torch.testing.assert_close(made.target.pose, torch.full((16, 3), value))
        torch.testing.assert_close(made.target.betas, torch.full((10,), value))
        points = made.target.joints_2d
        assert (points[:, 2] == 1).all()
        assert points[:, :2].min() > -60 and points[:, :2].max() < 284, "the box is smaller than the points"


def test_a_view_of_the_body_is_taught_by_the_body():
    bodies = {"right_hand": PartBody(MANO, np.ones((16, 3)))}
    someone = replace(person(), part_bodies=bodies, body=SMPLX, pose=np.full((55, 3), 0.3))
    assert (sample(Chance(), someone).target.pose == 0.3).all()
