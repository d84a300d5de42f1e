"""What AGORA's server was sent by the published tests, person by person: names, shapes, types, numbers."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from common.body_models.build import body_model
from common.geometry.rotation import matrix_from_axis_angle
from common.joints import SMPLX
from common.structures import Body, BodyParams, Crop, Perspective
from common.utils.paths import ROOT
from common.utils.unpickle import unpickled
from data.formats.agora_submission import PARAMS, AgoraSubmission, check

GOLDEN = Path(__file__).with_name("agora_submission.npz")
SHARED = ROOT.parent / "shared" / "parity"
PUBLISHED = np.load(GOLDEN)
CASES = {  # where the numbers of each person are, and what their files are called
    "osx/agora": ("osx/agora/prediction/{}", ("ag_test_0_personId_3.pkl", "ag_test_0_personId_4.pkl")),
    "smpler_x/agora_test": (
        "smpler_x/agora_test/pkl{}",
        tuple(map(str, PUBLISHED["smpler_x/agora_test/files"])),
    ),
}
GIVEN = {  # by the network, in the order of SMPLX_55, with zeros for the eyes
    "root": 3, "body": 63, "jaw": 3, "eyes": 6, "lhand": 45, "rhand": 45,
}  # fmt: skip
PIXELS, NUMBERS = 2e-3, 1e-5

pytestmark = pytest.mark.usefixtures("human_model_files")


class Renderings:
    """Persons whose picture is the rendering itself."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def full_picture(self, name: str) -> np.ndarray:
        return np.eye(3)[:2]


class Lens(Perspective):
    """Projects to given pixels."""

    pixels: torch.Tensor

    def project(self, points: torch.Tensor) -> torch.Tensor:
        return self.pixels


def sent(case: str, folder: Path) -> tuple[zipfile.ZipFile, tuple[str, ...]]:
    """What our metric writes of what the published network said."""
    _, files = CASES[case]
    names = tuple("AGORA/{}/{}".format(*file.removesuffix(".pkl").split("_personId_")) for file in files)
    count = len(files)

    def given(name: str) -> torch.Tensor:
        return torch.from_numpy(PUBLISHED[f"{case}/in/{name}"][:count])

    pose = [
        torch.zeros(count, length) if part == "eyes" else given(f"smplx_{part}_pose")
        for part, length in GIVEN.items()
    ]
    mean = body_model(SMPLX, free="never").mean_pose
    rotations = matrix_from_axis_angle(torch.cat(pose, 1).unflatten(1, (-1, 3)) + mean)
    lens = Lens(torch.ones(count, 2), torch.zeros(count, 2), given("cam_trans"))
    lens.pixels = given("smplx_joint_proj") / torch.tensor([12.0, 16.0]) * torch.tensor([384.0, 512.0])
    last = torch.tensor([[[0.0, 0.0, 1.0]]]).expand(count, 1, 3)
    to_view = torch.linalg.inv(torch.cat([given("bb2img_trans"), last], 1).double())[:, :2].float()
    crop = Crop(to_view, torch.zeros(count), torch.zeros(count, dtype=torch.bool), torch.ones(count, 2))
    blank = torch.zeros(count, 1, 3)
    params = BodyParams(rotations, given("smplx_shape"), given("smplx_expr"))
    prediction = SimpleNamespace(body=Body(blank, blank, blank, "smplx"), params=params, camera=lens)
    batch = SimpleNamespace(name=names, inputs=SimpleNamespace(crops={"image": crop}))
    metric = AgoraSubmission(Renderings(names), folder)
    metric.summary(metric.measure(prediction, batch))
    (path,) = folder.glob("*.zip")
    assert check(path, count) == count
    return zipfile.ZipFile(path), files


def turns(pose: np.ndarray) -> np.ndarray:
    """Rotations, for turns beyond half a circle have two names."""
    return matrix_from_axis_angle(torch.from_numpy(np.float64(pose)).reshape(-1, 3)).numpy()


@pytest.mark.parametrize("case", CASES)
def test_the_server_is_sent_what_it_was_sent_by_the_published_test(case: str, tmp_path: Path) -> None:
    archive, files = sent(case, tmp_path)
    assert sorted(archive.namelist()) == sorted(f"predictions/{name}" for name in files)
    for person, name in enumerate(files):
        ours = unpickled(archive.open(f"predictions/{name}"), name)
        where = CASES[case][0].format(person)
        joints = PUBLISHED[f"{where}/joints"]
        assert joints.shape == (1, *ours["joints"].shape) and joints.dtype == ours["joints"].dtype
        np.testing.assert_allclose(ours["joints"], joints[0], rtol=0, atol=PIXELS)
        for part in PARAMS:
            key = f"{where}/params/{part}"
            if key not in PUBLISHED:  # of OSX, the first person alone was kept
                continue
            theirs, mine = PUBLISHED[key], ours["params"][part]
            assert (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype), part
            if "pose" in part or part == "global_orient":
                theirs, mine = turns(theirs), turns(mine)
            np.testing.assert_allclose(mine, theirs, rtol=0, atol=NUMBERS, err_msg=part)


def test_a_plain_pickle_reader_finds_arrays(tmp_path: Path) -> None:
    archive, files = sent("osx/agora", tmp_path)
    content = pickle.loads(archive.read(f"predictions/{files[0]}"))
    assert set(content) == {"params", "joints"} and set(content["params"]) == set(PARAMS)
    assert all(type(value) is np.ndarray for value in content["params"].values())


def test_the_kept_submissions_are_the_published_ones() -> None:
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there to compare with")
    shared = {system: np.load(SHARED / system / "metrics.npz") for system in ("osx", "smpler_x")}
    for name in PUBLISHED:
        system, key = name.split("/", 1)
        np.testing.assert_array_equal(PUBLISHED[name], shared[system][key], err_msg=name)
