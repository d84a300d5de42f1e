"""Features read at points, in boxes and around a query's place mean what their definitions say."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import grid_sample

from common.networks.layers.boxes import square_boxes
from common.networks.layers.deformable_attention import DeformableAttention
from common.networks.layers.sampling import at_points, in_boxes
from common.networks.layers.soft_argmax import soft_argmax


def ramp(height: int, width: int) -> torch.Tensor:
    """(1, 2, H, W) a map that holds each cell's own x and y."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([x, y])[None].float()


def test_a_sharp_heat_map_points_to_its_cell() -> None:
    scores = torch.zeros(1, 2, 4, 6, 5)
    scores[0, 0, 3, 1, 4] = scores[0, 1, 0, 5, 2] = 100.0
    positions, probability = soft_argmax(scores)
    assert torch.allclose(positions, torch.tensor([[[4.0, 1.0, 3.0], [2.0, 5.0, 0.0]]]))
    assert torch.allclose(probability.sum((2, 3, 4)), torch.ones(1, 2))


def test_a_flat_heat_map_points_to_the_middle() -> None:
    positions, _ = soft_argmax(torch.zeros(1, 1, 6, 5))
    assert torch.allclose(positions, torch.tensor([[[2.0, 2.5]]]))


def test_a_map_of_places_says_the_place_it_is_read_at() -> None:
    points = torch.tensor([[[0.0, 0.0], [2.25, 3.5], [4.0, 5.0]]])
    assert torch.allclose(at_points(ramp(6, 5), points), points)


def test_beyond_the_border_a_map_fades_out_within_a_cell() -> None:
    ones = torch.ones(1, 1, 6, 5)
    points = torch.tensor([[[-0.25, 2.0], [4.5, 2.0], [2.0, 5.75], [-1.0, 0.0], [40.0, 2.0], [2.0, -30.0]]])
    assert torch.allclose(at_points(ones, points)[0, :, 0], torch.tensor([0.75, 0.5, 0.25, 0, 0, 0]))


def test_reading_at_points_is_grid_sample_with_aligned_corners() -> None:
    torch.manual_seed(0)
    features, points = torch.randn(2, 3, 6, 5, requires_grad=True), 8 * torch.rand(2, 7, 2) - 2
    points.requires_grad_()
    grid = points * torch.tensor([2 / 4, 2 / 5]) - 1
    expected = grid_sample(features, grid[:, :, None], align_corners=True)[..., 0].mT
    ours = at_points(features, points)
    assert torch.allclose(ours, expected, atol=1e-6)
    weight = torch.randn_like(ours)
    for mine, theirs in zip(
        torch.autograd.grad((ours * weight).sum(), (features, points)),
        torch.autograd.grad((expected * weight).sum(), (features, points)),
        strict=True,
    ):
        assert torch.allclose(mine, theirs, atol=1e-5)


def test_a_box_is_cut_from_its_own_picture_first_boxes_first() -> None:
    features = torch.cat([ramp(16, 12), 100 + ramp(16, 12)])
    boxes = torch.tensor([[[0.0, 0, 4, 4], [4, 8, 8, 12]], [[2, 2, 6, 6], [0, 0, 4, 4]]])
    cut = in_boxes(features, boxes, 2)
    assert cut.shape == (4, 2, 2, 2)
    # corners are not shifted by half a cell: a box's middle is the mean of its corners
    assert torch.allclose(cut.mean((2, 3)), torch.tensor([[2.0, 2], [104, 104], [6, 10], [102, 102]]))


@pytest.mark.parametrize("enlarged", [1.5, 2.0])
def test_boxes_are_square_around_their_centers(enlarged: float) -> None:
    centers, sizes = torch.tensor([[3.0, 4.0], [5.0, 6.0]]), torch.tensor([[2.0, 1.0], [0.5, 3.0]])
    boxes = square_boxes(centers, sizes, torch.tensor(enlarged))
    sides = boxes[:, 2:] - boxes[:, :2]
    assert torch.allclose(sides, enlarged * torch.tensor([[2.0, 2.0], [3.0, 3.0]]))
    assert torch.allclose((boxes[:, 2:] + boxes[:, :2]) / 2, centers)


def test_a_negative_size_turns_a_box_inside_out() -> None:
    box = square_boxes(torch.zeros(2), torch.tensor([-3.0, -1.0]), torch.tensor(2.0))
    assert torch.equal(box, torch.tensor([1.0, 1.0, -1.0, -1.0]))


def test_deformable_attention_is_grid_sample_of_each_level() -> None:
    torch.manual_seed(0)
    sizes, heads, width, points = (8, 4, 2), 2, 16, 3
    layer = DeformableAttention(width, heads, sizes, points).double()
    memory = torch.randn(2, sum(size * size for size in sizes), width).double()
    queries, places = torch.randn(2, 5, width).double(), 1.6 * torch.rand(2, 5, 2).double() - 0.3
    with torch.no_grad():
        ours = layer(queries, places, memory)
        offsets = layer.sampling_offsets(queries).view(2, 5, heads, len(sizes), points, 2)
        shares = (
            layer.attention_weights(queries).view(2, 5, heads, -1).softmax(-1).view(2, 5, heads, 3, points)
        )
        seen, start = torch.zeros(2, 5, heads, width).double(), 0
        for level, size in enumerate(sizes):
            chart = memory[:, start : start + size * size].mT.unflatten(-1, (size, size))
            start += size * size
            at = places[:, :, None, None] + offsets[:, :, :, level] / size
            found = grid_sample(chart, (2 * at - 1).flatten(2, 3), align_corners=False).unflatten(
                -1, (heads, -1)
            )
            seen += (found.permute(0, 2, 3, 4, 1) * shares[:, :, :, level, :, None]).sum(3)
        expected = [
            seen[:, :, head] @ layer.value_weight[head] + layer.value_bias[head] for head in range(heads)
        ]
        assert torch.allclose(ours, layer.output_proj(torch.cat(expected, -1)), atol=1e-10)


def test_deformable_attention_has_right_gradients() -> None:
    torch.manual_seed(0)
    layer = DeformableAttention(8, 2, (4, 2), 2).double()
    memory = torch.randn(1, 20, 8).double().requires_grad_()
    points = (4 * torch.rand(1, 3, 2, 2, 2, 2).double() - 0.5).requires_grad_()
    shares = torch.rand(1, 3, 2, 2, 2).double().requires_grad_()
    assert torch.autograd.gradcheck(layer.sample, (memory, points, shares))
