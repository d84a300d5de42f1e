"""Proxies of detected people: the silhouette in the middle, points where it has them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from common.joints import BLAZEPOSE_33, COCO_17, SMPL
from common.preprocess.augment import Chance
from common.preprocess.pictures import BrokenPicture
from common.preprocess.proxy_views import box_of
from common.preprocess.sample import make_sample
from common.preprocess.views import cut
from common.structures import Person, Sample, View, WeakPerspective

VIEW = View((128, 128), content="proxy", joint_set=COCO_17, padding=1.2)
CHANCES = [Chance(), Chance(1.2), Chance(0.9, math.radians(25)), Chance(1.0, 0.0, True)]
CHANCES += [Chance(1.1, math.radians(-40), True)]
SPOTS = {"left_wrist": (150.0, 90.0), "right_wrist": (70.0, 80.0), "nose": (112.0, 40.0)}


def person() -> Person:
    """A block of a picture, with small blocks around the points it has."""
    mask = np.zeros((200, 240), bool)
    mask[30:170, 90:130] = True
    points = np.zeros((33, 3))
    for name, (x, y) in SPOTS.items():
        mask[int(y) - 3 : int(y) + 4, int(x) - 3 : int(x) + 4] = True
        points[BLAZEPOSE_33.index(name)] = x, y, 0.6
    return Person("one", mask=mask, joint_set=BLAZEPOSE_33, joints_2d=points)


def middle_of(plane: torch.Tensor) -> torch.Tensor:
    """x, y of the middle of what is seen, counted from the corner."""
    rows, columns = torch.meshgrid(*(torch.arange(128) + 0.5,) * 2, indexing="ij")
    return torch.stack([(columns * plane).sum(), (rows * plane).sum()]) / plane.sum()


@pytest.mark.parametrize("sampling", ["warp", "resize"])
def test_the_silhouette_fills_the_view_but_for_its_padding(sampling: str) -> None:
    seen, _ = cut(person(), replace(VIEW, sampling=sampling))
    x0, y0, x1, y1 = box_of(seen[0].numpy() > 0)
    assert max(x1 - x0, y1 - y0) + 1 == pytest.approx(128 / 1.2, abs=2)
    assert [(x0 + x1) / 2, (y0 + y1) / 2] == pytest.approx([63.5, 63.5], abs=2)


@pytest.mark.parametrize("chance", CHANCES, ids=str)
def test_points_silhouette_and_crop_agree_whatever_is_drawn(chance: Chance) -> None:
    seen, crop = cut(person(), VIEW, chance)
    one = crop.map(lambda tensor: tensor[None])
    for name, place in SPOTS.items():
        there = one.points(torch.tensor([[place]]))[0, 0]
        shown = (
            name
            if not chance.flipped
            else {"left_wrist": "right_wrist", "right_wrist": "left_wrist"}.get(name, name)
        )
        heat = seen[1 + COCO_17.index(shown)]
        assert (middle_of(heat) - there).abs().max() < 1.01  # points are cut to whole pixels
        column, row = there.int().tolist()
        assert seen[0, row, column] == 1


def test_the_camera_of_a_network_finds_the_way_back_to_the_picture() -> None:
    """A body whose joints lie on the points in the view lies on them in the picture."""
    _, crop = cut(person(), VIEW)
    one = crop.map(lambda tensor: tensor[None])
    there = torch.tensor([list(SPOTS.values())])
    body = torch.cat([one.points(there) / 64 - 1, torch.zeros(1, 3, 1)], -1)
    camera = WeakPerspective(torch.ones(1), torch.zeros(1, 2), torch.full((1, 2), 128.0))
    assert torch.allclose(camera.in_image(one).project(body), there, atol=1e-2)


def test_a_point_less_sure_than_asked_for_leaves_its_heat_map_empty() -> None:
    for least, count in ((0.0, 3), (0.59, 3), (0.6, 0)):
        seen, _ = cut(person(), replace(VIEW, least_confidence=least))
        assert (seen[1:].flatten(1).amax(1) > 0).sum() == count
        assert seen[0].any()


def test_without_silhouette_the_box_says_where() -> None:
    given = replace(
        person(), mask=None, box=np.array([60.0, 30, 160, 170]), image=np.zeros((200, 240, 3), np.uint8)
    )
    seen, crop = cut(given, VIEW)
    assert not seen[0].any() and seen[1:].any()
    middle = crop.map(lambda tensor: tensor[None]).points(torch.tensor([[[110.0, 100.0]]]))
    assert torch.allclose(middle, torch.tensor([64.0, 64.0]), atol=1e-3)


def test_the_whole_picture_is_cut_where_nothing_says_more() -> None:
    seen, _ = cut(Person("nobody", mask=np.zeros((50, 60), bool)), VIEW)
    assert seen.shape == (18, 128, 128) and not seen.any()


def test_people_become_a_batch() -> None:
    samples = [make_sample(one, {"proxy": VIEW}, COCO_17, SMPL) for one in (person(), person())]
    batch = Sample.stack(samples)
    assert batch.inputs.views["proxy"].shape == (2, 18, 128, 128)
    assert batch.inputs.views["proxy"].dtype == torch.float32


def test_whole_pixels_are_not_turned() -> None:
    with pytest.raises(ValueError, match="neither turned nor mirrored"):
        cut(person(), replace(VIEW, sampling="resize"), Chance(1.0, 0.3))


def test_a_proxy_says_whose_points_it_wants() -> None:
    with pytest.raises(ValueError, match="joint_set"):
        cut(person(), replace(VIEW, joint_set=None))


def test_somebody_whom_no_detector_saw_is_refused_in_words() -> None:
    with pytest.raises(BrokenPicture, match="neither silhouette nor points"):
        cut(Person("unseen", image=np.zeros((50, 60, 3), np.uint8)), VIEW)
