"""Hands at the ends of arms: drawn ones, whose points are known, and those of photographs where they are."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_parts import background, pixels, with_hand

from common.joints import COCO_WHOLE_BODY_133
from demo.detectors.hands import Hands, _Hand, without_twins

LENGTH = 110  # pixels
LEFT, RIGHT = 0, 1
SIDES = ("left", "right")


@pytest.fixture(scope="module")
def hands() -> Hands:
    return Hands()


def body(**points: tuple[float, float, float]) -> np.ndarray:
    """(133, 3) with the points named, all others unseen."""
    joints = np.zeros((133, 3))
    for name, point in points.items():
        joints[COCO_WHOLE_BODY_133.index(name)] = point
    return joints


def arm(side: str, wrist: tuple[float, float], turned: float, forearm: float = 180.0) -> dict[str, tuple]:
    """Elbow and wrist, for a hand turned clockwise in degrees."""
    angle = np.radians(turned)
    elbow = (wrist[0] - forearm * np.sin(angle), wrist[1] + forearm * np.cos(angle), 0.9)
    return {f"{side}_elbow": elbow, f"{side}_wrist": (*wrist, 0.9)}


def scene(*drawn: tuple[tuple[float, float], float, bool]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Hands at roots, turned, mirrored: the picture and their points, 0 being its edge."""
    picture, truth = background(480, 360), []
    for root, turned, mirrored in drawn:
        picture, points = with_hand(picture, root, LENGTH, turned, mirrored)
        truth.append(points + 0.5)
    return pixels(picture), truth


def error(read: np.ndarray, truth: np.ndarray) -> float:
    """Mean distance in lengths of a hand."""
    return float(np.hypot(*(read[:, :2] - truth).T).mean() / LENGTH)


@pytest.mark.parametrize("turned", [0, 100, 190])
@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_a_hand_is_read_where_it_was_drawn_however_it_is_turned(hands, turned, side):
    picture, (truth,) = scene(((230, 190), turned, side == RIGHT))
    (read,) = hands(picture, body(**arm(SIDES[side], (230, 190), turned))[None])
    assert read[side, 0, 2] > 0.8
    assert error(read[side], truth) < 0.05
    assert not read[1 - side].any()


def test_both_hands_are_read_each_at_the_end_of_its_arm(hands):
    picture, truth = scene(((330, 240), 10, False), ((140, 240), -10, True))
    joints = body(**arm("left", (330, 240), 10), **arm("right", (140, 240), -10))
    (read,) = hands(picture, joints[None])
    assert error(read[LEFT], truth[0]) < 0.05 and error(read[RIGHT], truth[1]) < 0.05
    assert read[..., 2].min() > 0.8


def test_crossed_arms_keep_their_sides_whatever_the_hands_look_like(hands):
    picture, truth = scene(((330, 240), 10, False), ((140, 240), -10, True))
    crossed = body(**arm("right", (330, 240), 10), **arm("left", (140, 240), -10))
    (read,) = hands(picture, crossed[None])
    assert error(read[RIGHT], truth[0]) < 0.05 and error(read[LEFT], truth[1]) < 0.05


def test_the_hand_of_one_arm_is_never_the_other_arms_too(hands):
    picture, (truth,) = scene(((230, 240), 0, False))
    near = body(**arm("left", (230, 240), 0), **arm("right", (262, 250), 0))
    (read,) = hands(picture, near[None])
    assert error(read[LEFT], truth) < 0.05 and read[LEFT, 0, 2] > 0.8
    assert read[RIGHT, 0, 2] == 0


def test_the_hand_of_a_neighbor_is_not_taken(hands):
    picture, (truth,) = scene(((230, 240), 0, False))
    mine, neighbors = body(**arm("left", (230, 240), 0)), body(**arm("left", (195, 250), 10))
    read = hands(picture, np.stack([neighbors, mine]))
    assert error(read[1, LEFT], truth) < 0.05 and read[1, LEFT, 0, 2] > 0.8
    assert read[0, LEFT, 0, 2] == 0


def test_a_hand_far_from_the_wrist_is_not_trusted(hands):
    picture, _ = scene(((330, 240), 0, False))
    (read,) = hands(picture, body(**arm("left", (150, 240), 0))[None])
    assert read[LEFT, 0, 2] < 0.3


def test_where_the_body_points_the_wrong_way_the_palm_detector_finds_the_hand(hands, monkeypatch):
    picture, (truth,) = scene(((230, 230), 0, False))
    wrong = body(**arm("left", (230, 230), 75))
    (read,) = hands(picture, wrong[None])
    assert read[LEFT, 0, 2] > 0.8 and error(read[LEFT], truth) < 0.05
    monkeypatch.setattr(hands, "_palms", lambda levels, arms: [None] * len(arms))
    (unaided,) = hands(picture, wrong[None])
    assert unaided[LEFT, 0, 2] < read[LEFT, 0, 2]


def test_knuckles_say_better_than_the_forearm_how_a_hand_lies(hands, monkeypatch):
    picture, (truth,) = scene(((230, 230), 60, False))
    monkeypatch.setattr(hands, "_palms", lambda levels, arms: [None] * len(arms))
    joints = arm("left", (230, 230), -20)
    joints |= {"left_index_1": (*truth[5], 0.9), "left_pinky_1": (*truth[17], 0.9)}
    (read,) = hands(picture, body(**joints)[None])
    assert read[LEFT, 0, 2] > 0.8 and error(read[LEFT], truth) < 0.05


def test_of_an_unseen_wrist_and_of_a_tiny_hand_nothing_is_said(hands):
    picture, _ = scene(((230, 240), 0, False))
    unseen = arm("left", (230, 240), 0) | {"left_wrist": (230, 240, 0.1)}
    tiny = arm("right", (230, 240), 0, forearm=10.0)
    assert not hands(picture, body(**unseen, **tiny)[None]).any()
    assert hands(picture, np.zeros((0, 133, 3))).shape == (0, 2, 21, 3)


def test_where_there_is_no_hand_none_is_trusted(hands):
    (read,) = hands(pixels(background(480, 360)), body(**arm("left", (230, 240), 0))[None])
    assert read[LEFT, 0, 2] < 0.3


def test_of_twins_the_one_stays_that_fits_its_arm_and_its_side():
    points = np.random.default_rng(0).uniform(0, 100, (21, 2))
    left, right, other = _Hand(points, 0.8, 0.9), _Hand(points + 3, 0.9, 0.1), _Hand(points + 200, 0.5, 0.5)
    assert [hand.trust for hand in without_twins([right, other, left])] == [0.0, 0.5, 0.8]
