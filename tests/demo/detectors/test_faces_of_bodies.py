"""Faces of bodies: drawn ones, some of whose points are known."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_parts import background, pixels, placed, with_face

from common.joints import COCO_WHOLE_BODY_133
from demo.detectors.faces import OF_MESH, Faces

LENGTH = 130
FIRST = COCO_WHOLE_BODY_133.parts["face"].start


@pytest.fixture(scope="module")
def faces() -> Faces:
    return Faces()


def head(eyes: tuple[float, float], turned: float, with_mouth: bool = True, sure: float = 0.9) -> np.ndarray:
    """(133, 3): what a detector says of the head drawn there."""
    drawn = {
        "nose": (0.0, -0.27), "left_eye": (0.19, 0.0), "right_eye": (-0.19, 0.0),
        "left_ear": (0.46, -0.08), "right_ear": (-0.46, -0.08),
    }  # fmt: skip
    if with_mouth:
        drawn |= {"left_mouth_corner": (0.16, -0.46), "right_mouth_corner": (-0.16, -0.46)}
    else:
        drawn |= {"left_shoulder": (0.9, -1.4), "right_shoulder": (-0.9, -1.4)}
    joints = np.zeros((133, 3))
    order = list(COCO_WHOLE_BODY_133.indices(tuple(drawn)))
    joints[order, :2] = placed(np.array(list(drawn.values())), eyes, LENGTH, turned) + 0.5
    joints[order, 2] = sure
    return joints


def error(read: np.ndarray, truth: dict[str, np.ndarray]) -> float:
    """The largest distance of the known points, in lengths of a face."""
    order = [COCO_WHOLE_BODY_133.index(name) - FIRST for name in truth]
    return float(np.hypot(*(read[order, :2] - 0.5 - np.array(list(truth.values()))).T).max() / LENGTH)


@pytest.mark.parametrize("turned", [0, 35, -110, 180])
@pytest.mark.parametrize("with_mouth", [True, False])
def test_a_face_is_read_where_it_was_drawn_however_it_is_turned(faces, turned, with_mouth):
    picture, truth = with_face(background(400, 400), (200, 190), LENGTH, turned)
    (read,) = faces(pixels(picture), head((200, 190), turned, with_mouth)[None])
    assert read[:, 2].min() > 0.9
    assert error(read, truth) < 0.08


def test_two_faces_stay_with_their_bodies(faces):
    picture, right = with_face(background(520, 320), (130, 130), LENGTH)
    picture, left = with_face(picture, (380, 130), LENGTH)
    read = faces(pixels(picture), np.stack([head((380, 130), 0), head((130, 130), 0)]))
    assert error(read[0], left) < 0.08 and error(read[1], right) < 0.08
    assert read[..., 2].min() > 0.9


def test_one_face_is_not_that_of_two_bodies(faces):
    picture, truth = with_face(background(400, 320), (200, 130), LENGTH)
    read = faces(pixels(picture), np.stack([head((225, 135), 0), head((200, 130), 0)]))
    assert sorted(read[:, 0, 2] > 0) == [False, True]
    assert min(error(each, truth) for each in read) < 0.08


def test_where_there_is_no_face_none_is_trusted(faces):
    (read,) = faces(pixels(background(400, 320)), head((200, 130), 0)[None])
    assert read[:, 2].max() < 0.3


def test_an_unseen_head_and_nobody_cost_nothing(faces, monkeypatch):
    monkeypatch.setattr(faces, "look", None)
    picture = pixels(background(40, 40))
    assert not faces(picture, head((20, 20), 0, sure=0.1)[None]).any()
    assert faces(picture, np.zeros((0, 133, 3))).shape == (0, 68, 3)


def test_the_68_points_are_different_points_in_the_order_of_coco_whole_body():
    assert len(set(OF_MESH.tolist())) == 68 == len(OF_MESH)
    assert OF_MESH.min() >= 0 and OF_MESH.max() < 468


def test_a_mirrored_face_has_the_mirrored_points(faces):
    picture, _ = with_face(background(400, 320), (200, 130), LENGTH)
    joints = head((200, 130), 0)
    (read,) = faces(pixels(picture), joints[None])
    flipped = joints[list(COCO_WHOLE_BODY_133.mirrored)] * [-1, 1, 1] + [400, 0, 0]
    (other,) = faces(np.ascontiguousarray(pixels(picture)[:, ::-1]), flipped[None])
    order = np.array(COCO_WHOLE_BODY_133.mirrored)[FIRST : FIRST + 68] - FIRST
    back = other[order] * [-1, 1, 1] + [400, 0, 0]
    assert np.hypot(*(back - read)[:, :2].T).max() < 0.05 * LENGTH
