"""Named joint sets and body layouts; flips and maps follow from the names.

One rule makes the names safe: two sets share a name only where a network may be taught one by the other.
A person's own left is `left_`; a finger's three joints are 1, 2, 3 from the knuckle on, its end is `tip`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


def _twin(name: str) -> str:
    for side, other in (("left_", "right_"), ("right_", "left_")):
        if name.startswith(side):
            return other + name.removeprefix(side)
    return name


@dataclass(frozen=True)
class JointSet:
    """An ordered set of named joints; `parts` are slices of it, such as {"left_hand": slice(25, 40)}."""

    name: str
    names: tuple[str, ...]
    parts: Mapping[str, slice] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names):
            twice = sorted({name for name in self.names if self.names.count(name) > 1})
            raise ValueError(f"Joint set '{self.name}' has names twice: {', '.join(twice)}.")

    def __len__(self) -> int:
        return len(self.names)

    def index(self, joint: str) -> int:
        """The place of a joint; ValueError where the set lacks it."""
        if joint not in self.names:
            raise ValueError(f"Joint set '{self.name}' has no '{joint}'.")
        return self.names.index(joint)

    def indices(self, joints: tuple[str, ...]) -> tuple[int, ...]:
        """The places of several joints."""
        return tuple(self.index(joint) for joint in joints)

    @cached_property
    def mirrored(self) -> tuple[int, ...]:
        """Where each joint lands when the image is flipped; ValueError where one lacks its twin."""
        return tuple(self.index(_twin(name)) for name in self.names)

    @cached_property
    def twin(self) -> JointSet:
        """What these joints are called in a mirror: a right hand is a left one, a body itself."""
        return JointSet(f"{self.name}_twin", tuple(map(_twin, self.names)))

    def taken_from(self, other: JointSet) -> tuple[int, ...]:
        """For each joint here, its place in `other`, or -1 where `other` lacks it."""
        place = {name: i for i, name in enumerate(other.names)}
        return tuple(place.get(name, -1) for name in self.names)


@dataclass(frozen=True)
class BodyLayout:
    """What a body is posed and shaped by: the joints that turn, and how many coefficients it takes."""

    name: str  # "smpl", "smplx", "mano", "flame": which official file
    joints: JointSet
    betas: int = 10
    expression: int = 0


def _sides(*names: str) -> tuple[str, ...]:
    """a, b -> left_a, left_b, right_a, right_b."""
    return tuple(f"{side}_{name}" for side in ("left", "right") for name in names)


def _pairs(*names: str) -> tuple[str, ...]:
    """a, b -> left_a, right_a, left_b, right_b."""
    return tuple(f"{side}_{name}" for name in names for side in ("left", "right"))


_BODY_22 = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle",
    "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
)  # fmt: skip
_FINGERS = ("thumb", "index", "middle", "ring", "pinky")
_HAND_15 = tuple(
    f"{finger}_{i}" for finger in ("index", "middle", "pinky", "ring", "thumb") for i in (1, 2, 3)
)
_TIPS = tuple(f"{finger}_tip" for finger in _FINGERS)
_HAND_21 = tuple(f"{finger}_{i}" for finger in _FINGERS for i in ("1", "2", "3", "tip"))
_FEET = ("big_toe", "small_toe", "heel")
_VERTEX_21 = ("nose", "right_eye", "left_eye", "right_ear", "left_ear", *_sides(*_FEET), *_sides(*_TIPS))

# The 51 inner points of the usual 68 of a face, then its 17 of the contour; the person's right side first.
_FACE_51 = (
    *(f"right_brow_{i}" for i in (1, 2, 3, 4, 5)), *(f"left_brow_{i}" for i in (5, 4, 3, 2, 1)),
    *(f"nose_bridge_{i}" for i in (1, 2, 3, 4)),
    "right_nostril_1", "right_nostril_2", "nose_base", "left_nostril_2", "left_nostril_1",
    "right_eye_outer", "right_eye_upper_1", "right_eye_upper_2",
    "right_eye_inner", "right_eye_lower_2", "right_eye_lower_1",
    "left_eye_inner", "left_eye_upper_2", "left_eye_upper_1",
    "left_eye_outer", "left_eye_lower_1", "left_eye_lower_2",
    "right_mouth_corner", "right_upper_lip_1", "right_upper_lip_2", "upper_lip",
    "left_upper_lip_2", "left_upper_lip_1", "left_mouth_corner",
    "left_lower_lip_1", "left_lower_lip_2", "lower_lip", "right_lower_lip_2", "right_lower_lip_1",
    "right_inner_mouth_corner", "right_inner_upper_lip", "inner_upper_lip", "left_inner_upper_lip",
    "left_inner_mouth_corner", "left_inner_lower_lip", "inner_lower_lip", "right_inner_lower_lip",
)  # fmt: skip
_CONTOUR_17 = (
    *(f"right_contour_{i}" for i in range(1, 9)), "chin", *(f"left_contour_{i}" for i in range(8, 0, -1)),
)  # fmt: skip

# the joints that turn
SMPL_24 = JointSet("smpl_24", (*_BODY_22, "left_hand", "right_hand"))
SMPLX_55 = JointSet(
    "smplx_55",
    (*_BODY_22, "jaw", "left_eyeball", "right_eyeball", *_sides(*_HAND_15)),
    {
        "body": slice(0, 22), "jaw": slice(22, 23), "eyes": slice(23, 25),
        "left_hand": slice(25, 40), "right_hand": slice(40, 55),
    },
)  # fmt: skip
MANO_16 = JointSet("mano_16", ("wrist", *_HAND_15))
FLAME_5 = JointSet("flame_5", ("root", "neck", "jaw", "left_eyeball", "right_eyeball"))

SMPL = BodyLayout("smpl", SMPL_24)
SMPLX = BodyLayout("smplx", SMPLX_55, expression=10)
MANO = BodyLayout("mano", MANO_16)
FLAME = BodyLayout("flame", FLAME_5, expression=10)

# all that the official models report: those that turn, points on the skin, landmarks
SMPL_45 = JointSet("smpl_45", (*SMPL_24.names, *_VERTEX_21))
SMPLX_144 = JointSet(
    "smplx_144",
    (*SMPLX_55.names, *_VERTEX_21, *_FACE_51, *_CONTOUR_17),
    {**SMPLX_55.parts, "face": slice(76, 144)},
)
MANO_21 = JointSet("mano_21", (*MANO_16.names, *_TIPS))
FLAME_73 = JointSet("flame_73", (*FLAME_5.names, *_FACE_51, *_CONTOUR_17), {"face": slice(5, 73)})

# what OSX, SMPLer-X and SMPLest-X are supervised on; the eyes of the face part are the body's once more: as
# published, no annotated eye teaches them, so they have names of their own
WHOLE_BODY_137 = JointSet(
    "whole_body_137",
    (
        "pelvis", *_pairs("hip", "knee", "ankle"), "neck", *_pairs("shoulder", "elbow", "wrist"),
        *_sides(*_FEET), *_pairs("ear", "eye"), "nose", *_sides(*_HAND_21),
        "jaw", "head", *_pairs("face_eye"), *_FACE_51, *_CONTOUR_17,
    ),
    {"body": slice(0, 25), "left_hand": slice(25, 45), "right_hand": slice(45, 65), "face": slice(65, 137)},
)  # fmt: skip

# the joints whose rotations OSX and SMPLer-X say
POSE_53 = JointSet(
    "pose_53",
    (*_BODY_22, *_sides(*_HAND_15), "jaw"),
    {"body": slice(0, 22), "left_hand": slice(22, 37), "right_hand": slice(37, 52), "jaw": slice(52, 53)},
)

# points that the Human3.6M regressor reads off a mesh, and the sets compared with them: not SMPL's joints
H36M_17 = JointSet(
    "h36m_17",
    tuple(
        f"{name}_h36m"
        for name in (
            "pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
            "spine", "neck", "jaw", "head", "left_shoulder", "left_elbow", "left_wrist",
            "right_shoulder", "right_elbow", "right_wrist",
        )
    ),
)  # fmt: skip
_LSP_13 = (
    *(f"right_{name}_h36m" for name in ("ankle", "knee", "hip")),
    *(f"left_{name}_h36m" for name in ("hip", "knee", "ankle")),
    *(f"right_{name}_h36m" for name in ("wrist", "elbow", "shoulder")),
    *(f"left_{name}_h36m" for name in ("shoulder", "elbow", "wrist")),
    "neck_h36m",
)
LSP_14 = JointSet("lsp_14", (*_LSP_13, "head_h36m"))
SPIN_24 = JointSet(
    "spin_24",
    (
        *_LSP_13, "head_top", "pelvis_h36m", "thorax", "spine_h36m", "jaw_h36m", "head_h36m",
        "nose_spin", *(f"{name}_spin" for name in _pairs("eye", "ear")),
    ),
)  # fmt: skip
OPENPOSE_25 = JointSet(
    "openpose_25",
    (
        "nose", "neck", *(f"right_{name}" for name in ("shoulder", "elbow", "wrist")),
        *(f"left_{name}" for name in ("shoulder", "elbow", "wrist")), "pelvis",
        *(f"right_{name}" for name in ("hip", "knee", "ankle")),
        *(f"left_{name}" for name in ("hip", "knee", "ankle")),
        "right_eye", "left_eye", "right_ear", "left_ear", *_sides(*_FEET),
    ),
)  # fmt: skip
SPIN_49 = JointSet(
    "spin_49", (*OPENPOSE_25.names, *SPIN_24.names), {"openpose": slice(0, 25), "spin": slice(25, 49)}
)

# what PyMAF-X is supervised on: the body, both hands from their roots on, the face; and its experts apart
_RIGHT_HAND_21 = ("right_hand_root", *(f"right_{name}" for name in _HAND_21))
SPIN_159 = JointSet(
    "spin_159",
    (
        *SPIN_49.names, "left_hand_root", *(f"left_{name}" for name in _HAND_21), *_RIGHT_HAND_21,
        *_FACE_51, *_CONTOUR_17,
    ),
    {
        "body": slice(0, 49), "openpose": slice(0, 25), "spin": slice(25, 49),
        "left_hand": slice(49, 70), "right_hand": slice(70, 91), "face": slice(91, 159),
    },
)  # fmt: skip
RIGHT_HAND_21 = JointSet("right_hand_21", _RIGHT_HAND_21, {"right_hand": slice(0, 21)})
FACE_68 = JointSet("face_68", (*_FACE_51, *_CONTOUR_17), {"face": slice(0, 68)})

# what detectors and annotators see
COCO_17 = JointSet(
    "coco_17",
    ("nose", *_pairs("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")),
)
COCO_WHOLE_BODY_133 = JointSet(
    "coco_whole_body_133",
    (
        *COCO_17.names, *_sides(*_FEET), *_CONTOUR_17, *_FACE_51,
        "left_hand_root", *(f"left_{name}" for name in _HAND_21),
        "right_hand_root", *(f"right_{name}" for name in _HAND_21),
    ),
    {
        "body": slice(0, 17), "feet": slice(17, 23), "face": slice(23, 91),
        "left_hand": slice(91, 112), "right_hand": slice(112, 133),
    },
)  # fmt: skip
BLAZEPOSE_33 = JointSet(
    "blazepose_33",
    (
        "nose", "left_inner_canthus", "left_eye", "left_outer_canthus", "right_inner_canthus", "right_eye",
        "right_outer_canthus", "left_ear", "right_ear", "left_mouth_corner", "right_mouth_corner",
        *_pairs("shoulder", "elbow", "wrist", "pinky_1", "index_1", "thumb_2"),
        *_pairs("hip", "knee", "ankle", "heel", "big_toe"),
    ),
)  # fmt: skip

# what STRAPS is supervised on: in the picture, and in space
STRAPS_31 = JointSet(
    "straps_31", (*COCO_17.names, *LSP_14.names), {"coco": slice(0, 17), "lsp": slice(17, 31)}
)

# what the lifter looks at, by names that detectors share, and what it is taught: the body's joints besides
LIFTER_29 = JointSet(
    "lifter_29",
    (
        *COCO_17.names[:5],
        *_pairs("shoulder", "elbow", "wrist", "thumb_2", "index_1", "pinky_1"),
        *_pairs("hip", "knee", "ankle", "heel", "big_toe", "small_toe"),
    ),
)
LIFTER_39 = JointSet(
    "lifter_39",
    (*_BODY_22, *(name for name in LIFTER_29.names if name not in _BODY_22)),
    {"body": slice(0, 22)},
)
