"""What the SMPL-X and SMPL file formats fix: sizes, joints, parents, and the vertices of key points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from common.joints import SMPL_24, SMPLX_55, JointSet

_PARENTS = (
    -1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 15, 15, 15,
    20, 25, 26, 20, 28, 29, 20, 31, 32, 20, 34, 35, 20, 37, 38,
    21, 40, 41, 21, 43, 44, 21, 46, 47, 21, 49, 50, 21, 52, 53,
)  # fmt: skip

# Where readers of either format look for these points of the skin, in the order of the `smplx` package.
_SMPLX_KEYPOINTS = {
    "nose": 9120, "right_eye": 9929, "left_eye": 9448, "right_ear": 616, "left_ear": 6,
    "right_thumb_tip": 8079, "right_index_tip": 7669, "right_middle_tip": 7794, "right_ring_tip": 7905,
    "right_pinky_tip": 8022, "left_thumb_tip": 5361, "left_index_tip": 4933, "left_middle_tip": 5058,
    "left_ring_tip": 5169, "left_pinky_tip": 5286, "left_big_toe": 5770, "left_small_toe": 5780,
    "left_heel": 8846, "right_big_toe": 8463, "right_small_toe": 8474, "right_heel": 8635,
}  # fmt: skip
_SMPL_KEYPOINTS = {
    "nose": 332, "right_eye": 6260, "left_eye": 2800, "right_ear": 4071, "left_ear": 583,
    "right_thumb_tip": 6191, "right_index_tip": 5782, "right_middle_tip": 5905, "right_ring_tip": 6016,
    "right_pinky_tip": 6133, "left_thumb_tip": 2746, "left_index_tip": 2319, "left_middle_tip": 2445,
    "left_ring_tip": 2556, "left_pinky_tip": 2673, "left_big_toe": 3216, "left_small_toe": 3226,
    "left_heel": 3387, "right_big_toe": 6617, "right_small_toe": 6624, "right_heel": 6787,
}  # fmt: skip


@dataclass(frozen=True)
class Format:
    """One official file format."""

    name: str
    vertices: int
    joints: JointSet  # those that turn
    parents: tuple[int, ...]
    keypoints: Mapping[str, int]  # point of the skin -> the vertex that must be there

    @property
    def topology(self) -> str:
        """The name of the free body's mesh: as large as the official one, and never to be mixed with it."""
        return f"humanmesh-{self.vertices}"


SMPLX_FORMAT = Format("smplx", 10475, SMPLX_55, _PARENTS, _SMPLX_KEYPOINTS)
SMPL_FORMAT = Format("smpl", 6890, SMPL_24, (*_PARENTS[:22], 20, 21), _SMPL_KEYPOINTS)


def official_joint_names(layout: Format) -> tuple[str, ...]:
    """The joints' names as official files spell them: `left_index1`, `left_eye_smplhf`."""
    return tuple(
        name.replace("_eyeball", "_eye_smplhf") if "eyeball" in name else _without_last_underscore(name)
        for name in layout.joints.names
    )


def _without_last_underscore(name: str) -> str:
    head, _, tail = name.rpartition("_")
    return head + tail if tail.isdigit() else name
