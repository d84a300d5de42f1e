"""Label files of the SPIN family, from the official files to pictures and targets: as PyMAF-X's loader.

`pymaf_x_datasets.npz` beside this file holds the label files, their pictures and a part of what the loader
made of them; all of it is checked where `../shared/parity` is at hand.
"""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from common.geometry.resampling import whole_pixel_map
from common.geometry.rotation import matrix_from_axis_angle
from common.joints import (
    FACE_68,
    FLAME,
    MANO,
    RIGHT_HAND_21,
    SMPLX,
    SPIN_49,
    SPIN_159,
    BodyLayout,
    JointSet,
)
from common.preprocess.augment import Chance
from common.preprocess.points import by_name
from common.preprocess.sample import make_sample
from common.structures import Sample, Target, View
from common.utils.paths import ROOT
from data.formats.spin_npz import SpinNpz
from data.on_device.posed_targets import in_view
from data.spin_sets import COCOFull, FreiHANDLabels, H36MMosh, VGGFace2

SHARED = ROOT.parent / "shared" / "parity" / "pymaf_x"
GOLDEN = Path(__file__).with_name("pymaf_x_datasets.npz")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CHANCES = {
    "plain": Chance(parts_from_body=True),
    "flip": Chance(1.0, 0.0, True, parts_from_body=True),
    "augmented": Chance(1.15, math.radians(20), False, (1.2, 0.7, 0.9), parts_from_body=True),
    "all": Chance(0.85, math.radians(-33.3), True, (0.8, 1.3, 1.05), parts_from_body=True),
}
POINTS = 1e-6  # in halves of a view
METERS = 1e-6
ANGLES = 1e-5


def view(box: str, padding: float) -> View:
    return View((224, 224), box, padding=padding, sampling="resize_cubic", mean=MEAN, std=STD)


VIEWS = {
    "body": view("body", 1.2),
    "left_hand": view("left_hand", 1.44),
    "right_hand": view("right_hand", 1.44),
    "face": view("face", 1.68),
}
NAMES = {"body": "body", "left_hand": "lhand", "right_hand": "rhand", "face": "face"}


@dataclass(frozen=True)
class Mode:
    """What a published mode looks at and is taught."""

    kind: type[SpinNpz]
    views: tuple[str, ...]
    joint_set: JointSet
    body: BodyLayout


LARGE = {"smplx": replace(SMPLX, expression=50), "flame": replace(FLAME, betas=100, expression=50)}
MODES = {
    "full_body": Mode(COCOFull, tuple(VIEWS), SPIN_159, LARGE["smplx"]),
    "body_only": Mode(H36MMosh, ("body",), SPIN_159, SMPLX),
    "hand_only": Mode(FreiHANDLabels, ("right_hand",), RIGHT_HAND_21, MANO),
    "hand_only_coco": Mode(COCOFull, ("right_hand",), RIGHT_HAND_21, MANO),
    "face_only": Mode(VGGFace2, ("face",), FACE_68, LARGE["flame"]),
    "face_only_coco": Mode(COCOFull, ("face",), FACE_68, LARGE["flame"]),
}


@pytest.fixture(scope="module", params=["golden", "shared"])
def published(request, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A folder of label files and pictures, where indexes may be written, and what was made of them."""
    root = tmp_path_factory.mktemp(request.param) / "dataset"
    if request.param == "shared":
        if not SHARED.exists():
            pytest.skip(f"{SHARED} is not there: only the part that tests/parity keeps is checked")
        shutil.copytree(SHARED / "dataset", root)
        return SimpleNamespace(root=root, numbers=dict(np.load(SHARED / "dataset.npz")))
    numbers = dict(np.load(GOLDEN))
    for name in [name for name in numbers if name.startswith("file/")]:
        path = root / name.removeprefix("file/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(numbers.pop(name).tobytes())
    return SimpleNamespace(root=root, numbers=numbers)


def cases(published: SimpleNamespace, mode: str) -> list[tuple[str, int, dict[str, np.ndarray]]]:
    """Case, person, and what the published loader said of it."""
    found: dict[tuple[str, int], dict[str, np.ndarray]] = {}
    for name, value in published.numbers.items():
        if name.startswith(f"{mode}/"):
            case, index, key = name.removeprefix(f"{mode}/").split(".", 2)
            found.setdefault((case, int(index)), {})[key] = value
    assert found
    return [(*key, numbers) for key, numbers in found.items()]


def sampled(published: SimpleNamespace, mode: str, case: str, index: int) -> tuple[Sample, Target]:
    """One person as made in a worker, and its target with the pose as the view shows it."""
    asked = MODES[mode]
    dataset = asked.kind("train", as_published=True, root=published.root, folder="")
    views = {name: VIEWS[name] for name in asked.views}
    sample = make_sample(dataset[index], views, asked.joint_set, asked.body, CHANCES[case])
    batch = Sample.stack([sample])
    main = batch.inputs.crops[asked.views[0]]
    return batch, in_view(batch.target, main, torch.tensor(asked.body.joints.mirrored)).map(lambda t: t[0])


@pytest.mark.parametrize("mode", MODES)
def test_pictures_are_cut_as_published(mode: str, published: SimpleNamespace) -> None:
    for case, index, numbers in cases(published, mode):
        batch, _ = sampled(published, mode, case, index)
        for name, pixels in batch.inputs.views.items():
            expected = numbers[f"img_{NAMES[name]}"]
            greys = 255 * np.array(STD)[:, None, None] * np.abs(pixels[0, :, ::16, ::16].numpy() - expected)
            assert greys.max() <= (3.1 if CHANCES[case].angle else 2.1), (case, index, name)
            assert greys.mean() < 0.3


@pytest.mark.parametrize("mode", MODES)
def test_crops_lie_where_the_published_ones_do(mode: str, published: SimpleNamespace) -> None:
    for case, index, numbers in cases(published, mode):
        batch, _ = sampled(published, mode, case, index)
        crop = batch.inputs.crops[MODES[mode].views[0]].map(lambda tensor: tensor[0])
        assert bool(crop.flipped) == bool(numbers["is_flipped"])
        if "rot_angle" in numbers:  # published: turned, then mirrored; here mirrored first
            turned = -crop.angle if crop.flipped else crop.angle
            assert math.degrees(turned) == pytest.approx(float(numbers["rot_angle"]), abs=1e-4)
        assert numbers.get("sample_index", index) == index
        matrix = crop.matrix.double().numpy()
        zoom = math.sqrt(abs(np.linalg.det(matrix[:, :2])))
        assert zoom == pytest.approx(224 / 200 / float(numbers["scale"]), rel=1e-5)
        if not crop.flipped:  # published: of a mirrored picture, it is kept unmirrored, a pixel elsewhere
            np.testing.assert_allclose(matrix, numbers["kps_transf"][:2], rtol=1e-5, atol=1e-3)
            middle = np.linalg.solve(matrix[:, :2], 112 - matrix[:, 2])
            np.testing.assert_allclose(middle, numbers["center"], atol=1e-4)
        if "rot_transf" in numbers and not crop.flipped:
            sides = np.full(2, 200 * float(numbers["scale"]))
            straight = whole_pixel_map(numbers["center"].astype(float), sides, (224, 224))
            turned = numbers["rot_transf"] @ np.vstack([straight, [0, 0, 1]])
            np.testing.assert_allclose(turned[:2], matrix, rtol=1e-4, atol=2e-3)
        if "orig_shape" in numbers:
            assert crop.image_size.tolist() == numbers["orig_shape"][::-1].tolist()


PUBLISHED_POINTS = {
    "full_body": {
        "keypoints": SPIN_159.parts["body"],
        "lhand_kp2d": SPIN_159.parts["left_hand"],
        "rhand_kp2d": SPIN_159.parts["right_hand"],
        "face_kp2d": SPIN_159.parts["face"],
        "feet_kp2d": slice(19, 25),
    },
    "body_only": {"keypoints": SPIN_159.parts["body"]},
    "hand_only": {"rhand_kp2d": slice(0, 21)},
    "hand_only_coco": {"rhand_kp2d": slice(0, 21)},
    "face_only": {"face_kp2d": slice(0, 68)},
    "face_only_coco": {"face_kp2d": slice(0, 68)},
}


@pytest.mark.parametrize("mode", MODES)
def test_points_are_the_published_ones(mode: str, published: SimpleNamespace) -> None:
    """Where they were annotated; published, absent points are carried along. Feet: OpenPose's, or better."""
    for case, index, numbers in cases(published, mode):
        _, target = sampled(published, mode, case, index)
        points = target.joints_2d.numpy()
        for name, places in PUBLISHED_POINTS[mode].items():
            theirs, ours = numbers[name], points[places]
            known = theirs[:, 2] > 0
            if name == "keypoints" and "feet_kp2d" in PUBLISHED_POINTS[mode]:
                known[19:25] = False
            np.testing.assert_allclose(2 * ours[known, :2] / 224 - 1, theirs[known, :2], atol=POINTS)
            np.testing.assert_array_equal(ours[known, 2], theirs[known, 2])
            if name not in ("keypoints", "feet_kp2d"):
                assert not ours[~known].any()


@pytest.mark.parametrize("mode", ["full_body", "hand_only"])
def test_points_seen_in_the_crop_of_their_part_are_the_published_ones(mode, published) -> None:
    for case, index, numbers in cases(published, mode):
        batch, target = sampled(published, mode, case, index)
        main = batch.inputs.crops[MODES[mode].views[0]]
        for part, short in list(NAMES.items())[1:]:
            local = numbers.get(f"{short}_kp2d_local")
            if local is None or part not in batch.inputs.crops:
                continue
            points = target.joints_2d[SPIN_159.parts[part]]
            seen = points[:, 2] > 0
            moved = batch.inputs.crops[part].points(main.back(points[None, :, :2]))[0]
            ours = 2 * moved[seen] / 224 - 1
            np.testing.assert_allclose(ours, local[seen, :2], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mode", ["full_body", "body_only", "hand_only"])
def test_points_in_space_are_the_published_ones(mode, published) -> None:
    """Those of hands and face as they lie in the file; the body's from anywhere: published, from its hips."""
    parts = {
        "pose_3d": slice(25, 49),
        "lhand_kp3d": SPIN_159.parts["left_hand"],
        "rhand_kp3d": SPIN_159.parts["right_hand"],
        "face_kp3d": SPIN_159.parts["face"],
    }
    for case, index, numbers in cases(published, mode):
        _, target = sampled(published, mode, case, index)
        if mode == "hand_only":
            parts = {"rhand_kp3d": slice(0, 21)}
        for name, places in parts.items():
            if name not in numbers:
                continue
            theirs, ours = numbers[name], target.joints_3d[places].numpy()
            np.testing.assert_array_equal(ours[:, 3], theirs[:, 3])
            known = theirs[:, 3] > 0
            ours, theirs = ours[known, :3], theirs[known, :3]
            if name == "pose_3d" and known.any():
                ours, theirs = ours - ours.mean(0), theirs - theirs.mean(0)
            np.testing.assert_allclose(ours, theirs, atol=METERS)


def rotations(numbers: Any) -> torch.Tensor:
    return matrix_from_axis_angle(torch.as_tensor(np.asarray(numbers), dtype=torch.float32).reshape(-1, 3))


def check_pose(ours: torch.Tensor, theirs: np.ndarray) -> None:
    np.testing.assert_allclose(rotations(ours), rotations(theirs), atol=ANGLES)


@pytest.mark.parametrize("mode", ["full_body", "body_only"])
def test_bodies_are_the_published_ones(mode, published) -> None:
    parts = SMPLX.joints.parts
    names = {"left_hand": "left_hand_pose", "right_hand": "right_hand_pose", "jaw": "jaw_pose"}
    for case, index, numbers in cases(published, mode):
        batch, target = sampled(published, mode, case, index)
        assert bool(batch.target.flat_hand)
        assert target.known[0] == target.known[21] == numbers["has_smpl"]
        left, right, face = numbers["has_hf"]
        for name, known in (("left_hand", left), ("right_hand", right), ("jaw", face), ("eyes", face)):
            assert (target.known[parts[name]] == known).all()
        if numbers["has_smpl"]:
            check_pose(target.pose[:22], numbers["pose"].reshape(24, 3)[:22])
            np.testing.assert_allclose(target.betas, numbers["betas"], atol=METERS)
        for name, key in names.items():
            if (target.known[parts[name]] > 0).all():
                check_pose(target.pose[parts[name]], numbers[key])
        if face:
            eyes = np.stack([numbers["leye_pose"], numbers["reye_pose"]])
            check_pose(target.pose[parts["eyes"]], eyes)
            np.testing.assert_allclose(target.expression, numbers["expression"], atol=METERS)


@pytest.mark.parametrize("mode", ["hand_only", "hand_only_coco"])
def test_hands_alone_are_the_published_ones(mode, published) -> None:
    """A turn that nobody annotated is not known; published, it is taught as zero."""
    for case, index, numbers in cases(published, mode):
        _, target = sampled(published, mode, case, index)
        assert target.known[1] == numbers["has_hf"][1]
        if target.known[1]:
            check_pose(target.pose[1:], numbers["right_hand_pose"])
        assert target.known[0] == (mode == "hand_only")
        if target.known[0]:
            check_pose(target.pose[:1], numbers["global_orient"])
            np.testing.assert_allclose(target.betas, numbers["rhand_shape"], atol=METERS)


@pytest.mark.parametrize("mode", ["face_only", "face_only_coco"])
def test_faces_alone_are_the_published_ones(mode, published) -> None:
    for case, index, numbers in cases(published, mode):
        _, target = sampled(published, mode, case, index)
        assert target.known[2] == numbers["has_hf"][2]
        if not target.known[2]:
            continue
        check_pose(target.pose[0], numbers["global_orient"])
        check_pose(target.pose[2], numbers["jaw_pose"])
        check_pose(target.pose[3], numbers["leye_pose"])
        if mode == "face_only":
            check_pose(target.pose[4], numbers["reye_pose"])
            np.testing.assert_allclose(target.betas, numbers["face_shape"], atol=METERS)
            np.testing.assert_allclose(target.expression, numbers["expression"], atol=METERS)


def test_the_lens_of_human36m_is_the_published_one(published) -> None:
    for case, index, numbers in cases(published, "body_only"):
        batch, _ = sampled(published, "body_only", case, index)
        lens = batch.inputs.intrinsics[0].numpy()
        np.testing.assert_allclose(lens[:2], numbers["cam_intrinsics"][:2], rtol=1e-6)
        np.testing.assert_allclose(lens[[0, 1], [0, 1]], numbers["cam_focal_length"], rtol=1e-6)
        height = float(batch.inputs.crops["body"].image_size[0, 1])
        assert 2 * math.atan(height / 2 / lens[1, 1]) == pytest.approx(float(numbers["cam_vfov"]), rel=1e-6)


def test_of_a_column_that_no_file_has_nothing_is_made(published) -> None:
    """SMPL's joints in the picture, which the published loader reads, and no published network is taught."""
    found = [value for name, value in published.numbers.items() if name.endswith(".smpl_2dkps")]
    assert not any(value.any() for value in found)
    files = (published.root / "dataset_extras").glob("*.npz")
    assert all("smpl_2dkps" not in np.load(path, allow_pickle=False).files for path in files)


def test_genders_are_kept(published) -> None:
    dataset = COCOFull("train", root=published.root, folder="")
    assert [dataset[index].gender for index in range(2)] == ["male", "female"]


def test_parts_lie_in_the_crop_of_the_body_where_the_published_ones_do(published) -> None:
    """Published: `theta` carries a part's view, from -1 to 1, to the body's, `theta_inv` back."""
    scaling = np.array([[2 / 224, 0, -1], [0, 2 / 224, -1], [0, 0, 1]])
    for case, index, numbers in cases(published, "full_body"):
        batch, _ = sampled(published, "full_body", case, index)
        maps = {
            name: scaling @ np.vstack([crop.matrix[0].double().numpy(), [0, 0, 1]])
            for name, crop in batch.inputs.crops.items()
        }
        for part, short in list(NAMES.items())[1:]:
            if f"{short}_theta" not in numbers:
                continue
            to_part = maps[part] @ np.linalg.inv(maps["body"])
            np.testing.assert_allclose(to_part[:2], numbers[f"{short}_theta_inv"], rtol=1e-4, atol=1e-4)
            back = np.linalg.inv(to_part)[:2]
            np.testing.assert_allclose(back, numbers[f"{short}_theta"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mode", ["full_body", "body_only", "hand_only", "face_only"])
def test_points_of_the_whole_picture_are_the_published_ones(mode, published) -> None:
    """Published: of a mirrored picture they are x -> width - x, a pixel from where the mirror puts them."""
    sets = {
        "keypoints_full_img": SPIN_49,
        "lhand_keypoints_full_img": JointSet("left", SPIN_159.names[SPIN_159.parts["left_hand"]]),
        "rhand_keypoints_full_img": RIGHT_HAND_21,
    }
    for _, index, numbers in cases(published, mode):
        dataset = MODES[mode].kind("train", root=published.root, folder="")
        person = dataset[index]
        flipped = bool(numbers["is_flipped"])
        for name, joint_set in sets.items():
            if name not in numbers:
                continue
            ours = by_name(person.joints_2d, SPIN_159, joint_set.twin if flipped else joint_set)
            theirs, known = numbers[name], numbers[name][:, 2] > 0
            if mode == "full_body" and name == "keypoints_full_img":
                known[19:25] = False  # OpenPose's feet, where better ones are annotated
            width = numbers["orig_shape"][1]
            x = width - ours[known, 0] if flipped else ours[known, 0]
            np.testing.assert_allclose(x, theirs[known, 0], atol=1e-4)
            np.testing.assert_allclose(ours[known, 1:], theirs[known, 1:], atol=1e-4)


def test_the_share_of_the_picture_in_a_crop_is_the_published_one(published) -> None:
    """Published: of a crop that is turned, the margin that is cut off again counts too."""
    for case, index, numbers in cases(published, "body_only"):
        if "crop_ratio" not in numbers:
            continue
        side, height = 200 * float(numbers["scale"]), float(numbers["orig_shape"][0])
        margin = int(math.hypot(side, side) / 2 - side / 2) if CHANCES[case].angle else 0
        assert float(numbers["crop_ratio"]) * height == pytest.approx(side + 2 * margin, abs=2)
        batch, _ = sampled(published, "body_only", case, index)
        zoom = torch.linalg.det(batch.inputs.crops["body"].matrix[:, :, :2]).abs().sqrt()
        assert float(224 / zoom) == pytest.approx(side, rel=1e-5)
