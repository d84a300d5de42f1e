"""AGORA's release becomes what the data set reads."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from common.geometry.crop import mapped
from data.agora import AGORA
from tool.prepare import agora, agora_annotations

BOX = [1450.0, 610.0, 600.0, 1080.0]
PUBLISHED_BOX = [1243.71875, 475.125, 1011.5625, 1348.75]
PUBLISHED_MATRIX = [[0.09490268767, 0, -118.03225208], [0, 0.09490268767, -45.09063948]]
JOINTS = np.random.default_rng(0).uniform(600, 1500, (1, 127, 2))


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One picture with two people, the second not valid, as the release has it; below AGORA/data."""
    folder = tmp_path / "AGORA" / "data"
    frame = folder / "train_SMPLX" / "SMPLX" / "train_0_withjv.pkl"
    frame.parent.mkdir(parents=True)
    frame.touch()
    body = {"global_orient": torch.ones(1, 3), "betas": np.zeros((1, 11)), "expression": np.zeros((1, 10))}
    body |= {"body_pose": np.zeros((1, 63)), "jaw_pose": np.zeros((1, 3)), "transl": np.array([[0.0, 0, 5]])}
    body |= {f"{side}_hand_pose": np.zeros((1, 45)) for side in ("left", "right")}
    (folder / "smplx_gt").mkdir()
    (folder / "smplx_gt" / "one.pkl").write_bytes(pickle.dumps(body))
    row = {
        "imgPath": "ag_0.png", "gt_path_smplx": ["smplx_gt/one.obj"] * 2, "isValid": [True, False],
        "gender": ["male"] * 2, "kid": [False] * 2, "occlusion": [np.float64(1)] * 2, "age": ["31-50"] * 2,
        "ethnicity": ["n/a"] * 2, "gt_joints_2d": np.repeat(JOINTS, 2, 0),
        "gt_joints_3d": np.ones((2, 127, 3)), "gt_verts": np.zeros((2, 4, 3)),
    }  # fmt: skip
    monkeypatch.setattr(agora_annotations, "rows_of", lambda frame: [row])
    picture = np.zeros((2160, 3840, 3), np.uint8)
    picture[900:1100, 900:1100, 2] = 255
    (folder / "3840x2160" / "train_0").mkdir(parents=True)
    cv2.imwrite(str(folder / "3840x2160" / "train_0" / "ag_0.png"), picture)
    return folder


def test_a_release_is_read_after_its_two_steps(release: Path) -> None:
    agora.main(["annotations", "--trust", "--splits", "train", "--folder", str(release)])
    agora.main(["crops", "--splits", "train", "--folder", str(release), "--workers", "1"])
    dataset = AGORA("train", corrected="none", root=release.parents[1])
    assert len(dataset) == 1
    person = dataset[0]
    assert person.name == "AGORA/ag_0/0" and person.gender == "male"
    np.testing.assert_array_equal(person.pose[0], [1, 1, 1])
    matrix = dataset.full_picture(person.name)
    np.testing.assert_allclose(person.joints_2d[:, :2], mapped(matrix, JOINTS[0]), atol=1e-3)
    crop = cv2.imread(str(person.image))
    assert crop.shape == (512, 384, 3)
    x, y = mapped(matrix, np.array([[1000.0, 1000.0]]))[0].round().astype(int)
    assert crop[y, x].tolist() == [0, 0, 255]


def test_the_smaller_pictures_need_no_crops(release: Path) -> None:
    agora.main(["annotations", "--trust", "--splits", "train", "--folder", str(release)])
    dataset = AGORA("train", corrected="none", pictures="1280x720", root=release.parents[1])
    person = dataset[0]
    assert len(dataset) == 1 and person.image == release / "1280x720" / "train_0" / "ag_0_1280x720.png"
    np.testing.assert_allclose(person.joints_2d[:, :2], JOINTS[0] / 3, atol=1e-3)
    middle = (JOINTS[0].min(0) + JOINTS[0].max(0)) / 6
    np.testing.assert_allclose((person.box[:2] + person.box[2:]) / 2, middle, atol=1)
    assert person.padding * 1.25 == pytest.approx(0.9996)


def test_validation_comes_with_its_meshes(release: Path) -> None:
    frame = release / "validation_SMPLX" / "SMPLX" / "validation_0_withjv.pkl"
    frame.parent.mkdir(parents=True)
    frame.touch()
    agora.main(["annotations", "--trust", "--splits", "validation", "--folder", str(release)])
    dataset = AGORA("validation", corrected="none", pictures="1280x720", root=release.parents[1])
    person = dataset[0]
    assert person.vertices.shape == (4, 3) and person.joints_2d is None
    assert person.image == release / "1280x720" / "validation" / "ag_0_1280x720.png"
    assert not list((release / "gt_verts").rglob("train*")), "training reads no meshes, so none are written"


def test_nothing_is_unpickled_without_trust(release: Path, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        agora.main(["annotations", "--splits", "train", "--folder", str(release)])
    assert "--trust" in capsys.readouterr().err


def test_a_crop_is_where_the_published_tool_cuts_it() -> None:
    box = agora.widened(BOX, (128, 96))
    x, y, width, height = PUBLISHED_BOX
    np.testing.assert_allclose(box, [x, y, x + width, y + height])
    np.testing.assert_allclose(agora.around(box, (128, 96)), PUBLISHED_MATRIX, atol=1e-4)
    assert agora.widened([4000, 10, 50, 50], (128, 96)) is None


def test_crops_that_are_there_are_left_alone(release: Path) -> None:
    agora.main(["annotations", "--trust", "--splits", "train", "--folder", str(release)])
    options = ["crops", "--splits", "train", "--folder", str(release), "--workers", "1"]
    agora.main(options)
    notes = sorted((release / "3840x2160" / "train_0_crop").glob("*.json"))
    assert len(notes) == 2 and json.loads(notes[0].read_text())["resized_width"] == 384
    before = [note.stat().st_mtime_ns for note in notes]
    agora.main(options)
    assert [note.stat().st_mtime_ns for note in notes] == before
