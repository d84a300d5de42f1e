"""SMPL, MANO and FLAME against the package smplx, on stand-in files; which class a layout gives."""

from __future__ import annotations

import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import smplx
import standins
import torch
from torch import Tensor

from common import joints
from common.body_models.build import body_model
from common.body_models.flame import FLAME
from common.body_models.mano import MANO, TIPS
from common.body_models.smpl import SMPL
from common.geometry.rotation import matrix_from_axis_angle
from common.structures import BodyParams

COUNT = 4
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-9}
both_precisions = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])


def numbers(count: int, dtype: torch.dtype, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Rotations (4, count, 3, 3) and a function of random coefficients."""
    generator = torch.Generator().manual_seed(seed)
    pose = torch.randn(COUNT, count, 3, dtype=dtype, generator=generator)
    return matrix_from_axis_angle(0.6 * pose), torch.randn(COUNT, 60, dtype=dtype, generator=generator)


@both_precisions
@pytest.mark.parametrize("gender", ["neutral", "female"])
def test_smpl_is_the_reference(human_model_files: Path, dtype: torch.dtype, gender: str) -> None:
    theirs = smplx.SMPLLayer(str(human_model_files / "smpl"), gender=gender, dtype=dtype)
    rotations, drawn = numbers(24, dtype)
    betas = drawn[:, :10]
    expected = theirs(betas=betas, global_orient=rotations[:, :1], body_pose=rotations[:, 1:])
    with torch.no_grad():
        body = SMPL(gender, dtype=dtype)(BodyParams(rotations, betas, betas[:, :0]))
    assert body.joints.shape == (COUNT, len(joints.SMPL_45), 3)
    torch.testing.assert_close(body.vertices, expected.vertices, atol=TOLERANCE[dtype], rtol=0)
    torch.testing.assert_close(body.joints, expected.joints, atol=TOLERANCE[dtype], rtol=0)


@both_precisions
@pytest.mark.parametrize("side", ["right", "left"])
def test_mano_is_the_reference(human_model_files: Path, dtype: torch.dtype, side: str) -> None:
    theirs = smplx.MANOLayer(
        str(human_model_files / "mano"),
        is_rhand=side == "right",
        use_pca=False,
        flat_hand_mean=True,
        dtype=dtype,
    )
    rotations, drawn = numbers(16, dtype)
    betas = drawn[:, :10]
    expected = theirs(betas=betas, global_orient=rotations[:, :1], hand_pose=rotations[:, 1:])
    with torch.no_grad():
        body = MANO(side, dtype=dtype)(BodyParams(rotations, betas, betas[:, :0]))
    assert body.joints.shape == (COUNT, len(joints.MANO_21), 3)
    torch.testing.assert_close(body.vertices, expected.vertices, atol=TOLERANCE[dtype], rtol=0)
    torch.testing.assert_close(body.joints[:, :16], expected.joints[:, :16], atol=TOLERANCE[dtype], rtol=0)
    torch.testing.assert_close(body.joints[:, 16:], body.vertices[:, TIPS], atol=0, rtol=0)


@both_precisions
def test_flame_is_the_reference_with_many_coefficients(human_model_files: Path, dtype: torch.dtype) -> None:
    theirs = smplx.FLAMELayer(
        str(human_model_files / "flame"),
        num_betas=16,
        num_expression_coeffs=40,
        use_face_contour=True,
        dtype=dtype,
    )
    rotations, drawn = numbers(5, dtype)
    betas, expression = drawn[:, :16], drawn[:, 16:56]
    root, neck, jaw, left_eye, right_eye = rotations.split(1, dim=1)
    expected = theirs(
        betas=betas, expression=expression, global_orient=root, neck_pose=neck, jaw_pose=jaw,
        leye_pose=left_eye, reye_pose=right_eye,
    )  # fmt: skip
    with torch.no_grad():
        body = FLAME(betas=16, expression=40, dtype=dtype)(BodyParams(rotations, betas, expression))
    assert body.joints.shape == (COUNT, len(joints.FLAME_73), 3)
    torch.testing.assert_close(body.vertices, expected.vertices, atol=TOLERANCE[dtype], rtol=0)
    torch.testing.assert_close(body.joints, expected.joints, atol=TOLERANCE[dtype], rtol=0)


def test_the_mean_hand_of_mano_is_added_unless_the_hand_is_flat(human_model_files: Path) -> None:
    hand, nothing = MANO(), torch.zeros(2, 0)
    params = hand.params(torch.zeros(2, 16, 3), torch.zeros(2, 10), nothing, torch.tensor([True, False]))
    torch.testing.assert_close(params.rotations[0], torch.eye(3).expand(16, 3, 3))
    mean = torch.tensor(standins.mano_arrays()["hands_mean"], dtype=torch.float32).reshape(15, 3)
    torch.testing.assert_close(params.rotations[1, 1:], matrix_from_axis_angle(mean))


def test_a_left_hand_with_the_shapes_of_a_right_one_is_mirrored(
    tmp_path: Path, human_model_files: Path
) -> None:
    (tmp_path / "mano").mkdir()
    shutil.copy(human_model_files / "mano/MANO_RIGHT.pkl", tmp_path / "mano")
    left, right = standins.mano_arrays("LEFT"), standins.mano_arrays("RIGHT")
    left["shapedirs"] = right["shapedirs"].copy()
    (tmp_path / "mano/MANO_LEFT.pkl").write_bytes(pickle.dumps(left))
    released = MANO("left", folder=tmp_path, as_published=True).directions.unflatten(1, (-1, 3))
    mended = MANO("left", folder=tmp_path).directions.unflatten(1, (-1, 3))
    torch.testing.assert_close(mended, released * torch.tensor([-1.0, 1.0, 1.0]))
    untouched = np.moveaxis(right["shapedirs"], 2, 0).astype(np.float32)
    np.testing.assert_array_equal(released.numpy(), untouched)


@pytest.mark.parametrize(
    "layout", [joints.SMPL, joints.SMPLX, joints.MANO, joints.FLAME], ids=lambda x: x.name
)
def test_a_layout_names_its_body_model(human_model_files: Path, layout: joints.BodyLayout) -> None:
    model = body_model(layout)
    assert model.layout == layout
    params = BodyParams(
        torch.eye(3).expand(1, len(layout.joints), 3, 3),
        torch.zeros(1, layout.betas),
        torch.zeros(1, layout.expression),
    )
    assert model(params).joints.shape == (1, len(model.joint_set), 3)


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(ValueError, match="no body model 'star'"):
        body_model(replace(joints.SMPL, name="star"))
