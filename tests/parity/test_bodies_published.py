"""What a network is taught of one body, whole or in a flipped and turned view: as published."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import pytest
import torch
from test_targets_published import preprocess, recorded_crop
from torch import Tensor, nn

from common.body_models.arrays import read_body
from common.body_models.files import find
from common.body_models.smpl import SMPL as SMPLBody
from common.joints import POSE_53, SMPL, SMPL_24, SMPLX, WHOLE_BODY_137, BodyLayout, JointSet
from common.losses.origins import origins
from common.losses.volume import PART_ROOTS, Volume
from common.networks.whole_body import WholeBody
from common.preprocess.targets import make_target
from common.structures import Body, Inputs, Person, Sample, Target, View
from data.formats.several_cameras import seen_by
from data.on_device.fitted_targets import FittedTargets

PARTS = {
    "root": slice(0, 1), "body": slice(1, 22), "jaw": slice(22, 23),
    "lhand": slice(25, 40), "rhand": slice(40, 55),
}  # fmt: skip


class Case(NamedTuple):
    """Where its arrays are in preprocess.npz, and what was done to the picture."""

    system: str
    given: str
    taught: str
    camera: str  # its prefix
    map: str
    size: tuple[int, int] = (128, 96)
    flipped: bool = False
    moved: tuple[str, str] | None = None  # the world's frame in the camera's: rotation, shift
    degrees: int = 0

    @property
    def has_bugs(self) -> bool:
        """Whether points are tested before the flip, too: see FittedTargets."""
        return self.system == "smpler_x"

    @property
    def mesh(self) -> str:
        return "mesh_cam_s97" if self.system == "osx" else "mesh_orig_s97"


def of_osx(name: str, flipped: bool = False, moved: tuple[str, str] | None = None) -> Case:
    start = f"model/{name}/"
    return Case(
        "osx", "model/in/", start, f"{start}cam_", f"{start}img2bb", (128, 96), flipped, moved, 25 * flipped
    )


def of_smpler_x(moved: bool, flipped: bool) -> Case:
    degrees = 25 * flipped
    start = f"param/{'' if moved else 'no_'}extrinsic/flip{flipped:d}_rot{degrees}/"
    frame = ("param/cam/R", "param/cam/t") if moved else None
    return Case(
        "smpler_x", "param/in/", start, "param/cam/", "db/img2bb", (420, 400), flipped, frame, 25 * flipped
    )


CASES = (
    of_osx("plain"), of_osx("flip_rot", True),
    of_osx("extrinsic", moved=("model/R", "model/extrinsic/cam_t")),
    *(of_smpler_x(moved, flipped) for moved in (False, True) for flipped in (False, True)),
)  # fmt: skip


def intrinsics(arrays: Mapping[str, np.ndarray], camera: str) -> np.ndarray:
    (fx, fy), (cx, cy) = arrays[f"{camera}focal"], arrays[f"{camera}princpt"]
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


def person(arrays: Mapping[str, np.ndarray], case: Case) -> Person:
    pose, known = np.zeros((55, 3)), np.ones(57)
    for name, places in PARTS.items():
        pose[places] = arrays[f"{case.given}{name}_pose"].reshape(-1, 3)
    known[PARTS["lhand"]] = float(arrays[f"{case.given}lhand_valid"])
    known[PARTS["rhand"]] = float(arrays[f"{case.given}rhand_valid"])
    known[PARTS["jaw"]] = known[-1] = float(arrays[f"{case.given}face_valid"])
    pose[known[:55] == 0] = 0
    return Person(
        case.taught, body=SMPLX, pose=pose, known=known,
        betas=arrays[f"{case.given}shape"], expression=arrays[f"{case.given}expr"] * known[-1],
        translation=arrays[f"{case.given}trans"], intrinsics=intrinsics(arrays, case.camera),
    )  # fmt: skip


def before_camera(who: Person, rotation: np.ndarray, shift: np.ndarray, network: WholeBody) -> Person:
    """In the camera's frame. A stand-in's expression moves its pelvis, which no official one does."""
    pose, translation = seen_by(who.pose, who.betas, who.translation, rotation, shift)
    aside = who.expression @ network.body_model.joint_directions[10:, :3].double().numpy()
    return replace(who, pose=pose, translation=translation + rotation @ aside - aside)


def batched(who: Person, arrays: Mapping[str, np.ndarray], case: Case, joints: JointSet, body: BodyLayout):
    """The person in the recorded view, as a batch of one."""
    record = recorded_crop(arrays[case.map], case.size[0], case.flipped)
    record.angle = torch.tensor(math.radians(case.degrees))
    target = make_target(who, record, joints, body)
    inputs = Inputs({}, {"body": record}, torch.tensor(who.intrinsics, dtype=torch.float32), torch.zeros(3))
    batch = Sample.stack([Sample(who.name, torch.tensor(0), inputs, target)])
    return batch.map(lambda each: each.float() if each.dtype == torch.float64 else each)


def teaches(taught: Target, wanted: Mapping[str, np.ndarray], volume: Volume, known: np.ndarray) -> None:
    """Each joint's cell, whether the volume holds it, and where it is from its part's root."""
    cells = volume.points(taught.fitted_2d, taught.fitted_3d)[0]
    np.testing.assert_allclose(cells[0, known], wanted["joint_img"][known], atol=1e-3)
    held = wanted["joint_trunc"].reshape(-1)[known] > 0
    np.testing.assert_array_equal(taught.fitted_2d[0, known, 2] > 0, held)
    places, sure = taught.fitted_3d.split([3, 1], -1)
    seen_from, _ = origins(places, sure[..., 0], volume.joint_set, volume.root, volume.parts)
    np.testing.assert_allclose((places - seen_from)[0, known], wanted["joint_cam"][known], atol=1e-5)


def below(arrays: Mapping[str, np.ndarray], start: str) -> Mapping[str, np.ndarray]:
    return {name.removeprefix(start): value for name, value in arrays.items() if name.startswith(start)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.taught)
def test_a_body_teaches_what_it_taught(human_model_files: Path, case: Case) -> None:
    arrays = preprocess(case.system)
    wanted, who, network = below(arrays, case.taught), person(arrays, case), WholeBody()
    if case.moved:
        who = before_camera(who, *(arrays[name] for name in case.moved), network)
    batch = batched(who, arrays, case, WHOLE_BODY_137, SMPLX)
    taught = FittedTargets(network, SMPLX, as_published=case.has_bugs)(batch).target
    places = list(POSE_53.taken_from(SMPLX.joints))
    np.testing.assert_allclose(taught.pose[0, places].flatten(), wanted["pose"], atol=1e-5)
    np.testing.assert_array_equal(taught.known[0, places], wanted["rotation_valid"])
    np.testing.assert_allclose(taught.betas[0], wanted["shape"], atol=1e-6)
    np.testing.assert_allclose(taught.expression[0], wanted["expr"], atol=1e-6)
    assert taught.known[0, -1] == wanted["expr_valid"]
    known = wanted["coord_valid"].reshape(137) > 0
    np.testing.assert_array_equal(taught.fitted_3d[0, :, 3] > 0, known)
    teaches(taught, wanted, Volume(WHOLE_BODY_137), known)
    model, given = network.body_model, batch.target  # the mesh is as annotated, neither flipped nor turned
    mesh = model(model.params(given.pose, given.betas, given.expression, given.flat_hand)).vertices
    seen = wanted[case.mesh]
    np.testing.assert_allclose((mesh + given.translation)[0, ::97], seen, atol=1e-4)


class Posed(nn.Module):
    """A network that sees nothing, and reads SMPL's joints off the posed mesh (published)."""

    joint_set = SMPL_24
    views: ClassVar = {"body": View((512, 384))}

    def __init__(self) -> None:
        super().__init__()
        self.body_model = SMPLBody(free="never")
        file = read_body(find("smpl", "neutral", free="never"), 10, 0)
        self.regressor = torch.tensor(file["J_regressor"], dtype=torch.float32)

    def read_joints(self, body: Body) -> Tensor:
        return self.regressor @ body.vertices


@pytest.mark.parametrize(
    "case",
    [
        Case("osx", "smpl/in_", "smpl/", "model/flip_rot/cam_", "smpl/img2bb", (128, 96), True, None, 25),
        Case(
            "smpler_x",
            "smpl/in/",
            "smpl/flip1_rot25/",
            "param/cam/",
            "db/img2bb",
            (420, 400),
            True,
            degrees=25,
        ),
    ],
    ids=lambda case: case.system,
)
def test_a_smaller_body_teaches_what_it_taught(human_model_files: Path, case: Case) -> None:
    arrays = preprocess(case.system)
    wanted = below(arrays, case.taught)
    given = {name: arrays[f"{case.given}{name}"] for name in ("pose", "shape", "trans", "gender")}
    who = Person(
        case.taught, body=SMPL, pose=given["pose"].reshape(24, 3), known=np.ones(26), betas=given["shape"],
        translation=given["trans"], intrinsics=intrinsics(arrays, case.camera), gender=str(given["gender"]),
    )  # fmt: skip
    volume = Volume(SMPL_24, parts={})
    batch = batched(who, arrays, case, SMPL_24, SMPL)
    prepare = FittedTargets(Posed(), SMPL, gendered=True, volume=volume, as_published=case.has_bugs)
    taught = prepare(batch).target
    np.testing.assert_allclose(taught.pose[0].flatten(), wanted["pose"], atol=1e-5)
    np.testing.assert_allclose(taught.betas[0], wanted["shape"], atol=1e-6)
    teaches(taught, wanted, volume, np.ones(24, bool))
    mesh = prepare.posed(batch.target)[1].vertices + batch.target.translation[:, None]
    seen = wanted[case.mesh]
    np.testing.assert_allclose(mesh[0, ::97], seen, atol=1e-4)


def test_a_shape_beyond_three_is_the_mean_one(human_model_files: Path) -> None:
    arrays = preprocess("osx")
    who = person(arrays, CASES[0])
    batch = batched(replace(who, betas=who.betas * 3), arrays, CASES[0], WHOLE_BODY_137, SMPLX)
    assert batch.target.betas.abs().max() > 3
    taught = FittedTargets(WholeBody(), SMPLX)(batch).target
    np.testing.assert_array_equal(taught.betas[0], arrays["model/big_beta_shape"])


@pytest.mark.parametrize("flipped", [False, True])
def test_points_teach_what_they_taught(human_model_files: Path, flipped: bool) -> None:
    arrays = preprocess("smpler_x")
    wanted = below(arrays, f"db/flip{flipped:d}/")
    case = Case("smpler_x", "", "", "param/cam/", "db/img2bb", (420, 400), flipped, degrees=20)
    points, valid = arrays["db/in_img"], arrays["db/in_valid"]
    assert ((points[:, 2] > 0) & (points[:, 2] < 16)).all()  # so depth keeps none of them out of the volume
    who = Person(
        "points", joint_set=WHOLE_BODY_137, intrinsics=intrinsics(arrays, "param/cam/"),
        joints_2d=np.concatenate([points[:, :2], valid], 1),
        joints_3d=np.concatenate([arrays["db/in_cam"], valid], 1),
    )  # fmt: skip
    batch = batched(who, arrays, case, WHOLE_BODY_137, SMPLX)
    seen, places = batch.target.joints_2d[0], batch.target.joints_3d
    known = wanted["joint_valid"].reshape(-1) > 0
    np.testing.assert_array_equal(seen[:, 2] > 0, known)
    np.testing.assert_allclose(seen[known, :2] / 32, wanted["joint_img"][known, :2], atol=1e-4)
    np.testing.assert_allclose(places[0, known, :3], wanted["joint_cam_root"][known], atol=1e-5)
    seen_from, sure = origins(places[..., :3], places[..., 3], WHOLE_BODY_137, ("pelvis",), PART_ROOTS)
    from_parts = (places[..., :3] - seen_from)[0]
    rooted = known & (sure[0] > 0).numpy()
    np.testing.assert_allclose(from_parts[rooted], wanted["joint_cam_parts"][rooted], atol=1e-5)
    middle = np.ones((137, 4)) * [0, 0, 0, 1]  # of the volume
    batch = batched(replace(who, joints_3d=middle), arrays, case, WHOLE_BODY_137, SMPLX)
    taught = FittedTargets(WholeBody(), SMPLX, as_published=True)(batch).target
    told = known & known[list(WHOLE_BODY_137.mirrored)]  # here no place is kept that nobody annotated
    wanted_seen = wanted["joint_trunc"].reshape(-1) > 0
    np.testing.assert_array_equal((taught.joints_2d[0, :, 2] > 0)[told], wanted_seen[told])
