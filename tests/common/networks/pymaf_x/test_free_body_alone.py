"""PyMAF-X's body alone on the free body, for who has no official files: it sees, and learns."""

from __future__ import annotations

import pytest
import torch

from common.body_models.downsampling import farthest_vertices
from common.body_models.regressors import Regressor
from common.joints import SPIN_49
from common.networks.pymaf_x.pymaf_x import PyMAFX
from common.structures import Crop, Inputs


@pytest.mark.parametrize("body", ["smpl", "smplx"])
def test_a_body_alone_needs_no_official_files(body: str) -> None:
    torch.manual_seed(0)
    network = PyMAFX(("body",), body, "resnet", free="only", every_stage=True).eval()
    crop = Crop(torch.eye(3)[None, :2], torch.zeros(1), torch.zeros(1) > 0, torch.full((1, 2), 224.0))
    inputs = Inputs(
        {"body": torch.randn(1, 3, 224, 224)}, {"body": crop}, torch.eye(3)[None], -torch.ones(1, 3)
    )
    told = network(inputs)
    assert len(told.stages) == 2 and told.joints.isfinite().all()
    seen = told.camera.project(told.body.vertices)
    assert ((seen > -112) & (seen < 336)).all(), "it starts before the camera, upright"
    told.joints.square().sum().backward()
    assert network.encoders["body"].conv1.weight.grad.abs().max() > 0
    points = Regressor(told.body.topology, "h36m")(told.body)
    hip = told.joints[:, SPIN_49.index("right_hip_h36m")]
    torch.testing.assert_close(hip, points[:, 1], atol=1e-5, rtol=0)


def test_official_files_are_asked_for_where_nobody_allows_the_free_body() -> None:
    with pytest.raises(FileNotFoundError, match="neutral smpl body model is missing"):
        PyMAFX(("body",), "smpl", "resnet")
    with pytest.raises(FileNotFoundError, match="right mano body model is missing"):
        PyMAFX(free="allow")


def test_farthest_vertices_lie_apart() -> None:
    torch.manual_seed(0)
    rest = torch.rand(500, 3)
    chosen = farthest_vertices(rest, 20)
    assert len(chosen.unique()) == 20 and chosen.tolist() == sorted(chosen.tolist())
    apart = torch.cdist(rest[chosen], rest[chosen]) + 9 * torch.eye(20)
    assert apart.min() > torch.cdist(rest, rest[chosen]).amin(1).max() - 1e-6
