"""The steps of the build that need no MakeHuman."""

from __future__ import annotations

import math

import pytest
import torch

from common.geometry.rotation import matrix_from_axis_angle
from common.joints import SMPL_24, JointSet
from tool.free_body import hands, regress, shape
from tool.free_body.formats import SMPL_FORMAT, SMPLX_FORMAT, official_joint_names
from tool.free_body.keypoints import order_with
from tool.free_body.pose_blend import pose_directions
from tool.free_body.symmetry import mirrored, symmetric, twins
from tool.free_body.turns import about, angle_about, between, turned, unit

RANDOM = torch.Generator().manual_seed(0)


def drawn(*size: int) -> torch.Tensor:
    return torch.randn(*size, generator=RANDOM, dtype=torch.float64)


def test_a_turn_between_directions_leads_from_one_to_the_other() -> None:
    start, end = drawn(50, 3), drawn(50, 3)
    torch.testing.assert_close(turned(between(start, end), unit(start)), unit(end))


def test_two_halves_of_a_turn_are_the_turn() -> None:
    start, end = drawn(50, 3), drawn(50, 3)
    half = between(start, end, 0.5)
    torch.testing.assert_close(half @ half, between(start, end))


def test_equal_directions_need_no_turn() -> None:
    start = drawn(20, 3)
    torch.testing.assert_close(between(start, 3 * start), torch.eye(3, dtype=torch.float64).expand(20, 3, 3))


def test_an_angle_about_an_axis_is_found_again() -> None:
    axis, start = drawn(50, 3), drawn(50, 3)
    angle = drawn(50).clamp(-3, 3)
    torch.testing.assert_close(angle_about(axis, start, turned(about(axis, angle), start)), angle)


def test_the_mirror_undoes_itself_and_twins_agree() -> None:
    half = drawn(30, 3)
    points = torch.cat([half, mirrored(half)])
    twin = twins(points)
    assert torch.equal(twin, torch.cat([torch.arange(30, 60), torch.arange(30)]))
    noisy = points + 0.01 * drawn(60, 3)
    even = symmetric(noisy, twin)
    assert torch.equal(mirrored(even[twin]), even)


def test_a_mesh_without_a_mirror_image_is_said() -> None:
    with pytest.raises(ValueError, match="not mirror-symmetric"):
        twins(drawn(30, 3))


def test_shape_directions_find_the_people_they_made() -> None:
    basis = 0.1 * drawn(3, 40, 3)
    mean = torch.rand(40, 3, generator=RANDOM, dtype=torch.float64)
    people = (mean + torch.einsum("sk,kvd->svd", drawn(60, 3), basis)).float()
    found, directions, explained = shape.shape_space(people, 3)
    assert explained.sum() == pytest.approx(1, abs=1e-6)
    assert shape.shape_error(people, found, directions).max() < 1e-5
    spread = shape.coefficients(people, found, directions).std(0)
    torch.testing.assert_close(spread, torch.ones(3), atol=1e-3, rtol=0)


TWO = JointSet("two", ("left_elbow", "right_elbow"))


def people_with_elbows() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """60 symmetric people of 100 vertices, whose left elbow is a mean of three of the left vertices."""
    left = torch.rand(50, 3, generator=RANDOM) + torch.tensor([0.5, 0.0, 0.0])
    people = left + 0.05 * torch.randn(60, 50, 3, generator=RANDOM)
    elbow = torch.einsum("v,svd->sd", torch.tensor([0.5, 0.3, 0.2]), people[:, [3, 7, 9]])
    vertices = torch.cat([people, mirrored(people)], 1)
    twin = torch.cat([torch.arange(50, 100), torch.arange(50)])
    return vertices, torch.stack([elbow, mirrored(elbow)], 1), twin


def test_a_regressor_finds_the_vertices_that_make_a_joint() -> None:
    vertices, joints, twin = people_with_elbows()
    skin, nowhere = torch.ones(100, dtype=torch.bool), torch.zeros(100)
    rows = regress.joint_regressor(vertices, joints, TWO, skin, nowhere, twin).float()
    torch.testing.assert_close(rows[0, [3, 7, 9]], torch.tensor([0.5, 0.3, 0.2]), atol=1e-3, rtol=0)
    torch.testing.assert_close(rows.sum(1), torch.ones(2))
    torch.testing.assert_close(rows[1, twin], rows[0])


def test_a_sliding_joint_is_carried_by_any_affine_change_of_its_skin() -> None:
    knees = JointSet("knees", ("left_knee", "right_knee"))
    mean = torch.rand(200, 3, generator=RANDOM)
    center = torch.tensor([[0.4, 0.5, 0.5], [0.6, 0.5, 0.5]])
    by = regress.carriers(mean, center, knees, torch.ones(200, dtype=torch.bool))
    matrix, shift = torch.eye(3) + 0.2 * torch.randn(3, 3, generator=RANDOM), torch.tensor([0.1, -0.2, 0.3])
    moved = regress.carried((mean @ matrix.mT + shift)[None], torch.zeros(1, 2, 3), by)
    torch.testing.assert_close(moved[0], center @ matrix.mT + shift, atol=1e-4, rtol=0)


def test_key_points_get_their_numbers_and_nobody_is_lost() -> None:
    found, wanted = {"a": 5, "b": 2, "c": 0}, {"a": 2, "b": 7, "c": 5}
    order = order_with(found, wanted, 10)
    assert sorted(order.tolist()) == list(range(10))
    assert all(int(order[place]) == found[point] for point, place in wanted.items())


def test_two_key_points_on_one_vertex_are_said() -> None:
    with pytest.raises(ValueError, match="too coarse"):
        order_with({"a": 1, "b": 1}, {"a": 2, "b": 3}, 10)


def test_official_names_are_spelt_as_official_files_do() -> None:
    names = official_joint_names(SMPLX_FORMAT)
    assert {"left_index1", "right_thumb3", "left_eye_smplhf", "spine3", "jaw"} <= set(names)
    assert official_joint_names(SMPL_FORMAT)[-2:] == ("left_hand", "right_hand")


def test_the_relaxed_hand_bends_towards_the_palm() -> None:
    left, right = hands.hand_means()
    bend = right.reshape(15, 3)[:12]  # the four fingers
    assert (bend[:, 2] > math.radians(10)).all() and not bend[:, :2].any()
    assert (left.reshape(15, 3)[:12, 2] < 0).all()


def test_the_first_hand_component_makes_a_fist() -> None:
    _, right = hands.hand_components()
    mean = hands.hand_means()[1]
    assert float(right[0] @ mean) / float((mean @ mean) ** 0.5) > 0.9


def limb() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two mirrored tubes along x about the elbows at x = 0.4 and -0.4."""
    along, turn = torch.meshgrid(
        torch.linspace(0.2, 0.6, 21), torch.arange(12) * (math.pi / 6), indexing="ij"
    )
    tube = torch.stack([along, 0.05 * turn.cos(), 0.05 * turn.sin()], -1).flatten(0, 1)
    rest = torch.cat([tube, mirrored(tube)])
    bent = ((rest[:, 0].abs() - 0.34) / 0.12).clamp(0, 1)
    weights = torch.zeros(len(rest), 24)
    weights[:, 0] = 1 - bent
    weights[rest[:, 0] > 0, SMPL_24.index("left_elbow")] = bent[rest[:, 0] > 0]
    weights[rest[:, 0] < 0, SMPL_24.index("right_elbow")] = bent[rest[:, 0] < 0]
    joints = torch.zeros(24, 3)
    joints[SMPL_24.index("left_elbow")] = torch.tensor([0.4, 0.0, 0.0])
    joints[SMPL_24.index("right_elbow")] = torch.tensor([-0.4, 0.0, 0.0])
    return rest, weights, joints


def test_pose_directions_keep_a_bent_tube_round() -> None:
    rest, weights, joints = limb()
    elbow = SMPL_24.index("left_elbow")
    directions = pose_directions(rest, weights, joints, SMPL_24, SMPL_FORMAT.parents, twins(rest))
    rotation = matrix_from_axis_angle(torch.tensor([0.0, -1.8, 0.0]))
    features = torch.zeros(23, 9)
    features[elbow - 1] = (rotation - torch.eye(3)).flatten()

    def bent(skin: torch.Tensor) -> torch.Tensor:
        away = skin - joints[elbow]
        share = weights[:, elbow, None]
        return joints[elbow] + (1 - share) * away + share * (away @ rotation.mT)

    middle = (rest[:, 0] - 0.4).abs() < 1e-4
    radius = [
        bent(skin)[middle].sub(joints[elbow]).norm(dim=1).mean()
        for skin in (rest, rest + directions @ features.flatten())
    ]
    assert radius[0] < 0.045 < radius[1] < 0.0501


def test_pose_directions_are_symmetric() -> None:
    rest, weights, joints = limb()
    twin = twins(rest)
    found = pose_directions(rest, weights, joints, SMPL_24, SMPL_FORMAT.parents, twin).unflatten(2, (23, 9))
    sign = torch.tensor([-1.0, 1.0, 1.0])
    left, right = (SMPL_24.index(f"{side}_elbow") - 1 for side in ("left", "right"))
    seen = sign[:, None] * found[twin][:, :, left] * torch.outer(sign, sign).flatten()
    assert found[:, :, left].abs().max() > 1e-3
    torch.testing.assert_close(seen, found[:, :, right])
