"""Label files of the SPIN family: what they say, what they leave open, what is wrong with them."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import spin_labels

from common.joints import FLAME, MANO, SMPL, SMPLX, SPIN_159
from common.utils.errors import UserError
from data.formats.spin_npz import SpinNpz
from data.spin_sets import COCOFull, FreiHANDLabels, H36MMosh, InterHand, VGGFace2
from data.whole_body_mix import h36m_coco, inter_freihand


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return spin_labels.write(tmp_path_factory.mktemp("spin"), persons=4)


def changed(tmp_path: Path, file: str, **entries: np.ndarray | None) -> COCOFull:
    """A file's copy with other entries; None leaves one out."""
    given = spin_labels.labels(file, 3) | entries
    (tmp_path / "dataset_extras").mkdir(exist_ok=True)
    np.savez(tmp_path / "dataset_extras" / file, **{k: v for k, v in given.items() if v is not None})
    return COCOFull("train", file=file, folder="", root=tmp_path)


def test_a_person_has_its_picture_box_points_and_body(root):
    dataset = COCOFull("train", folder="", root=root)
    person = dataset[1]
    assert len(dataset) == 4 and person.name == "COCOFull/1" and person.image.is_file()
    assert person.joint_set is SPIN_159 and person.joints_2d.shape == (159, 3)
    assert person.joints_3d[:, 3].tolist() == [0.0] * 25 + [1.0] * 24 + [0.0] * 110
    assert person.body is SMPLX and person.pose.shape == (55, 3) and person.flat_hand
    assert person.known.tolist() == [1.0] * 57
    assert person.gender == "female" and dataset[0].gender == "male"


def test_a_hand_that_no_fit_fits_is_not_known(root):
    known = COCOFull("train", folder="", root=root)[0].known
    assert not known[SMPLX.joints.parts["left_hand"]].any()
    assert known[SMPLX.joints.parts["right_hand"]].all() and known[:22].all()


def test_the_body_of_smpl_is_handed_over_on_request(root):
    person = COCOFull("train", SMPL, folder="", root=root)[1]
    assert person.body is SMPL and person.pose.shape == (24, 3) and person.betas.shape == (10,)
    with pytest.raises(ValueError, match="not of mano"):
        COCOFull("train", MANO, folder="", root=root)[1]


def test_without_fits_of_smplx_those_of_smpl_stand_in_but_for_their_shape(root):
    person = H36MMosh("train", folder="", root=root)[0]
    smpl = H36MMosh("train", SMPL, folder="", root=root)[0]
    np.testing.assert_array_equal(person.pose[:22], smpl.pose[:22])
    assert person.betas is None and person.known[-2] == 0
    published = H36MMosh("train", folder="", root=root, as_published=True)[0]
    np.testing.assert_array_equal(published.betas, smpl.betas)


def test_the_lens_of_human36m_looks_at_the_middle_of_the_picture(root):
    lens = H36MMosh("train", folder="", root=root)[0].intrinsics
    assert lens[0].tolist() == pytest.approx([1146.8, 0, spin_labels.SIZE[0] / 2])
    assert COCOFull("train", folder="", root=root)[0].intrinsics is None


def test_a_right_hand_is_a_body_of_its_own(root):
    person = FreiHANDLabels("train", folder="", root=root)[2]
    hand = person.part_bodies["right_hand"]
    assert hand.body is MANO and hand.known.tolist() == [1.0] * 17 + [0.0] and hand.flat_hand
    assert not person.part_bodies["left_hand"].known.any()
    assert person.part_boxes[:, 4].tolist() == [0, 1, 0]
    np.testing.assert_allclose(1.2 * (person.part_boxes[1, 2] - person.part_boxes[1, 0]), 200 * 0.6, rtol=0.3)


def test_of_two_hands_each_is_there(root):
    person = InterHand("train", folder="", root=root)[0]
    assert person.part_boxes[:2, 4].tolist() == [1, 1]
    left, right = (person.part_bodies[name] for name in ("left_hand", "right_hand"))
    assert left.known[:16].all() and right.known[:16].all() and not np.array_equal(left.pose, right.pose)


def test_a_face_is_a_body_of_its_own(root):
    face = VGGFace2("train", folder="", root=root)[0].part_bodies["face"]
    assert face.body is FLAME and face.known.all() and face.betas.shape == (100,)
    assert face.expression.shape == (50,) and not face.pose[1].any(), "its neck does not turn"


def test_a_face_without_a_turn_of_its_own_has_none_but_as_published(root):
    assert COCOFull("train", folder="", root=root)[1].part_bodies["face"].known[0] == 0
    published = COCOFull("train", folder="", root=root, as_published=True)[1].part_bodies["face"]
    smpl = COCOFull("train", SMPL, folder="", root=root)[1]
    assert published.known[0] == 1
    np.testing.assert_array_equal(published.pose[0], smpl.pose[0])


def test_the_trust_in_a_hand_is_how_much_of_it_is_seen(tmp_path):
    points = spin_labels.labels(spin_labels.BODY, 3)["rhand_kp2d"]
    points[:, 7:, 2] = 0
    boxes = changed(tmp_path, spin_labels.BODY, rhand_kp2d=points)[0].part_boxes
    assert boxes[1, 4] == pytest.approx(1 / 3) and boxes[0, 4] == 1
    np.testing.assert_allclose(
        boxes[1, :4].astype(float), [*points[0, :7, :2].min(0), *points[0, :7, :2].max(0)]
    )


def test_an_unseen_hand_is_looked_for_at_the_wrist(tmp_path):
    points = spin_labels.labels(spin_labels.BODY, 3)["rhand_kp2d"]
    points[..., 2] = 0
    person = changed(tmp_path, spin_labels.BODY, rhand_kp2d=points)[0]
    box, wrist = person.part_boxes[1].astype(float), person.joints_2d[25 + 6, :2]
    np.testing.assert_allclose((box[:2] + box[2:4]) / 2, wrist)
    assert 0 < box[4] < 0.01 and box[2] - box[0] == pytest.approx(0.1 * float(person.box[2] - person.box[0]))


def test_rows_that_cannot_be_used_are_left_out_in_training_and_refused_in_tests(tmp_path, caplog):
    given = spin_labels.labels(spin_labels.BODY, 3)
    scale, pose = given["scale"], given["xpose"]
    scale[0], pose[1, 5] = 0, np.nan
    dataset = changed(tmp_path, spin_labels.BODY, scale=scale, xpose=pose)
    assert len(dataset) == 1 and "an empty box (row 0)" in caplog.text and "none (NaN) (row 1)" in caplog.text
    refused = COCOFull("train", flawed="refuse", folder="", root=tmp_path)
    with pytest.raises(UserError, match="is not whole"):
        len(refused)


def test_another_file_is_refused_in_words(tmp_path):
    with pytest.raises(UserError, match="it has no center, scale"):
        len(changed(tmp_path, spin_labels.BODY, center=None, scale=None))
    given = spin_labels.labels(spin_labels.BODY, 3)
    with pytest.raises(UserError, match=r"'xpose' of .* is \(3, 66\), not \(3, 72\)"):
        len(changed(tmp_path, spin_labels.BODY, xpose=given["xpose"][:, :66]))


def test_a_data_set_travels_to_workers_without_its_columns(root):
    dataset = COCOFull("train", folder="", root=root)
    len(dataset)
    assert pickle.dumps(dataset) == pickle.dumps(COCOFull("train", folder="", root=root))
    assert pickle.loads(pickle.dumps(dataset))[3].name == dataset[3].name


def test_mixtures_are_made_without_files_and_have_the_published_shares():
    mix = h36m_coco()
    assert mix.weights == (0.5, 0.5) and [type(one).__name__ for one in mix.datasets] == [
        "H36MMosh",
        "COCOFull",
    ]
    assert inter_freihand().weights == (0.7, 0.3)
    assert all(isinstance(one, SpinNpz) for one in mix.datasets)
