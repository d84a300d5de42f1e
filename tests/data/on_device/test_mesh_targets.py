"""True meshes as targets."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from common.body_models.smplx import SMPLX as Body
from common.joints import SMPL, SMPLX, SMPLX_144
from common.structures import Batch
from common.utils.errors import UserError
from data.loading.dataset import bodies
from data.on_device.mesh_targets import MeshTargets

pytestmark = pytest.mark.usefixtures("human_model_files")


def with_meshes(vertices: torch.Tensor) -> Batch:
    batch = bodies(("a", "b"), torch.arange(2), SMPLX_144, SMPLX)
    return replace(batch, target=replace(batch.target, vertices=vertices))


def test_the_body_is_the_mesh_and_its_joints_are_read_off_it() -> None:
    model = Body()
    flat = torch.zeros(2, dtype=torch.bool)
    rest = model(
        model.params(torch.zeros(2, 55, 3) - model.mean_pose, torch.randn(2, 10), torch.zeros(2, 10), flat)
    )
    truth = MeshTargets(None, SMPLX)(with_meshes(rest.vertices)).target.body
    assert truth.topology == rest.topology and torch.equal(truth.vertices, rest.vertices)
    torch.testing.assert_close(truth.joints[:, :76], rest.joints[:, :76], atol=1e-4, rtol=0)


def test_what_no_mesh_tells_is_no_number() -> None:
    truth = MeshTargets(None, SMPLX)(with_meshes(torch.rand(2, 10475, 3))).target.body
    assert truth.joints.shape == (2, 144, 3)
    assert (
        truth.joints[:, 76:].isnan().all()
        and truth.rest.isnan().all()
        and truth.joints[:, :76].isfinite().all()
    )


def test_other_meshes_and_other_bodies_are_refused() -> None:
    with pytest.raises(UserError, match="0 vertices, not SMPL-X's 10475"):
        MeshTargets(None, SMPLX)(with_meshes(torch.zeros(2, 0, 3)))
    with pytest.raises(ValueError, match="not smpl's"):
        MeshTargets(None, SMPL)
