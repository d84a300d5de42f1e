"""What becomes of annotated points and poses in a flipped and turned view: as published."""

import json
import math
from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
import torch
from published_names import our_name

from common.geometry import crop
from common.joints import POSE_53, SMPLX, WHOLE_BODY_137, JointSet
from common.preprocess.targets import make_target
from common.structures import Crop, Person
from common.utils.paths import ROOT
from data.on_device.posed_targets import in_view

PARITY = ROOT.parent / "shared" / "parity"
OSX = PARITY / "osx"


@cache
def preprocess(system: str) -> Mapping[str, np.ndarray]:
    """A system's preprocess.npz; without it the test that asks is skipped."""
    path = PARITY / system / "preprocess.npz"
    if not path.exists():
        pytest.skip(f"{path} is not there: nothing to compare with")
    return dict(np.load(path))


@pytest.fixture
def published() -> Mapping[str, np.ndarray]:
    return preprocess("osx")


def recorded_crop(matrix: np.ndarray, width: int, flipped: bool) -> Crop:
    """The crop of a published map, which starts from the mirror image where it was flipped."""
    matrix = matrix.astype(np.float64)
    angle = math.atan2(matrix[0, 1], matrix[0, 0])
    matrix = crop.after_mirror(matrix, width) if flipped else matrix
    return Crop(torch.tensor(matrix), torch.tensor(angle), torch.tensor(flipped), torch.tensor([width, 96.0]))


@pytest.mark.parametrize(("case", "flipped"), [("plain", False), ("flip_rot", True)])
def test_points_of_coco_arrive_in_the_view_as_published(published, case, flipped):
    names = json.loads((OSX / "joint_sets.json").read_text())["MSCOCO"]["names"]
    valid = published["remap/in_valid"]
    person = Person(
        case,
        joint_set=JointSet("coco", tuple(our_name(name) for name in names)),
        joints_2d=np.concatenate([published["remap/in_img"][:, :2], valid], 1),
        joints_3d=np.concatenate([published["remap/in_cam"], valid], 1),
    )
    record = recorded_crop(published[f"remap/{case}/img2bb"], 128, flipped)
    target = make_target(person, record, WHOLE_BODY_137, SMPLX)
    known = published[f"remap/{case}/joint_valid"][:, 0] > 0
    np.testing.assert_array_equal(target.joints_2d[:, 2] > 0, known)
    np.testing.assert_array_equal(target.joints_3d[:, 3] > 0, known)
    pixels = published[f"remap/{case}/joint_img"][known, :2] * [384 / 12, 512 / 16]
    np.testing.assert_allclose(target.joints_2d[known, :2], pixels, atol=1e-3)
    meters = published[f"remap/{case}/joint_cam"][known]
    np.testing.assert_allclose(target.joints_3d[known, :3], meters, atol=1e-6)


@pytest.mark.parametrize(("case", "flipped"), [("plain", False), ("flip_rot", True)])
def test_a_pose_is_mirrored_and_turned_as_published(published, case, flipped):
    given = {
        name: published[f"model/in/{name}_pose"].reshape(-1, 3) for name in ("root", "body", "lhand", "jaw")
    }
    pose = np.zeros((55, 3))
    pose[:22] = np.concatenate([given["root"], given["body"]])
    pose[SMPLX.joints.parts["left_hand"]] = given["lhand"]  # nobody annotated the right one
    pose[SMPLX.joints.parts["jaw"]] = given["jaw"]
    known = np.ones(57)
    known[SMPLX.joints.parts["right_hand"]] = 0
    person = Person(case, body=SMPLX, pose=pose, known=known)
    record = recorded_crop(published[f"model/{case}/img2bb"], 128, flipped)
    angle = math.radians(25) if flipped else 0.0
    record.angle = torch.tensor(angle)
    batch = record.map(lambda tensor: tensor[None])
    target = make_target(person, record, WHOLE_BODY_137, SMPLX).map(lambda tensor: tensor[None])
    seen = in_view(target, batch, torch.tensor(SMPLX.joints.mirrored))
    places = list(POSE_53.taken_from(SMPLX.joints))
    expected = published[f"model/{case}/pose"].reshape(53, 3)
    np.testing.assert_allclose(seen.pose[0, places], expected, atol=1e-5)
    np.testing.assert_array_equal(seen.known[0, places], published[f"model/{case}/rotation_valid"])
