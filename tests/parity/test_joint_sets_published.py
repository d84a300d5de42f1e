"""Joint names, flips and maps: those of the published systems.

`joint_sets.json` beside this file is a part of what `../shared/parity` holds, which is checked as a whole
where it is at hand.
"""

import json
from collections.abc import Mapping

import numpy as np
import pytest
from published_names import APART, our_name

from common import joints as j
from common.joints import JointSet
from common.utils.paths import ROOT

SHARED = ROOT.parent / "shared" / "parity"
GOLDEN = ROOT / "tests" / "parity"


@pytest.fixture(scope="module", params=["golden", "shared"])
def sets(request) -> Mapping:
    if request.param == "golden":
        return json.loads((GOLDEN / "joint_sets.json").read_text())
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there: only the part that tests/parity keeps is checked")
    tables = np.load(SHARED / "pymaf_x" / "preprocess.npz")
    tables = {name: tables[name].tolist() for name in tables.files if name.startswith("index.")}
    return json.loads((SHARED / "osx" / "joint_sets.json").read_text()) | {"pymaf_x": tables}


@pytest.mark.parametrize(
    ("name", "ours"), [("smplx137", j.WHOLE_BODY_137), ("pose53", j.POSE_53), ("smpl24", j.SMPL_24)]
)
def test_names_and_flips_are_the_published_ones(sets, name, ours):
    assert tuple(our_name(joint) for joint in sets[name]["names"]) == ours.names
    assert ours.mirrored == swapped(sets[name]["flip_pairs"], len(ours))


def swapped(pairs: list[list[int]], count: int) -> tuple[int, ...]:
    places = list(range(count))
    for one, other in pairs:
        places[one], places[other] = other, one
    return tuple(places)


@pytest.mark.parametrize("name", ["AGORA", "MSCOCO", "MPII", "Human36M", "MPI_INF_3DHP"])
def test_a_data_set_teaches_by_name_what_it_teaches_as_published(sets, name):
    given = JointSet(name, tuple(our_name(joint, APART.get(name, {})) for joint in sets[name]["names"]))
    expected = [-1] * 137
    for place, goal in enumerate(sets[name]["to_smplx137"]):
        if goal >= 0:
            expected[goal] = place
    assert j.WHOLE_BODY_137.taken_from(given) == tuple(expected)
    assert given.mirrored == swapped(sets[name]["flip_pairs"], len(given))


def test_the_137_are_read_off_the_144_but_for_the_repeated_eyes(sets):
    places, expected = j.WHOLE_BODY_137.taken_from(j.SMPLX_144), sets["smplx137"]["from_smplx144"]
    eyes = {67: 57, 68: 56}
    assert [eyes.get(i, place) for i, place in enumerate(places)] == expected


def test_the_spin_family_flips_and_maps_as_published(sets):
    tables = sets["pymaf_x"]
    assert list(j.SPIN_24.mirrored) == tables["index.J24_FLIP_PERM"]
    assert list(j.SPIN_49.mirrored) == tables["index.J49_FLIP_PERM"]
    assert list(j.SMPL_24.mirrored) == tables["index.SMPL_JOINTS_FLIP_PERM"]
    assert list(j.LSP_14.taken_from(j.SPIN_24)) == tables["index.J24_TO_J14"]
    assert j.LSP_14.taken_from(j.H36M_17) == (3, 2, 1, 4, 5, 6, 16, 15, 14, 11, 12, 13, 8, 10)
    left_hand = JointSet("hand", tuple(j.COCO_WHOLE_BODY_133.names[92:112]))
    assert list(left_hand.taken_from(j.SMPLX_144)) == tables["index.smplx_left_hand"][1:]
    face = JointSet("face", (*j.COCO_WHOLE_BODY_133.names[40:91], *j.COCO_WHOLE_BODY_133.names[23:40]))
    assert list(face.mirrored) == tables["index.FACE_FLIP_PERM"]
    mano = JointSet("hand", ("wrist", *(name.removeprefix("left_") for name in left_hand.names)))
    assert list(mano.taken_from(j.MANO_21)) == tables["index.mano_order"]
