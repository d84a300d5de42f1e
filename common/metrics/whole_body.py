"""The numbers that whole-body benchmarks share: mesh, hands and face, and joints of body and hands."""

from __future__ import annotations

from collections.abc import Callable

from common.metrics.metric import Metric
from common.metrics.point_error import PointError
from common.metrics.points import Joints, Points, Regressed, Vertices

SIDES = ("left", "right")
FINGERS = ("thumb", "index", "middle", "ring", "pinky")
ALL = Vertices(from_mesh=True)
HANDS = tuple(Vertices(f"{side}_hand", (f"{side}_wrist",), from_mesh=True) for side in SIDES)
FACE = Vertices("head", ("neck",), from_mesh=True)
BODY_JOINTS = Regressed("j14")
HAND_JOINTS = tuple(
    Joints(
        (f"{side}_wrist", *(f"{side}_{finger}_{i}" for finger in FINGERS for i in ("1", "2", "3", "tip"))),
        (f"{side}_wrist",),
        from_mesh=True,
    )
    for side in SIDES
)


def mesh_errors(
    counted: Callable[[Points], Points] = lambda points: points, kind: type[PointError] = PointError
) -> tuple[Metric, ...]:
    """MPVPE and PA-MPVPE of all, hands and face, in millimeters (published by Hand4Whole, OSX, SMPLer-X).

    All is seen from the pelvis, a hand from its wrist, the face from the neck, each regressed from its mesh;
    for PA each part is aligned alone, and a person's hands are the mean of the two. `counted` narrows down
    what counts, such as InPicture; `kind` measures what every person should have: the whole.
    """
    whole, hands, face = counted(ALL), tuple(map(counted, HANDS)), counted(FACE)
    return (
        kind("mpvpe", whole, with_pa=True),
        PointError("mpvpe_hands", hands, with_pa=True),
        PointError("mpvpe_face", face, with_pa=True),
    )


def joint_errors(
    counted: Callable[[Points], Points] = lambda points: points, kind: type[PointError] = PointError
) -> tuple[Metric, ...]:
    """PA-MPJPE of the 14 joints of LSP and of 21 joints a hand; the arguments are those of `mesh_errors`."""
    hands = tuple(map(counted, HAND_JOINTS))
    return (
        kind("pa_mpjpe_body", counted(BODY_JOINTS), "procrustes"),
        PointError("pa_mpjpe_hands", hands, "procrustes"),
    )
