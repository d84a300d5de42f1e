"""Whole bodies: what another detector found, with hands and faces."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from drawn_parts import background, pixels, placed, with_face, with_hand

from common.joints import BLAZEPOSE_33, COCO_17, COCO_WHOLE_BODY_133, LIFTER_29, SMPLX, WHOLE_BODY_137
from common.preprocess.sample import make_sample
from common.structures import Person, Sample, View
from common.utils.errors import UserError
from common.utils.paths import ROOT
from demo.detectors.parts import PARTS, are_wanted
from demo.detectors.people import PeopleDetector
from demo.detectors.whole_body import WholeBody
from demo.options import options_of

PHOTOS = ROOT.parent / "shared" / "photos"
photos = pytest.mark.skipif(not PHOTOS.is_dir(), reason="the photographs of ../shared/photos are not here")
NAMES = COCO_WHOLE_BODY_133.names
PART = COCO_WHOLE_BODY_133.parts
HEAD = {"nose": (0, -0.27), "left_eye": (0.19, 0), "right_eye": (-0.19, 0), "left_ear": (0.46, -0.08),
        "right_ear": (-0.46, -0.08), "left_mouth_corner": (0.16, -0.46),
        "right_mouth_corner": (-0.16, -0.46)}  # fmt: skip


def drawing() -> tuple[np.ndarray, np.ndarray, Person]:
    """A face and a left hand, its points, and the person as BlazePose would say, the right wrist astray."""
    picture, _ = with_face(background(520, 400), (150, 150), 120)
    picture, hand = with_hand(picture, (390, 270), 110)
    joints = np.zeros((33, 3), np.float32)
    head = placed(np.array(list(HEAD.values())), (150, 150), 120)
    joints[list(BLAZEPOSE_33.indices(tuple(HEAD)))] = np.insert(head, 2, 0.9, axis=1)
    for name, point in {
        "left_elbow": (390, 440), "left_wrist": (390, 270),
        "right_elbow": (60, 200), "right_wrist": (60, 330),
        "right_index_1": (60, 370), "right_pinky_1": (50, 370), "right_thumb_2": (70, 360),
    }.items():  # fmt: skip
        joints[BLAZEPOSE_33.index(name)] = (*point, 0.9)
    boxes = np.float32([[1, 2, 3, 4, 0.5], [40, 320, 80, 390, 0.6], [5, 6, 7, 8, 0.7]])
    image = pixels(picture)
    person = Person("x/0", image=image, box=np.float32([0, 0, 519, 399]), joints_2d=joints,
                    joint_set=BLAZEPOSE_33, part_boxes=boxes, score=0.8)  # fmt: skip
    return image, hand, person


@pytest.fixture(scope="module")
def read() -> tuple[Person, Person, np.ndarray]:
    """Before and after, and the hand as it was drawn."""
    image, hand, person = drawing()
    (after,) = WholeBody(lambda image, name: [person])(image, "x")
    return person, after, hand


def test_a_person_has_133_points_and_stays_the_same_person(read):
    before, after, _ = read
    assert after.joint_set is COCO_WHOLE_BODY_133 and after.joints_2d.shape == (133, 3)
    assert (after.name, after.score) == (before.name, before.score) and after.box is before.box
    shared = [name for name in COCO_17.names if name in BLAZEPOSE_33.names]
    np.testing.assert_array_equal(
        after.joints_2d[list(COCO_WHOLE_BODY_133.indices(tuple(shared)))],
        before.joints_2d[list(BLAZEPOSE_33.indices(tuple(shared)))],
    )
    assert after.joints_2d[NAMES.index("left_small_toe"), 2] == 0


def test_the_hand_that_was_drawn_is_the_left_one_in_pixels_of_the_house(read):
    _, after, hand = read
    points = after.joints_2d[PART["left_hand"]]
    assert points[:, 2].min() > 0.8
    assert np.hypot(*(points[:, :2] - hand).T).mean() < 0.04 * 110


def test_boxes_lie_around_what_was_read_and_scores_are_its_mean_confidence(read):
    _, after, _ = read
    for row in (0, 2):
        points = after.joints_2d[PART[PARTS[row]]]
        np.testing.assert_allclose(after.part_boxes[row, :2], points[:, :2].min(0))
        np.testing.assert_allclose(after.part_boxes[row, 2:4], points[:, :2].max(0))
        assert after.part_scores[row] == pytest.approx(points[:, 2].mean(), abs=1e-5)
        assert after.part_boxes[row, 4] == after.part_scores[row] > 0.8


def test_where_a_part_is_not_read_the_word_of_the_body_stays(read):
    before, after, _ = read
    np.testing.assert_array_equal(after.part_boxes[1], before.part_boxes[1])
    assert after.part_scores[1] < 0.3
    for name in ("right_index_1", "right_pinky_1", "right_thumb_2"):
        np.testing.assert_array_equal(
            after.joints_2d[NAMES.index(name)], before.joints_2d[BLAZEPOSE_33.index(name)]
        )
    assert after.joints_2d[NAMES.index("right_pinky_tip"), 2] == 0


def test_a_network_is_shown_the_parts_that_were_read(read):
    _, after, hand = read
    parts = {name: View((224, 224), name, padding=1.3) for name in ("left_hand", "face")}
    views = {"body": View((224, 224)), **parts}
    inputs = Sample.stack([make_sample(after, views, COCO_WHOLE_BODY_133, SMPLX)]).inputs
    np.testing.assert_allclose(inputs.part_scores[0], after.part_scores)
    shown = inputs.crops["left_hand"].points(torch.tensor(hand, dtype=torch.float32)[None])[0].numpy()
    assert shown.min() > 10 and shown.max() < 214 and np.ptp(shown, 0).max() > 150
    skin = inputs.views["left_hand"][0, :, 90:130, 90:130].mean((1, 2))
    assert skin[0] > skin[2] + 0.1  # the drawn hand is warm, what is behind it is blue


def test_points_outside_the_picture_are_not_confident():
    image, _, person = drawing()
    cut = np.ascontiguousarray(image[:, :420])
    (after,) = WholeBody(lambda *_: [replace(person, image=cut)])(cut, "x")
    points = after.joints_2d[PART["left_hand"]]
    outside = points[:, 0] > 419.5
    assert outside.any() and not points[outside, 2].any() and points[~outside, 2].min() > 0.3


def test_people_without_points_or_read_by_part_pass_unchanged_and_nobody_is_nobody(read):
    boxed = Person("x/0", image=np.zeros((50, 50, 3), np.uint8), box=np.float32([1, 2, 30, 40]))
    found: list[Person] = []
    detector = WholeBody(lambda *_: list(found))
    assert detector(boxed.image, "x") == []
    found += [boxed, read[1]]
    first, second = detector(boxed.image, "x")
    assert first is boxed and second is read[1]


def test_hands_and_faces_are_read_for_networks_that_look_at_them_alone():
    body = View(size=(224, 224))
    assert not are_wanted({"body": body, "points": replace(body, content="keypoints", joint_set=LIFTER_29)})
    assert not are_wanted({"proxy": replace(body, content="proxy", joint_set=COCO_17)})
    assert are_wanted({"body": body, "left": replace(body, box="left_hand")})
    assert are_wanted({"points": replace(body, content="keypoints", joint_set=WHOLE_BODY_137)})


def test_the_demo_reads_them_for_such_networks_and_costs_others_nothing(tmp_path):
    options = options_of(["--output", str(tmp_path / "out"), "--device", "cpu"])
    body = View(size=(224, 224))
    assert type(options.detector({"body": body})) is PeopleDetector
    both = options.detector({"body": body, "face": replace(body, box="face")})
    assert type(both) is WholeBody and type(both.detector) is PeopleDetector


def test_the_demo_says_which_file_of_key_points_is_missing(tmp_path):
    options = options_of(["--output", str(tmp_path / "out"), "--device", "cpu", "--keypoints", "none.onnx"])
    with pytest.raises(UserError, match=r"none\.onnx is missing"):
        options.detector({"body": View(size=(224, 224))})


@pytest.fixture(scope="module")
def photographed() -> dict[str, list[Person]]:
    detector = WholeBody(PeopleDetector())
    names = ("tennis.jpg", "000000000785.jpg")
    return {
        name: detector(np.ascontiguousarray(cv2.imread(str(PHOTOS / name))[..., ::-1]), name)
        for name in names
    }


@photos
def test_the_hands_and_faces_of_photographs_are_found_on_the_right_arms(photographed):
    tennis = np.array([person.part_scores for person in photographed["tennis.jpg"]])
    assert (tennis[:, 2] > 0.9).sum() == 5 and (tennis[:, :2] > 0.5).sum() >= 5
    for people in photographed.values():
        for person in people:
            wrists = person.joints_2d[[NAMES.index("left_wrist"), NAMES.index("right_wrist")]]
            roots = person.joints_2d[[PART["left_hand"].start, PART["right_hand"].start]]
            size = np.ptp(person.part_boxes[:2].reshape(2, -1)[:, [0, 2]], 1)
            for side in np.flatnonzero(person.part_scores[:2] > 0.5):
                assert np.hypot(*(wrists - roots)[side, :2]) < 2 * max(size[side], 10)


@photos
def test_an_annotated_face_is_read_within_a_tenth_of_its_box(photographed):
    annotated = json.loads((PHOTOS / "coco_wholebody.json").read_text())["annotations"]
    one = next(each for each in annotated if each["image_id"] == 785)
    truth = np.reshape(one["face_kpts"], (68, 3))
    read = photographed["000000000785.jpg"][0].joints_2d[PART["face"]]
    away = np.hypot(*(read - truth)[:, :2].T) / max(one["face_box"][2:])
    assert (away < 0.1).mean() > 0.9
