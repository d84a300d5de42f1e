"""From detected points to four views, turns and mirrors of what is annotated: as PyMAF-X does it.

`pymaf_x_preprocess.npz` beside this file is a part of what `../shared/parity` holds, which is checked as a
whole where it is at hand. Crops of single boxes are in test_preprocess_published.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from standins import input_image

from common import joints as j
from common.geometry.crop import around_points
from common.geometry.resampling import whole_pixel_box, whole_pixel_map
from common.geometry.rotation import matrix_from_6d, matrix_from_axis_angle, quaternion_from_matrix
from common.joints import JointSet
from common.metrics.on_smpl import LSP_17, SPINS_H36M
from common.networks.pymaf_x import cameras, integration
from common.networks.pymaf_x.joints import Joints
from common.preprocess.augment import Chance
from common.preprocess.sample import make_sample
from common.preprocess.targets import make_target
from common.preprocess.views import box_of
from common.structures import Crop, Person, View
from common.utils.paths import ROOT
from data.on_device.posed_targets import in_view
from demo.exporters.pickled import full_cameras

SHARED = ROOT.parent / "shared" / "parity" / "pymaf_x" / "preprocess.npz"
GOLDEN = Path(__file__).with_name("pymaf_x_preprocess.npz")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PADDINGS = {"body": 1.2, "left_hand": 1.44, "right_hand": 1.44, "face": 1.68}
PARTS = {"left_hand": "lhand", "right_hand": "rhand", "face": "face"}
VIEWS = {
    box: View((224, 224), box, padding=padding, sampling="resize_cubic", mean=MEAN, std=STD)
    for box, padding in PADDINGS.items()
}


@pytest.fixture(scope="module", params=["golden", "shared"])
def published(request) -> Mapping[str, np.ndarray]:
    if request.param == "golden":
        return dict(np.load(GOLDEN))
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there: only the part that tests/parity keeps is checked")
    return dict(np.load(SHARED))


def detected(published: Mapping[str, np.ndarray], number: int) -> Person:
    """A person as a detector hands it over: 133 points, the boxes around them, how sure it is of parts."""
    points = np.zeros((133, 3), np.float32)
    points[:17] = published["demo.in.body"][number]
    for part, short in PARTS.items():
        given = published[f"demo.in.{short}"][number]
        points[j.COCO_WHOLE_BODY_133.parts[part]] = np.roll(given, 17, 0) if part == "face" else given
    parts = [points[j.COCO_WHOLE_BODY_133.parts[part]] for part in PARTS]
    hulls = [around_points(part[:, :2], part[:, 2]) for part in parts]
    scores = [part[:, 2].mean() for part in (*parts[:2], parts[2][17:])]  # published: of the inner points
    picture = input_image(f"pymafx-frame{max(number - 1, 0)}", 3, 360, 480).transpose(1, 2, 0)
    return Person(
        str(number),
        np.round(255 * picture).astype(np.uint8),
        around_points(points[:17, :2], points[:17, 2]),
        part_boxes=np.array([np.zeros(5) if hull is None else [*hull, 1] for hull in hulls]),
        part_scores=np.array(scores),
        joint_set=j.COCO_WHOLE_BODY_133,
        joints_2d=points,
    )


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_detected_person_becomes_the_published_four_views(number, published):
    """The second has no left hand, it is cut from the picture's corner; the third's right one is a point."""
    sample = make_sample(detected(published, number), VIEWS, j.SPIN_159, j.SMPLX)
    for name, pixels in sample.inputs.views.items():
        expected = published[f"demo.{number}.img_{PARTS.get(name, name)}"]
        step = 9 if expected.shape[1] == 25 else 27
        greys = 255 * np.array(STD)[:, None, None] * np.abs(pixels[:, ::step, ::step].numpy() - expected)
        assert greys.max() < 2.1 and greys.mean() < 0.2, name
    scores = [float(published[f"demo.{number}.vis_{short}"]) for short in PARTS.values()]
    np.testing.assert_allclose(sample.inputs.part_scores, scores, atol=1e-6)
    size = [float(published[f"demo.{number}.orig_{side}"]) for side in ("width", "height")]
    assert sample.inputs.crops["body"].image_size.tolist() == size


def boxes_of(published: Mapping[str, np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """Boxes of the bodies' views, and the whole pixels that were cut."""
    boxes = [box_of(detected(published, number), VIEWS["body"], Chance(), (480, 360)) for number in range(3)]
    sides = [np.array([box[2] - box[0], box[3] - box[1]], np.float64) for box in boxes]
    middles = [np.array([box[0] + box[2], box[1] + box[3]], np.float64) / 2 for box in boxes]
    whole = [whole_pixel_box(m, s, (224, 224)) for m, s in zip(middles, sides, strict=True)]
    return boxes, np.array(whole, np.float64)


def test_boxes_of_bodies_are_the_published_ones(published):
    boxes, whole = boxes_of(published)
    np.testing.assert_allclose(
        [(box[2] - box[0]) / 200 for box in boxes], published["demo.scales"], rtol=1e-6
    )
    middles, sides = (whole[:, :2] + whole[:, 2:]) / 2, whole[:, 2:] - whole[:, :2]
    np.testing.assert_array_equal(np.concatenate([middles, sides], 1), published["demo.bboxes"])


def test_cameras_of_the_full_picture_are_the_published_ones(published):
    numbers = torch.tensor(published["camera.in.pred_cam"])
    whole = torch.tensor(published["demo.bboxes"])
    sides = 200 * torch.tensor(published["demo.scales"], dtype=torch.float64)
    flat, away = full_cameras(numbers, whole, sides, torch.tensor([[480.0, 360.0]]))
    np.testing.assert_allclose(flat, published["camera.orig_cam"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(away, published["camera.orig_cam_t"], rtol=1e-5, atol=1e-5)


def test_points_are_seen_where_the_published_cameras_see_them(published):
    points, numbers = (torch.tensor(published[name]) for name in ("translation.S", "projection.cam"))
    seen = cameras.on_view(cameras.far(numbers), points)
    np.testing.assert_allclose(seen, published["projection.out"], atol=1e-5)
    boxes = [(150, 180, 1.0), (350, 150, 1.4), (430, 300, 0.8)]
    maps = [whole_pixel_map(np.array(box[:2]), np.full(2, 200 * box[2]), (224, 224)) for box in boxes]
    size = torch.tensor([[480.0, 360.0]]).expand(3, 2)
    crop = Crop(torch.tensor(np.array(maps)).float(), torch.zeros(3), torch.zeros(3) > 0, size)
    lens = torch.tensor([[1200.0, 0, 240], [0, 1200, 180], [0, 0, 1]]).expand(3, 3, 3)
    camera = cameras.in_picture(numbers, crop, lens)
    turned = points @ torch.tensor(published["full_camera.rotation"]).mT  # pitch, which nobody estimates here
    np.testing.assert_allclose(camera.lens.project(turned), published["full_camera.out_pixels"], atol=1e-3)
    np.testing.assert_allclose(cameras.on_view(camera, turned), published["full_camera.out_crop"], atol=1e-5)


def mirror() -> Crop:
    return Crop(torch.eye(3)[None, :2], torch.zeros(1), torch.tensor([True]), torch.tensor([[480.0, 360.0]]))


def test_poses_are_mirrored_as_published(published):
    crop = mirror()
    single = crop.map(lambda tensor: tensor[0])
    for name, body in (("flip_pose", j.SMPL), ("flip_aa", None)):
        given, expected = (published[f"{name}.{end}"].reshape(-1, 3) for end in ("in", "out"))
        layout = body or j.BodyLayout("parts", JointSet("parts", tuple(f"j{i}" for i in range(len(given)))))
        person = Person("p", body=layout, pose=given)
        target = make_target(person, single, j.SMPL_24, layout).map(lambda tensor: tensor[None])
        ours = in_view(target, crop, torch.tensor(layout.joints.mirrored)).pose[0]
        np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_roots_turn_as_published(published):
    """A positive angle turns the picture counterclockwise, and who is in it."""
    for given, degrees, expected in zip(
        published["rotate.in"], published["rotate.angles"], published["rotate.out"], strict=True
    ):
        turn = torch.tensor([[0.0, 0.0, -math.radians(degrees)]], dtype=torch.float64)
        ours = matrix_from_axis_angle(turn) @ matrix_from_axis_angle(torch.tensor(given)[None])
        np.testing.assert_allclose(ours, matrix_from_axis_angle(torch.tensor(expected)[None]), atol=1e-6)


HANDS = JointSet("hands", j.SPIN_159.names[49:91])
FEET = JointSet("feet", j.OPENPOSE_25.names[19:])
SETS = {
    "body24": j.SPIN_24, "body49": j.SPIN_49, "hand42": HANDS, "face68": j.FACE_68, "feet6": FEET,
    "smpl24": j.SMPL_24,
}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_points_are_mirrored_as_published(name, published):
    given, expected = (published[f"flip_kp.{name}.{end}"] for end in ("in", "out"))
    np.testing.assert_allclose(given[list(SETS[name].mirrored)] * [-1, 1, 1], expected, atol=1e-12)


def test_a_hand_alone_keeps_its_order_in_a_mirror(published):
    given, expected = (published[f"flip_kp.hand21.{end}"] for end in ("in", "out"))
    np.testing.assert_allclose(given * [-1, 1, 1], expected, atol=1e-12)
    assert j.RIGHT_HAND_21.twin.taken_from(j.SPIN_159) == tuple(range(49, 70))


def test_index_tables_follow_from_the_names(published):
    flips = {
        "SMPL_JOINTS_FLIP_PERM": j.SMPL_24, "J24_FLIP_PERM": j.SPIN_24, "J49_FLIP_PERM": j.SPIN_49,
        "LRHAND_FLIP_PERM": HANDS, "FACE_FLIP_PERM": j.FACE_68, "FEEF_FLIP_PERM": FEET,
    }  # fmt: skip
    for name, joint_set in flips.items():
        assert list(joint_set.mirrored) == published[f"index.{name}"].tolist(), name
    both = [*j.OPENPOSE_25.mirrored, *(25 + place for place in j.SMPL_24.mirrored)]
    assert both == published["index.SMPL_J49_FLIP_PERM"].tolist()
    faces = j.SPIN_24.names[19:]
    chosen = {"J14": j.LSP_14, "J17": LSP_17, "J19": JointSet("j19", (*j.LSP_14.names, *faces))}
    for name, joint_set in chosen.items():
        assert list(joint_set.taken_from(j.SPIN_24)) == published[f"index.J24_TO_{name}"].tolist(), name
    for side in ("left", "right"):
        hand = JointSet(side, (f"{side}_wrist", *j.SPIN_159.names[j.SPIN_159.parts[f"{side}_hand"]][1:]))
        assert list(hand.taken_from(j.SMPLX_144)) == published[f"index.smplx_{side}_hand"].tolist()
        feet = JointSet(side, tuple(name for name in FEET.names if name.startswith(side)))
        assert list(feet.taken_from(j.SMPLX_144)) == published[f"index.smplx_{side}_foot"].tolist()


def test_rotations_are_read_as_published(published):
    matrices = matrix_from_6d(torch.tensor(published["rot6d.in"]))
    np.testing.assert_allclose(matrices, published["rot6d.matrix"], atol=1e-6)
    back = matrices[:, :, :2].flatten(1)
    np.testing.assert_allclose(back, published["rot6d.back"], atol=1e-6)
    turned = matrix_from_axis_angle(torch.tensor(published["rot6d.axis_angle"]))
    np.testing.assert_allclose(turned, matrices, atol=1e-5)
    ours = matrix_from_axis_angle(torch.tensor(published["rodrigues.in"]))
    np.testing.assert_allclose(ours, published["rodrigues.out"], atol=1e-6)


def test_turns_about_an_axis_are_told_as_published(published):
    axis = torch.nn.functional.normalize(torch.tensor(published["twist.axis"]), dim=-1)
    angle = integration.twist(torch.tensor(published["rot6d.matrix"]), axis)
    np.testing.assert_allclose(angle, published["twist.angle"], atol=1e-5)
    np.testing.assert_allclose(matrix_from_axis_angle(axis * angle), published["twist.rotation"], atol=1e-5)
    ours = quaternion_from_matrix(torch.tensor(published["rot6d.matrix"]))
    theirs = torch.tensor(published["rot6d.quaternion"])
    same = torch.minimum((ours - theirs).abs().amax(1), (ours + theirs).abs().amax(1))
    assert same.max() < 1e-6, "a quaternion and its negative are one rotation"


def test_joints_of_spin_are_taken_from_the_published_places(published):
    reported = published["index.SMPLX2SMPL_J45"].tolist()
    among = [*reported, *range(len(j.SMPLX_144), len(j.SMPLX_144) + 9)]  # then the nine of a matrix
    expected = [among[place] for place in published["index.JOINT_MAP"]]
    body = SimpleNamespace(layout=j.SMPLX, joint_set=j.SMPLX_144)
    assert Joints(body, None).places[:49].tolist() == expected
    coco = [j.SPIN_24.names[place] for place in published["index.J24_TO_JCOCO"]]
    assert tuple(name.removesuffix("_spin").removesuffix("_h36m") for name in coco) == j.COCO_17.names
    for name, joint_set in (("J14", j.LSP_14), ("J17", LSP_17)):
        assert list(joint_set.taken_from(SPINS_H36M)) == published[f"index.H36M_TO_{name}"].tolist(), name
