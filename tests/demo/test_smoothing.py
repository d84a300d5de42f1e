import torch

from common.geometry.rotation import axis_angle_from_matrix, matrix_from_axis_angle
from demo.smoothing import OneEuro, RotationOneEuro


def test_a_signal_at_rest_stays_where_it_is():
    smooth = OneEuro(rate=30)
    for _ in range(5):
        assert torch.equal(smooth(torch.ones(2, 3)), torch.ones(2, 3))


def test_noise_on_a_signal_at_rest_shrinks():
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(300, 3, generator=generator) * 0.01
    smooth = OneEuro(rate=30)
    filtered = torch.stack([smooth(frame) for frame in noise])
    assert filtered[50:].std() < 0.5 * noise[50:].std()


def test_a_fast_motion_is_followed_closely():
    frames = torch.arange(60)[:, None] * torch.tensor([[0.1, 0.0, 0.0]])  # 3 m/s
    smooth = OneEuro(rate=30, speed_weight=2.0)
    lag = (frames - torch.stack([smooth(frame) for frame in frames]))[-1].norm()
    assert lag < 0.1


def test_smoothed_rotations_are_rotations_and_take_the_short_way_through_a_half_turn():
    angles = torch.linspace(3.0, 3.4, 40)[:, None] * torch.tensor([[0.0, 1.0, 0.0]])  # axis-angle jumps at pi
    smooth = RotationOneEuro(rate=30)
    for angle in angles:
        turned = smooth(matrix_from_axis_angle(angle)[None])
    assert torch.allclose(turned @ turned.mT, torch.eye(3), atol=1e-5)
    behind = axis_angle_from_matrix(turned[0].mT @ matrix_from_axis_angle(angles[-1]))
    assert behind.norm() < 0.2
