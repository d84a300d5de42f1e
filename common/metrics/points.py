"""Which points of a person are measured, which of them count, and the one they are seen from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from common.body_models.regressors import part_vertices, shared_regressor
from common.geometry.align import axis_by_axis
from common.joints import FLAME_73, MANO_21, SMPL_24, SMPL_45, SMPLX_55, SMPLX_144, JointSet
from common.structures import Batch, Body, Prediction
from common.utils.errors import UserError

REPORTED = {len(joints): joints for joints in (SMPL_24, SMPL_45, SMPLX_55, SMPLX_144, MANO_21, FLAME_73)}


class NotComparable(UserError, ValueError):
    """Two bodies have nothing in common that could be measured; the text says what was to be compared."""


@dataclass(frozen=True)
class Measured:
    """Points of a batch of people."""

    points: Tensor  # (B, N, 3) meters
    origin: Tensor  # (B, 1, 3) what they are seen from
    kind: str  # points of one kind can be compared
    known: Tensor | None = None  # (B, N) 0 or 1: the others are nowhere; None: all are known
    counted: Tensor | None = (
        None  # (B, N) 0 or 1: the others are aligned too, but no part of the mean; None: all
    )


class Points:
    """A choice of points, as a frozen dataclass; of two bodies unless `pair` is overridden."""

    def read(self, body: Body) -> Measured:
        """The points of a batch of bodies."""
        raise NotImplementedError

    def pair(self, prediction: Prediction, batch: Batch) -> tuple[Measured, Measured]:
        """The points predicted, and the true ones; ValueError where the benchmark made no true body."""
        if batch.target.body is None:
            raise ValueError("The benchmark's `prepare` made no true body; use one that does: PosedTargets.")
        return self.read(prediction.body), self.read(batch.target.body)


@dataclass(frozen=True)
class Joints(Points):
    """Joints by name, seen from the middle of `root`, or where they are without one.

    They are those that the body models report; `from_mesh` regresses the ones that turn from the posed mesh
    instead, as the published evaluations do, which is some millimeters elsewhere.
    """

    names: tuple[str, ...]
    root: tuple[str, ...] = ("pelvis",)
    from_mesh: bool = False

    def read(self, body: Body) -> Measured:
        points = read_joints(body, self.names, self.from_mesh)
        return Measured(points, _middle(body, self.root, self.from_mesh), "joints")


@dataclass(frozen=True)
class AnnotatedJoints(Joints):
    """Joints against annotated ones, for data sets without bodies.

    `joint_set` is the benchmark's. Joints without annotation do not count, nor do persons without their root.
    """

    joint_set: JointSet = SMPLX_144

    def pair(self, prediction: Prediction, batch: Batch) -> tuple[Measured, Measured]:
        points, confidence = batch.target.joints_3d.split([3, 1], -1)
        chosen, root = (list(self.joint_set.indices(names)) for names in (self.names, self.root))
        known = (confidence[:, chosen, 0] > 0).to(points.dtype)
        origin = torch.zeros_like(points[:, :1])
        if root:
            origin = points[:, root].mean(1, keepdim=True)
            known = known * (confidence[:, root, 0] > 0).all(1, keepdim=True)
        return self.read(prediction.body), Measured(points[:, chosen], origin, "joints", known)


@dataclass(frozen=True)
class Regressed(Points):
    """Points named in `regressors.REGRESSORS`, such as "h36m" or "j14", read off each mesh by its own file.

    `rows` are the ones that count, all by default; `root` the ones in whose middle the origin lies.
    """

    name: str
    rows: tuple[int, ...] = ()
    root: tuple[int, ...] = (0,)

    def read(self, body: Body) -> Measured:
        points = shared_regressor(body.topology, self.name, body.vertices.device)(body)
        origin = points[:, list(self.root)].mean(1, keepdim=True) if self.root else points[:, :1] * 0
        return Measured(points[:, list(self.rows)] if self.rows else points, origin, self.name)


@dataclass(frozen=True)
class AnnotatedRegressed(Regressed):
    """Points read off the predicted mesh against annotated ones, which are the benchmark's whole joint set.

    Points without annotation do not count, nor do persons without their root.
    """

    def pair(self, prediction: Prediction, batch: Batch) -> tuple[Measured, Measured]:
        points, confidence = batch.target.joints_3d.split([3, 1], -1)
        known = (confidence[..., 0] > 0).to(points.dtype)
        origin = points[:, :1] * 0
        if self.root:
            origin = points[:, list(self.root)].mean(1, keepdim=True)
            known = known * known[:, list(self.root)].amin(1, keepdim=True)
        rows = list(self.rows or range(points.shape[1]))
        return self.read(prediction.body), Measured(points[:, rows], origin, self.name, known[:, rows])


@dataclass(frozen=True)
class Vertices(Points):
    """The vertices of the mesh, or of a part of it: "left_hand", "right_hand", "head".

    Seen from the middle of the joints `root`, or where they are without one; `from_mesh` as for `Joints`. At
    `rest`, of the shape unposed, which is seen from where its model put it.
    """

    part: str | None = None
    root: tuple[str, ...] = ("pelvis",)
    rest: bool = False
    from_mesh: bool = False

    def read(self, body: Body) -> Measured:
        points = body.rest if self.rest else body.vertices
        if self.part:
            points = points.index_select(1, _part(body.topology, self.part, points.device))
        origin = _middle(body, () if self.rest else self.root, self.from_mesh)
        return Measured(points, origin, f"{body.topology} {self.part or 'mesh'}")


@dataclass(frozen=True)
class MeshFrom(Regressed):
    """All vertices, seen from the middle of points regressed from the same mesh (SMPLer's MPVPE).

    A person of whom not every rotation and the shape are known does not count.
    """

    def read(self, body: Body) -> Measured:
        seen = super().read(body)
        return Measured(body.vertices, seen.origin, f"{body.topology} mesh")

    def pair(self, prediction: Prediction, batch: Batch) -> tuple[Measured, Measured]:
        guess, truth = super().pair(prediction, batch)
        known = batch.target.known[:, :-1].amin(1, keepdim=True)  # the last says it of the expression
        return guess, replace(truth, known=known.expand(truth.points.shape[:2]))


@dataclass(frozen=True)
class InPicture(Points):
    """Points of which only those count that lie inside the full picture; all of them are aligned (UBody).

    True points, at their true place, are seen through the predicted lens, as published.
    """

    points: Points

    def pair(self, prediction: Prediction, batch: Batch) -> tuple[Measured, Measured]:
        guess, truth = self.points.pair(prediction, batch)
        points = axis_by_axis(truth.points)
        crop = next(iter(batch.inputs.crops.values()))
        lens = replace(prediction.camera, translation=batch.target.translation)
        pixels = axis_by_axis(crop.back(lens.project(points)))
        x, y = ((pixels > 0) & (pixels < crop.image_size[:, None])).unbind(-1)
        return guess, replace(truth, points=points, counted=(x & y).to(points.dtype))


def read_joints(body: Body, names: tuple[str, ...], from_mesh: bool = False) -> Tensor:
    """(B, N, 3) joints by name, as the body model reports them or, those that turn, regressed from the mesh.

    Raises ValueError for a name that the body has not.
    """
    rows = REPORTED[body.joints.shape[1]].indices(names)
    if not from_mesh:
        return body.joints[:, list(rows)]
    regressor = shared_regressor(body.topology, "joints", body.vertices.device)
    turning = [row for row in rows if row < len(regressor.vertices)]
    others = [row for row in rows if row not in turning]
    points = torch.cat([regressor.read(body.vertices, turning), body.joints[:, others]], 1)
    order = [*turning, *others]
    return points[:, [order.index(row) for row in rows]]


def _middle(body: Body, names: tuple[str, ...], from_mesh: bool) -> Tensor:
    """(B, 1, 3) the middle of some joints; the origin where there are none."""
    if not names:
        return torch.zeros_like(body.vertices[:, :1])
    return read_joints(body, names, from_mesh).mean(1, keepdim=True)


@cache
def _part(topology: str, name: str, device: torch.device) -> Tensor:
    return part_vertices(topology, name).to(device)
