"""Single steps of OSX and SMPLer-X, from heat maps to boxes and turns: as the published code takes them.

`operations.npz` beside this file holds what each was given and what it made of that.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from common.geometry import align, crop
from common.geometry.rotation import axis_angle_from_6d, matrix_from_axis_angle
from common.networks.layers.boxes import square_boxes
from common.networks.layers.sampling import at_points, in_boxes
from common.networks.layers.soft_argmax import soft_argmax
from common.utils.paths import ROOT
from demo.detectors.boxes import strongest

SHARED = ROOT.parent / "shared" / "parity"
CELL = 16  # of the pixels that published boxes are counted in
FAMILY = pytest.mark.parametrize("system", ["osx", "smpler_x"])


@cache
def table() -> dict[str, np.ndarray]:
    return dict(np.load(ROOT / "tests" / "parity" / "operations.npz"))


def of(name: str) -> Tensor:
    return torch.from_numpy(table()[name])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("osx/soft_argmax/hm2", "osx/soft_argmax/xy"),
        ("osx/soft_argmax/hm3", "osx/soft_argmax/xyz"),
        ("smpler_x/soft2/in", "smpler_x/soft2/out_xy"),
        ("smpler_x/soft3/in", "smpler_x/soft3/out_xyz"),
    ],
)
def test_heat_maps_point_where_the_published_ones_do(given: str, said: str) -> None:
    np.testing.assert_allclose(soft_argmax(of(given))[0], of(said), atol=1e-5)


@FAMILY
def test_features_at_points_are_the_published_ones(system: str) -> None:
    found = at_points(of(f"{system}/sample/feat"), of(f"{system}/sample/xy"))
    np.testing.assert_allclose(found, of(f"{system}/sample/out"), atol=1e-5)


def test_features_in_boxes_are_the_published_ones() -> None:
    maps = of("osx/roi/feat")
    for row, theirs in zip(of("osx/roi/boxes"), of("osx/roi/out8"), strict=True):
        found = in_boxes(maps[int(row[0]), None], row[None, None, 1:], 8)[0]
        np.testing.assert_allclose(found, theirs, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "enlarged"),
    [
        ("osx/restore_bbox/aspect1_ext2", 2.0),
        ("osx/restore_bbox/aspect1_ext1.5", 1.5),
        ("smpler_x/restore/hand", 2.0),
        ("smpler_x/restore/face", 1.5),
    ],
)
def test_boxes_are_made_of_centers_and_sizes_as_published(name: str, enlarged: float) -> None:
    """Negative sizes too, which turn a box inside out."""
    group = name.rsplit("/", 1)[0]
    boxes = CELL * square_boxes(of(f"{group}/center"), of(f"{group}/size"), torch.tensor(enlarged))
    np.testing.assert_allclose(boxes, of(name), atol=1e-4)


@FAMILY
def test_six_numbers_are_the_published_turn(system: str) -> None:
    """But for zeros, which are no direction: no turn here, and published half a turn about y."""
    given = of(f"{system}/rot6d/in")
    told = given.abs().amax(1) > 0
    assert not axis_angle_from_6d(given[~told]).any()
    ours, theirs = axis_angle_from_6d(given[told]), of(f"{system}/rot6d/axis_angle")[told]
    np.testing.assert_allclose(matrix_from_axis_angle(ours), matrix_from_axis_angle(theirs), atol=1e-5)


def test_a_box_around_points_is_the_published_one_and_grows_as_it_did() -> None:
    box = crop.around_points(table()["osx/get_bbox/joints"], table()["osx/get_bbox/valid"], 1.2)
    expected = table()["osx/get_bbox/out"]
    np.testing.assert_allclose([*box[:2], *(box[2:] - box[:2])], expected, rtol=1e-6)
    for factor in ("0.65", "1.2"):
        grown = crop.padded(table()["osx/resize_bbox/in"], padding=float(factor))
        np.testing.assert_allclose(grown, table()[f"osx/resize_bbox/{factor}"], rtol=1e-6)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_points_are_laid_on_others_as_published(place: int) -> None:
    """The second ones are mirror images, which are turned and never mirrored."""
    points, truth = of("osx/rigid/A")[place], of("osx/rigid/B")[place]
    for name, ours in zip("cRt", align.similarity(points, truth), strict=True):
        np.testing.assert_allclose(ours, of(f"osx/rigid/{place}/{name}"), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(align.procrustes(points, truth), of(f"osx/rigid/{place}/aligned"), atol=1e-5)


def test_so_does_the_other_system() -> None:
    ours = align.similarity(of("smpler_x/align/A"), of("smpler_x/align/B"))
    for name, value in zip(("scale", "R", "t"), ours, strict=True):
        np.testing.assert_allclose(value, of(f"smpler_x/align/{name}"), atol=1e-9)


@pytest.mark.parametrize("most", ["0.5", "0.2"])
def test_of_boxes_that_overlap_the_published_ones_are_kept(most: str) -> None:
    given = table()["smpler_x/det/in_xyxy_score"]
    kept = strongest(given[:, :4], given[:, 4], float(most))
    np.testing.assert_array_equal(given[kept], table()[f"smpler_x/det/nms_{most}"])


def test_the_numbers_kept_here_are_the_published_ones() -> None:
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there to compare with")
    files = {
        system: [np.load(SHARED / system / f"{kind}.npz") for kind in ("preprocess", "metrics")]
        for system in ("osx", "smpler_x")
    }
    for key, value in table().items():
        system, name = key.split("/", 1)
        theirs = next(file[name] for file in files[system] if name in file)
        assert np.array_equal(value, theirs), key
