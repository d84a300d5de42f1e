"""The detectors find who is there: drawn persons everywhere, photographs where they are at hand."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn import drawn_people

from common.joints import BLAZEPOSE_33, COCO_17
from common.utils.errors import UserError
from common.utils.paths import ROOT
from demo.detectors import persons
from demo.detectors.blazepose import Reading
from demo.detectors.given_boxes import GivenBoxes
from demo.detectors.people import PeopleDetector, _Found, distinct

PHOTOS = ROOT.parent / "shared" / "photos"
photos = pytest.mark.skipif(not PHOTOS.is_dir(), reason="the photographs of ../shared/photos are not here")
# where the drawn person's joints are, in heights from the feet, the person's own left on the right
DRAWN = {
    "nose": (0.0, 0.908), "left_shoulder": (0.12, 0.79), "right_shoulder": (-0.12, 0.79),
    "left_elbow": (0.18, 0.62), "right_elbow": (-0.18, 0.62), "left_wrist": (0.22, 0.5),
    "right_wrist": (-0.22, 0.5), "left_knee": (0.09, 0.27), "right_knee": (-0.09, 0.27),
    "left_ankle": (0.1, 0.05), "right_ankle": (-0.1, 0.05),
}  # fmt: skip


@pytest.fixture(scope="module")
def detector():
    return PeopleDetector(with_mask=True)


def photo(name: str) -> np.ndarray:
    return np.ascontiguousarray(cv2.imread(str(PHOTOS / name))[..., ::-1])


def drawn_error(person, feet: tuple[float, float], tall: float, turned: float = 0.0) -> float:
    """The mean distance from where the joints were drawn, in heights."""
    offset = np.array(list(DRAWN.values())) * [tall, -tall]
    angle = np.radians(turned)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    read = person.joints_2d[list(BLAZEPOSE_33.indices(tuple(DRAWN))), :2]
    return float(np.hypot(*(read - feet - offset @ turn).T).mean() / tall)


def test_two_drawn_persons_are_two_and_read_where_they_were_drawn(detector):
    feet = [(130, 300), (340, 296)]
    people = detector(drawn_people(480, 320, feet, 260), "drawn")
    assert [person.name for person in people] == ["drawn/0", "drawn/1"]
    for person, foot in zip(sorted(people, key=lambda p: p.box[0]), feet, strict=True):
        assert drawn_error(person, foot, 260) < 0.04
        assert person.joint_set is BLAZEPOSE_33 and person.joints_2d.shape == (33, 3)
        assert 0.5 < person.score <= 1
        np.testing.assert_allclose(person.box, [foot[0] - 64, foot[1] - 260, foot[0] + 64, foot[1]], atol=20)
        inside = person.mask[int(foot[1] - 160) : int(foot[1] - 150), foot[0] - 10 : foot[0] + 10]
        assert inside.all() and person.mask.shape == (320, 480)
        assert not person.mask[:20].any()


def test_a_person_upside_down_is_read_as_well(detector):
    feet = (160, 20)
    people = detector(drawn_people(320, 320, [feet], 260, 180.0), "turned")
    assert len(people) == 1
    assert drawn_error(people[0], feet, 260, 180.0) < 0.06


def test_of_a_person_cut_at_the_waist_only_what_is_seen_is_believed(detector):
    people = detector(drawn_people(400, 300, [(200, 560)], 520), "cut")
    assert len(people) == 1
    joints = people[0].joints_2d
    shoulders = joints[list(BLAZEPOSE_33.indices(("left_shoulder", "right_shoulder")))]
    np.testing.assert_allclose(shoulders[:, :2], [[262, 149], [138, 149]], atol=26)
    ankles = joints[list(BLAZEPOSE_33.indices(("left_ankle", "right_ankle")))]
    assert shoulders[:, 2].min() > 0.7 and ankles[:, 2].max() < 0.3


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (300, 240)])
def test_an_empty_picture_of_any_shape_shows_nobody(detector, shape):
    assert detector(np.full((*shape, 3), 128, np.uint8), "empty") == []


def test_parts_lie_at_the_wrists_and_the_face(detector):
    person = detector(drawn_people(320, 320, [(160, 300)], 280), "parts")[0]
    middles = (person.part_boxes[:, :2] + person.part_boxes[:, 2:4]) / 2
    truth = [
        [160 + 0.222 * 280, 300 - 0.47 * 280],
        [160 - 0.222 * 280, 300 - 0.47 * 280],
        [160, 300 - 0.9 * 280],
    ]
    np.testing.assert_allclose(middles, truth, atol=14)
    assert (person.part_boxes[:, 4] > persons.NO_PART).all()


def reading(x: float, size: float = 100.0, sure: float = 0.9) -> Reading:
    """Somebody about x: 33 points on a line of that size."""
    points = np.stack([np.full(33, x), np.linspace(0, size, 33), np.full(33, sure)], -1)
    place = np.array([[x, size / 2], [x, -size / 2]])
    return Reading(points, place, 0.99, np.eye(2, 3), None)


def test_readings_that_agree_are_one_person_with_the_best_of_both():
    shape, box = (200, 400, 3), np.array([90.0, 0, 110, 100])
    boxed, alone = _Found(reading(100), 0.4, box, shape), _Found(reading(104), 0.9, None, shape)
    (one,) = distinct([boxed, alone])
    assert one.reading is boxed.reading and one.score == 0.9 and one.box is box


def test_people_side_by_side_stay_two():
    found = [_Found(reading(x), 0.9, None, (200, 400, 3)) for x in (100, 160)]
    assert len(distinct(found)) == 2


def test_points_outside_the_picture_do_not_speak_against_a_reading():
    whole = _Found(reading(100), 0.5, None, (200, 400, 3))
    points = whole.reading.points.copy()
    points[20:] = [100, 900, 0.0]
    cut = replace(whole, reading=replace(whole.reading, points=points))
    assert cut.quality == pytest.approx(whole.quality)


def test_a_given_box_is_kept_and_read():
    feet, box = (160, 300), np.array([90.0, 15, 230, 305])
    people = GivenBoxes(box[None])(drawn_people(320, 320, [feet], 280), "given")
    assert [person.name for person in people] == ["given/0"]
    np.testing.assert_allclose(people[0].box, box)
    assert drawn_error(people[0], feet, 280) < 0.04


def test_a_given_box_without_key_points_is_a_box_alone():
    (person,) = GivenBoxes(np.array([[1, 2, 30, 40]]), keypoints=False)(np.zeros((50, 50, 3), np.uint8), "x")
    np.testing.assert_allclose(person.box, [1, 2, 30, 40])
    assert person.joints_2d is None and person.joint_set is None


def test_where_nobody_is_in_a_given_box_no_point_is_believed():
    (person,) = GivenBoxes(np.array([[10, 10, 90, 90]]))(np.full((100, 100, 3), 90, np.uint8), "x")
    assert person.joints_2d[:, 2].max() < 0.5


@pytest.mark.parametrize("box", [(100, 100, 200, 200), (30, 30, 30, 40), (-20, 0, -5, 20)])
def test_a_box_that_shows_nothing_is_refused_in_words(box):
    with pytest.raises(UserError, match="shows nothing of x, which is 50 x 50 pixels"):
        GivenBoxes(np.array([box]), keypoints=False)(np.zeros((50, 50, 3), np.uint8), "x")


def test_a_box_around_points_stays_in_the_picture():
    points = np.random.default_rng(0).uniform(-50, 150, (33, 3)) / [1, 1, 150]
    box = persons.box_around(points, (100, 80, 3))
    assert (box >= 0).all() and (box <= [80, 100, 80, 100]).all() and (box[2:] > box[:2]).all()


@photos
@pytest.mark.parametrize(
    ("name", "least"),
    [("golf.jpg", 3), ("tennis.jpg", 5), ("000000197388.jpg", 5), ("0001.png", 2), ("0003.png", 1)],
)
def test_the_people_of_a_photograph_are_found(detector, name, least):
    assert least <= len(detector(photo(name), name)) <= least + 10


@photos
def test_annotated_joints_are_found_within_a_tenth_of_the_box(detector):
    annotated = json.loads((PHOTOS / "coco_wholebody.json").read_text())
    files = {image["id"]: image["file_name"] for image in annotated["images"]}
    people = {key: detector(photo(name), name) for key, name in files.items()}
    order = list(COCO_17.taken_from(BLAZEPOSE_33))
    right = total = 0
    for one in annotated["annotations"]:
        joints, tall = np.reshape(one["keypoints"], (17, 3)), one["bbox"][3]
        seen = joints[:, 2] > 0
        away = [np.hypot(*(p.joints_2d[order, :2] - joints[:, :2])[seen].T) for p in people[one["image_id"]]]
        right += max(int((each < 0.1 * tall).sum()) for each in away)
        total += int(seen.sum())
    assert right / total >= 0.85
