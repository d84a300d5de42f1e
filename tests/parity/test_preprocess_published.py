"""Boxes, affine maps, crops and draws: the numbers of the published systems.

`preprocess.npz` beside this file is a part of what `../shared/parity` holds, which is checked as a whole
where it is at hand.
"""

import math
import random
import re
import zlib
from collections.abc import Mapping

import numpy as np
import pytest
import torch

from common import joints as j
from common.geometry import align, camera, crop, resampling
from common.geometry.rotation import matrix_from_axis_angle
from common.preprocess.augment import Augment, Chance
from common.preprocess.targets import make_target
from common.preprocess.views import cut, locate
from common.structures import Person, View
from common.utils.paths import ROOT
from data.on_device.posed_targets import in_view

SHARED = ROOT.parent / "shared" / "parity"
GOLDEN = ROOT / "tests" / "parity"
NEEDS_SHARED = f"{SHARED} is not there: only the part that tests/parity keeps is checked"
shared_alone = pytest.mark.parametrize("published", ["shared"], indirect=True)


@pytest.fixture(scope="module", params=["golden", "shared"])
def published(request) -> Mapping[str, np.ndarray]:
    """All arrays by system and name."""
    if request.param == "golden":
        return dict(np.load(GOLDEN / "preprocess.npz"))
    if not SHARED.exists():
        pytest.skip(NEEDS_SHARED)
    systems = ("osx", "smpler_x", "smpler", "pymaf_x")
    files = {system: np.load(SHARED / system / "preprocess.npz") for system in systems}
    return {f"{system}/{name}": file[name] for system, file in files.items() for name in file.files}


def cases(published: Mapping[str, np.ndarray], pattern: str) -> list[str]:
    found = sorted({match[0] for name in published if (match := re.match(pattern, name))})
    assert found
    return found


def wave_picture(name: str, height: int, width: int) -> np.ndarray:
    """The smooth picture, RGB uint8, that the published crops were cut from."""
    dice = np.random.RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF)
    y, x = np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")
    channels = []
    for _ in range(3):
        frequencies, phases = dice.uniform(1, 9, (4, 2)), dice.uniform(0, 2 * np.pi, 4)
        waves = [
            np.sin(2 * np.pi * (a * x + b * y) + p) for (a, b), p in zip(frequencies, phases, strict=True)
        ]
        channels.append(np.float32(0.5 + 0.12 * sum(waves)).clip(0, 1))
    return np.round(255 * np.stack(channels, -1)).astype(np.uint8)


def as_corners(box: np.ndarray) -> np.ndarray:
    return np.array([box[0], box[1], box[0] + box[2], box[1] + box[3]])


def as_size(box: np.ndarray | None) -> np.ndarray:
    return np.full(4, np.nan) if box is None else np.array([box[0], box[1], box[2] - box[0], box[3] - box[1]])


def processed(box: np.ndarray, image_size, padding: float) -> np.ndarray:
    sound = crop.sanitized(as_corners(box), image_size)
    return as_size(None if sound is None else crop.padded(sound, 0.75, padding)).astype(np.float32)


def test_boxes_are_sanitized_and_padded_as_published(published):
    ours = [
        as_size(crop.sanitized(as_corners(box), size[::-1]))
        for box, size in zip(published["osx/bbox/in"], published["osx/bbox/img_hw"], strict=True)
    ]
    np.testing.assert_allclose(ours, published["osx/bbox/sanitized"], atol=1e-9)
    ours = [
        processed(box, size[::-1], 1.25)
        for box, size in zip(published["osx/bbox/in"], published["osx/bbox/img_hw"], strict=True)
    ]
    np.testing.assert_allclose(ours, published["osx/bbox/processed"], rtol=1e-6, atol=1e-5)
    whole = "osx/bbox/whole_number/"
    ours = [processed(box, published[whole + "image_hw"][::-1], 1.25) for box in published[whole + "in_xywh"]]
    np.testing.assert_array_equal(ours, published[whole + "processed"])


@shared_alone
def test_every_padding_of_the_family_is_matched(published):
    for kind, ratios in (("bbox/", (1.25, 1.2, 0.9996, 1.0)), ("bbox/whole_number/", (1.25, 1.2))):
        size = published[f"smpler_x/{kind}image_hw"][::-1]
        for ratio in ratios:
            ours = [processed(box, size, ratio) for box in published[f"smpler_x/{kind}in_xywh"]]
            expected = published[f"smpler_x/{kind}process_ratio_{ratio:.4f}"]
            np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-5)


def test_the_box_of_points_is_the_published_one(published):
    points, valid = published["osx/get_bbox/joints"], published["osx/get_bbox/valid"]
    ours = as_size(crop.around_points(points, valid, padding=1.2))
    np.testing.assert_allclose(ours, published["osx/get_bbox/out"], atol=1e-4)


def test_affine_maps_are_equal_to_the_last_bit_and_their_inverses_nearly(published):
    rows = published["osx/affine/in_cx_cy_w_h_dstw_dsth_scale_rot"]
    for row, there, back in zip(rows, published["osx/affine/fwd"], published["osx/affine/inv"], strict=True):
        x, y, width, height, view_width, view_height, scale, degrees = row
        box = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
        ours = crop.around(box, (int(view_height), int(view_width)), scale, math.radians(degrees))
        np.testing.assert_array_equal(ours, there)
        np.testing.assert_allclose(crop.inverse(ours), back, atol=1e-4)


@shared_alone
def test_warped_crops_are_equal(published):
    picture = published["osx/crop/image_u8"]
    for case in cases(published, r"osx/crop/\d/"):
        *box, scale, degrees, flipped, height, width = published[case + "in_bbox_scale_rot_flip_h_w"]
        person = Person(case, image=picture, box=as_corners(box), padding=None)
        view = View((int(height), int(width)))
        pixels, record = cut(person, view, Chance(scale, math.radians(degrees), bool(flipped)))
        whole = case + "patch" in published
        expected = published[case + ("patch" if whole else "patch_s16")]
        ours = 255 * pixels.permute(1, 2, 0).numpy()[:: 1 if whole else 16, :: 1 if whole else 16]
        np.testing.assert_allclose(ours, expected, atol=1e-2)
        matrix = published[case + "trans"].astype(np.float64)
        matrix = crop.after_mirror(matrix, picture.shape[1]) if flipped else matrix
        np.testing.assert_allclose(record.matrix, matrix, atol=1e-4)


@shared_alone
def test_warped_and_colored_crops_are_equal(published):
    for case in cases(published, r"smpler_x/crop\d/"):
        scale, degrees, flipped = published[case + "scale_rot_flip"]
        person = Person(
            case,
            image=published["smpler_x/crop/image_uint8"],
            box=as_corners(published[case + "bbox"].astype(np.float64)),
            padding=None,
        )
        pixels, _ = cut(person, View((512, 384)), Chance(scale, math.radians(degrees), bool(flipped)))
        ours = 255 * pixels.permute(1, 2, 0).numpy()[::16, ::16]
        np.testing.assert_allclose(ours, published[case + "patch_s16"], atol=1e-2)


@shared_alone
def test_augmented_crops_are_equal(published):
    box = as_corners(published["osx/bbox/processed"][0].astype(np.float64))
    for case in cases(published, r"osx/augment/[ab]/"):
        scale, degrees, *color, flipped = published[case + "scale_rot_r_g_b_flip"]
        person = Person(case, image=published["osx/crop/image_u8"], box=box, padding=None)
        chance = Chance(scale, math.radians(degrees), bool(flipped), tuple(color))
        pixels, record = cut(person, View((512, 384)), chance)
        ours = 255 * pixels.permute(1, 2, 0).numpy()[::32, ::32]
        np.testing.assert_allclose(ours, published[case + "image_s32"], atol=1e-2)
        matrix = published[case + "img2bb"].astype(np.float64)
        matrix = crop.after_mirror(matrix, person.image.shape[1]) if flipped else matrix
        np.testing.assert_allclose(record.matrix, matrix, atol=1e-4)


def test_crops_of_whole_pixels_are_those_of_smpler(published):
    picture = wave_picture("smpler/preprocess/image", 240, 320)
    for case in cases(published, r"smpler/case\d/"):
        x, y, scale, degrees, flipped, *color = published[case + "center_scale_rot_flip_colour"]
        center, sides = np.array([x, y]), np.array([200 * scale] * 2)
        matrix = resampling.whole_pixel_map(center, sides, (224, 224), math.radians(degrees))
        np.testing.assert_allclose(matrix, published[case + "matrix_full_to_crop"][:2], atol=1e-9)
        box = resampling.whole_pixel_box(center, sides, (224, 224))
        assert box == tuple(published[case + "box_upper_left_lower_right"])
        person = Person(case, image=picture, box=crop.square_box(center, 200 * scale), padding=None)
        chance = Chance(1.0, math.radians(degrees), bool(flipped), tuple(color))
        pixels, _ = cut(person, View((224, 224), sampling="resize"), chance)
        step = 16 if case + "crop[:, ::16, ::16]" in published else 8
        expected = published[case + f"crop[:, ::{step}, ::{step}]"]
        np.testing.assert_allclose(pixels[:, ::step, ::step], expected, atol=1e-6)
        if case + "crop_mean" in published:
            np.testing.assert_allclose(pixels.mean((1, 2)), published[case + "crop_mean"], atol=1e-6)


def test_points_cut_to_whole_pixels_are_those_of_smpler(published):
    for case in cases(published, r"smpler/case\d/"):
        x, y, scale, degrees, flipped, *_ = published[case + "center_scale_rot_flip_colour"]
        joints = published["smpler/joints2d"].copy()
        joints[:, 2] = 1  # published: points that nobody saw are moved as well
        person = Person(
            case,
            box=crop.square_box(np.array([x, y]), 200 * scale),
            padding=None,
            joint_set=j.SPIN_24,
            joints_2d=joints,
            intrinsics=np.array([[1.0, 0, 160], [0, 1, 120], [0, 0, 1]]),
        )
        view = View((224, 224), content="keypoints", joint_set=j.SPIN_24, sampling="resize")
        _, record = cut(person, view, Chance(1.0, math.radians(degrees), bool(flipped)))
        ours = make_target(person, record, j.SPIN_24, j.SMPL, whole_within=224).joints_2d
        expected = published[case + "joints2d"]
        np.testing.assert_allclose(2 * ours[:, :2] / 224 - 1, expected[:, :2], atol=1e-6)


@shared_alone
def test_points_and_poses_turn_and_flip_as_those_of_smpler(published):
    for case in cases(published, r"smpler/case\d/"):
        x, y, scale, degrees, flipped, *_ = published[case + "center_scale_rot_flip_colour"]
        joints = published["smpler/joints3d"].copy()
        joints[:, 3] = 1  # published: points that nobody saw are moved as well
        person = Person(
            case,
            box=crop.square_box(np.array([x, y]), 200 * scale),
            padding=None,
            joint_set=j.SPIN_24,
            joints_3d=joints,
            body=j.SMPL,
            pose=published["smpler/pose"].reshape(24, 3),
        )
        chance = Chance(1.0, math.radians(degrees), bool(flipped))
        record = locate(person, View((224, 224), sampling="resize"), chance, (320, 240))
        target = make_target(person, record, j.SPIN_24, j.SMPL)
        np.testing.assert_allclose(target.joints_3d[:, :3], published[case + "joints3d"][:, :3], atol=1e-5)
        batch, crops = (one.map(lambda tensor: tensor[None]) for one in (target, record))
        pose = in_view(batch, crops, torch.tensor(j.SMPL_24.mirrored)).pose[0]
        expected = torch.tensor(published[case + "pose"].reshape(24, 3))
        ours, theirs = matrix_from_axis_angle(pose), matrix_from_axis_angle(expected)
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
        np.testing.assert_allclose(pose[1:], expected[1:], atol=1e-6)


def test_cubic_crops_of_whole_pixels_are_those_of_pymaf_x(published):
    picture = wave_picture("pymafx-crop", 200, 260)
    for case in cases(published, r"pymaf_x/crop\.\d\."):
        x, y, scale, degrees = published[case + "case"]
        center, sides = np.array([x, y]), np.array([200 * scale] * 2)
        box = resampling.whole_pixel_box(center, sides, (224, 224))
        assert box == tuple(published[case + "corners"].ravel())
        matrix = resampling.whole_pixel_map(center, sides, (224, 224), math.radians(degrees))
        np.testing.assert_allclose(matrix, published[case + "transform"][:2], atol=1e-9)
        ours = resampling.cut_whole_pixels_cubic(picture, center, sides, (224, 224), math.radians(degrees))
        expected = published[case + "resized"].astype(np.float32)
        step = 9 if len(expected) == 25 else 27
        np.testing.assert_allclose(ours[::step, ::step], expected, atol=3 if degrees else 2)
        assert np.abs(ours[::step, ::step] - expected).mean() < 0.2


@shared_alone
@pytest.mark.parametrize("number", [0, 1, 2])
def test_crops_of_body_hands_and_face_are_those_of_pymaf_x(published, number):
    """Person 1 has no left hand: it is cut from the picture's corner."""
    points = {
        name: published[f"pymaf_x/demo.in.{name}"][number] for name in ("body", "lhand", "rhand", "face")
    }
    boxes = {name: crop.around_points(p[:, :2], p[:, 2]) for name, p in points.items()}
    parts = [boxes[name] for name in ("lhand", "rhand", "face")]
    person = Person(
        "published",
        image=wave_picture(f"pymafx-frame{max(number - 1, 0)}", 360, 480),
        box=boxes["body"],
        part_boxes=np.array([np.zeros(5) if box is None else [*box, 1] for box in parts]),
    )
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    asked = {
        "body": ("body", 1.2),
        "lhand": ("left_hand", 1.44),
        "rhand": ("right_hand", 1.44),
        "face": ("face", 1.68),
    }
    for name, (box, padding) in asked.items():
        view = View((224, 224), box, padding=padding, sampling="resize_cubic", mean=mean, std=std)
        pixels, _ = cut(person, view)
        expected = published[f"pymaf_x/demo.{number}.img_{name}"]
        np.testing.assert_allclose(pixels[:, ::9, ::9], expected, atol=2 / 255 / 0.224)


class Replay:
    """The two generators that published code draws from."""

    def __init__(self, seed: int, numpy_alone: bool = False) -> None:
        self.numpy, self.python, self.numpy_alone = (
            np.random.RandomState(seed),
            random.Random(seed),
            numpy_alone,
        )

    def normal(self) -> float:
        return self.numpy.randn()

    def uniform(self) -> float:
        return self.numpy.random_sample() if self.numpy_alone else self.python.random()


def in_columns(chance: Chance) -> list[float]:
    return [chance.scale, math.degrees(chance.angle), *chance.color, chance.flipped]


def test_draws_come_in_the_order_of_osx_and_smpler_x(published):
    seeds, expected = published["smpler_x/aug/seeds"], published["smpler_x/aug/scale_rot_r_g_b_flip"]
    ours = [in_columns(Augment().draw(Replay(int(seed)))) for seed in seeds]
    np.testing.assert_allclose(ours, expected, atol=1e-12)
    source = Replay(7)
    ours = [in_columns(Augment().draw(source)) for _ in range(6)]
    np.testing.assert_allclose(ours, published["osx/augment/first6_seed7"], atol=1e-12)


def test_draws_come_in_the_order_of_smpler(published):
    augment = Augment(rotation_chance=0.4, color=0.4, flip_first=True)
    for seed in range(6):
        scale, degrees, *color, flipped = in_columns(augment.draw(Replay(seed, numpy_alone=True)))
        expected = published[f"smpler/augment_seed{seed}/flip_rot_scale_colour"][0]
        np.testing.assert_allclose([flipped, degrees, scale, *color], expected, atol=1e-12)


def test_the_translation_of_a_body_is_that_of_pymaf_x(published):
    points, pixels = (torch.tensor(published[f"pymaf_x/translation.{name}"]) for name in "SJ")
    focal, center = torch.full((3, 2), 5000.0), torch.full((3, 2), 112.0)
    for first, name in ((0, "out_all"), (25, "out")):
        ours = camera.solve_translation(
            points[:, first:], pixels[:, first:, :2], pixels[:, first:, 2], focal, center
        )
        np.testing.assert_allclose(ours, published[f"pymaf_x/translation.{name}"], rtol=1e-5, atol=1e-5)


def test_rigid_alignment_is_that_of_smpler_x(published):
    points, truth = (torch.tensor(published[f"smpler_x/align/{name}"]) for name in "AB")
    np.testing.assert_allclose(align.procrustes(points, truth), published["smpler_x/align/out"], atol=1e-12)
