"""The points that PyMAF-X is supervised on, read off a body, a hand or a head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from common.body_models.body_model import BodyModel
from common.body_models.regressors import Regressor
from common.joints import FACE_68, RIGHT_HAND_21, SPIN_49, SPIN_159, JointSet
from common.structures import Body

# points of SPIN that are read off SMPL's mesh by a matrix of their own, in its order
EXTRA = (
    "right_hip_h36m", "left_hip_h36m", "neck_h36m", "head_top", "pelvis_h36m", "thorax", "spine_h36m",
    "jaw_h36m", "head_h36m",
)  # fmt: skip
BY_FAMILY = {"smplx": SPIN_159, "smpl": SPIN_49, "mano": RIGHT_HAND_21, "flame": FACE_68}


class Joints(nn.Module):
    """Reads the joint set of its family off bodies; SPIN takes many of its points to be SMPL's joints."""

    places: Tensor  # (J,) among the joints that the body reports, then the extra ones
    matrix: Tensor  # (9, V) the extra ones as sums of vertices, of SMPL-X through SMPL's mesh

    def __init__(self, body: BodyModel, to_smpl: Regressor | None) -> None:
        super().__init__()
        family = body.layout.name
        self.joint_set = BY_FAMILY[family]
        self.has_extra = family in ("smplx", "smpl")
        self.to_smpl = to_smpl
        known = JointSet("known", (*body.joint_set.names, *(EXTRA if self.has_extra else ())))
        places = torch.tensor(
            known.indices(tuple(_source(n, known) for n in self.joint_set.names)), device="cpu"
        )
        self.register_buffer("places", places, persistent=False)
        self.register_buffer("matrix", torch.zeros(0, 0, device="cpu"), persistent=False)

    def set_extra(self, matrix: Tensor) -> None:
        """(9, 6890) of SMPL's mesh, as the weights or a file have it."""
        if self.to_smpl is not None:
            parts = (matrix[:, :, None] * self.to_smpl.weights.to(matrix.device)).flatten(1)
            vertices = self.to_smpl.vertices.to(matrix.device).flatten()
            matrix = matrix.new_zeros(len(matrix), int(vertices.max()) + 1).index_add(1, vertices, parts)
        self.matrix = matrix

    def forward(self, body: Body) -> Tensor:
        """(B, J, 3)."""
        points = body.joints
        if self.has_extra:
            points = torch.cat([points, self.matrix @ body.vertices[:, : self.matrix.shape[1]]], 1)
        return points.index_select(1, self.places)


def _source(name: str, known: JointSet) -> str:
    """The joint that a point is taken to be."""
    if name in known.names:
        return name
    bare = name.removesuffix("_h36m").removesuffix("_spin")
    if bare.endswith("hand_root"):
        bare = bare.replace("hand_root", "wrist")
    return bare if bare in known.names else bare.removeprefix("right_")
