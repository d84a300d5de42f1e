"""The contact sheet of a data set shows what is annotated, and says what cannot be used."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
import torch

from common.body_models.build import body_model
from common.joints import SMPLX, SMPLX_144
from common.structures import Body, Person
from common.utils.errors import UserError
from tool import show_dataset
from tool.show_dataset import TILE, camera_of, contact_sheet, data_set, data_sets, distant_camera, tile_pair

LENS = np.array([[500.0, 0, 160], [0, 500, 120], [0, 0, 1]])


@dataclass(frozen=True)
class Standing:
    """A person in rest pose, 3 m before the camera; the third has a picture that is none."""

    name: str = "Standing"
    camera: bool = True

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Person:
        model = show_dataset._model(SMPLX, "neutral")
        pose = np.zeros((55, 3), np.float32)
        pose[0, 0] = np.pi  # upright in the camera's axes
        person = Person(f"Standing/{index}", body=SMPLX, pose=pose, flat_hand=True)
        body = rest(person)
        translation = np.array([0, 0.3, 3.0])
        points = (body.joints[0].numpy() + translation) @ LENS.T
        return Person(
            person.name,
            image=b"none" if index == 2 else np.full((240, 320, 3), 90, np.uint8),
            box=np.array([80.0, 10, 240, 230]),
            part_boxes=np.array([[180.0, 80, 210, 110, 1], [0, 0, 0, 0, 0], [140, 20, 170, 60, 1]]),
            joint_set=SMPLX_144,
            joints_2d=np.c_[points[:, :2] / points[:, 2:], np.ones(len(model.joint_set))],
            body=SMPLX,
            pose=pose,
            flat_hand=True,
            translation=translation,
            intrinsics=LENS if self.camera else None,
        )


def rest(person: Person) -> Body:
    model = body_model(SMPLX)
    numbers = (
        torch.from_numpy(person.pose)[None],
        torch.zeros(1, 10),
        torch.zeros(1, 10),
        torch.tensor([True]),
    )
    with torch.no_grad():
        return model(model.params(*numbers))


def test_every_data_set_is_found_by_its_name_however_it_is_spelled() -> None:
    assert {"BEDLAM", "EHF", "MSCOCO", "SyntheticPeople"} <= data_sets().keys()
    assert type(data_set("bed_lam", [])).__name__ == "BEDLAM"
    assert data_set("BEDLAM", ["interval=7", "flawed=skip"]).interval == 7
    with pytest.raises(UserError, match="no data set 'BEDLMA'; did you mean 'bedlam'"):
        data_set("BEDLMA", [])


def test_annotations_are_drawn_in_their_colors() -> None:
    left = tile_pair(Standing(), 0)[:, : TILE.size[1]].reshape(-1, 3)
    for color in (show_dataset.BODY_BOX, *show_dataset.PART_BOXES, *show_dataset.SIDES.values()):
        assert (np.abs(left.astype(int) - color).max(1) < 40).sum() > 10


@pytest.mark.parametrize("camera", [True, False])
def test_the_body_covers_its_own_points(camera) -> None:
    dataset = Standing(camera=camera)
    person, plain = dataset[0], np.full((240, 320, 3), 90, np.uint8)
    drawn = (show_dataset.with_body(person, plain) != plain).any(-1)
    inner = [SMPLX_144.index(name) for name in ("pelvis", "spine2", "left_knee", "right_elbow", "head")]
    for x, y in person.joints_2d[inner, :2].round().astype(int):
        assert drawn[y, x]
    assert 0.01 < drawn.mean() < 0.4


def test_a_distant_camera_puts_joints_on_their_points() -> None:
    joints = torch.randn(1, 20, 3, generator=torch.Generator().manual_seed(0))
    points = joints[0, :, :2] * 80 + torch.tensor([200.0, 100.0])
    camera = distant_camera(joints[0], points, distance=5000.0)
    assert torch.allclose(camera.project(joints)[0], points, atol=0.2)


def test_a_person_without_points_or_camera_has_no_place() -> None:
    person = Standing(camera=False)[0]
    person.joints_2d = None
    model = body_model(SMPLX)
    assert camera_of(person, model, rest(person)) is None


def test_a_person_that_cannot_be_used_is_a_sentence_on_the_sheet() -> None:
    sheet = contact_sheet(Standing(), count=9, seed=0)
    assert sheet.shape == (TILE.size[0], 3 * 2 * TILE.size[1], 3)
    broken = sheet[:, -2 * TILE.size[1] :]
    assert (broken == 60).mean() > 0.9 and (broken > 200).any()


def test_the_command_writes_a_picture_or_says_why_not(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(show_dataset, "data_set", lambda name, overrides: Standing())
    show_dataset.main(["Standing", "--count", "2", "--output", str(tmp_path / "some" / "sheet.png")])
    assert cv2.imread(str(tmp_path / "some" / "sheet.png")).shape == (TILE.size[0], 4 * TILE.size[1], 3)
    assert "2 of 3 persons" in capsys.readouterr().out
    monkeypatch.undo()
    with pytest.raises(SystemExit):
        show_dataset.main(["BEDLAM", f"root={tmp_path}"])
    assert "BEDLAM is not there" in capsys.readouterr().err
