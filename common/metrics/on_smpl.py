"""What SPIN and its kin measure: SMPL's mesh, to which SMPL-X's is transferred, and 14 joints read off it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from common.body_models.regressors import shared_regressor
from common.joints import H36M_17, LSP_14, JointSet
from common.metrics.metric import Metric
from common.metrics.point_error import PointError
from common.metrics.points import Measured, Points, read_joints
from common.structures import Batch, Body, Prediction

SPINS_H36M = JointSet(
    "spins_h36m", (H36M_17.names[0], *H36M_17.names[4:7], *H36M_17.names[1:4], *H36M_17.names[7:])
)
LSP_17 = JointSet("lsp_17", (*LSP_14.names, "pelvis_h36m", "spine_h36m", "jaw_h36m"))
HIPS = ("right_hip_h36m", "left_hip_h36m")


@dataclass(frozen=True)
class MeshOnSMPL(Points):
    """SMPL's vertices, where they are."""

    def read(self, body: Body) -> Measured:
        body = on_smpl(body)
        return Measured(body.vertices, torch.zeros_like(body.vertices[:, :1]), f"{body.topology} mesh")


@dataclass(frozen=True)
class LSPOnSMPL(Points):
    """LSP's 14 joints, or those of `joints`, as Human3.6M's regressor reads them off SMPL's mesh.

    Seen from the pelvis it reads. SPIN's regressor, the one for SMPL, has the left leg first.
    """

    joints: JointSet = LSP_14

    def read(self, body: Body) -> Measured:
        body = on_smpl(body)
        points = shared_regressor(body.topology, "h36m", body.vertices.device)(body)
        rows = self.joints.taken_from(SPINS_H36M if body.topology == "smpl" else H36M_17)
        return Measured(points[:, list(rows)], points[:, :1], self.joints.name)


@dataclass(frozen=True)
class AnnotatedLSP(LSPOnSMPL):
    """The same against annotated joints of `joint_set`, the benchmark's, seen from the middle of their hips.

    Published: the two are not seen from the same point. Joints without annotation do not count, nor do
    persons of whom a hip is not annotated.
    """

    joint_set: JointSet = LSP_14

    def pair(self, prediction: Prediction, batch: Batch) -> tuple[Measured, Measured]:
        points, confidence = batch.target.joints_3d.split([3, 1], -1)
        hips, rows = (list(self.joint_set.indices(names)) for names in (HIPS, self.joints.names))
        known = (confidence[..., 0] > 0).to(points.dtype)
        counted = known[:, rows] * known[:, hips].amin(1, keepdim=True)
        origin = points[:, hips].mean(1, keepdim=True)
        return self.read(prediction.body), Measured(points[:, rows], origin, self.joints.name, counted)


@dataclass(frozen=True)
class CarriedFromPelvis(Points):
    """SMPL's vertices, or joints that SMPL regresses from them by name; SMPL-X's are carried over.

    Each is seen from the pelvis that its own body model regresses from its own mesh (SMPLest-X).
    """

    joints: tuple[str, ...] = ()  # in place of the vertices

    def read(self, body: Body) -> Measured:
        origin = read_joints(body, ("pelvis",), from_mesh=True)
        carried = on_smpl(body)
        if not self.joints:
            return Measured(carried.vertices, origin, f"{carried.topology} mesh")
        points = read_joints(carried, self.joints, from_mesh=True)
        return Measured(points, origin, f"{carried.topology} joints")


def carried_errors(joints: tuple[str, ...]) -> tuple[Metric, ...]:
    """MPVPE, MPJPE and their PA of SMPL's mesh and some of its joints, in millimeters (SMPLest-X)."""
    return (
        PointError("mpvpe", CarriedFromPelvis(), with_pa=True),
        PointError("mpjpe_body", CarriedFromPelvis(joints), with_pa=True),
    )


def on_smpl(body: Body) -> Body:
    """SMPL's mesh in place of SMPL-X's, by the official correspondences; other bodies as they are.

    Of a mesh that was transferred, joints and the shape at rest are not known: not a number. Raises
    FileNotFoundError where the correspondences are missing.
    """
    if body.topology != "smplx":
        return body
    vertices = shared_regressor("smplx", "smpl", body.vertices.device).read(body.vertices)
    unknown = torch.full_like(vertices, torch.nan)
    return replace(body, vertices=vertices, joints=unknown[:, :24], rest=unknown, topology="smpl")
