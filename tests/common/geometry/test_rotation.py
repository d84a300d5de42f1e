"""Rotations: every form leads back to where it came from, also where formulas divide by nothing."""

import math

import pytest
import torch
from torch import Tensor

from common.geometry import rotation

DTYPES = (torch.float32, torch.float64)
ANGLES = (
    0.0,
    1e-12,
    1e-6,
    1e-4,
    1e-3,
    0.03,
    0.1,
    1.0,
    math.pi / 2,
    3.0,
    math.pi - 1e-3,
    math.pi - 1e-5,
    math.pi,
)


def axes(count: int, dtype: torch.dtype) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    plain = torch.cat([torch.eye(3), -torch.eye(3), torch.randn(count, 3, generator=generator)])
    return torch.nn.functional.normalize(plain, dim=-1).to(dtype)


def axis_angles(dtype: torch.dtype) -> Tensor:
    return (axes(20, torch.float64) * torch.tensor(ANGLES, dtype=torch.float64)[:, None, None]).to(dtype)


def tolerance(dtype: torch.dtype) -> float:
    return 1e-6 if dtype == torch.float32 else 1e-13


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_matrix_from_axis_angle_is_a_rotation_by_that_angle_about_that_axis(dtype):
    vectors = axis_angles(dtype)
    matrices = rotation.matrix_from_axis_angle(vectors)
    assert matrices.dtype == dtype
    torch.testing.assert_close(
        matrices @ matrices.mT,
        torch.eye(3, dtype=dtype).expand_as(matrices),
        rtol=0,
        atol=4 * tolerance(dtype),
    )
    torch.testing.assert_close(
        (matrices @ vectors[..., None])[..., 0], vectors, rtol=0, atol=8 * tolerance(dtype)
    )
    trace = matrices.diagonal(dim1=-2, dim2=-1).sum(-1)
    torch.testing.assert_close(trace, 1 + 2 * vectors.norm(dim=-1).cos(), rtol=0, atol=8 * tolerance(dtype))
    assert (torch.linalg.det(matrices) > 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_small_turns_agree_with_the_matrix_exponential_to_the_last_digits(dtype):
    vectors = axis_angles(torch.float64)
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    torch.testing.assert_close(
        rotation.matrix_from_axis_angle(vectors.to(dtype)),
        torch.linalg.matrix_exp(skew).to(dtype),
        rtol=0,
        atol=3 * tolerance(dtype),
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_axis_angle_and_matrix_invert_each_other_also_near_zero_and_pi(dtype):
    vectors = axis_angles(dtype)
    matrices = rotation.matrix_from_axis_angle(vectors)
    back = rotation.axis_angle_from_matrix(matrices)
    assert (back.norm(dim=-1) <= math.pi + 1e-6).all()
    torch.testing.assert_close(
        rotation.matrix_from_axis_angle(back), matrices, rtol=0, atol=10 * tolerance(dtype)
    )
    open_turns = vectors.norm(dim=-1) < 3.1
    torch.testing.assert_close(back[open_turns], vectors[open_turns], rtol=0, atol=30 * tolerance(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_quaternions_and_matrices_invert_each_other(dtype):
    matrices = rotation.matrix_from_axis_angle(axis_angles(dtype))
    quaternions = rotation.quaternion_from_matrix(matrices)
    assert (quaternions[..., 0] >= 0).all()
    torch.testing.assert_close(
        rotation.matrix_from_quaternion(quaternions), matrices, rtol=0, atol=10 * tolerance(dtype)
    )
    torch.testing.assert_close(
        rotation.matrix_from_quaternion(-5 * quaternions), matrices, rtol=0, atol=10 * tolerance(dtype)
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_quaternions_and_axis_angle_invert_each_other(dtype):
    vectors = axis_angles(dtype)
    vectors = vectors[vectors.norm(dim=-1) < 3.1]
    quaternions = rotation.quaternion_from_axis_angle(vectors)
    torch.testing.assert_close(
        rotation.axis_angle_from_quaternion(quaternions), vectors, rtol=0, atol=30 * tolerance(dtype)
    )
    torch.testing.assert_close(
        rotation.axis_angle_from_quaternion(-quaternions), vectors, rtol=0, atol=30 * tolerance(dtype)
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_6d_form_and_matrices_invert_each_other(dtype):
    matrices = rotation.matrix_from_axis_angle(axis_angles(dtype))
    torch.testing.assert_close(
        rotation.matrix_from_6d(rotation.six_d_from_matrix(matrices)),
        matrices,
        rtol=0,
        atol=4 * tolerance(dtype),
    )


def test_any_six_numbers_make_a_rotation_whose_first_column_points_where_they_say():
    numbers = torch.randn(50, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    matrices = rotation.matrix_from_6d(numbers)
    torch.testing.assert_close(torch.linalg.det(matrices), torch.ones(50, dtype=torch.float64))
    first = torch.nn.functional.normalize(numbers.unflatten(-1, (3, 2))[..., 0], dim=-1)
    torch.testing.assert_close(matrices[..., 0], first)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "function",
    [
        lambda vector: rotation.matrix_from_axis_angle(vector),
        lambda vector: rotation.axis_angle_from_matrix(rotation.matrix_from_axis_angle(vector)),
        lambda vector: rotation.axis_angle_from_quaternion(rotation.quaternion_from_axis_angle(vector)),
        lambda vector: rotation.six_d_from_matrix(rotation.matrix_from_axis_angle(vector)),
    ],
)
def test_gradients_are_finite_at_zero_and_at_pi(function, dtype):
    vectors = axis_angles(dtype).requires_grad_()
    weights = torch.arange(1.0, function(vectors).numel() + 1, dtype=dtype) % 7
    (function(vectors).flatten() * weights).sum().backward()
    assert torch.isfinite(vectors.grad).all()


def test_gradients_through_axis_angle_are_right_at_the_identity():
    vectors = torch.zeros(4, 3, dtype=torch.float64, requires_grad=True)
    round_trip = rotation.axis_angle_from_matrix(rotation.matrix_from_axis_angle(vectors))
    round_trip.sum().backward()
    torch.testing.assert_close(vectors.grad, torch.ones_like(vectors))
    assert torch.autograd.gradcheck(rotation.matrix_from_axis_angle, vectors + 0.3)
    assert torch.autograd.gradcheck(
        rotation.matrix_from_axis_angle, torch.full((2, 3), 1e-3, dtype=torch.float64, requires_grad=True)
    )


def test_conversions_compile_without_a_graph_break():
    def there_and_back(vector: Tensor) -> Tensor:
        matrix = rotation.matrix_from_6d(rotation.six_d_from_matrix(rotation.matrix_from_axis_angle(vector)))
        return rotation.axis_angle_from_matrix(matrix)

    vectors = torch.randn(5, 3, generator=torch.Generator().manual_seed(2))
    compiled = torch.compile(there_and_back, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(vectors), there_and_back(vectors))
