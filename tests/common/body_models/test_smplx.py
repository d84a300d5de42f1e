"""SMPL-X against the package smplx, on stand-in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import smplx
import torch
from torch import Tensor

from common import joints
from common.body_models.skin_points import LARGEST_YAW, contour_row
from common.body_models.smplx import NECK, SMPLX
from common.geometry.rotation import matrix_from_axis_angle
from common.structures import BodyParams

COUNT = 5
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-9}


def numbers(dtype: torch.dtype, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Pose in axis-angle, betas, expression."""
    generator = torch.Generator().manual_seed(seed)
    drawn = (torch.randn(COUNT, n, dtype=dtype, generator=generator) for n in (165, 10, 10))
    pose, betas, expression = drawn
    return 0.6 * pose.unflatten(1, (55, 3)), 2 * betas, 2 * expression


def reference(folder: Path, kind: Any = smplx.SMPLXLayer, **options: Any) -> torch.nn.Module:
    return kind(str(folder / "smplx"), use_face_contour=True, **options)


def posed_by_reference(model: torch.nn.Module, pose: Tensor, betas: Tensor, expression: Tensor) -> Any:
    """`pose` as the layer takes it: matrices (B, 55, 3, 3), or (B, 55, 3) for the model."""
    parts = {
        "global_orient": slice(0, 1), "body_pose": slice(1, 22), "jaw_pose": slice(22, 23),
        "leye_pose": slice(23, 24), "reye_pose": slice(24, 25),
        "left_hand_pose": slice(25, 40), "right_hand_pose": slice(40, 55),
    }  # fmt: skip
    taken = {name: pose[:, part] for name, part in parts.items()}
    if pose.ndim == 3:
        taken = {name: part.flatten(1) for name, part in taken.items()}
    return model(betas=betas, expression=expression, **taken)


@pytest.fixture(scope="module", params=[torch.float32, torch.float64], ids=["float32", "float64"])
def pair(request: pytest.FixtureRequest, human_model_files: Path) -> tuple[SMPLX, torch.nn.Module]:
    """Ours and theirs."""
    return SMPLX(dtype=request.param), reference(human_model_files, dtype=request.param)


def test_vertices_and_all_144_joints_are_the_reference(pair: tuple[SMPLX, torch.nn.Module]) -> None:
    ours, theirs = pair
    dtype = ours.template.dtype
    pose, betas, expression = numbers(dtype)
    rotations = matrix_from_axis_angle(pose)
    expected = posed_by_reference(theirs, rotations, betas, expression)
    with torch.no_grad():
        body = ours(BodyParams(rotations, betas, expression))
    assert body.topology == "smplx"
    assert body.joints.shape == (COUNT, len(joints.SMPLX_144), 3)
    torch.testing.assert_close(body.vertices, expected.vertices, atol=TOLERANCE[dtype], rtol=0)
    torch.testing.assert_close(body.joints, expected.joints, atol=TOLERANCE[dtype], rtol=0)


def test_gradients_are_the_reference(pair: tuple[SMPLX, torch.nn.Module]) -> None:
    ours, theirs = pair
    dtype = ours.template.dtype
    pose, betas, expression = numbers(dtype, seed=1)
    leaves = [tensor.requires_grad_() for tensor in (matrix_from_axis_angle(pose), betas, expression)]
    body, expected = ours(BodyParams(*leaves)), posed_by_reference(theirs, *leaves)
    weigh = [torch.randn(like.shape, dtype=dtype) for like in (body.vertices, body.joints)]
    found = torch.autograd.grad([body.vertices, body.joints], leaves, weigh)
    wanted = torch.autograd.grad([expected.vertices, expected.joints], leaves, weigh)
    for one, other in zip(found, wanted, strict=True):
        scale = other.abs().max()
        torch.testing.assert_close(one / scale, other / scale, atol=TOLERANCE[dtype], rtol=0)


@pytest.mark.parametrize("flat", [False, True])
def test_annotated_hands_mean_what_the_reference_takes_them_for(human_model_files: Path, flat: bool) -> None:
    # Their axis-angle conversion adds 1e-8 to every vector, so this is as close as float64 comes to it.
    theirs = reference(
        human_model_files,
        smplx.SMPLX,
        dtype=torch.float64,
        flat_hand_mean=flat,
        use_pca=False,
        batch_size=COUNT,
    )
    ours = SMPLX(dtype=torch.float64)
    pose, betas, expression = numbers(torch.float64, seed=2)
    expected = posed_by_reference(theirs, pose, betas, expression)
    with torch.no_grad():
        body = ours(ours.params(pose, betas, expression, torch.full((COUNT,), flat)))
    torch.testing.assert_close(body.vertices, expected.vertices.detach(), atol=1e-7, rtol=0)
    torch.testing.assert_close(body.joints, expected.joints.detach(), atol=1e-7, rtol=0)


def test_the_contour_turns_at_the_same_degrees(pair: tuple[SMPLX, torch.nn.Module]) -> None:
    ours, theirs = pair
    dtype = ours.template.dtype
    degrees = torch.tensor([-120.0, -45, -39.4, -20.3, -0.4, 0.4, 12.6, 38.7, 41, 90], dtype=dtype)
    pose = torch.zeros(len(degrees), 55, 3, dtype=dtype)
    pose[:, 0, 1] = 0.3 * degrees.deg2rad()
    pose[:, NECK, 1] = 0.7 * degrees.deg2rad()
    nothing = torch.zeros(len(degrees), 10, dtype=dtype)
    rotations = matrix_from_axis_angle(pose)
    expected = posed_by_reference(theirs, rotations, nothing, nothing)
    with torch.no_grad():
        body = ours(BodyParams(rotations, nothing, nothing))
    torch.testing.assert_close(body.joints, expected.joints, atol=TOLERANCE[dtype], rtol=0)
    assert (
        len(body.joints[:, -17:].sub(body.joints[:, :1]).norm(dim=-1).sum(1).unique()) > 5
    )  # they do change


def test_a_sideways_head_still_has_a_contour() -> None:
    rows = contour_row(
        matrix_from_axis_angle(torch.tensor([[0.0, 4.0, 0.0], [0.0, -3.0, 1.0], [2.0, 0.0, 2.0]]))
    )
    assert rows.min() >= 0 and rows.max() <= 2 * LARGEST_YAW


def test_a_kid_is_one_more_coefficient(tmp_path: Path, human_model_files: Path) -> None:
    template = np.random.default_rng(0).normal(size=(10475, 3))
    (tmp_path / "smplx").mkdir()
    (tmp_path / "smplx/SMPLX_NEUTRAL.npz").symlink_to(human_model_files / "smplx/SMPLX_NEUTRAL.npz")
    np.save(tmp_path / "smplx/smplx_kid_template.npy", template)
    theirs = reference(tmp_path, age="kid", kid_template_path=str(tmp_path / "smplx/smplx_kid_template.npy"))
    ours = SMPLX(folder=tmp_path, kid=True)
    pose, _, expression = numbers(torch.float32)
    betas, rotations = torch.randn(COUNT, 11), matrix_from_axis_angle(pose)
    expected = posed_by_reference(theirs, rotations, betas, expression)
    with torch.no_grad():
        body = ours(BodyParams(rotations, betas, expression))
    torch.testing.assert_close(body.vertices, expected.vertices, atol=1e-5, rtol=0)
    torch.testing.assert_close(body.joints, expected.joints, atol=1e-5, rtol=0)


def test_the_free_body_loads_here_as_it_does_in_the_reference() -> None:
    from common.utils.paths import FREE

    ours, theirs = SMPLX(free="only"), reference(FREE)
    pose, betas, expression = numbers(torch.float32)
    rotations = matrix_from_axis_angle(pose)
    expected = posed_by_reference(theirs, rotations, betas, expression)
    with torch.no_grad():
        body = ours(BodyParams(rotations, betas, expression))
    assert body.topology != "smplx"
    torch.testing.assert_close(body.vertices, expected.vertices, atol=1e-5, rtol=0)
    torch.testing.assert_close(body.joints, expected.joints, atol=1e-5, rtol=0)
