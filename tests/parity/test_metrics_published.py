"""Every benchmark's numbers, person by person: as the published evaluators say them of the same meshes.

metrics.npz holds their numbers and what they were given besides meshes, which follow from a name.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from standins import dice, smpl_arrays, smplx_arrays
from torch import Tensor

from common.body_models.regressors import Regressor
from common.joints import H36M_17, SMPLX, SMPLX_144
from common.metrics import points
from common.networks.whole_body import WholeBody
from common.structures import Body, Crop, Perspective
from common.utils.paths import ROOT
from data import agora, arctic, egobody, ehf, human36m, pw3d, renbody, ubody
from data.loading.dataset import Benchmark, bodies
from data.on_device.mesh_targets import MeshTargets

Array = np.ndarray

PUBLISHED = np.load(Path(__file__).parent / "metrics.npz")
SHARED = ROOT.parent / "shared" / "parity"
NAMES = {  # theirs by ours
    **{f"{pa}mpvpe": f"{pa}mpvpe_all" for pa in ("", "pa_")},
    **{f"{pa}mpvpe_hands": f"{pa}mpvpe_hand" for pa in ("", "pa_")},
    **{f"{pa}mpvpe_face": f"{pa}mpvpe_face" for pa in ("", "pa_")},
    **{name: name for name in ("mpjpe", "pa_mpjpe", "mpjpe_body", "pa_mpjpe_body")},
    "pa_mpjpe_hands": "pa_mpjpe_hand",
}
MILLIMETERS = 0.03  # the published alignment rounds by as much where meshes are 30 m away

pytestmark = pytest.mark.usefixtures("human_model_files")


@cache
def template(family: str = "smplx") -> Array:
    return {"smplx": smplx_arrays, "smpl": smpl_arrays}[family]()["v_template"]


def turn(vector: Array) -> Array:
    return Rotation.from_rotvec(vector).as_matrix()


def pair(name: str, place: Array | tuple[float, ...] = (0.0, 0.0, 0.0)) -> tuple[Array, Array]:
    """(truth, guess) in float32: a mesh bent by waves, and one that is turned, scaled and noisy besides."""
    drawn = dice(name)

    def wave(size: float) -> Array:
        directions = drawn.normal(0, 4, (3, 3))
        return size * np.sin(template() @ directions + drawn.uniform(0, 6, 3))

    turned = template() @ turn(drawn.normal(0, 0.5, 3)).T
    truth = turned + wave(0.04)
    rotation, scale = turn(drawn.normal(0, 0.15, 3)), drawn.uniform(0.93, 1.07)
    guess = truth @ rotation.T * scale + wave(0.02)
    guess = guess + drawn.normal(0, 0.004, guess.shape)
    guess = guess + drawn.normal(0, 0.03, 3)
    return (truth + np.asarray(place)).astype(np.float32), (guess + np.asarray(place)).astype(np.float32)


def strange_pairs(name: str, count: int, family: str = "smplx") -> tuple[Array, Array]:
    """(truths, guesses) in float32, turned at will."""
    drawn, truths, guesses = dice(name), [], []
    mesh = template(family)
    for _ in range(count):
        basis, _ = np.linalg.qr(drawn.normal(size=(3, 3)))
        basis = basis * np.sign(np.linalg.det(basis))
        truth = mesh @ basis.T + drawn.normal(0, 0.02, mesh.shape) + drawn.uniform(-1, 1, 3) + [0, 0, 8]
        shear = np.eye(3) + 0.1 * drawn.normal(size=(3, 3))
        guess = (truth - truth.mean(0)) @ shear.T * drawn.uniform(0.9, 1.1)
        guess = guess + drawn.normal(0, 0.03, truth.shape) + drawn.uniform(-0.3, 0.3, 3)
        truths.append(truth)
        guesses.append(guess + np.array([0, 0, 20]))
    return np.float32(truths), np.float32(guesses)


@cache
def network() -> WholeBody:
    """Its outlines: the lens and the body."""
    return WholeBody()


def person(vertices: Array) -> Body:
    """What the benchmark makes of SMPL-X meshes."""
    count = len(vertices)
    batch = bodies(tuple(map(str, range(count))), torch.arange(count), SMPLX_144, SMPLX)
    meshes = torch.tensor(vertices, dtype=torch.float32)
    batch = replace(batch, target=replace(batch.target, vertices=meshes))
    return MeshTargets(network(), SMPLX)(batch).target.body


def measured(benchmark: Benchmark, guess: Body, target: SimpleNamespace, **seen: object) -> dict[str, Tensor]:
    """All numbers of a benchmark, person by person."""
    prediction = SimpleNamespace(body=guess, camera=seen.get("camera"))
    batch = SimpleNamespace(target=target, inputs=SimpleNamespace(crops=seen.get("crops")))
    rows: dict[str, Tensor] = {}
    for metric in benchmark.metrics:
        rows |= metric.measure(prediction, batch)
    return rows


def compare(rows: Mapping[str, Tensor], prefix: str) -> None:
    """Persons that the published evaluator skipped are missing there and NaN here."""
    assert rows
    for name, ours in rows.items():
        theirs = PUBLISHED[f"{prefix}/{NAMES[name]}"]
        if len(theirs) < len(ours):
            ours = ours[~ours.isnan()]
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=MILLIMETERS, err_msg=name)


def seen_by(camera_place: Array, to_image: Array, size: tuple[int, int]) -> dict[str, object]:
    """The network's lens at some place; `to_image` leads from its view of 384 x 512 to the picture."""
    count = len(to_image)
    whole = np.tile([[[0, 0, 1.0]]], (count, 1, 1))
    matrix = np.linalg.inv(np.concatenate([to_image.astype(np.float64), whole], 1))[:, :2]
    crop = Crop(
        torch.tensor(matrix, dtype=torch.float32),
        torch.zeros(count),
        torch.zeros(count, dtype=torch.bool),
        torch.tensor(size, dtype=torch.float32).expand(count, 2),
    )
    lens = network().camera(torch.zeros(count, 3))
    assert isinstance(lens, Perspective)
    return {
        "camera": replace(lens, translation=torch.tensor(camera_place)),
        "crops": {"image": crop},
    }


def test_ehf_of_osx() -> None:
    meshes = [pair(f"ehf:{i}") for i in range(3)]
    turned = turn(ehf.TO_CAMERA)
    np.testing.assert_allclose(turned, PUBLISHED["osx/ehf/R"], atol=1e-7)
    truth = np.stack([truth.astype(np.float64) @ turned.T for truth, _ in meshes])
    guess = np.stack([guess @ np.float32(turned).T + np.float32([0.1, 0.2, 30]) for _, guess in meshes])
    rows = measured(ehf.benchmark(), person(guess), SimpleNamespace(body=person(truth)))
    compare(rows, "osx/ehf")


def test_agora_of_osx() -> None:
    truth, guess = map(np.stack, zip(*(pair(f"agora:{i}", (0.3, -0.2, 8)) for i in range(3)), strict=True))
    rows = measured(agora.benchmark(), person(guess), SimpleNamespace(body=person(truth)))
    compare(rows, "osx/agora")


def ubody_of_osx() -> dict[str, Tensor]:
    places = PUBLISHED["osx/ubody/translation"]
    truth, guess = map(
        np.stack, zip(*(pair(f"ubody:{i}", place) for i, place in enumerate(places)), strict=True)
    )
    height, width = PUBLISHED["osx/ubody/img_hw"]
    view = seen_by(
        PUBLISHED["osx/ubody/cam_trans"], PUBLISHED["osx/ubody/bb2img_trans"], (int(width), int(height))
    )
    target = SimpleNamespace(body=person(truth), translation=torch.zeros(len(places), 3))
    return measured(ubody.benchmark(), person(guess), target, **view)


def test_ubody_of_osx() -> None:
    compare(ubody_of_osx(), "osx/ubody")


def test_a_person_out_of_the_picture_spoils_ubody_only_as_published() -> None:
    rows = ubody_of_osx()
    assert rows["mpvpe"].isnan().any() and not rows["mpvpe"].isnan().all()
    for as_published in (False, True):
        for metric in ubody.benchmark(as_published=as_published).metrics:
            own = {name: rows[name] for name in (metric.name, f"pa_{metric.name}") if name in rows}
            for name, number in metric.summary(own).items():
                whole = name in ("mpvpe", "pa_mpvpe", "pa_mpjpe_body")
                assert math.isnan(number) == (as_published and whole and bool(rows[name].isnan().any())), name


@pytest.fixture
def regressed_points(human_model_files: Path) -> Iterator[None]:
    """The Human3.6M points of the published test, for this one alone."""
    drawn = dice("h36m-smplx-regressor")
    regressor = np.zeros((17, 10475), np.float32)
    for row, chosen in enumerate(drawn.randint(0, 10475, (17, 20))):
        np.add.at(regressor[row], chosen, 1 / 20)
    path = human_model_files / "smplx" / "J_regressor_h36m_smplx.npy"
    np.save(path, regressor)
    yield
    path.unlink()
    points.shared_regressor.cache_clear()


@pytest.mark.usefixtures("regressed_points")
def test_human36m_of_osx() -> None:
    guess = np.stack([pair(f"h36m:{i}", (0, 0, 5))[1] for i in range(3)])
    joints = torch.tensor(PUBLISHED["osx/h36m/joint_cam_gt_mm"]) / 1000
    assert len(H36M_17) == joints.shape[1]
    target = SimpleNamespace(joints_3d=torch.cat([joints, torch.ones(3, 17, 1)], -1))
    compare(measured(human36m.benchmark(), person(guess), target), "osx/h36m")


@pytest.mark.parametrize("room", [egobody, arctic, renbody], ids=lambda room: room.__name__)
def test_human_data_of_smpler_x(room) -> None:
    truth, guess = strange_pairs("smpler_x/metric", 3)
    rows = measured(room.benchmark(), person(guess), SimpleNamespace(body=person(truth)))
    compare(rows, "smpler_x/humandata")


def test_ehf_of_smpler_x() -> None:
    truth, guess = strange_pairs("smpler_x/metric", 3)
    turned = truth.astype(np.float64) @ turn(ehf.TO_CAMERA).T
    rows = measured(ehf.benchmark(), person(guess), SimpleNamespace(body=person(turned)))
    compare(rows, "smpler_x/ehf")


def test_agora_of_smpler_x() -> None:
    truth, guess = strange_pairs("smpler_x/metric", 3)
    rows = measured(agora.benchmark(), person(guess), SimpleNamespace(body=person(truth)))
    compare(rows, "smpler_x/agora_val")


def test_ubody_of_smpler_x() -> None:
    truth, guess = strange_pairs("smpler_x/metric", 3)
    given = {
        name: PUBLISHED[f"smpler_x/ubody/in/{name}"] for name in ("cam_trans", "bb2img_trans", "image_hw")
    }
    height, width = given["image_hw"]
    view = seen_by(given["cam_trans"], given["bb2img_trans"], (int(width), int(height)))
    placed = truth + PUBLISHED["smpler_x/ubody/in/gt_shift"][:, None]
    target = SimpleNamespace(body=person(placed), translation=torch.zeros(3, 3))
    compare(measured(ubody.benchmark(), person(guess), target, **view), "smpler_x/ubody")


def test_3dpw_of_smpler_x() -> None:
    _, guess = strange_pairs("smpler_x/metric", 3)
    meshes = torch.from_numpy(strange_pairs("smpler_x/metric-smpl", 3, "smpl")[0])
    turning = Regressor("smpl", "joints").read(meshes)
    joints = torch.cat([turning, turning[:, :21]], 1)  # none of the points on the skin is measured
    truth = Body(meshes, joints, meshes, "smpl")
    compare(measured(pw3d.benchmark(), person(guess), SimpleNamespace(body=truth)), "smpler_x/pw3d")


def test_the_kept_metrics_are_the_published_ones() -> None:
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there to compare with")
    shared = {system: np.load(SHARED / system / "metrics.npz") for system in ("osx", "smpler_x")}
    for name in PUBLISHED:
        system, key = name.split("/", 1)
        np.testing.assert_array_equal(PUBLISHED[name], shared[system][key], err_msg=name)
