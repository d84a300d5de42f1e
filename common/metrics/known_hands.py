"""Whole bodies of whom a hand may not be known: mesh, hands and face, joints of body and hands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from common.joints import SMPLX
from common.metrics.metric import Metric
from common.metrics.point_error import PointError
from common.metrics.points import Joints, Measured, Points, Regressed, read_joints
from common.metrics.whole_body import ALL, FACE, FINGERS, HANDS, SIDES
from common.structures import Batch, Body, Prediction

PUBLISHED_LIMIT = 100.0  # millimeters


@dataclass(frozen=True)
class OfKnownHand(Points):
    """Points of a hand, which count where any rotation of that hand is annotated, of an SMPL-X body."""

    points: Points
    side: Literal["left", "right"]

    def pair(self, prediction: Prediction, batch: Batch) -> tuple[Measured, Measured]:
        guess, truth = self.points.pair(prediction, batch)
        rotations = batch.target.known[:, SMPLX.joints.parts[f"{self.side}_hand"]]
        known = rotations.amax(1, keepdim=True).expand(truth.points.shape[:2])
        return guess, replace(truth, counted=known)


@dataclass(frozen=True)
class FromPelvis(Regressed):
    """Regressed points, seen from the pelvis that the body model regresses from the same mesh."""

    def read(self, body: Body) -> Measured:
        return replace(super().read(body), origin=read_joints(body, ("pelvis",), from_mesh=True))


BODY = FromPelvis("j14")
MESHES, FINGER_JOINTS = (
    tuple(OfKnownHand(points, side) for points, side in zip(hands, SIDES, strict=True))
    for hands in (
        HANDS,
        tuple(
            Joints(
                tuple(f"{side}_{finger}_{i}" for finger in FINGERS for i in ("1", "2", "3", "tip")),
                (f"{side}_wrist",),
                from_mesh=True,
            )
            for side in SIDES
        ),
    )
)


@dataclass(frozen=True)
class PublishedHandJoints(Metric):
    """MPJPE and PA-MPJPE of hands with two published bugs (SMPLest-X); `known_hand_errors` has neither.

    Predictions seen from the wrist are compared with the truth as the camera sees it, meters away; and a hand
    whose PA error exceeds 100 mm is dropped from both means.
    """

    hands: tuple[Points, ...] = FINGER_JOINTS

    def measure(self, prediction: Prediction, batch: Batch) -> dict[str, Tensor]:
        aligned, placed = zip(*(self._errors(hand, prediction, batch) for hand in self.hands), strict=True)
        return {
            "mpjpe_hands": torch.stack(placed).nanmean(0),
            "pa_mpjpe_hands": torch.stack(aligned).nanmean(0),
        }

    def _errors(self, hand: Points, prediction: Prediction, batch: Batch) -> tuple[Tensor, Tensor]:
        """(B,) the error after alignment, (B,) the one as seen from two places."""
        guess, truth = hand.pair(prediction, batch)
        away = replace(truth, origin=-batch.target.translation[:, None])
        measure = PointError("hand", hand).error
        aligned, placed = measure(guess, truth, "procrustes"), measure(guess, away, "root")
        far = aligned > PUBLISHED_LIMIT
        return aligned.masked_fill(far, torch.nan), placed.masked_fill(far, torch.nan)


def known_hand_errors(as_published: bool = False) -> tuple[Metric, ...]:
    """MPVPE and MPJPE, and their PA: of all, hands, face; of 14 body joints and 20 of a hand (SMPLest-X).

    The wrist, from which a hand is seen, is none of its joints; a hand that is not known does not count.
    `as_published` brings back the bugs of the published hand joints, see PublishedHandJoints.
    """
    return (
        PointError("mpvpe", ALL, with_pa=True),
        PointError("mpvpe_hands", MESHES, with_pa=True),
        PointError("mpvpe_face", FACE, with_pa=True),
        PointError("mpjpe_body", BODY, with_pa=True),
        PublishedHandJoints() if as_published else PointError("mpjpe_hands", FINGER_JOINTS, with_pa=True),
    )
