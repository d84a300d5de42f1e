"""What single data sets know alone, on miniatures of their files."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from common.body_models.build import body_model
from common.joints import H36M_17, SMPL, SMPLX, BodyLayout
from common.structures import Person
from data.ehf import EHF, TO_CAMERA
from data.formats import several_cameras
from data.human36m import TAUGHT_17, Human36M
from data.mpii import MPII, MPII_16
from data.mscoco import MSCOCO
from data.pw3d import PW3D
from data.talkshow import Talkshow
from data.ubody import UBody

BOX = [40.0, 12.0, 44.0, 76.0]
LENS = {"focal": [300.0, 310.0], "princpt": [64.0, 48.0]}
RNG = np.random.default_rng(0)


def write(path: Path, table: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(table))


def picture(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": number, "file_name": f"{number}.jpg", "width": 128, "height": 96, **more}


def fit(**more: Any) -> dict[str, Any]:
    param = {"root_pose": [0.1, 0.2, 0.3], "body_pose": [0.01] * 63, "shape": [0.5] * 10, "trans": [0, 0, 3]}
    return {"smplx_param": param | more, "cam_param": LENS}


def person(number: int, **more: Any) -> dict[str, Any]:
    """A COCO-WholeBody annotation in which everything is valid."""
    counts = {"keypoints": 17, "foot_kpts": 6, "lefthand_kpts": 21, "righthand_kpts": 21, "face_kpts": 68}
    points = {name: [50.0, 40.0, 1.0] * count for name, count in counts.items()}
    parts = {f"{part}_box": [60.0, 30.0, 10.0, 20.0] for part in ("lefthand", "righthand", "face")}
    valid = {f"{part}_valid": True for part in ("lefthand", "righthand", "face")}
    known = {"id": number, "image_id": 1, "bbox": BOX, "iscrowd": 0, "num_keypoints": 17, "valid_label": 2}
    return known | points | parts | valid | more


def test_coco_leaves_out_crowds_and_the_unlabelled_and_finds_either_file_of_fits(tmp_path: Path) -> None:
    folder = tmp_path / "MSCOCO" / "annotations"
    persons = [person(1), person(2, iscrowd=1), person(3, num_keypoints=0), person(4, lefthand_valid=False)]
    for split in ("train", "val"):
        table = {"images": [picture()], "annotations": persons}
        write(folder / f"coco_wholebody_{split}_v1.0.json", table)
    write(folder / "MSCOCO_train_SMPLX.json", {"1": fit()})
    train = MSCOCO("train", root=tmp_path)
    assert len(train) == 2 and len(MSCOCO("val", root=tmp_path)) == 4
    assert train[0].body == SMPLX and train[1].body is None
    assert train[1].part_boxes[:, 4].tolist() == [0, 1, 1]
    write(folder / "MSCOCO_train_SMPLX_all_NeuralAnnot.json", {"1": fit(), "4": fit()})
    newer = MSCOCO("train", root=tmp_path)
    assert newer[1].body == SMPLX
    np.testing.assert_allclose(newer[1].translation, [0, 0, 3])


def test_the_folder_of_coco_may_have_its_own_name(tmp_path: Path) -> None:
    folder = tmp_path / "coco" / "annotations"
    write(folder / "coco_wholebody_val_v1.0.json", {"images": [picture()], "annotations": [person(1)]})
    assert MSCOCO("val", root=tmp_path)[0].image == tmp_path / "coco" / "images" / "val2017" / "1.jpg"


def test_part_boxes_are_raw_unless_they_are_to_be_grown(tmp_path: Path) -> None:
    folder = tmp_path / "MSCOCO" / "annotations"
    write(folder / "coco_wholebody_train_v1.0.json", {"images": [picture()], "annotations": [person(1)]})
    write(folder / "MSCOCO_train_SMPLX.json", {})
    raw = MSCOCO("train", root=tmp_path)[0]
    np.testing.assert_allclose(raw.part_boxes[0], [60, 30, 70, 50, 1])
    grown = MSCOCO("train", root=tmp_path, part_padding=1.2, padding=0.96)[0]
    x0, y0, x1, y1 = grown.part_boxes[0, :4]
    assert (x1 - x0) / (y1 - y0) == pytest.approx(0.75) and y1 - y0 == pytest.approx(19 * 1.2)
    assert (raw.padding, grown.padding) == (1.0, 0.96)


def test_mpii_fits_know_neither_ankles_nor_wrists(tmp_path: Path) -> None:
    points = np.concatenate([RNG.uniform(0, 90, (16, 2)), np.ones((16, 1))], 1)
    annotation = {"id": 7, "image_id": 1, "bbox": BOX, "keypoints": points.ravel().tolist()}
    folder = tmp_path / "MPII" / "data" / "annotations"
    write(folder / "train.json", {"images": [picture()], "annotations": [annotation]})
    write(folder / "MPII_train_SMPLX_NeuralAnnot.json", {"7": fit()})
    found = MPII("train", root=tmp_path)[0]
    unknown = {SMPLX.joints.names[place] for place in np.flatnonzero(found.known[:22] == 0)}
    assert unknown == {"left_ankle", "right_ankle", "left_wrist", "right_wrist"}
    assert found.joint_set == MPII_16 and found.known[-2] == 1
    np.testing.assert_allclose(found.joints_2d, points, atol=1e-5)


@pytest.fixture
def outdoors(tmp_path: Path) -> Path:
    given = {"pose": [0.1] * 72, "shape": [0.5] * 10, "trans": [0.0, 0.0, 5.0], "gender": "female"}
    image = picture(sequence="walk", cam_param=LENS)
    annotation = {"id": 1, "image_id": 1, "bbox": BOX, "smpl_param": given}
    for split in ("train", "test"):
        table = {"images": [image], "annotations": [annotation]}
        write(tmp_path / "PW3D" / "data" / f"3DPW_{split}.json", table)
    return tmp_path


def test_3dpw_gives_the_true_body_or_the_pose_that_smplx_shares_with_it(outdoors: Path) -> None:
    true = PW3D("test", root=outdoors)[0]
    assert true.body == SMPL and true.gender == "female" and true.pose.shape == (24, 3)
    assert str(true.image).endswith("PW3D/data/imageFiles/walk/1.jpg") and true.joints_are_fitted
    np.testing.assert_allclose(np.diag(true.intrinsics), [300, 310, 1])
    shared = PW3D("train", root=outdoors, body=SMPLX)[0]
    assert shared.body == SMPLX and shared.gender == "neutral" and shared.betas is None
    assert shared.known.tolist() == [1] * 22 + [0] * 35
    np.testing.assert_allclose(shared.pose[:22], true.pose[:22])


@pytest.mark.parametrize("layout", [SMPLX, SMPL], ids=lambda layout: layout.name)
def test_a_body_seen_by_a_camera_is_the_body_of_the_world_moved(
    layout: BodyLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest, per_beta = RNG.normal(size=3), RNG.normal(size=(10, 3))
    monkeypatch.setattr(several_cameras, "_pelvis", {layout: (rest, per_beta)}.get)
    pose = RNG.normal(size=(len(layout.joints), 3))
    betas, translation = RNG.normal(size=10), RNG.normal(size=3)
    rotation, shift = cv2.Rodrigues(RNG.normal(size=3))[0], RNG.normal(size=3)
    seen, moved = several_cameras.seen_by(pose, betas, translation, rotation, shift)
    pelvis, point = rest + betas @ per_beta, RNG.normal(size=3)

    def placed(root: np.ndarray, by: np.ndarray) -> np.ndarray:
        return cv2.Rodrigues(root)[0] @ (point - pelvis) + pelvis + by

    np.testing.assert_allclose(placed(seen[0], moved), rotation @ placed(pose[0], translation) + shift)
    np.testing.assert_array_equal(seen[1:], pose[1:])


def write_actor(root: Path, subject: int, joints: np.ndarray, rotation: np.ndarray) -> None:
    folder = root / "Human36M" / "annotations"
    key = {"subject": subject, "action_idx": 2, "subaction_idx": 1}
    images = [
        picture(frame * 10 + camera, **key, frame_idx=frame, cam_idx=camera)
        for frame in (0, 3, 5, 64)
        for camera in (1, 4)
    ]
    persons = [{"id": image["id"], "image_id": image["id"], "bbox": BOX} for image in images]
    camera = {"R": rotation.tolist(), "t": [0.0, 0.0, 4000.0], "f": [300.0, 310.0], "c": [64.0, 48.0]}
    start = folder / f"Human36M_subject{subject}"
    write(start.with_name(f"{start.name}_data.json"), {"images": images, "annotations": persons})
    write(start.with_name(f"{start.name}_camera.json"), {"1": camera, "4": camera})
    frames = {str(frame): joints.tolist() for frame in (0, 3, 5, 64)}
    write(start.with_name(f"{start.name}_joint_3d.json"), {"2": {"1": frames}})
    write(start.with_name(f"{start.name}_SMPLX_NeuralAnnot.json"), {})
    given = {"pose": [0.1] * 72, "shape": [0.5] * 10, "trans": [0.0, 0.0, 1.0]}
    write(start.with_name(f"{start.name}_SMPL_NeuralAnnot.json"), {"2": {"1": {"5": given}}})


def test_human36m_shows_the_published_frames_in_the_camera_s_frame(tmp_path: Path) -> None:
    joints, rotation = RNG.normal(0, 400, (17, 3)), cv2.Rodrigues(np.array([0.1, 3.0, 0.2]))[0]
    for subject in (1, 5, 6, 7, 8, 9, 11):
        write_actor(tmp_path, subject, joints, rotation)
    train, test = Human36M("train", root=tmp_path), Human36M("test", root=tmp_path)
    assert (len(train), len(test)) == (5 * 2 * 2, 2 * 2)  # frames 0 and 5 of two cameras; 0 and 64 of one
    assert len(Human36M("train", root=tmp_path, interval=10)) == 5 * 2
    assert train[0].joint_set == TAUGHT_17 and test[0].joint_set == H36M_17
    camera = joints / 1000 @ rotation.T + [0, 0, 4]
    np.testing.assert_allclose(train[0].joints_3d[:, :3], camera, atol=1e-5)
    flat = camera[:, :2] / camera[:, 2:] * [300, 310] + [64, 48]
    np.testing.assert_allclose(train[0].joints_2d[:, :2], flat, atol=1e-3)
    assert Human36M("train", root=tmp_path, joints_are_fitted=True)[0].joints_3d is None
    assert len(Human36M("test_fifth", root=tmp_path)) == 2 * 2  # frames 0 and 5 of the frontal camera


def test_human36m_hands_over_smpl_s_fits_where_they_are_asked_for(
    human_model_files: Path, tmp_path: Path
) -> None:
    rotation = cv2.Rodrigues(np.array([0.1, 3.0, 0.2]))[0]
    for subject in (1, 5, 6, 7, 8):
        write_actor(tmp_path, subject, np.zeros((17, 3)), rotation)
    dataset = Human36M("train", root=tmp_path, body=SMPL)
    bare, person = dataset[0], dataset[2]
    assert bare.body is None and person.body == SMPL and person.known is None
    root = cv2.Rodrigues(rotation @ cv2.Rodrigues(np.full(3, 0.1))[0])[0].ravel()
    np.testing.assert_allclose(person.pose, [root, *[[0.1] * 3] * 23], atol=1e-6)
    model = body_model(SMPL)

    def mesh(pose: np.ndarray) -> np.ndarray:
        numbers = (torch.tensor(pose[None]).float(), torch.full((1, 10), 0.5))
        params = model.params(*numbers, torch.zeros(1, 0), torch.tensor([False]))
        return model(params).vertices[0].double().numpy()

    world = mesh(np.full((24, 3), 0.1)) + np.array([0, 0, 1])
    seen = world @ rotation.T + np.array([0, 0, 4])
    np.testing.assert_allclose(mesh(person.pose) + person.translation, seen, atol=1e-5)


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    """UBody with two scenes; of both the video b is kept for testing, by the other protocol nothing."""
    names = ["/a/000001.png", "b_Trim_1/000001.png"]
    images = [picture(number, file_name=name) for number, name in enumerate(names, start=1)]
    for scene in ("Movie", "Talk"):
        persons = [
            person(1), person(2, image_id=2), person(3, valid_label=0), person(4, face_valid=False), person(5)
        ]  # fmt: skip
        folder = tmp_path / "UBody" / "annotations" / scene
        write(folder / "keypoint_annotation.json", {"images": images, "annotations": persons})
        write(folder / "smplx_annotation.json", {str(number): fit() for number in (1, 2, 3, 4)})
    (tmp_path / "UBody" / "splits").mkdir()
    np.save(tmp_path / "UBody" / "splits" / "intra_scene_test_list.npy", np.array(["b"]))
    np.save(tmp_path / "UBody" / "splits" / "inter_scene_test_list.npy", np.array(["c"]))
    return tmp_path


def test_ubody_keeps_whole_videos_for_testing(talks: Path) -> None:
    train, test = (UBody(split, interval=1, root=talks) for split in ("train", "test"))
    assert [train[i].name for i in range(4)] == [
        f"UBody/{scene}/a/000001/{number}" for scene in ("Movie", "Talk") for number in (1, 4)
    ]
    assert [test[i].name for i in range(2)] == [
        f"UBody/{scene}/b_Trim_1/000001/2" for scene in ("Movie", "Talk")
    ]
    assert str(test[1].image).endswith("UBody/images/Talk/b_Trim_1/000001.png")
    assert len(UBody("train", protocol="inter", interval=1, root=talks)) == 6
    assert len(UBody("train", interval=2, root=talks)) == 2, "the counter counts everybody of a scene"


def test_an_opened_data_set_can_be_handed_to_another_process(talks: Path) -> None:
    opened = UBody("train", interval=1, root=talks)
    first = opened[0]
    arrived = pickle.loads(pickle.dumps(opened))
    assert arrived == opened and arrived[0].name == first.name
    np.testing.assert_array_equal(arrived[0].pose, first.pose)


def test_hand_boxes_of_ubody_shrink_and_faces_follow_their_points(talks: Path) -> None:
    first, faceless = UBody("train", interval=1, root=talks)[0], UBody("train", interval=1, root=talks)[1]
    np.testing.assert_allclose(first.part_boxes[0], [61.75, 33.5, 68.25, 46.5, 1])
    assert first.part_boxes[2, 4] == 1 and faceless.part_boxes[2, 4] == 0
    left = UBody("train", interval=1, root=talks, joints_are_fitted=True)[0]
    assert left.joints_2d is None and left.joints_are_fitted and not first.joints_are_fitted


def test_the_scans_of_ehf_are_turned_into_the_camera(tmp_path: Path) -> None:
    folder = tmp_path / "EHF" / "data"
    parts = {f"{part}_bbox": [60, 30, 10, 20] for part in ("lefthand", "righthand", "face")}
    annotation = {"id": 0, "image_id": 1, "body_bbox": BOX, **parts}
    write(folder / "EHF.json", {"images": [picture(file_name="01_img.png")], "annotations": [annotation]})
    header = "ply\nformat ascii 1.0\nelement vertex 2\n" + "".join(
        f"property float {axis}\n" for axis in "xyz"
    )
    (folder / "01_align.ply").write_text(header + "end_header\n1 2 3\n-1 0 1\n")
    found = EHF(root=tmp_path)[0]
    assert found.name == "EHF/01"
    turned = np.array([[1.0, 2, 3], [-1, 0, 1]]) @ cv2.Rodrigues(TO_CAMERA)[0].T
    np.testing.assert_allclose(found.vertices, turned)


def test_the_right_hands_of_talkshow_are_left_hands_as_published() -> None:
    pose = RNG.normal(size=(55, 3))
    left, right = SMPLX.joints.parts["left_hand"], SMPLX.joints.parts["right_hand"]
    given = Person("one", body=SMPLX, pose=pose)
    assert Talkshow().finish(given, None, 0).pose is pose
    copied = Talkshow(as_published=True).finish(given, None, 0).pose
    np.testing.assert_array_equal(copied[right], pose[left])
    assert not np.array_equal(pose[right], pose[left])
