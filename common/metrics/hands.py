"""The right hand that a network sees, be it a body of its own or part of a whole one."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from common.body_models.regressors import part_vertices
from common.joints import MANO, MANO_21, SMPLX, JointSet
from common.metrics.points import Measured, Points, read_joints
from common.structures import Batch, Body, Prediction

SIDE = "right_"


@dataclass(frozen=True)
class HandMesh(Points):
    """The 778 vertices of the right hand, in the order of MANO."""

    def read(self, body: Body) -> Measured:
        points = body.vertices
        if body.topology == SMPLX.name:
            points = points[:, part_vertices(body.topology, "right_hand").to(points.device)]
        kind = "hand mesh" if body.topology in (MANO.name, SMPLX.name) else f"{body.topology} mesh"
        return Measured(points, torch.zeros_like(points[:, :1]), kind)


@dataclass(frozen=True)
class AnnotatedHand(Points):
    """The 21 joints of the right hand against annotated ones, the benchmark's, seen from the wrist."""

    joint_set: JointSet = MANO_21

    def read(self, body: Body) -> Measured:
        alone = body.joints.shape[1] == len(MANO_21)
        names = tuple(name if alone else SIDE + name for name in self.joint_set.names)
        points = read_joints(body, names)
        wrist = self.joint_set.index("wrist")
        return Measured(points, points[:, wrist : wrist + 1], "hand")

    def pair(self, prediction: Prediction, batch: Batch) -> tuple[Measured, Measured]:
        points, confidence = batch.target.joints_3d.split([3, 1], -1)
        wrist = self.joint_set.index("wrist")
        known = (confidence[..., 0] > 0).to(points.dtype)
        return self.read(prediction.body), Measured(points, points[:, wrist : wrist + 1], "hand", known)
