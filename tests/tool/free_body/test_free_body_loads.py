"""The free body in the `smplx` package and in our own classes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import smplx
import torch
from torch import Tensor

from common.body_models.smpl import SMPL
from common.body_models.smplx import SMPLX
from common.joints import SMPLX_55, SMPLX_144
from common.structures import Body
from common.utils.errors import UserError
from common.utils.paths import FREE
from tool.free_body.export_smplx import export
from tool.free_body.expression import EXPRESSIONS

GENDERS = ("neutral", "male", "female")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    assert len(export(folder)) == 8
    return folder


def drawn(joints: int, expression: int) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(3)
    pose, betas, face = (
        torch.randn(2, *shape, generator=random) for shape in ((joints, 3), (10,), (expression,))
    )
    return 0.4 * pose, betas, face


def official_smplx(model: smplx.SMPLX, pose: Tensor, betas: Tensor, face: Tensor):
    hands = {"left_hand_pose": pose[:, 25:40].flatten(1), "right_hand_pose": pose[:, 40:55].flatten(1)}
    return model(
        betas=betas, expression=face, global_orient=pose[:, 0], body_pose=pose[:, 1:22].flatten(1),
        jaw_pose=pose[:, 22], leye_pose=pose[:, 23], reye_pose=pose[:, 24], **hands,
    )  # fmt: skip


@pytest.mark.parametrize(("gender", "flat"), [("neutral", False), ("male", True), ("female", True)])
def test_smplx_and_our_class_pose_it_alike(gender: str, flat: bool) -> None:
    pose, betas, face = drawn(55, 10)
    ours = SMPLX(gender, free="only")
    body = ours(ours.params(pose, betas, face, torch.full((2,), flat)))
    theirs = smplx.create(
        str(FREE), "smplx", gender=gender, ext="npz", use_pca=False, flat_hand_mean=flat,
        use_face_contour=True, batch_size=2,
    )  # fmt: skip
    found = official_smplx(theirs, pose, betas, face)
    torch.testing.assert_close(body.vertices, found.vertices, atol=1e-5, rtol=0)
    torch.testing.assert_close(body.joints, found.joints, atol=1e-5, rtol=0)
    assert body.topology == "humanmesh-10475"


def test_an_export_holds_the_same_numbers_and_official_tables(exported: Path) -> None:
    with (
        np.load(FREE / "smplx/SMPLX_MALE.npz") as file,
        np.load(exported / "smplx/SMPLX_MALE.npz", allow_pickle=True) as other,
    ):
        assert set(file.files) == set(other.files)
        for key in set(file.files) - {"joint2num", "part2num"}:
            np.testing.assert_array_equal(file[key], other[key])
        assert other["joint2num"].item()["left_index1"] == 25


@pytest.mark.parametrize("gender", GENDERS)
def test_smpl_and_our_class_pose_it_alike(gender: str, exported: Path) -> None:
    pose, betas, _ = drawn(24, 0)
    theirs = smplx.create(str(exported), "smpl", gender=gender, batch_size=2)
    found = theirs(betas=betas, global_orient=pose[:, 0], body_pose=pose[:, 1:].flatten(1))
    ours = SMPL(gender, free="only")
    body = ours(ours.params(pose, betas, betas[:, :0], torch.ones(2, dtype=torch.bool)))
    torch.testing.assert_close(body.vertices, found.vertices, atol=1e-5, rtol=0)
    torch.testing.assert_close(body.joints, found.joints, atol=1e-5, rtol=0)
    assert body.topology == "humanmesh-6890"


def test_principal_components_of_the_hands_load(exported: Path) -> None:
    model = smplx.create(
        str(exported), "smplx", ext="npz", use_pca=True, flat_hand_mean=True, use_face_contour=True
    )
    fist = torch.tensor([[3.6, 0, 0, 0, 0, 0]])
    closed = model(left_hand_pose=fist, right_hand_pose=fist).joints[0].detach()
    open_ = model().joints[0].detach()
    tip, wrist = SMPLX_144.index("left_middle_tip"), SMPLX_144.index("left_wrist")
    reach = [(joints[tip] - joints[wrist]).norm() for joints in (closed, open_)]
    assert reach[0] < 0.65 * reach[1]
    mirrored = closed[list(SMPLX_144.mirrored)] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(mirrored[:55], closed[:55], atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["smplx", "smpl"])
def test_the_kid_template_leads_to_a_child(kind: str, exported: Path) -> None:
    template = exported / kind / f"{kind}_kid_template.npy"
    ext = "npz" if kind == "smplx" else "pkl"
    model = smplx.create(str(exported), kind, ext=ext, age="kid", kid_template_path=str(template))
    heights = []
    for share in (0.0, 0.5, 1.0):
        vertices = model(betas=torch.tensor([[0.0] * 10 + [share]])).vertices[0].detach()
        heights.append(float(vertices[:, 1].max() - vertices[:, 1].min()))
    assert heights[0] > 1.7 > heights[1] > 1.2 > heights[2] > 0.9


def test_an_export_replaces_nothing(exported: Path) -> None:
    with pytest.raises(UserError, match="is there already"):
        export(exported)


# What the parts do when they move, read off our own class.


@pytest.fixture(scope="module")
def model() -> SMPLX:
    return SMPLX(free="only")


def posed(
    model: SMPLX, turns: dict[str, tuple[float, float, float]], face: list[float] | None = None
) -> Body:
    pose, expression = torch.zeros(1, 55, 3), torch.zeros(1, 10)
    for joint, turn in turns.items():
        pose[0, SMPLX_55.index(joint)] = torch.tensor(turn)
    if face is not None:
        expression[0] = torch.tensor(face)
    return model(model.params(pose, torch.zeros(1, 10), expression, torch.ones(1, dtype=torch.bool)))


def moved(before: Body, after: Body, point: str) -> float:
    """Meters downwards."""
    k = SMPLX_144.index(point)
    return float(before.joints[0, k, 1] - after.joints[0, k, 1])


def test_the_lower_lip_goes_with_the_jaw_and_the_upper_lip_stays(model: SMPLX) -> None:
    rest, opened = posed(model, {}), posed(model, {"jaw": (0.3, 0.0, 0.0)})
    for point in ("inner_lower_lip", "left_inner_lower_lip", "right_inner_lower_lip", "lower_lip"):
        assert moved(rest, opened, point) > 0.01
    for point in ("inner_upper_lip", "left_inner_upper_lip", "right_inner_upper_lip", "upper_lip"):
        assert abs(moved(rest, opened, point)) < 0.003


def test_the_upper_lids_go_down_in_a_blink(model: SMPLX) -> None:
    face = [float(name == "blink") for name in EXPRESSIONS]
    rest, blinking = posed(model, {}), posed(model, {}, face)
    for side in ("left", "right"):
        for k in (1, 2):
            assert moved(rest, blinking, f"{side}_eye_upper_{k}") > 0.005
            assert abs(moved(rest, blinking, f"{side}_eye_lower_{k}")) < 0.003


def test_the_landmarks_of_a_face_at_rest_are_symmetric(model: SMPLX) -> None:
    joints = posed(model, {}).joints[0]
    mirrored = joints[list(SMPLX_144.mirrored)] * torch.tensor([-1.0, 1.0, 1.0])
    assert (mirrored - joints).norm(dim=1).max() < 1e-3


@pytest.mark.parametrize("degrees", [-35, -20, 20, 35])
def test_the_contour_follows_the_outline_of_a_turned_head(model: SMPLX, degrees: int) -> None:
    body = posed(model, {"neck": (0.0, math.radians(degrees), 0.0)})
    away = "right" if degrees < 0 else "left"
    outwards = 1.0 if away == "left" else -1.0
    vertices = body.vertices[0][model.weights[:, [15, 22]].sum(1) > 0.9]
    for k in range(2, 7):
        point = body.joints[0, SMPLX_144.index(f"{away}_contour_{k}")]
        level = vertices[(vertices[:, 1] - point[1]).abs() < 0.006]
        beyond = (outwards * level[:, 0]).max() - outwards * point[0]
        assert beyond < 0.006, (k, beyond)


def test_knees_and_elbows_keep_their_volume_better_than_by_linear_skinning(
    model: SMPLX, tmp_path: Path
) -> None:
    with np.load(FREE / "smplx/SMPLX_NEUTRAL.npz") as file:
        arrays = {key: file[key] for key in file.files}
    np.savez(tmp_path / "linear.npz", **arrays | {"posedirs": 0 * arrays["posedirs"]})
    linear = SMPLX(file=tmp_path / "linear.npz")
    for turns in ({"left_knee": (1.8, 0.0, 0.0)}, {"left_elbow": (0.0, -1.8, 0.0)}):
        body, plain = posed(model, turns), posed(linear, turns)
        rest = volume(body.rest[0], model.faces)
        lost, lost_linear = (abs(volume(b.vertices[0], model.faces) - rest) for b in (body, plain))
        assert lost < 0.9 * lost_linear


def volume(vertices: Tensor, faces: Tensor) -> float:
    a, b, c = vertices.double()[faces].unbind(1)
    return float((a * torch.linalg.cross(b, c)).sum() / 6)


def test_half_precision_costs_less_than_a_tenth_of_a_millimeter() -> None:
    with np.load(FREE / "smplx/SMPLX_NEUTRAL.npz") as file:
        shape, expression = np.split(np.abs(file["shapedirs"]), [10], axis=-1)
    for limit, directions in ((3.0, shape), (1.0, expression)):
        assert limit * np.spacing(directions).astype(np.float32).max() / 2 < 1e-4
