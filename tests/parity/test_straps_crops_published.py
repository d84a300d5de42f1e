"""Proxies of people in pictures: cut, resized and drawn as STRAPS's own inference does it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from common.joints import COCO_17
from common.preprocess.views import cut
from common.structures import Person, View

PUBLISHED = np.load(Path(__file__).parent / "straps_crops.npz")
CASES = sorted({name.split("/")[1] for name in PUBLISHED.files})
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
