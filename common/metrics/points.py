"""Which points of a body are measured, and the one they are seen from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from common.joints import FLAME_73, MANO_21, SMPL_45, SMPLX_144, JointSet
from common.structures import Body, Target

REPORTED = {len(joints): joints for joints in (SMPL_45, SMPLX_144, MANO_21, FLAME_73)}  # by the body models


@dataclass(frozen=True)
class Measured:
    """Points of a batch of bodies."""

    points: Tensor  # (B, N, 3) meters
    origin: Tensor  # (B, 1, 3) what they are seen from
    kind: str  # points of one kind can be compared
    confidence: Tensor | None = None  # (B, N) 0 or 1; None: all are known


class Points(Protocol):
    """A choice of points; a frozen dataclass."""

    def predicted(self, body: Body) -> Measured: ...

    def true(self, target: Target) -> Measured: ...


@dataclass(frozen=True)
class Joints:
    """Joints that the body models report, seen from the middle of `root`, or where they are without one."""

    names: tuple[str, ...]
    root: tuple[str, ...] = ("pelvis",)

    def predicted(self, body: Body) -> Measured:
        reported = _reported(body)
        points = body.joints[:, list(reported.indices(self.names))]
        return Measured(points, _middle(body, self.root), "joints")

    def true(self, target: Target) -> Measured:
        return self.predicted(_posed(target))


@dataclass(frozen=True)
class AnnotatedJoints:
    """Reported joints against annotated ones, for data sets without bodies.

    `joint_set` is the benchmark's. Both sides are seen from the middle of `root`, or are where they are
    without one. Joints without annotation do not count, nor do persons without their root.
    """

    joint_set: JointSet
    names: tuple[str, ...]
    root: tuple[str, ...] = ("pelvis",)

    def predicted(self, body: Body) -> Measured:
        return Joints(self.names, self.root).predicted(body)

    def true(self, target: Target) -> Measured:
        points, confidence = target.joints_3d.split([3, 1], -1)
        chosen, root = (list(self.joint_set.indices(names)) for names in (self.names, self.root))
        known = (confidence[:, chosen, 0] > 0).to(points.dtype)
        origin = torch.zeros_like(points[:, :1])
        if root:
            origin = points[:, root].mean(1, keepdim=True)
            known = known * (confidence[:, root, 0] > 0).all(1, keepdim=True)
        return Measured(points[:, chosen], origin, "joints", known)


@dataclass(frozen=True)
class AllVertices:
    """Every vertex, seen from the middle of the joints `root`, or where it is without one.

    At `rest`, of the shape unposed, which is seen from where its model put it.
    """

    root: tuple[str, ...] = ("pelvis",)
    rest: bool = False

    def predicted(self, body: Body) -> Measured:
        points = body.rest if self.rest else body.vertices
        return Measured(points, _middle(body, () if self.rest else self.root), f"'{body.topology}' mesh")

    def true(self, target: Target) -> Measured:
        return self.predicted(_posed(target))


def _reported(body: Body) -> JointSet:
    return REPORTED[body.joints.shape[1]]


def _middle(body: Body, names: tuple[str, ...]) -> Tensor:
    """(B, 1, 3) the middle of some joints; the origin where there are none."""
    if not names:
        return torch.zeros_like(body.joints[:, :1])
    return body.joints[:, list(_reported(body).indices(names))].mean(1, keepdim=True)


def _posed(target: Target) -> Body:
    if target.body is None:
        raise ValueError(
            "The benchmark's `prepare` made no true body; use one that does, such as PosedTargets."
        )
    return target.body
