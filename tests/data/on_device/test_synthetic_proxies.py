"""Synthetic proxies: silhouettes and joints of bodies that stand where the target says."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from common.joints import COCO_17, LIFTER_39, SMPL, SMPL_24, SMPLX
from common.networks.straps import STRAPS
from common.rendering.rasterizer import visible_faces
from common.structures import Batch, Perspective
from common.utils.random import uniform
from data.on_device.proxy_errors import Disturb, ProxyErrors
from data.on_device.published_proxies import PublishedProxies, six_parts
from data.on_device.synthetic_proxies import APART, ProxyCameras, SyntheticProxies
from data.synthetic import SyntheticPeople

SIDE, COUNT = 64, 16
STEADY = ProxyCameras.steady()
FAULTLESS = replace(ProxyErrors.good(), joints=0.0)


@pytest.fixture(scope="module")
def model() -> STRAPS:
    return STRAPS(size=SIDE, free="only")


def people(count: int = COUNT) -> Batch:
    places = torch.arange(count)
    return SyntheticPeople().batch(places, places + 100, COCO_17, SMPL)


def seen(
    model: STRAPS,
    cameras: ProxyCameras = STEADY,
    errors: ProxyErrors = FAULTLESS,
) -> Batch:
    return SyntheticProxies(model, SMPL, cameras, errors, vertex_noise=0.0)(people())


def test_the_target_projects_onto_the_proxy(model: STRAPS) -> None:
    batch = seen(model)
    matrix = batch.inputs.intrinsics
    lens = Perspective(matrix.diagonal(dim1=1, dim2=2)[:, :2], matrix[:, :2, 2], batch.target.translation)
    pixels = batch.inputs.crops["proxy"].points(lens.project(batch.target.joints_3d[..., :3]))
    assert torch.allclose(pixels, batch.target.joints_2d[..., :2], atol=1e-3)
    vertices = batch.inputs.crops["proxy"].points(lens.project(batch.target.body.vertices))
    depth = (batch.target.body.vertices + batch.target.translation[:, None])[..., 2:]
    drawn = visible_faces(torch.cat([vertices - 0.5, depth], -1), model.body_model.faces, (SIDE, SIDE)) >= 0
    differ = (drawn != (batch.inputs.views["proxy"][:, 0] > 0)).float().mean()
    assert differ < 1e-3, "the pose that is told, drawn again, is the silhouette"


def test_whole_persons_lie_in_the_middle_of_a_padded_square(model: STRAPS) -> None:
    mask = seen(model).inputs.views["proxy"][:, 0] > 0
    for person in mask:
        rows, columns = person.nonzero().T
        longer = max(rows.max() - rows.min(), columns.max() - columns.min()) + 1
        assert abs(SIDE / longer.item() - 1.2) < 0.08
        assert abs(rows.min() + rows.max() - SIDE + 1) <= 3
        assert abs(columns.min() + columns.max() - SIDE + 1) <= 3


def test_heat_maps_peak_at_the_joints(model: STRAPS) -> None:
    batch = seen(model)
    maps = batch.inputs.views["proxy"][:, 1:].flatten(2)
    place = maps.argmax(-1)
    peaks = torch.stack([place % SIDE, place // SIDE], -1)
    apart = (peaks + 0.5 - batch.target.joints_2d[:, :17, :2]).abs()
    assert apart.max() <= 1.5


def test_one_seed_makes_one_proxy_in_any_batch(model: STRAPS) -> None:
    prepare = SyntheticProxies(model, SMPL)
    together = prepare(people()).inputs.views["proxy"]
    again = prepare(people(4)).inputs.views["proxy"]
    assert torch.allclose(together[:4], again, atol=1e-5)


def test_the_side_a_person_is_seen_from_does_not_tell_which_pose_it_is(model: STRAPS) -> None:
    """A data set draws from the same seeds: its first number, whether a pose is captured, is not the yaw."""
    seeds = torch.arange(2000)
    turn = SyntheticProxies(model, SMPL)._turn(seeds + APART)
    facing = torch.atan2(turn[:, 0, 2], turn[:, 0, 0])
    captured = uniform(seeds, 1)[:, 0] < 0.6
    for chosen in (captured, ~captured):
        assert facing[chosen].cos().mean().abs() < 0.1 and facing[chosen].sin().mean().abs() < 0.1


def test_persons_cut_by_the_picture_fill_the_view_again(model: STRAPS) -> None:
    batch = seen(model, replace(STEADY, cut_below=1.0))
    mask = batch.inputs.views["proxy"][:, 0] > 0
    height = mask.any(2).sum(1)
    width = mask.any(1).sum(1)
    assert (torch.maximum(height, width) > SIDE / 1.2 - 4).all()
    ankles = batch.target.joints_2d[:, [COCO_17.index("left_ankle"), COCO_17.index("right_ankle")], 2]
    assert ankles.mean() < 0.5, "legs below the edge are not to be found"
    assert (batch.inputs.views["proxy"][:, 1:].amax((2, 3)) == 0).any()


def test_only_coco_joints_are_taught_in_the_picture(model: STRAPS) -> None:
    target = seen(model).target
    assert target.joints_2d[:, :17, 2].all()
    assert not target.joints_2d[:, 17:, 2].any()
    assert target.joints_3d[..., 3].all()


def test_left_and_right_parts_are_missing_equally_often() -> None:
    disturb = Disturb(ProxyErrors(untroubled=0.0))
    kept = disturb.parts(torch.arange(4000)).float().mean(0)
    assert (kept[list(SMPL_24.mirrored)] - kept).abs().max() < 0.03
    assert kept[SMPL_24.index("pelvis")] > kept[SMPL_24.index("left_knee")]


def test_untroubled_persons_lose_nothing() -> None:
    disturb = Disturb(ProxyErrors(untroubled=1.0, joints=0.0, coarse=0.0))
    seed = torch.arange(32)
    points, all_seen = 64 * torch.rand(32, 17, 2), torch.ones(32, 17, dtype=torch.bool)
    parts = disturb.parts(seed)
    found, known = disturb.points(seed, points, all_seen, parts, 64)
    mask = torch.rand(32, 64, 64) > 0.5
    assert parts.all() and known.all()
    assert torch.equal(found, points) and torch.equal(disturb.mask(seed, mask), mask)


def test_mistaken_joints_are_those_of_the_other_side() -> None:
    disturb = Disturb(ProxyErrors(untroubled=0.0, joints=0.0, dropped=0.0, swapped=1.0))
    seed = torch.arange(4)
    points, all_seen = 64 * torch.rand(4, 17, 2), torch.ones(4, 17, dtype=torch.bool)
    found, _ = disturb.points(seed, points, all_seen, torch.ones(4, 24, dtype=torch.bool), 64)
    swapped = [name.split("_")[-1] in ("shoulder", "hip") for name in COCO_17.names]
    mirrored = points[:, list(COCO_17.mirrored)]
    assert torch.equal(found, torch.where(torch.tensor(swapped)[:, None], mirrored, points))


def test_coarse_silhouettes_are_smooth_but_in_place() -> None:
    disturb = Disturb(ProxyErrors(untroubled=1.0, coarse=1.0))
    y, x = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
    disc = ((x - 63.5).square() + (y - 63.5).square() < 40**2)[None]
    rough = disturb.mask(torch.arange(1), disc)
    assert 0.97 < (rough & disc).sum() / (rough | disc).sum() < 1


def test_six_parts_divide_the_body_as_their_names_say(model: STRAPS) -> None:
    body = model.body_model
    part = six_parts(body)
    middle = body.template.view(-1, 3)[body.faces].mean(1)
    assert middle[part == 1, 0].min() > 0 > middle[part == 2, 0].max(), "left and right arm"
    assert middle[part == 3, 1].mean() > middle[part == 6, 1].mean() > middle[part == 4, 1].mean()
    assert part.unique().tolist() == [1, 2, 3, 4, 5, 6]


def test_published_proxies_follow_from_the_seed_and_fit_any_view(model: STRAPS) -> None:
    prepare = PublishedProxies(model, SMPL)
    upright = people(4)
    one, two = (prepare(upright).inputs.views["proxy"] for _ in range(2))
    assert one.shape == (4, 18, SIDE, SIDE) and torch.equal(one, two)
    assert one[:, 0].flatten(1).any(1).all()
    drawn = PublishedProxies(model, SMPL, augmented=False)(upright)
    inside: Tensor = drawn.target.joints_2d[:, :17, 2]
    assert inside.all(), "without chance, everybody is whole"


@pytest.mark.parametrize("kind", [SyntheticProxies, PublishedProxies])
def test_proxies_are_drawn_of_the_models_own_body(model: STRAPS, kind: type) -> None:
    with pytest.raises(ValueError, match="smpl bodies, not"):
        kind(model, SMPLX)


def test_other_joint_sets_make_no_difference_to_the_poses() -> None:
    places = torch.arange(3)
    one = SyntheticPeople().batch(places, places, COCO_17, SMPL).target.pose
    assert torch.equal(one, SyntheticPeople().batch(places, places, LIFTER_39, SMPL).target.pose)
