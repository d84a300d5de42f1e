"""What PyMAF-X's experts are taught, alone and together, with the published weights; every stage, but maps.

Published: a wrist counts where its hand's fit is known, even if the body's is not; here both have to be.
"""

from __future__ import annotations

from common.joints import FACE_68, RIGHT_HAND_21, SPIN_49, SPIN_159, JointSet
from common.losses.dense import SurfaceCoordinate, SurfaceIndex
from common.losses.objective import Term
from common.losses.parameters import Betas, Expression, Rotations
from common.losses.part_joints import CameraScale, HandVisibility, PartJoints2D, PartJoints3D

HIPS = ("right_hip_h36m", "left_hip_h36m")
ROOTS = {"left_hand": "left_hand_root", "right_hand": "right_hand_root", "face": "nose_base"}
TURN, SHAPE = 60.0, 0.06  # of rotations, and of coefficients of shape and expression
POINTS = 300.0
PART_POINTS, PLACE = 1000.0, 30.0  # of a hand's or a face's joints, seen from its root, and where they are
OF_SPIN = 24 / 49  # published: the mean is over SPIN's 49 points, of which OpenPose's teach nothing


def turns(first: int, last: int, known_with: int | None = None) -> Term:
    return Term(TURN, Rotations(first, last, over="persons", known_with=known_with), every_stage=True)


def part(joint_set: JointSet, name: str, weight: float) -> dict[str, Term]:
    """The points of a hand or a face: their shape and place in the picture, their shape in space."""
    root = ROOTS[name]
    return {
        f"{name}_2d": Term(weight, PartJoints2D(joint_set, name, root), every_stage=True),
        f"{name}_place": Term(PLACE, PartJoints2D(joint_set, name), every_stage=True),
        f"{name}_3d": Term(PART_POINTS, PartJoints3D(joint_set, name, (root,), still=True), every_stage=True),
    }


def body(joint_set: JointSet, joints: int) -> dict[str, Term]:
    """A body of so many turning joints that are supervised."""
    return {
        "surface": Term(1.0, SurfaceIndex()),
        "surface_group": Term(1.0, SurfaceIndex(grouped=True)),
        "u": Term(1.0, SurfaceCoordinate("u")),
        "v": Term(1.0, SurfaceCoordinate("v")),
        "pose": turns(0, joints),
        "betas": Term(SHAPE, Betas("l2", "persons"), every_stage=True),
        "joints_2d": Term(POINTS * OF_SPIN, PartJoints2D(joint_set, "spin"), every_stage=True),
        "joints_3d": Term(POINTS, PartJoints3D(joint_set, "spin", HIPS), every_stage=True),
        "camera": Term(1.0, CameraScale(10.0), every_stage=True),
    }


WHOLE = {
    **body(SPIN_159, 20),
    "left_wrist": turns(20, 21, known_with=25),
    "right_wrist": turns(21, 22, known_with=40),
    "left_hand": turns(25, 40),
    "right_hand": turns(40, 55),
    "face": turns(22, 25),
    "expression": Term(SHAPE, Expression("l2", "persons"), every_stage=True),
    **part(SPIN_159, "left_hand", PART_POINTS),
    **part(SPIN_159, "right_hand", PART_POINTS),
    **part(SPIN_159, "face", PART_POINTS),
    "visibility": Term(1.0, HandVisibility(SPIN_159)),
}
BODY = body(SPIN_159, 22)
SMPL_BODY = body(SPIN_49, 24)
HAND = {
    "root": turns(0, 1),
    "pose": turns(1, 16),
    "betas": Term(SHAPE, Betas("l2", "persons"), every_stage=True),
    **part(RIGHT_HAND_21, "right_hand", POINTS),
    "camera": Term(1.0, CameraScale(1.0), every_stage=True),
}
FACE = {
    "root": turns(0, 1),
    "pose": turns(2, 5),
    "betas": Term(SHAPE, Betas("l2", "persons"), every_stage=True),
    "expression": Term(SHAPE, Expression("l2", "persons"), every_stage=True),
    **part(FACE_68, "face", POINTS),
    "camera": Term(1.0, CameraScale(1.0), every_stage=True),
}
