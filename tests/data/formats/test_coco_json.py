"""COCO json: an annotation, its picture, its fit and its whole-body points become one Person."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import numpy as np
import pytest

from common.joints import SMPL, SMPLX
from common.utils.errors import UserError
from data.formats.coco_json import COCO_134, CocoJson, fitted_body, whole_body_points

POINTS = {"keypoints": 17, "foot_kpts": 6, "face_kpts": 68, "lefthand_kpts": 21, "righthand_kpts": 21}


class Tiny(CocoJson):
    annotations: ClassVar = {"train": "tiny.json", "val": "bare.json"}
    fits: ClassVar = {"train": "fits.json"}
    smpl_fits: ClassVar = {"train": "smpl_fits.json"}
    images: ClassVar = {"train": "pictures", "val": "pictures"}
    joint_set = COCO_134

    def points(self, annotation: dict[str, Any]) -> np.ndarray:
        return whole_body_points(annotation)


def annotation(number: int, **changes) -> dict[str, Any]:
    dice = np.random.default_rng(number)
    points = {
        name: np.c_[dice.uniform(0, 90, (count, 2)), np.full(count, 2)].ravel().tolist()
        for name, count in POINTS.items()
    }
    boxes = {"lefthand_box": [12.5, 14, 8, 9], "righthand_box": [40, 14, 8, 9], "face_box": [24, 4, 10, 9]}
    flags = {"lefthand_valid": True, "righthand_valid": number % 2 == 0, "face_valid": True}
    person = {
        "id": number,
        "image_id": 10 + number,
        "iscrowd": 0,
        "num_keypoints": 9,
        "bbox": [10.5, 4, 30, 40],
    }
    return person | points | boxes | flags | changes


def fit(**changes) -> dict[str, Any]:
    dice = np.random.default_rng(3)
    sizes = {
        "root_pose": 3,
        "body_pose": 63,
        "lhand_pose": 45,
        "rhand_pose": 45,
        "jaw_pose": 3,
        "shape": 10,
        "expr": 10,
    }
    numbers = {name: dice.normal(0, 1, size).tolist() for name, size in sizes.items()}
    given = numbers | {"trans": [0.1, 0.2, 3.0]} | changes
    given = {name: value for name, value in given.items() if value is not None}
    return {"smplx_param": given, "cam_param": {"focal": [110, 112], "princpt": [32, 24]}}


@pytest.fixture
def tiny(tmp_path):
    def make(*annotations: dict, split: str = "train", fits: dict | None = None, **arguments) -> CocoJson:
        chosen = annotations or (annotation(1), annotation(2))
        images = [
            {"id": 10 + number, "file_name": f"/{number}.jpg", "width": 64, "height": 48}
            for number in range(9)
        ]
        text = json.dumps({"images": images, "annotations": chosen})
        (tmp_path / Tiny.annotations[split]).write_text(text)
        (tmp_path / "fits.json").write_text(json.dumps({"1": fit()} if fits is None else fits))
        return Tiny(split, root=tmp_path, **arguments)

    return make


def test_a_person_has_what_annotation_picture_and_fit_say(tiny, tmp_path):
    person, other = tiny()
    assert person.image == tmp_path / "pictures/1.jpg" and person.box.tolist() == [10.5, 4, 39.5, 43]
    assert person.body == SMPLX and person.pose.shape == (55, 3) and other.body is other.pose is None
    assert np.allclose(person.pose[25:40].ravel(), fit()["smplx_param"]["lhand_pose"])
    assert np.allclose(person.translation, [0.1, 0.2, 3.0]) and not person.joints_are_fitted
    assert person.intrinsics.tolist() == [[110, 0, 32], [0, 112, 24], [0, 0, 1]] and other.intrinsics is None
    assert person.joints_2d.shape == (134, 3) and person.joint_set == COCO_134


def test_a_part_whose_flag_is_unset_has_no_box_and_no_pose(tiny):
    person, other = tiny()
    assert person.part_boxes[0].tolist() == [12.5, 14, 20.5, 23, 1]
    assert person.part_boxes[:, 4].tolist() == [1, 0, 1] and other.part_boxes[:, 4].tolist() == [1, 1, 1]
    assert person.known.tolist() == [1.0] * 23 + [0.0] * 2 + [1.0] * 15 + [0.0] * 15 + [1.0] * 2
    assert not person.pose[40:].any()


def test_crowds_and_the_unlabelled_are_left_out_but_counted(tiny):
    some = (annotation(1), annotation(2, iscrowd=1), annotation(3, num_keypoints=0), annotation(4))
    assert [person.image.name for person in tiny(*some)] == ["1.jpg", "4.jpg"]
    assert [person.image.name for person in tiny(*some, interval=2)] == ["4.jpg"]


def test_fits_of_smpl_are_a_file_of_their_own(tiny, tmp_path):
    given = {"pose": np.arange(72.0).tolist(), "shape": [0.5] * 10, "trans": [0.1, 0.2, 3.0]}
    lens = {"focal": [110, 112], "princpt": [32, 24]}
    (tmp_path / "smpl_fits.json").write_text(json.dumps({"2": {"smpl_param": given, "cam_param": lens}}))
    assert tiny()[0].body == SMPLX
    other, person = tiny(body=SMPL)
    assert other.body is other.pose is None and person.body == SMPL
    assert person.pose.tolist() == np.arange(72.0).reshape(24, 3).tolist() and person.known is None
    assert np.allclose(person.betas, 0.5) and person.intrinsics[0].tolist() == [110, 0, 32]
    assert tiny()[0].body == SMPLX, "each way of reading a split has an index of its own"


def test_a_set_without_fits_has_none(tiny):
    assert tiny(split="val")[0].pose is None


def test_published_boxes_of_whole_numbers_are_padded_in_whole_numbers(tiny):
    class Padded(Tiny):
        part_padding = 1.2

    some = Padded(root=tiny(annotation(2)).root)
    left, right, _ = some[0].part_boxes
    assert right[:4].tolist() == np.trunc(right[:4]).tolist() != left[:4].tolist()


def test_a_box_outside_its_picture_is_named_with_file_and_record(tiny):
    with pytest.raises(ValueError, match=r"record 0 of .*tiny\.json: its box .* lies outside its picture"):
        tiny(annotation(1, bbox=[500, 4, 30, 40]))[0]


def test_a_box_of_another_length_is_named_and_left_out(tiny, caplog):
    person = annotation(2)
    some = tiny(annotation(1), person | {"bbox": [1, 2, 3]})
    assert len(some) == 1 and "another length" in caplog.text and "(row 1)" in caplog.text


def test_a_file_that_is_no_json_is_named(tiny, tmp_path):
    some = tiny()
    (tmp_path / "fits.json").write_text('{"1": ')
    with pytest.raises(UserError, match=r"fits\.json is cut short or is no json"):
        len(some)


def test_the_pelvis_lies_between_the_hips_and_is_seen_if_both_are():
    person = annotation(1)
    points = whole_body_points(person)
    left, right = (points[COCO_134.index(f"{side}_hip")] for side in ("left", "right"))
    assert np.allclose(points[-1], [*(left[:2] + right[:2]) / 2, 1]) and set(points[:, 2]) == {1.0}
    person["keypoints"][3 * 11 + 2] = 0
    assert whole_body_points(person)[-1, 2] == 0


def test_wrists_and_nose_stand_for_what_was_not_annotated():
    person = annotation(1)
    person["lefthand_kpts"][2] = person["face_kpts"][3 * 30 + 2] = (
        0  # of the 68, the tip of the nose is the 31st
    )
    points = whole_body_points(person)
    for empty, twin in (("left_hand_root", "left_wrist"), ("nose_bridge_4", "nose")):
        assert np.array_equal(points[COCO_134.index(empty)], points[COCO_134.index(twin)])


@pytest.mark.parametrize("missing", ["jaw_pose", "expr"])
def test_a_face_is_known_as_a_whole(missing):
    body = fitted_body(fit(**{missing: None}))
    assert body["known"][22] == body["known"][56] == 0 and body["expression"] is None
    assert not body["pose"][22].any() and body["known"][55] == 1


def test_flags_of_the_fit_count_before_those_of_the_annotation():
    flags = {"lefthand_valid": True, "righthand_valid": False, "face_valid": True}
    body = fitted_body(fit(lhand_valid=False), flags)
    assert not body["known"][25:55].any() and body["known"][22] == 1
    assert fitted_body(fit()["smplx_param"])["lens"] is None
