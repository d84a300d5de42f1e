"""Views: pictures and points land where the crop says, whatever was drawn."""

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from common.joints import BLAZEPOSE_33, COCO_17, COCO_WHOLE_BODY_133, LSP_14
from common.preprocess.augment import Chance
from common.preprocess.pictures import BrokenPicture
from common.preprocess.views import cut, opened, size_of
from common.structures import Person, View

CHANCES = [
    Chance(),
    Chance(1.2, 0.0, False),
    Chance(0.9, math.radians(25), False),
    Chance(1.0, 0.0, True),
    Chance(1.1, math.radians(-40), True),
]
SAMPLINGS = ("warp", "resize", "resize_cubic")
SPOTS = {
    "left_elbow": (230.0, 120.0, 0),
    "right_elbow": (170.0, 150.0, 1),
    "nose": (200.0, 100.0, 2),
}  # x, y, channel


def picture() -> np.ndarray:
    """Three soft spots, one in each channel."""
    rows, columns = np.mgrid[:300, :400]
    result = np.zeros((300, 400, 3))
    for x, y, channel in SPOTS.values():
        result[..., channel] = 250 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 2 / 16)
    return result.astype(np.uint8)


def person() -> Person:
    joints = np.zeros((17, 3))
    for name, (x, y, _) in SPOTS.items():
        joints[COCO_17.index(name)] = x, y, 0.9
    return Person(
        "test/1", image=picture(), box=np.array([150.0, 60, 250, 200]), joint_set=COCO_17, joints_2d=joints
    )


def center_of_light(channel: torch.Tensor) -> torch.Tensor:
    rows, columns = torch.meshgrid(
        torch.arange(channel.shape[0]), torch.arange(channel.shape[1]), indexing="ij"
    )
    return torch.stack([(columns * channel).sum(), (rows * channel).sum()]) / channel.sum()


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("chance", CHANCES, ids=str)
def test_a_crop_says_where_the_picture_went(sampling, chance):
    view = View((128, 128), padding=1.4, sampling=sampling)
    pixels, crop = cut(person(), view, chance)
    assert pixels.shape == (3, 128, 128) and pixels.dtype == torch.float32
    assert pixels.min() >= 0 and 0.5 < pixels.max() <= 1
    for x, y, channel in SPOTS.values():
        expected = torch.tensor([x, y]) @ crop.matrix[:, :2].T + crop.matrix[:, 2]
        limit = 0.1 if sampling == "warp" else 1.0
        assert (center_of_light(pixels[channel]) - expected).abs().max() < limit


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("chance", CHANCES, ids=str)
def test_a_crop_turns_points_in_space_as_it_turned_the_picture(sampling, chance):
    _, crop = cut(person(), View((128, 128), padding=1.4, sampling=sampling), chance)
    points = torch.randn(1, 9, 3, generator=torch.Generator().manual_seed(0))
    linear = crop.matrix[:, :2] / torch.linalg.det(crop.matrix[:, :2]).abs().sqrt()
    turned = crop.map(lambda tensor: tensor[None]).turned(points)
    torch.testing.assert_close(turned[..., :2], points[..., :2] @ linear.T, rtol=0, atol=1e-5)
    assert torch.equal(turned[..., 2], points[..., 2])


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("chance", CHANCES, ids=str)
def test_key_points_lie_on_what_the_picture_shows_by_the_mirrors_names(sampling, chance):
    image = View((128, 128), padding=1.4, sampling=sampling)
    pixels, _ = cut(person(), image, chance)
    points, _ = cut(person(), replace(image, content="keypoints", joint_set=BLAZEPOSE_33), chance)
    for name, (_, _, channel) in SPOTS.items():
        side = {"left_elbow": "right_elbow", "right_elbow": "left_elbow"}.get(name, name)
        row = points[BLAZEPOSE_33.index(side if chance.flipped else name)]
        assert row[2] == pytest.approx(0.9)
        assert (row[:2] - center_of_light(pixels[channel])).abs().max() < (0.1 if sampling == "warp" else 1.0)


def test_points_that_nobody_saw_or_that_the_set_lacks_have_confidence_zero():
    view = View((64, 64), content="keypoints", joint_set=BLAZEPOSE_33)
    points, _ = cut(person(), view)
    seen = {BLAZEPOSE_33.index(name) for name in SPOTS}
    assert all((points[i] == 0).all() for i in range(33) if i not in seen)
    nothing, _ = cut(person(), replace(view, joint_set=LSP_14))
    assert (nothing == 0).all()


def test_points_that_are_not_numbers_count_as_not_annotated():
    someone = person()
    someone.joints_2d[COCO_17.index("nose"), 0] = np.nan
    points, _ = cut(someone, View((64, 64), content="keypoints", joint_set=COCO_17))
    assert (points[0] == 0).all() and torch.isfinite(points).all()


def test_flipping_twice_changes_nothing():
    someone = person()
    mirror = replace(
        someone,
        image=np.ascontiguousarray(someone.image[:, ::-1]),
        box=np.array([399 - someone.box[2], someone.box[1], 399 - someone.box[0], someone.box[3]]),
    )
    plain, _ = cut(someone, View((128, 96)))
    twice, _ = cut(mirror, View((128, 96)), Chance(flipped=True))
    torch.testing.assert_close(plain, twice, rtol=0, atol=1e-6)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_mean_and_deviation_are_taken_off_in_every_channel(sampling):
    plain, _ = cut(person(), View((32, 32), sampling=sampling))
    view = View((32, 32), sampling=sampling, mean=(0.1, 0.2, 0.3), std=(0.5, 1.0, 2.0))
    normal, _ = cut(person(), view)
    expected = (plain - torch.tensor(view.mean)[:, None, None]) / torch.tensor(view.std)[:, None, None]
    torch.testing.assert_close(normal, expected)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_color_is_changed_and_clipped(sampling):
    bright = replace(person(), image=np.full((300, 400, 3), 200, np.uint8))
    pixels, _ = cut(bright, View((16, 16), padding=1.0, sampling=sampling), Chance(color=(1.4, 1.0, 0.5)))
    np.testing.assert_allclose(pixels[:, 8, 8], [1, 200 / 255, 100 / 255], atol=1e-6)


def test_a_box_is_the_crop_where_padding_is_none():
    whole = replace(person(), padding=None, box=np.array([10.0, 20, 110, 70]))
    _, crop = cut(whole, View((200, 100)))
    torch.testing.assert_close(crop.matrix, torch.tensor([[1.0, 0, -10], [0, 4, -80]]), rtol=0, atol=1e-4)


def test_paddings_of_person_and_view_multiply():
    _, crop = cut(replace(person(), padding=0.8), View((280, 200), padding=1.25))
    torch.testing.assert_close(crop.matrix[:, :2], 2 * torch.eye(2), rtol=0, atol=1e-4)


def test_without_a_box_the_points_decide_and_without_points_the_whole_picture():
    nobody = replace(person(), box=None)
    _, crop = cut(nobody, View((100, 100), padding=1.0))
    middle = crop.matrix[:, :2] @ torch.tensor([200.0, 125.0]) + crop.matrix[:, 2]
    torch.testing.assert_close(middle, torch.tensor([50.0, 50.0]))
    _, crop = cut(replace(nobody, joints_2d=None), View((300, 400), padding=1.0))
    torch.testing.assert_close(crop.matrix, torch.eye(3)[:2], rtol=0, atol=1e-4)


def with_hands() -> Person:
    boxes = np.array([[220.0, 110, 240, 130, 1], [160, 140, 180, 160, 1], [0, 0, 0, 0, 0]])
    return replace(person(), part_boxes=boxes)


def test_parts_are_cut_from_their_own_boxes():
    pixels, crop = cut(with_hands(), View((40, 40), box="left_hand", padding=1.0))
    assert (center_of_light(pixels[0]) - 20).abs().max() < 0.1
    torch.testing.assert_close(crop.matrix[:, :2], 2 * torch.eye(2), rtol=0, atol=1e-4)


def test_in_a_mirror_the_left_hand_is_the_right_ones_mirror_image():
    pixels, _ = cut(with_hands(), View((40, 40), box="left_hand", padding=1.0), Chance(flipped=True))
    right, _ = cut(with_hands(), View((40, 40), box="right_hand", padding=1.0))
    assert pixels[1].max() > 0.9
    shown, mirrored = center_of_light(pixels[1]), center_of_light(right[1])
    torch.testing.assert_close(shown, torch.stack([40 - mirrored[0], mirrored[1]]), rtol=0, atol=0.1)


@pytest.mark.parametrize(
    "boxes", [None, np.zeros((3, 5)), np.array([[5, 5, 5.5, 5.5, 1]] * 3)], ids=["none", "absent", "tiny"]
)
def test_an_absent_part_is_cut_from_the_pictures_corner(boxes):
    _, crop = cut(replace(person(), part_boxes=boxes), View((100, 100), box="face", padding=1.0))
    torch.testing.assert_close(crop.matrix, torch.tensor([[1.0, 0, 50], [0, 1, 50]]), rtol=0, atol=1e-4)


def test_without_a_picture_the_camera_or_the_mask_tells_its_size():
    nobody = replace(person(), image=None)
    assert size_of(replace(nobody, mask=np.zeros((30, 40), bool)), None) == (40, 30)
    assert size_of(replace(nobody, intrinsics=np.array([[9.0, 0, 320], [0, 9, 240], [0, 0, 1]])), None) == (
        640,
        480,
    )
    with pytest.raises(ValueError, match="test/1"):
        size_of(nobody, None)


def test_a_huge_picture_is_cut_like_any_other():
    huge = np.zeros((9000, 12000, 3), np.uint8)
    huge[4000:5000, 6000:7000] = 200
    pixels, crop = cut(Person("huge", image=huge), View((256, 192), padding=1.0), Chance(1.0, 0.2, True))
    expected = crop.matrix[:, :2] @ torch.tensor([6499.5, 4499.5]) + crop.matrix[:, 2]
    assert (center_of_light(pixels[0]) - expected).abs().max() < 0.2


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_a_picture_of_one_pixel_is_cut_like_any_other(sampling):
    pixels, _ = cut(Person("dot", image=np.full((1, 1, 3), 255, np.uint8)), View((64, 64), sampling=sampling))
    assert pixels.shape == (3, 64, 64) and torch.isfinite(pixels).all() and pixels.max() > 0


def test_errors_name_the_person_and_what_is_wrong():
    with pytest.raises(BrokenPicture, match=r"test/1.*empty"):
        cut(replace(person(), box=np.array([10.0, 10, 10, 50])), View((64, 64)))
    with pytest.raises(BrokenPicture, match=r"test/1.*empty"):
        cut(replace(person(), box=np.array([10.0, np.nan, 10, 50])), View((64, 64)))
    with pytest.raises(BrokenPicture, match="test/1"):
        cut(replace(person(), image=b"no picture"), View((64, 64)))
    with pytest.raises(BrokenPicture, match="test/1 has no picture"):
        cut(replace(person(), image=None, mask=np.zeros((4, 4), bool)), View((64, 64)))
    with pytest.raises(ValueError, match="'foot'"):
        cut(person(), View((64, 64), box="foot"))
    with pytest.raises(ValueError, match="'nearest'"):
        cut(person(), View((64, 64), sampling="nearest"))
    with pytest.raises(ValueError, match="'sound'"):
        cut(person(), View((64, 64), content="sound"))
    with pytest.raises(ValueError, match="joint_set"):
        cut(person(), View((64, 64), content="keypoints"))


@pytest.mark.parametrize("chance", CHANCES, ids=str)
@pytest.mark.parametrize(("size", "reduction"), [(256, 2), (128, 4), (64, 8)])
def test_a_view_of_a_reduced_picture_shows_the_same(chance, size, reduction):
    broad = cv2.resize(picture(), (1603, 1201), interpolation=cv2.INTER_CUBIC)
    jpeg = cv2.imencode(".jpg", broad[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()
    someone = replace(person(), image=jpeg, box=np.array([600.0, 240, 1000, 800]))
    view = View((size, size), padding=1.4)
    reduced = replace(chance, reduced=True)
    assert opened(someone, [view], reduced).reduction == reduction
    whole, crop = cut(someone, view, chance)
    quick, same_crop = cut(someone, view, reduced)
    assert torch.equal(crop.matrix, same_crop.matrix) and torch.equal(crop.image_size, same_crop.image_size)
    assert (whole - quick).abs().mean() < 0.01
    for one, other in zip((whole - 0.1).relu(), (quick - 0.1).relu(), strict=True):  # without JPEG's noise
        assert torch.allclose(center_of_light(one), center_of_light(other), atol=0.1)


def test_a_picture_is_reduced_for_the_view_that_needs_most_of_it():
    jpeg = cv2.imencode(".jpg", np.zeros((1200, 1600, 3), np.uint8))[1].tobytes()
    someone = replace(person(), image=jpeg, box=np.array([600.0, 200, 1000, 1000]))
    small, large = View((100, 100)), View((400, 400))
    sizes = [opened(someone, views, Chance(reduced=True)).reduction for views in ([small], [small, large])]
    assert sizes == [8, 2]
    assert opened(someone, [small, View((64, 64), sampling="resize")], Chance(reduced=True)).reduction == 1
    assert opened(someone, [small], Chance()).reduction == 1
    png = cv2.imencode(".png", np.zeros((1200, 1600, 3), np.uint8))[1].tobytes()
    assert opened(replace(someone, image=png), [small], Chance(reduced=True)).reduction == 1


def test_a_hand_without_a_box_is_cut_out_around_its_points():
    points = np.zeros((133, 3))
    points[91:112] = np.random.default_rng(0).uniform(180, 220, (21, 3)) * [1, 0.5, 1 / 220]
    someone = replace(person(), joint_set=COCO_WHOLE_BODY_133, joints_2d=points)
    view = View((128, 128), "left_hand", padding=1.4)
    boxes = np.zeros((3, 5))
    boxes[0] = [*points[91:112, :2].min(0), *points[91:112, :2].max(0), 1]
    (ours, _), (given, _) = (cut(one, view) for one in (someone, replace(someone, part_boxes=boxes)))
    assert torch.equal(ours, given) and ours.max() > 0
    other = View((128, 128), "right_hand", padding=1.4)
    assert torch.equal(cut(someone, other)[0], cut(replace(someone, part_boxes=boxes), other)[0])
