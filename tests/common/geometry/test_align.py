"""Alignment: what each kind forgives, and that none forgives a mirror."""

import pytest
import torch
from torch import Tensor

from common.geometry import align
from common.geometry.rotation import matrix_from_axis_angle


def cloud(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def moved(points: Tensor, seed: int = 1) -> Tensor:
    """The points after a random similarity each."""
    turn = matrix_from_axis_angle(2 * cloud(len(points), seed=seed))
    scale = cloud(len(points), 1, seed=seed + 1)[..., :1].abs() + 0.2
    return scale * points @ turn.mT + cloud(len(points), 1, seed=seed + 2)


def test_procrustes_undoes_any_similarity():
    truth = cloud(6, 17)
    torch.testing.assert_close(align.procrustes(moved(truth), truth), truth)


def test_procrustes_gives_the_same_whatever_similarity_came_before():
    points, truth = cloud(6, 17), cloud(6, 17, seed=9)
    torch.testing.assert_close(align.procrustes(moved(points), truth), align.procrustes(points, truth))


@pytest.mark.parametrize("flat", [False, True], ids=["solid", "flat"])
def test_procrustes_never_returns_a_reflection(flat):
    truth = cloud(30, 14)
    points = truth * torch.tensor([-1.0, 1.0, 0.0 if flat else 1.0], dtype=torch.float64)
    _, rotation, _ = align.similarity(points, truth)
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(30, dtype=torch.float64))
    assert ((align.procrustes(points, truth) - truth).norm(dim=-1).mean(-1) > 0.05).all()


def test_no_similarity_nearby_is_better_than_procrustes():
    points, truth = cloud(1, 12), cloud(1, 12, seed=3)
    scale, rotation, translation = align.similarity(points, truth)
    best = (align.procrustes(points, truth) - truth).square().sum()
    for seed in range(20):
        step = 1e-2 * cloud(3, seed=20 + seed)
        other = (scale + step[0, 0]) * points @ (matrix_from_axis_angle(step[1]) @ rotation).mT
        assert (other + translation + step[2] - truth).square().sum() > best


def test_points_without_weight_decide_nothing():
    truth, weight = cloud(4, 20), torch.ones(4, 20, dtype=torch.float64)
    weight[:, 12:] = 0
    points = moved(truth)
    points[:, 12:] += 100
    for function in (align.procrustes, align.scaled, align.centered):
        whole = function(points, truth, weight)[:, :12]
        torch.testing.assert_close(whole, function(points[:, :12], truth[:, :12]))


def test_scaling_forgives_size_and_place_but_no_turn():
    truth = cloud(3, 15)
    torch.testing.assert_close(align.scaled(0.3 * truth + 5, truth), truth)
    turned = truth @ matrix_from_axis_angle(torch.tensor([0.0, 0.0, 0.5], dtype=torch.float64)).mT
    assert (align.scaled(turned, truth) - truth).abs().max() > 0.1


def test_centering_forgives_the_place_alone():
    truth = cloud(3, 15)
    torch.testing.assert_close(align.centered(truth + 5, truth), truth)
    assert (align.centered(2 * truth, truth) - truth).abs().max() > 0.1


def test_at_a_root_that_joint_or_the_middle_of_several_is_the_origin():
    points = cloud(3, 15)
    assert (align.at_root(points, 4)[:, 4] == 0).all()
    torch.testing.assert_close(
        align.at_root(points, (2, 3))[:, [2, 3]].mean(1), torch.zeros(3, 3, dtype=torch.float64)
    )
    torch.testing.assert_close(
        align.at_root(points, 4)[:, 1] - align.at_root(points, 4)[:, 2], points[:, 1] - points[:, 2]
    )


def test_coinciding_points_leave_finite_numbers():
    same = torch.ones(1, 5, 3)
    assert torch.isfinite(align.procrustes(same, cloud(1, 5).float())).all()
    assert torch.isfinite(align.scaled(same, cloud(1, 5).float())).all()
    assert torch.isfinite(align.procrustes(cloud(1, 5).float(), same, torch.zeros(1, 5))).all()


def test_distances_are_those_of_the_aligned_points() -> None:
    torch.manual_seed(1)
    points, truth, weight = torch.randn(2, 9, 3), torch.randn(2, 9, 3), torch.rand(2, 9)
    shift, kept = torch.randn(2, 1, 3), points.clone()
    torch.testing.assert_close(align.distances(points, truth), (points - truth).norm(dim=-1))
    torch.testing.assert_close(align.distances(points, truth, shift), (points + shift - truth).norm(dim=-1))
    for share in (None, weight):
        aligned = (align.procrustes(points, truth, share) - truth).norm(dim=-1)
        torch.testing.assert_close(align.distances_aligned(points, truth, share), aligned)
    laid_out = align.axis_by_axis(points)
    assert laid_out.stride() == (27, 1, 9)
    torch.testing.assert_close(
        align.distances_aligned(laid_out, truth), align.distances_aligned(points, truth)
    )
    assert torch.equal(points, kept) and torch.equal(laid_out, kept), "nobody's points are changed"
