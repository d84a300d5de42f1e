"""Every published data set, from its official files to the targets of a batch: as published."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from common.joints import POSE_53, SMPLX, WHOLE_BODY_137
from common.losses.origins import origins
from common.losses.volume import PART_ROOTS, Volume
from common.networks.whole_body import WholeBody
from common.preprocess.augment import Chance
from common.preprocess.sample import make_sample
from common.structures import Batch, Person, Sample
from common.utils.paths import ROOT
from data.agora import AGORA
from data.bedlam import BEDLAM
from data.ehf import EHF
from data.human36m import Human36M
from data.lspet import LSPET
from data.mpi_inf_3dhp import MPIINF3DHPFrames
from data.mpii import MPII
from data.mscoco import MSCOCO
from data.on_device.fitted_targets import FittedTargets
from data.pw3d import PW3D
from data.renbody import RenBody
from data.rich import RICH
from data.ubody import UBody

PARITY = ROOT.parent / "shared" / "parity"
GOLDEN = Path(__file__).parent / "datasets.npz"
AUGMENTED = Chance(0.9, math.radians(15), True, (1.1, 0.9, 1.05))
CELLS = 1e-4  # of 16 along an axis: float32 has depths of meters to 1e-6
METERS = 1e-5
_PLACES = list(POSE_53.taken_from(SMPLX.joints))


@pytest.fixture(scope="module")
def model(human_model_files: Path) -> WholeBody:
    """A network's outlines, with the stand-in body that the published numbers were made with."""
    return WholeBody()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The miniature data roots, where indexes may be written, and what the published loaders made of them.

    "golden" is a part of "osx" that lies in every clone.
    """
    found = SimpleNamespace(root={}, numbers={})
    for system in ("osx", "smpler_x"):
        if (PARITY / system).exists():
            found.root[system] = tmp_path_factory.mktemp(system) / "dataset"
            shutil.copytree(PARITY / system / "dataset", found.root[system])
            found.numbers[system] = np.load(PARITY / system / "dataset.npz")
    found.root["golden"], found.numbers["golden"] = tmp_path_factory.mktemp("golden"), np.load(GOLDEN)
    for name in found.numbers["golden"].files:
        if name.startswith("file/"):
            path = found.root["golden"] / name.removeprefix("file/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(found.numbers["golden"][name].tobytes())
    return found


def root_of(published: SimpleNamespace, system: str) -> Path:
    if system not in published.root:
        pytest.skip(f"{PARITY / system} is not there: nothing to compare with")
    return published.root[system]


def numbers_of(published: SimpleNamespace, system: str, prefix: str) -> dict[str, np.ndarray]:
    """What a published loader returned for one person, by names without the prefix."""
    root_of(published, system)
    file = published.numbers[system]
    names = [name for name in file.files if name.startswith(prefix)]
    assert names, prefix
    return {name.removeprefix(prefix).removeprefix("inputs/"): file[name] for name in names}


def prepared(person: Person, model: WholeBody, chance: Chance | None, prepare: Any) -> Batch:
    sample = make_sample(person, model.views, WHOLE_BODY_137, SMPLX, chance)
    return prepare(model, SMPLX)(Sample.stack([sample]))


def check_picture(batch: Batch, numbers: Mapping[str, np.ndarray]) -> None:
    seen = batch.inputs.views["body"][0, :, ::32, ::32]
    np.testing.assert_allclose(seen, numbers["img_s32"], atol=0.01 / 255)
    if "meta/bb2img_trans" in numbers:
        back = np.linalg.inv(np.vstack([batch.inputs.crops["body"].matrix[0], [0, 0, 1]]))[:2]
        np.testing.assert_allclose(back, numbers["meta/bb2img_trans"], atol=1e-3)


def check_points(batch: Batch, numbers: Mapping[str, np.ndarray], volume: Volume, osx: bool) -> None:
    """Annotated points and those of the fit: where they are, in the picture and in space, and which count."""
    target = batch.target
    of = {"": (target.joints_2d, target.joints_3d), "smplx_": (target.fitted_2d, target.fitted_3d)}
    for name, (flat, deep) in of.items():
        valid, seen = (numbers[f"meta/{name}joint_{kind}"][:, 0] for kind in ("valid", "trunc"))
        np.testing.assert_array_equal(flat[0, :, 2] > 0, seen > 0)
        cells = volume.points(flat, deep)[0][0].numpy()
        wanted = numbers[f"targets/{name}joint_img"]
        np.testing.assert_allclose(cells[seen > 0], wanted[seen > 0], atol=CELLS)
        if name or numbers["meta/is_3D"]:
            np.testing.assert_array_equal(deep[0, :, 3] > 0, valid > 0)
            parts = PART_ROOTS if name or osx else {}
            start, _ = origins(deep[..., :3], deep[..., 3], WHOLE_BODY_137, ("pelvis",), parts)
            moved = (deep[..., :3] - start)[0].numpy()[valid > 0]
            np.testing.assert_allclose(moved, numbers[f"targets/{name}joint_cam"][valid > 0], atol=METERS)
        else:
            assert not deep[..., 3].any()


def check_body(batch: Batch, numbers: Mapping[str, np.ndarray]) -> None:
    target = batch.target
    known = numbers["meta/smplx_pose_valid"].reshape(53, 3)[:, 0]
    np.testing.assert_array_equal(target.known[0, _PLACES], known)
    wanted = numbers["targets/smplx_pose"].reshape(53, 3)
    np.testing.assert_allclose(target.pose[0, _PLACES][known > 0], wanted[known > 0], atol=METERS)
    assert target.known[0, -2] == numbers["meta/smplx_shape_valid"]
    assert target.known[0, -1] == numbers["meta/smplx_expr_valid"]
    if numbers["meta/smplx_shape_valid"]:
        np.testing.assert_allclose(target.betas[0], numbers["targets/smplx_shape"], atol=METERS)
    if numbers["meta/smplx_expr_valid"]:
        np.testing.assert_allclose(target.expression[0], numbers["targets/smplx_expr"], atol=METERS)


def check_boxes(batch: Batch, numbers: Mapping[str, np.ndarray]) -> None:
    boxes = batch.target.part_boxes[0].numpy() / [32, 32, 32, 32, 1]
    for part, box in zip(("lhand", "rhand", "face"), boxes, strict=True):
        assert box[4] == numbers[f"meta/{part}_bbox_valid"]
        if box[4]:
            np.testing.assert_allclose(
                (box[:2] + box[2:4]) / 2, numbers[f"targets/{part}_bbox_center"], atol=CELLS
            )
            np.testing.assert_allclose(box[2:4] - box[:2], numbers[f"targets/{part}_bbox_size"], atol=CELLS)


OSX = {
    "AGORA": partial(AGORA, corrected="none"),
    "MSCOCO": MSCOCO,
    "MPII": MPII,
    "Human36M": Human36M,
    "MPI_INF_3DHP": MPIINF3DHPFrames,
    "UBody": partial(UBody, interval=1),
}


@pytest.mark.parametrize(("system", "kind"), [("osx", "plain"), ("osx", "aug"), ("golden", "aug")])
@pytest.mark.parametrize("name", OSX)
def test_osx_is_taught_the_published_targets(name: str, system: str, kind: str, model, published) -> None:
    dataset = OSX[name]("train", root=root_of(published, system))
    assert len(dataset) == published.numbers[system][f"{name}.train/len"]
    for index in range(len(dataset)):
        numbers = numbers_of(published, system, f"{name}.train/{index}/{kind}/")
        batch = prepared(dataset[index], model, AUGMENTED if kind == "aug" else None, FittedTargets)
        check_picture(batch, numbers)
        check_points(batch, numbers, Volume(), osx=True)
        check_body(batch, numbers)
        check_boxes(batch, numbers)


SMPLER_X = {
    "AGORA_train": AGORA,
    "MSCOCO_train": partial(MSCOCO, padding=0.96, part_padding=1.2),
    "MPII_train": partial(MPII, padding=0.96),
    "Human36M_train": partial(Human36M, padding=0.96, joints_are_fitted=True),
    "UBody_train": partial(UBody, interval=1, joints_are_fitted=True),
}


@pytest.mark.parametrize("name", SMPLER_X)
def test_smpler_x_is_taught_the_published_targets(name: str, model, published) -> None:
    dataset = SMPLER_X[name]("train", root=root_of(published, "smpler_x"))
    assert len(dataset) == published.numbers["smpler_x"][f"{name}/len"]
    for index in range(len(dataset)):
        numbers = numbers_of(published, "smpler_x", f"{name}/{index}/")
        batch = prepared(dataset[index], model, None, partial(FittedTargets, as_published=True))
        check_picture(batch, numbers)
        check_points(batch, numbers, Volume(), osx=False)
        check_body(batch, numbers)
        check_boxes(batch, numbers)


# Published: in these sets the depth of hands and face is measured in the body's volume, from the pelvis.
WHOLE = Volume(parts={})


class WithCamera(RICH):
    lens = (110.0, 112.0, 32.0, 24.0)


HUMANDATA = {
    "RICH_compressed": partial(RICH, file="tiny_smplx_compressed.npz"),
    "RICH_with_camera": partial(WithCamera, file="tiny_smplx_compressed.npz"),
    "RICH_uncompressed": partial(RICH, file="tiny_smplx_uncompressed.npz"),
    "BEDLAM": partial(BEDLAM, file="tiny_smplx_compressed.npz", interval=5),
    "LSPET": partial(LSPET, file="tiny_smpl_2d_only.npz"),
}


@pytest.mark.parametrize("name", HUMANDATA)
def test_humandata_teaches_the_published_targets(name: str, model, published) -> None:
    dataset = HUMANDATA[name]("train", root=root_of(published, "smpler_x"), as_published=True)
    assert len(dataset) == published.numbers["smpler_x"][f"{name}/len"]
    prepare = partial(FittedTargets, as_published=True, volume=WHOLE)
    for index in range(1 if name == "RICH_with_camera" else len(dataset)):
        numbers = numbers_of(published, "smpler_x", f"{name}/{index}/")
        batch = prepared(dataset[index], model, None, prepare)
        check_picture(batch, numbers)
        check_points(batch, numbers, WHOLE, osx=False)
        check_boxes(batch, numbers)
        if name != "BEDLAM":
            check_body(batch, numbers)


def test_smplest_x_reads_the_same_numbers(model, published) -> None:
    """But for its own rules of which points count."""
    dataset = HUMANDATA["RICH_compressed"]("train", root=root_of(published, "smpler_x"), as_published=True)
    for index in range(len(dataset)):
        numbers = numbers_of(published, "smpler_x", f"smplest_x_train/{index}/")
        target = prepared(dataset[index], model, None, FittedTargets).target
        cells = WHOLE.points(target.joints_2d, target.joints_3d)[0][0]
        np.testing.assert_allclose(cells, numbers["targets/joint_img"], atol=CELLS)
        moved = target.joints_3d[0, :, :3] - target.joints_3d[0, :1, :3]
        np.testing.assert_allclose(moved, numbers["targets/joint_cam"], atol=METERS)
        np.testing.assert_allclose(
            target.pose[0, _PLACES].ravel(), numbers["targets/smplx_pose"], atol=METERS
        )
        np.testing.assert_allclose(target.translation[0], numbers["targets/smplx_cam_trans"], atol=METERS)


def test_flat_hands_are_taken_from_the_mean_hand_as_published(model, published) -> None:
    numbers = numbers_of(published, "smpler_x", "BEDLAM/0/")
    dataset = HUMANDATA["BEDLAM"]("train", root=root_of(published, "smpler_x"))
    given = dataset[0].pose[_PLACES]
    mean = given - numbers["targets/smplx_pose"].reshape(
        53, 3
    )  # that of the official body, not the stand-in's
    left, right = POSE_53.parts["left_hand"], POSE_53.parts["right_hand"]
    np.testing.assert_allclose(mean[left], mean[right] * [1, -1, -1], atol=METERS)
    assert np.abs(mean[left]).max() > 0.5 and not np.abs(mean[: left.start]).max() > METERS
    batch = prepared(dataset[0], model, None, FittedTargets)
    ours = given - batch.target.pose[0, _PLACES].numpy()
    np.testing.assert_allclose(ours, model.body_model.mean_pose[_PLACES].numpy(), atol=METERS)


def test_every_second_person_of_humandata_is_tested_as_published(model, published) -> None:
    dataset = RICH("train", file="tiny_smplx_compressed.npz", interval=2, root=root_of(published, "smpler_x"))
    assert len(dataset) == published.numbers["smpler_x"]["RICH_test_interval2/len"]
    for index in range(len(dataset)):
        numbers = numbers_of(published, "smpler_x", f"RICH_test_interval2/{index}/")
        batch = prepared(dataset[index], model, None, FittedTargets)
        check_picture(batch, numbers)
        target = batch.target
        np.testing.assert_allclose(
            target.pose[0, _PLACES].ravel(), numbers["targets/smplx_pose"], atol=METERS
        )
        np.testing.assert_allclose(target.params.betas[0], numbers["targets/smplx_shape"], atol=METERS)
        np.testing.assert_allclose(target.translation[0], numbers["meta/gt_smplx_transl"], atol=METERS)


def test_the_bodies_of_renbody_say_where_joints_are(model, published) -> None:
    """As published, but for the depths of the annotation, which are not those of its bodies."""
    dataset = RenBody("train", file="tiny_smplx_compressed.npz", root=root_of(published, "smpler_x"))
    numbers = numbers_of(published, "smpler_x", "RenBody/0/")
    batch = prepared(dataset[0], model, None, FittedTargets)
    check_picture(batch, numbers)
    check_body(batch, numbers)
    check_boxes(batch, numbers)
    deep = batch.target.fitted_3d
    start, _ = origins(deep[..., :3], deep[..., 3], WHOLE_BODY_137, ("pelvis",), PART_ROOTS)
    moved = (deep[..., :3] - start)[0].numpy()
    np.testing.assert_allclose(moved, numbers["targets/smplx_joint_cam"], atol=METERS)
    seen = numbers["meta/joint_trunc"][:, 0] > 0
    same_eyes = [name not in ("left_face_eye", "right_face_eye") for name in WHOLE_BODY_137.names]
    chosen = seen & np.array(same_eyes)
    cells = batch.target.joints_2d[0].numpy()[:, :2] / 32
    np.testing.assert_allclose(cells[chosen], numbers["targets/joint_img"][chosen, :2], atol=CELLS)


def test_3dpw_teaches_the_joints_of_its_bodies(model, published) -> None:
    """In space as published; the published points in the picture are those of another order of joints."""
    dataset = PW3D("train", padding=0.96, body=SMPLX, root=root_of(published, "smpler_x"))
    for index in range(2):
        numbers = numbers_of(published, "smpler_x", f"PW3D_train/{index}/")
        batch = prepared(dataset[index], model, None, partial(FittedTargets, as_published=True))
        check_picture(batch, numbers)
        check_body(batch, numbers)
        check_boxes(batch, numbers)
        deep, known = batch.target.joints_3d[0].numpy(), numbers["meta/joint_valid"][:, 0] > 0
        np.testing.assert_array_equal(deep[:, 3] > 0, known)
        moved = (deep[:, :3] - deep[:1, :3])[known]
        np.testing.assert_allclose(moved, numbers["targets/joint_cam"][known], atol=METERS)


TESTS = {
    ("osx", "EHF.test/{}/plain/"): EHF,
    ("osx", "AGORA_val.test/{}/plain/"): partial(AGORA, "validation", corrected="none"),
    ("osx", "AGORA_test.test/{}/plain/"): partial(AGORA, "test"),
    ("osx", "MSCOCO.test/{}/plain/"): partial(MSCOCO, "val"),
    ("osx", "UBody.test/{}/plain/"): partial(UBody, "test", interval=1),
    ("osx", "PW3D.test/{}/plain/"): partial(PW3D, "test"),
    ("osx", "Human36M.test/{}/plain/"): partial(Human36M, "test"),
    ("smpler_x", "EHF/{}/"): partial(EHF, padding=0.96),
    ("smpler_x", "AGORA_val/{}/"): partial(AGORA, "validation"),
    ("smpler_x", "AGORA_test/{}/"): partial(AGORA, "test"),
    ("smpler_x", "PW3D_test/{}/"): partial(PW3D, "test", padding=0.96),
    ("smpler_x", "UBody_test/{}/"): partial(UBody, "test", interval=1, joints_are_fitted=True),
}


@pytest.mark.parametrize(("system", "prefix"), TESTS)
def test_the_published_persons_are_tested_in_the_published_crops(system, prefix, model, published) -> None:
    dataset = TESTS[system, prefix](root=root_of(published, system))
    assert len(dataset) == published.numbers[system][prefix.split("/")[0] + "/len"]
    assert len({dataset[index].name for index in range(len(dataset))}) == len(dataset)
    for index in range(len(dataset)):
        numbers = numbers_of(published, system, prefix.format(index))
        person = dataset[index]
        batch = prepared(person, model, None, FittedTargets)
        if prefix.startswith("AGORA"):  # published: back to the whole rendering
            numbers = dict(numbers)
            whole = np.vstack([dataset.full_picture(person.name), [0, 0, 1]])
            crop = np.vstack([batch.inputs.crops["body"].matrix[0], [0, 0, 1]])
            back = np.linalg.inv(crop @ whole)[:2]
            np.testing.assert_allclose(back, numbers.pop("meta/bb2img_trans"), atol=1e-2)
        check_picture(batch, numbers)
        mesh = next((numbers[key] for key in numbers if "targets/smplx_mesh_cam" in key), None)
        if mesh is not None and person.vertices is not None:
            seen = person.vertices if "AGORA" in prefix else person.vertices @ ehf_turn()
            np.testing.assert_allclose(seen[::97], mesh, atol=METERS)


def ehf_turn() -> np.ndarray:
    """(3, 3) what undoes the turn of EHF's scans, as x @ turn."""
    import cv2

    from data.ehf import TO_CAMERA

    return cv2.Rodrigues(TO_CAMERA)[0]


def test_the_points_of_human36m_in_space_are_the_published_ones(model, published) -> None:
    person = Human36M("test", root=root_of(published, "osx"))[0]
    numbers = numbers_of(published, "osx", "Human36M.test/datalist0/")
    np.testing.assert_allclose(person.joints_3d[:, :3] * 1000, numbers["joint_cam"], atol=1e-2)
    np.testing.assert_allclose(person.joints_2d[:, :2], numbers["joint_img"], atol=1e-3)
