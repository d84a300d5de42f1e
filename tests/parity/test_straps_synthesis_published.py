"""The published proxies of STRAPS, step by step and whole: pixel by pixel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import published_straps as published
import pytest
import torch
from torch import Tensor

from common.geometry.rotation import matrix_from_6d, matrix_from_axis_angle
from common.preprocess.proxy import proxy
from common.structures import Perspective, WeakPerspective
from data.loading.dataset import bodies
from data.on_device import published_proxies
from data.on_device.published_proxies import Draws, PublishedProxies

HIPS = (11, 12)  # of COCO's joints, the hips: their noise is drawn last


@pytest.fixture(scope="module")
def table() -> Iterator[dict[str, np.ndarray]]:
    with np.load(published.HERE / "straps_synthesis.npz") as stored:
        yield {name: stored[name] for name in stored.files}


def tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values))


def heat_maps(points: Tensor, side: int) -> Tensor:
    """(N, 2) -> (N, h, w), of the published deviation."""
    drawn = torch.ones(1, len(points), dtype=torch.bool)
    return proxy(torch.zeros(1, side, side, dtype=torch.bool), points[None], drawn, 4.0)[0, 1:]


def test_heat_maps_are_the_published_ones(table: dict[str, np.ndarray]) -> None:
    maps = heat_maps(tensor(table["heatmap/joints"]), 256)
    np.testing.assert_allclose(maps.sum((1, 2)).numpy(), table["heatmap/sums"], rtol=1e-6)
    np.testing.assert_allclose(maps.amax((1, 2)).numpy(), table["heatmap/max"], atol=1e-7)
    np.testing.assert_allclose(maps[0, 92:108, 120:136].numpy(), table["heatmap/kernel16"], atol=1e-6)
    np.testing.assert_allclose(maps[3, 8:32, :10].numpy(), table["heatmap/joint3_corner"], atol=1e-6)
    for drawn, box in zip(maps, table["heatmap/nonzero_x0_x1_y0_y1"], strict=True):
        rows, columns = drawn.nonzero().T
        hull = [columns.min(), columns.max(), rows.min(), rows.max()] if len(rows) else [-1] * 4
        assert list(map(int, hull)) == box.tolist()
    at_64 = heat_maps(tensor(table["heatmap/joints"]) / 4, 64)
    np.testing.assert_allclose(at_64.sum((1, 2)).numpy(), table["heatmap/at64_std4_sums"], rtol=1e-6)


@pytest.mark.parametrize("case", ["plain", "augmented_seed7"])
def test_the_training_crop_is_the_published_one(case: str, table: dict[str, np.ndarray]) -> None:
    y, x = np.mgrid[:256, :256]
    masks = [
        ((y - top) / tall) ** 2 + ((x - left) / wide) ** 2 < 1
        for top, left, tall, wide in table["train_crop/ellipses"]
    ]
    picture = np.stack(masks).astype(np.int64)
    picture[0, :100] *= 3
    chance = tensor(table["train_crop/augmented_seed7/draws_scale_then_centre_yx"])
    draws = (chance[:, 0], chance[:, 1:]) if case == "augmented_seed7" else ()
    corners = published_proxies.square(tensor(picture) > 0, *draws)
    sides = corners[:, 1] - corners[:, 0]
    np.testing.assert_array_equal(sides.numpy(), table[f"train_crop/{case}/crop_hw"])
    resized = published_proxies.resized(tensor(picture), corners).numpy()
    np.testing.assert_array_equal(resized[:, ::8, ::8], table[f"train_crop/{case}/seg_resized_sub"])
    np.testing.assert_array_equal(resized.sum((1, 2)), table[f"train_crop/{case}/seg_resized_sum"])
    joints = tensor(table["train_crop/joints_in"]) - corners[:, None, 0].flip(-1)
    np.testing.assert_allclose(joints.numpy(), table[f"train_crop/{case}/joints_cropped"], atol=1e-6)
    joints = joints * (256 / sides)[:, None].flip(-1)
    np.testing.assert_allclose(joints.numpy(), table[f"train_crop/{case}/joints_resized"], atol=1e-6)


@pytest.mark.parametrize("side", [37, 300])
def test_the_nearest_pixel_is_opencvs(side: int, table: dict[str, np.ndarray]) -> None:
    columns = torch.arange(side).expand(1, side, side)
    whole = torch.tensor([[[0, 0], [side, side]]]).double()
    resized = published_proxies.resized(columns, whole)[0, 0]
    np.testing.assert_array_equal(resized.numpy(), table[f"nearest/{side}_to_256_first_row"])


def test_parts_are_removed_and_boxes_laid_as_published(table: dict[str, np.ndarray]) -> None:
    labels = torch.arange(1, 7).expand(12, 1, 6)
    draws = tensor(table["augment/remove_parts_seed15_draws_6x12"].T)
    kept = published_proxies.without_parts(labels, draws)[:, 0] > 0
    np.testing.assert_array_equal(kept.numpy(), table["augment/remove_parts_seed15_kept_labels"])
    draws = tensor(table["augment/occlude_seed16_draws_x_y_p"].T)
    seen = published_proxies.occluded(torch.ones(6, 256, 256, dtype=torch.int64), draws)
    for picture, box in zip(seen, table["augment/occlude_seed16_r0_r1_c0_c1"], strict=True):
        expected = torch.ones(256, 256, dtype=torch.int64)
        if box[0] >= 0:
            expected[box[0] : box[1], box[2] : box[3]] = 0
        assert torch.equal(picture, expected)


def test_joints_count_where_the_published_ones_did(table: dict[str, np.ndarray]) -> None:
    points = tensor(table["visibility/joints"])
    visible = ((points >= 0) & (points <= 256)).all(-1)
    for name in ("torch", "numpy"):
        np.testing.assert_array_equal(visible.numpy(), table[f"visibility/{name}"])


def test_cameras_and_rotations_are_the_published_ones(table: dict[str, np.ndarray]) -> None:
    points = tensor(table["camera/points"])
    place, weak = tensor(table["camera/cam_t"]), tensor(table["camera/cam_wp"])
    size = torch.tensor([[256.0, 256.0]]).expand(2, 2)
    lens = Perspective(torch.full((2, 2), 5000.0), size / 2, place)
    np.testing.assert_allclose(lens.project(points), table["camera/perspective_identity"], atol=2e-4)
    turned = points @ tensor(table["camera/R"]).mT
    np.testing.assert_allclose(lens.project(turned), table["camera/perspective_R"], atol=2e-4)
    flat = WeakPerspective(weak[:, 0], weak[:, 1:], 2 * size)
    np.testing.assert_allclose(flat.project(points), table["camera/orthographic_px512"], atol=2e-4)
    np.testing.assert_allclose(
        flat.project(points) / 256 - 1, table["camera/orthographic"], atol=1e-6, rtol=1e-5
    )
    six, axis_angle = tensor(table["rotation/six"]), tensor(table["rotation/axis_angle"])
    np.testing.assert_allclose(matrix_from_6d(six), table["rotation/six_to_R"], atol=1e-6)
    np.testing.assert_allclose(matrix_from_axis_angle(axis_angle), table["rotation/rodrigues"], atol=1e-6)


def test_a_camera_draws_bodies_where_the_published_one_did(table: dict[str, np.ndarray]) -> None:
    """Theirs as OpenGL's matrix, for bodies half turned about x, and a picture whose y points up."""
    points = tensor(table["camera/points"])
    turned = torch.cat([points * torch.tensor([1.0, -1.0, -1.0]), torch.ones(2, 5, 1)], -1).double()
    seen = turned @ tensor(table["camera/pyrender_projection_s0.8_tx0.1_ty-0.2"]).mT
    scale, shift = torch.full((2,), 0.8), torch.tensor([[0.1, -0.2]]).expand(2, 2)
    ours = WeakPerspective(scale, shift, torch.full((2, 2), 2.0)).project(points) - 1
    np.testing.assert_allclose(ours, seen[..., :2] * torch.tensor([1, -1]), atol=1e-6)
    np.testing.assert_allclose(seen[..., 2], points[..., 2])  # depth is kept


def test_parts_are_numbered_as_published(table: dict[str, np.ndarray]) -> None:
    """Theirs by the surfaces of DensePose: torso, hands, feet, legs, arms, head."""
    legs, arms = 4 * ["right leg", "left leg"], 4 * ["left arm", "right arm"]
    named = ["torso", "torso", "right arm", "left arm", "left leg", "right leg", *legs, *arms, "head", "head"]
    ours = [0, *(published_proxies.PARTS.index(name) + 1 for name in named)]
    assert ours == table["labels/densepose24_to_6part"].tolist()


def test_vertices_and_joints_are_moved_as_published(
    table: dict[str, np.ndarray], human_model_files: object
) -> None:
    model = published.network()
    prepare = PublishedProxies(model, model.body_model.layout)
    draws = Draws.of(torch.arange(2), 1)
    source = torch.Generator().manual_seed(13)
    draws = replace(draws, vertices=torch.rand(2, 6890, 2, generator=source))
    moved = prepare._drawn(torch.zeros(2, 6890, 3), draws)[:, ::97]
    np.testing.assert_allclose(moved, table["augment/verts_noise_seed13_97"], atol=1e-7)
    joints = joint_draws(torch.Generator().manual_seed(14), 2)
    off = published_proxies.misplaced(torch.zeros(2, 17, 2), joints)
    np.testing.assert_allclose(off, table["augment/joints_noise_seed14_pm8"], atol=1e-6)


def test_places_and_shapes_are_drawn_as_published(
    table: dict[str, np.ndarray], human_model_files: object
) -> None:
    model = published.network()
    prepare = PublishedProxies(model, model.body_model.layout)
    raw = tensor(table["augment/cam_t_seed11_draw_randn3x2_then_rand3"])
    blank = Draws.of(torch.arange(3), 1)
    draws = replace(blank, place=raw[:6].view(3, 2), depth=raw[6:])
    np.testing.assert_allclose(prepare._place(3, draws), table["augment/cam_t_seed11"], atol=1e-5)
    for kind in ("normal", "uniform"):
        source = torch.Generator().manual_seed(12)
        numbers = (torch.randn if kind == "normal" else torch.rand)(3, 10, generator=source)
        prepare.even_shapes = kind == "uniform"
        shapes = prepare._shape(replace(blank, betas=numbers))
        np.testing.assert_allclose(shapes, table[f"augment/shape_{kind}_seed12"], atol=1e-6)


def joint_draws(source: torch.Generator, count: int) -> Tensor:
    """(count, 17, 2) even numbers, the hips' last."""
    others, hips = (torch.rand(count, joints, 2, generator=source) for joints in (15, 2))
    return torch.cat([others[:, : HIPS[0]], hips, others[:, HIPS[0] :]], 1)


def published_draws() -> Draws:
    """Two persons, as the published generators draw: PyTorch's from 21, NumPy's from 22."""
    numbers, count = np.random.RandomState(22), 2
    crop, parts, box = numbers.rand(count, 3), numbers.rand(6, count).T, numbers.rand(3, count).T
    source = torch.Generator().manual_seed(21)

    def even(*shape: int) -> Tensor:
        return torch.rand(shape, generator=source)

    betas = torch.randn(count, 10, generator=source)
    place, depth = torch.randn(count, 2, generator=source), even(count)
    vertices = even(count, 6890, 2)
    joints = joint_draws(source, count)
    crop = tensor(crop)
    return Draws(betas, place, depth, vertices, crop[:, 0], crop[:, 1:], tensor(parts), tensor(box), joints)


@pytest.mark.parametrize("case", ["val", "train_torch21_numpy22"])
def test_the_whole_synthesis_is_the_published_one(
    case: str, table: dict[str, np.ndarray], human_model_files: object
) -> None:
    model = published.network()
    layout = model.body_model.layout
    prepare = PublishedProxies(model, layout)
    prepare.faces, prepare.labels = published.faces_and_parts()
    pose, betas = (values[:2] for values in published.poses("train", 16))
    batch = bodies(("a", "b"), torch.arange(2), model.joint_set, layout, pose=pose, betas=betas)
    draws = None if case == "val" else published_draws()
    made = prepare.made(batch, draws)
    truth = {name.removeprefix(f"synth/{case}/"): values for name, values in table.items() if case in name}
    np.testing.assert_allclose(made.target.betas, truth["betas"], atol=1e-6)
    np.testing.assert_allclose(made.target.translation, truth["cam_t"], atol=1e-6)
    np.testing.assert_allclose(made.target.body.vertices[:, ::97], truth["vertices_97"], atol=1e-5)
    placed = prepare._drawn(made.target.body.vertices, draws) + made.target.translation[:, None]
    labels = published_proxies.part_picture(placed, prepare.faces, prepare.labels)
    np.testing.assert_array_equal(labels.numpy(), truth["seg_labels"])
    corners = published_proxies.square(
        labels > 0, *(() if draws is None else published_proxies.crop_chance(draws))
    )
    np.testing.assert_array_equal((corners[:, 1] - corners[:, 0]).numpy(), truth["crop_hw"])
    cropped = published_proxies.resized(labels, corners)
    np.testing.assert_array_equal(cropped.numpy(), truth["seg_cropped"])
    joints = made.target.joints_3d[:, :17, :3] + made.target.translation[:, None]
    np.testing.assert_allclose(published_proxies.project(joints), truth["joints2D_256"], atol=2e-4)
    np.testing.assert_allclose(made.target.joints_2d[:, :17, :2], truth["joints2D_cropped"], atol=2e-4)
    found = made.target.joints_2d[:, :17, :2]
    if draws is not None:
        found = published_proxies.misplaced(found, draws.joints)
    np.testing.assert_allclose(found, truth["joints2D_input"], atol=2e-4)
    seen = made.inputs.views["proxy"]
    mask = np.unpackbits(truth["input_mask_bits"]).reshape(2, 256, 256)
    np.testing.assert_array_equal(seen[:, 0].numpy(), mask)
    np.testing.assert_allclose(seen.double().sum((2, 3)), truth["input_channel_sums"], rtol=1e-5)
