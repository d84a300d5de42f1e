"""HumanData: every layout of the same persons gives the same Persons, and what is broken is named."""

from __future__ import annotations

import importlib.util
import inspect
import logging
import pickle
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from common.joints import SMPL, SMPLX, SMPLX_144, WHOLE_BODY_137
from common.preprocess.points import by_name
from common.utils.errors import UserError
from data.formats.humandata import ANNOTATIONS, HumanData

ROWS = 6
PARTS = {
    "global_orient": (3,),
    "body_pose": (21, 3),
    "left_hand_pose": (15, 3),
    "right_hand_pose": (15, 3),
    "jaw_pose": (3,),
    "leye_pose": (3,),
    "reye_pose": (3,),
    "expression": (10,),
    "betas": (10,),
    "transl": (3,),
}
PLACES = {
    "body_pose": slice(1, 22),
    "jaw_pose": slice(22, 23),
    "reye_pose": slice(24, 25),
    "left_hand_pose": slice(25, 40),
    "right_hand_pose": slice(40, 55),
}


class Tiny(HumanData):
    annotations: ClassVar = {"train": "tiny.npz", "test": "tiny.npz"}
    images = "Tiny/images"
    source = "Make it by hand."


def entries(**changes) -> dict:
    """A HumanData file's entries, all joints of SMPL-X annotated but two; `changes` replace, None removes."""
    dice = np.random.default_rng(4)
    mask = np.zeros(190, int)
    mask[:144] = 1
    mask[[3, 70]] = 0
    given = {
        "__key_strict__": False,
        "__data_len__": ROWS,
        "__keypoints_compressed__": False,
        "image_path": np.array([f"{row}/some picture.jpg" for row in range(ROWS)]),
        "bbox_xywh": np.c_[dice.uniform(5, 50, (ROWS, 4)), np.ones(ROWS)],
        "lhand_bbox_xywh": np.c_[dice.uniform(5, 20, (ROWS, 4)), np.arange(ROWS) % 2],
        "rhand_bbox_xywh": np.c_[dice.uniform(5, 20, (ROWS, 4)), np.ones(ROWS)],
        "face_bbox_xywh": np.c_[dice.uniform(5, 20, (ROWS, 4)), np.ones(ROWS)],
        "keypoints2d_smplx": np.concatenate(
            [dice.uniform(0, 90, (ROWS, 190, 2)), np.ones((ROWS, 190, 1))], 2
        ),
        "keypoints3d_smplx": np.concatenate([dice.normal(0, 1, (ROWS, 190, 3)), np.ones((ROWS, 190, 1))], 2),
        "keypoints2d_smplx_mask": mask,
        "keypoints3d_smplx_mask": mask,
        "smplx": {
            name: dice.normal(0, 1, (ROWS, *shape)).astype(np.float32) for name, shape in PARTS.items()
        },
        "meta": {"height": [90] * ROWS, "width": [120] * ROWS, "gender": ["male", "female", "neutral"] * 2},
        "misc": {"flat_hand_mean": False},
        "config": "tiny",
    }
    return {name: value for name, value in (given | changes).items() if value is not None}


def with_body(**changes) -> dict:
    return entries(smplx=entries()["smplx"] | changes)


def compressed() -> dict:
    given = entries()
    for name in ("keypoints2d_smplx", "keypoints3d_smplx"):
        given[name] = given[name][:, given[f"{name}_mask"] == 1]
    return given | {"__keypoints_compressed__": True}


def flat(body: dict) -> dict:
    return {name: value.reshape(ROWS, -1) for name, value in body.items()}


def of_smpl(joints: int = 23) -> dict:
    body = entries()["smplx"]
    pose = np.concatenate([body["body_pose"], np.zeros((ROWS, joints - 21, 3), np.float32)], 1)
    return {"body_pose": pose} | {name: body[name] for name in ("global_orient", "betas", "transl")}


@pytest.fixture
def dataset(tmp_path):
    def make(kind: type[HumanData] = Tiny, given: dict | None = None, **arguments) -> HumanData:
        path = tmp_path / ANNOTATIONS / "tiny.npz"
        path.parent.mkdir(exist_ok=True)
        np.savez(path, **(entries() if given is None else given))
        return kind(root=tmp_path, **arguments)

    return make


def same(one, other, *apart: str) -> bool:
    """Whether two Persons agree in all fields but those named."""
    for name, value in vars(one).items():
        theirs = getattr(other, name)
        equal = np.array_equal(value, theirs) if isinstance(value, np.ndarray) else value == theirs
        if name not in apart and not equal:
            return False
    return True


def test_a_person_has_all_that_the_file_says(dataset, tmp_path):
    given, some = entries(), dataset()
    person = some[2]
    assert len(some) == ROWS and some.name == "Tiny" and person.name == "Tiny/2"
    assert person.image == tmp_path / "Tiny/images/2/some picture.jpg"
    assert person.body == SMPLX and person.pose.shape == (55, 3) and person.known.tolist() == [1.0] * 57
    for name, places in PLACES.items():
        assert np.array_equal(person.pose[places], given["smplx"][name][2].reshape(-1, 3))
    assert np.array_equal(person.betas, given["smplx"]["betas"][2])
    assert np.array_equal(person.translation, given["smplx"]["transl"][2])
    points = by_name(person.joints_2d, person.joint_set, SMPLX_144)
    unknown = np.flatnonzero(points[:, 2] == 0)
    assert unknown.tolist() == [3, 70]
    assert np.allclose(
        np.delete(points, unknown, 0), np.delete(given["keypoints2d_smplx"][2, :144], unknown, 0)
    )
    assert person.joints_3d.shape == (144, 4) and person.gender == "neutral" and person.joints_are_fitted


def test_boxes_are_kept_inside_their_picture_and_parts_padded(dataset):
    given = entries()
    person = dataset()[1]
    x, y, width, height = given["bbox_xywh"][1, :4]
    assert np.allclose(person.box, [x, y, min(x + width - 1, 119), min(y + height - 1, 89)])
    x, y, width, height = given["face_bbox_xywh"][1, :4] - [0, 0, 1, 1]
    box = person.part_boxes[2]
    assert np.allclose((box[:2] + box[2:4]) / 2, [x + width / 2, y + height / 2], atol=1e-4)
    assert np.allclose(box[2:4] - box[:2], 1.2 * max(width / 0.75, height) * np.array([0.75, 1]), atol=1e-4)
    assert person.part_boxes[:, 4].tolist() == [1, 1, 1] and dataset()[0].part_boxes[:, 4].tolist() == [
        0,
        1,
        1,
    ]


@pytest.mark.parametrize(
    "given",
    [
        compressed(),
        compressed() | {"__keypoints_compressed__": False},
        entries(smplx=flat(entries()["smplx"])),
        entries(image_path=entries()["image_path"].astype(object)),
        entries(image_path=entries()["image_path"].tolist()),
        entries(bbox_xywh=entries()["bbox_xywh"][:, :4]),
        entries(keypoints3d_smplx=entries()["keypoints3d_smplx"][..., :3]),
        entries(keypoints3d_smplx_mask=None, keypoints3d_mask=entries()["keypoints3d_smplx_mask"]),
        entries(keypoints2d=entries()["keypoints2d_smplx"], keypoints2d_smplx=np.ones((ROWS, 190, 3)))
        | {"keypoints2d_mask": entries()["keypoints2d_smplx_mask"]},
        entries(smplx=entries()["smplx"] | {"betas": np.ones((ROWS, 10))}
                | {"betas_neutral": entries()["smplx"]["betas"]}),
        entries(meta={"height": np.full(ROWS, 90), "width": np.full(ROWS, 120), "notes": ["x"] * ROWS}),
    ],
    ids=["compressed", "flag missing", "flat poses", "object paths", "listed paths", "boxes of 4", "3D of 3",
         "legacy mask", "preferred key", "neutral betas", "meta arrays"],
)  # fmt: skip
def test_every_layout_of_a_file_gives_the_same_persons(dataset, given):
    wanted, some = list(dataset()), list(dataset(given=given))
    assert len(wanted) == ROWS and all(same(*pair) for pair in zip(wanted, some, strict=True))


def test_an_smpl_body_poses_an_smplx_body_whose_shape_nobody_knows(dataset):
    person = dataset(given=entries(smplx=None, smpl=of_smpl()))[1]
    assert same(person, dataset(given=entries(smplx=None, smpl=flat(of_smpl())))[1])
    assert np.array_equal(person.pose[:22], dataset()[1].pose[:22]) and not person.pose[22:].any()
    assert person.known.tolist() == [1.0] * 22 + [0.0] * 35 and person.betas is None
    whole = dataset(given=entries(smplx=None, smpl=of_smpl()), body=SMPL)[1]
    assert whole.body == SMPL and whole.pose.shape == (24, 3) and whole.known.tolist() == [1.0] * 25 + [0.0]


def test_an_smplh_body_has_hands_and_no_face(dataset):
    names = ("global_orient", "body_pose", "left_hand_pose", "right_hand_pose", "betas")
    body = {name: entries()["smplx"][name] for name in names}
    person = dataset(given=entries(smplx=None, smplh=body))[1]
    assert person.known.tolist() == [1.0] * 22 + [0.0] * 3 + [1.0] * 30 + [0.0] * 2
    assert np.array_equal(person.pose[25:], dataset()[1].pose[25:]) and person.betas is None


def test_missing_parts_are_unknown_and_shapes_of_zeros_too(dataset):
    body = entries()["smplx"]
    bare = {name: body[name] for name in ("global_orient", "body_pose", "left_hand_pose")} | {
        "betas": 0 * body["betas"]
    }
    person = dataset(given=entries(smplx=bare))[0]
    assert person.known.tolist() == [1.0] * 22 + [0.0] * 3 + [1.0] * 15 + [0.0] * 17
    assert person.translation is None and person.expression is None


def test_a_file_without_bodies_or_points_still_has_boxes(dataset):
    bare = {
        name: None for name in entries() if name.startswith(("keypoints", "smplx", "lhand", "rhand", "face"))
    }
    person = dataset(given=entries(**bare))[0]
    assert person.body is person.pose is person.joints_2d is person.joint_set is person.part_boxes is None
    assert person.box is not None


def test_confidences_count_unless_as_published(dataset):
    given = entries()
    given["keypoints2d_smplx"][1, 10, 2] = 0
    person, published = dataset(given=given)[1], dataset(given=given, as_published=True)[1]
    place = person.joint_set.index(SMPLX_144.names[10])
    assert person.joints_2d[place, 2] == 0 and published.joints_2d[place, 2] == 1
    given["keypoints2d_smplx"][..., 2] = 0  # nobody wrote any down
    assert (dataset(given=given)[1].joints_2d[:, 2] == 1).all()


def test_as_published_the_eyes_of_the_face_are_exchanged_and_do_not_turn(dataset):
    person, published = dataset()[0], dataset(as_published=True)[0]
    left, right = (WHOLE_BODY_137.index(f"{side}_face_eye") for side in ("left", "right"))
    points, others = (by_name(one.joints_2d, one.joint_set, WHOLE_BODY_137) for one in (person, published))
    assert np.array_equal(points[[left, right]], others[[right, left]]) and points[left, 2] == 1
    assert np.array_equal(points[left], points[WHOLE_BODY_137.index("left_eye")])
    assert person.known[23:25].all() and not published.known[23:25].any() and not published.pose[23:25].any()


def test_genders_are_those_of_the_fit_or_where_the_set_says_so_of_the_person(dataset):
    class Gendered(Tiny):
        gendered = True

    assert dataset(Gendered)[1].gender == "female"
    body = entries()["smplx"] | {"gender": np.array(["male"] * ROWS)}
    assert dataset(given=entries(smplx=body))[1].gender == "male"


def test_every_so_many_rows_are_shown_and_several_files_are_one_set(dataset, tmp_path):
    class Two(Tiny):
        annotations: ClassVar = {"train": ("tiny.npz", "other.npz")}
        intervals: ClassVar = {"train": 4}

    dataset()
    np.savez(
        tmp_path / ANNOTATIONS / "other.npz", **entries(image_path=[f"other/{row}" for row in range(ROWS)])
    )
    some = dataset(Two)
    assert [str(person.image.relative_to(tmp_path / "Tiny/images")) for person in some] == [
        "0/some picture.jpg", "4/some picture.jpg", "other/0", "other/4",
    ]  # fmt: skip
    assert [person.name for person in some] == [f"Two/{place}" for place in range(4)]
    assert len(dataset(Two, interval=1)) == 12 and len(dataset(Two, file="other.npz", interval=2)) == 3
    with pytest.raises(IndexError, match="Two has 4 persons, not one numbered 4"):
        some[4]


def broken() -> dict:
    given = entries()
    given["keypoints3d_smplx"][1, 5, 0] = np.nan
    given["keypoints2d_smplx"][2, 5, 0] = np.inf
    given["smplx"]["body_pose"][3, 5, 0] = np.nan
    given["bbox_xywh"][4, 2] = 0
    return given


def test_rows_that_cannot_be_used_are_named_and_left_out_in_training(dataset, caplog):
    with caplog.at_level(logging.WARNING):
        some = dataset(given=broken())
        assert [person.image.parts[-2] for person in some] == ["0", "5"]
    kinds = ("3D points that are no numbers", "2D points that are no numbers")
    for row, kind in enumerate((*kinds, "body parameters that are no numbers", "an empty box"), start=1):
        assert f"1 have {kind} (row {row})" in caplog.text
    assert "of 6 rows of" in caplog.text and "tiny.npz" in caplog.text
    assert len(dataset(given=broken(), interval=5)) == 2


def test_a_test_set_with_rows_that_cannot_be_used_is_refused_unless_told_otherwise(dataset):
    with pytest.raises(
        UserError, match=r"Tiny \(test\) is not whole: of 6 rows of .*tiny\.npz, 1 have 3D points"
    ):
        len(dataset(given=broken(), split="test"))
    assert len(dataset(given=broken(), split="test", flawed="skip")) == 2


def test_a_box_outside_its_picture_is_named_with_file_and_row(dataset):
    given = entries()
    given["bbox_xywh"][3, 0] = 500
    with pytest.raises(ValueError, match=r"row 3 of .*tiny\.npz has a box .* outside its picture"):
        dataset(given=given)[3]


WRONG = {
    "joints": (entries(keypoints3d_smplx=np.zeros((ROWS, 30, 4))), "has 30 joints, its mask has 142 of 190"),
    "rows": (entries(keypoints2d_smplx=np.zeros((5, 190, 3))), r"'keypoints2d_smplx' is \(5, 190, 3\)"),
    "pose": (with_body(jaw_pose=np.zeros((ROWS, 4))), r"'jaw_pose' of its body is \(6, 4\)"),
    "betas": (with_body(betas=np.zeros((2, 10))), r"'betas' of its body is \(2, 10\)"),
    "convention": (entries(keypoints2d_smplx_convention="coco"), "190 joints of 'coco'; convert it"),
    "gender": (with_body(gender=["robot"] * ROWS), "unknown ones: robot"),
    "boxes": (entries(bbox_xywh=np.ones((ROWS, 3))), r"'bbox_xywh' is \(6, 3\)"),
    "no paths": (entries(image_path=None), "no HumanData file: it has no 'image_path'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_whose_lengths_do_not_fit_is_refused_in_one_sentence(dataset, name):
    given, words = WRONG[name]
    with pytest.raises(UserError, match=words):
        len(dataset(given=given))


def test_a_missing_set_is_one_paragraph(tmp_path):
    with pytest.raises(
        UserError, match=r"Tiny is not there: .*tiny\.npz is missing.*Tiny/images\. Make it by hand"
    ):
        len(Tiny(root=tmp_path))
    with pytest.raises(UserError, match="Tiny has no split 'tset'; did you mean 'test'"):
        len(Tiny("tset", root=tmp_path))


def test_a_set_opens_nothing_until_it_is_used_and_travels_light(dataset):
    Tiny(root=Path("nowhere"))
    some = dataset()
    len(some)
    packed = pickle.dumps(some)
    assert len(packed) < 10_000 and same(pickle.loads(packed)[0], some[0])


def test_a_new_data_set_is_a_file_of_a_few_lines(dataset, tmp_path):
    path = tmp_path / "bedlam.py"
    path.write_text(
        inspect.cleandoc(
            '''
            """BEDLAM: synthetic people in clothes (Black et al., 2023)."""

            from data.formats.humandata import HumanData


            class BEDLAM(HumanData):
                annotations = {"train": "tiny.npz"}
                images = "BEDLAM/train_images"
                flat_hand = True  # its hands are given from a flat hand
            '''
        )
    )
    spec = importlib.util.spec_from_file_location("bedlam_of_this_test", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    person = dataset(module.BEDLAM, interval=5)[1]
    assert person.name == "BEDLAM/1" and person.flat_hand and person.image.parts[-2] == "5"
