"""Joint sets: flips and maps follow from the names, and the names are sound."""

import pytest

from common import joints
from common.joints import BodyLayout, JointSet

SETS = [value for value in vars(joints).values() if isinstance(value, JointSet)]
WHOLE = [joint_set for joint_set in SETS if joint_set not in (joints.RIGHT_HAND_21,)]
LAYOUTS = [value for value in vars(joints).values() if isinstance(value, BodyLayout)]


@pytest.mark.parametrize("joint_set", WHOLE, ids=lambda s: s.name)
def test_mirroring_twice_changes_nothing_and_moves_no_joint_of_the_middle(joint_set):
    mirrored = joint_set.mirrored
    assert sorted(mirrored) == list(range(len(joint_set)))
    assert [mirrored[i] for i in mirrored] == list(range(len(joint_set)))
    for name, twin in zip(joint_set.names, mirrored, strict=True):
        assert (joint_set.names[twin] == name) != name.startswith(("left_", "right_"))


@pytest.mark.parametrize("joint_set", SETS, ids=lambda s: s.name)
def test_the_twin_of_a_set_is_what_a_mirror_shows(joint_set):
    assert joint_set.twin.twin.names == joint_set.names
    if joint_set in WHOLE:
        assert joint_set.twin.taken_from(joint_set) == joint_set.mirrored


def test_a_right_hand_is_the_left_one_in_a_mirror():
    assert set(joints.RIGHT_HAND_21.twin.names) == {
        name.replace("right_", "left_") for name in joints.RIGHT_HAND_21.names
    }
    with pytest.raises(ValueError, match="has no 'left_hand_root'"):
        _ = joints.RIGHT_HAND_21.mirrored


@pytest.mark.parametrize("joint_set", SETS, ids=lambda s: s.name)
def test_the_number_in_a_name_is_the_number_of_joints(joint_set):
    assert joint_set.name.endswith(f"_{len(joint_set)}")


@pytest.mark.parametrize("joint_set", SETS, ids=lambda s: s.name)
def test_a_set_taken_from_itself_changes_nothing(joint_set):
    assert joint_set.taken_from(joint_set) == tuple(range(len(joint_set)))


@pytest.mark.parametrize(
    "joint_set", [s for s in SETS if {"left_hand", "right_hand"} <= set(s.parts)], ids=lambda s: s.name
)
def test_parts_named_after_a_side_hold_that_side_and_mirror_into_each_other(joint_set):
    left, right = (range(len(joint_set))[joint_set.parts[f"{side}_hand"]] for side in ("left", "right"))
    assert all(joint_set.names[i].startswith("left_") for i in left)
    assert [joint_set.mirrored[i] for i in left] == list(right)


def test_taking_from_another_set_goes_by_name_and_says_what_is_missing():
    wanted, given = JointSet("wanted_3", ("a", "b", "c")), JointSet("given_2", ("c", "a"))
    assert wanted.taken_from(given) == (1, -1, 0)


def test_the_posed_joints_come_first_in_what_a_model_reports():
    for posed, reported in (
        (joints.SMPL_24, joints.SMPL_45),
        (joints.SMPLX_55, joints.SMPLX_144),
        (joints.MANO_16, joints.MANO_21),
    ):
        assert reported.names[: len(posed)] == posed.names


def test_layouts_turn_the_joints_of_their_official_files():
    assert {layout.name: len(layout.joints) for layout in LAYOUTS} == {
        "smpl": 24,
        "smplx": 55,
        "mano": 16,
        "flame": 5,
    }


def test_errors_name_the_set_and_the_joint():
    with pytest.raises(ValueError, match=r"'twice' has names twice: a\."):
        JointSet("twice", ("a", "b", "a"))
    with pytest.raises(ValueError, match="'coco_17' has no 'left_wing'"):
        joints.COCO_17.index("left_wing")
    with pytest.raises(ValueError, match="'lone' has no 'right_paw'"):
        _ = JointSet("lone", ("left_paw",)).mirrored
