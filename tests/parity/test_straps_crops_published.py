"""Proxies of people in pictures: cut, resized and drawn as STRAPS's own inference does it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from standins import input_image

from common.joints import COCO_17
from common.preprocess.views import cut
from common.structures import Crop, Person, View, WeakPerspective
from demo.detectors.main_person import main_box

PUBLISHED = np.load(Path(__file__).parent / "straps_crops.npz")
CASES = sorted({name.split("/")[1] for name in PUBLISHED.files if name.startswith("crop/")})
VIEW = View((256, 256), content="proxy", joint_set=COCO_17, padding=1.2, sampling="resize")


def of(case: str, name: str) -> np.ndarray:
    return PUBLISHED[f"crop/{case}/{name}"]


def person(case: str) -> Person:
    """An ellipse in a picture of 512 x 512, and points that count from its edge."""
    row, column, tall, wide = of(case, "ellipse_cy_cx_ry_rx").tolist()
    y, x = np.mgrid[:512, :512]
    mask = ((y - row) / tall) ** 2 + ((x - column) / wide) ** 2 < 1
    points = of(case, "joints_in").astype(np.float64) - [0.5, 0.5, 0.0]
    points[:, 2] = 1
    return Person(case, mask=mask, joint_set=COCO_17, joints_2d=points)


@pytest.mark.parametrize("case", CASES)
def test_a_silhouette_is_cut_at_the_published_pixels(case: str) -> None:
    seen, _ = cut(person(case), VIEW)
    theirs = np.unpackbits(of(case, "mask_out_bits")).reshape(256, 256)
    np.testing.assert_array_equal(seen[0], theirs)


@pytest.mark.parametrize("case", CASES)
def test_points_go_with_it(case: str) -> None:
    given = person(case)
    _, crop = cut(given, VIEW)
    points = crop.map(lambda tensor: tensor[None].double()).points(
        torch.from_numpy(given.joints_2d[None, :, :2])
    )[0]
    np.testing.assert_allclose(points, of(case, "joints_out"), atol=2e-4)


@pytest.mark.parametrize("case", CASES)
def test_the_whole_proxy_is_the_published_one(case: str) -> None:
    seen, _ = cut(person(case), VIEW)
    np.testing.assert_allclose(seen.double().sum((1, 2)), of(case, "proxy_channel_sums"), rtol=1e-5)


def shown(picture: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """(512, 512, 3) levels of a box of whole pixels, black outside the picture.

    Corners are cut toward zero: a quarter of a pixel keeps what is whole already from its last bits.
    """
    inside = np.array(box) + 0.25 * np.where(np.array(box) < 0, -1, 1)
    whole = Person("x", image=picture, box=inside)
    return 255 * cut(whole, View((512, 512), padding=1.0, sampling="resize"))[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("case", CASES)
def test_the_picture_is_cut_at_the_same_pixels(case: str) -> None:
    picture = (input_image(f"straps/crop/{case}", 3, 512, 512) * 255).astype(np.uint8).transpose(1, 2, 0)
    y0, x0, y1, x1 = of(case, "corners_int16").tolist()
    found = shown(picture, (x0, y0, x1, y1))[::32, ::32]
    assert np.abs(found - of(case, "image_out_sub")).max() <= 1.001  # theirs is in whole levels


@pytest.mark.parametrize("case", range(5))
def test_pictures_padded_to_squares_are_boxes_that_leave_the_picture(case: int) -> None:
    height, width = PUBLISHED[f"pad/{case}/in_hw"].tolist()
    picture = (np.arange(height * width * 3) % 251).astype(np.uint8).reshape(height, width, 3)
    above, aside = max(width - height, 0) // 2, max(height - width, 0) // 2
    box = (-aside, -above, width + aside, height + above)
    tall, wide = PUBLISHED[f"pad/{case}/out_shape"][:2]
    assert (box[3] - box[1], box[2] - box[0]) == (tall, wide)
    found = shown(picture, box)[::64, ::64]
    assert np.abs(found - PUBLISHED[f"pad/{case}/resized512_sub"]).max() <= 1.001


def test_the_person_in_the_middle_is_chosen() -> None:
    boxes, others = PUBLISHED["select/boxes"], PUBLISHED["select/boxes2"]
    for near, name in ((1 / 6, "keypoint"), (1 / 5, "densepose")):
        assert main_box(boxes, (512, 512), near) == PUBLISHED[f"select/{name}_box_index"]
        assert main_box(others, (512, 512), near) == PUBLISHED[f"select/{name}_box_index2"]
    ellipses = PUBLISHED["select/masks_cy_cx_ry_rx"]
    boxes = np.concatenate(
        [ellipses[:, 1::-1] - ellipses[:, :1:-1], ellipses[:, 1::-1] + ellipses[:, :1:-1]], 1
    )
    assert main_box(boxes, (512, 512)) == PUBLISHED["select/mask_index"]
    assert main_box(boxes[[0, 2]], (512, 512)) == PUBLISHED["select/mask_index_without_1"]


def test_a_weak_perspective_camera_stands_where_the_published_one_does() -> None:
    scale, shift = torch.from_numpy(PUBLISHED["camera/cam_wp"]).split([1, 2], 1)
    still = Crop(torch.eye(3)[:2].repeat(2, 1, 1), torch.zeros(2), torch.zeros(2).bool(), torch.ones(2, 2))
    camera = WeakPerspective(scale[:, 0], shift, torch.full((2, 2), 256.0)).in_image(still)
    np.testing.assert_allclose(camera.translation, PUBLISHED["camera/wp_to_cam_t"], rtol=1e-5)
    lens = PUBLISHED["camera/K256"]
    np.testing.assert_allclose(camera.focal, np.diag(lens)[None, :2].repeat(2, 0))
    np.testing.assert_allclose(camera.center, lens[None, :2, 2].repeat(2, 0))
