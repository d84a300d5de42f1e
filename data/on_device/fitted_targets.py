"""Targets of networks with two teachers: annotated points, and the joints of a body that was fitted."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from common.joints import BodyLayout
from common.losses.volume import Volume
from common.networks.model import Model
from common.structures import Batch, Crop, Inputs, Perspective, Target
from data.on_device.bearers import requirements
from data.on_device.posed_targets import PosedTargets


class FittedTargets(PosedTargets):
    """Fills, besides what PosedTargets does, `fitted_2d` and `fitted_3d`: the joints of the fitted body.

    They are read off the body as annotated, seen by the picture's camera, then flipped and turned as points;
    a body whose translation is zero stands before no camera, so its joints are where the picture's are
    annotated. Where annotation and fit are one (`joints_are_fitted`), the annotated points are the fitted
    ones too; where the data set left even those to the fit, both are the fit's. A fitted joint is known if
    the rotations it hangs on are; a hand, or the face, is known as a whole.

    Points out of the view, or of the `volume` along z, lose their confidence in `joints_2d` and `fitted_2d`.
    `as_published` (SMPLer-X) takes it from points too that were not beyond zero in the picture and in depth,
    tested under their names before the flip: as points without a depth never are, the 2D annotations of sets
    without any 3D, such as COCO, teach nothing at all. For `largest_beta` and `gendered` see PosedTargets;
    joints are read before a shape is given up.
    """

    needs: Tensor  # (P + 2, J) 1 where a joint of the model hangs on a rotation or on the expression
    swapped: Tensor  # (J,) where each joint of the model lands in a mirror

    def __init__(
        self,
        model: Model,
        body: BodyLayout,
        largest_beta: float | None = 3.0,
        gendered: bool = False,
        volume: Volume | None = None,
        as_published: bool = False,
    ) -> None:
        """`volume` is that of the heat maps. Raises as PosedTargets does, ValueError for strange joints."""
        super().__init__(model, body, largest_beta, gendered)
        self.read_joints = model.read_joints
        self.volume = volume or Volume(model.joint_set)
        self.as_published = as_published
        self.register_buffer("needs", requirements(model.joint_set, body), persistent=False)
        self.register_buffer("swapped", torch.tensor(model.joint_set.mirrored), persistent=False)

    @torch.no_grad()
    def forward(self, batch: Batch) -> Batch:
        given, crop = batch.target, batch.inputs.crops[self.main]
        fitted_2d, fitted_3d, depth = self._seen(given, batch.inputs, crop)
        here = given.joints_are_fitted[:, None, None]
        flat, deep = _any(given.joints_2d), _any(given.joints_3d)
        left = here & ~flat & ~deep
        placed = given.translation.abs().amax(1)[:, None, None] > 0
        nobody = (given.known == 0).all(1)[:, None, None]  # was fitted
        as_annotated = torch.where(here, flat, ~placed & ~nobody)
        joints_2d = torch.where(left, fitted_2d, given.joints_2d)
        joints_3d = torch.where(left, fitted_3d, given.joints_3d)
        fitted_2d = torch.where(as_annotated, given.joints_2d, fitted_2d)
        fitted_3d = torch.where(here & deep, given.joints_3d, fitted_3d)
        unseen = torch.full_like(depth, -1.0)
        deep_2d = torch.where(as_annotated & self.as_published, joints_3d, fitted_3d)  # without 3D, no depth
        target = replace(
            super().forward(batch).target,
            joints_2d=self._cut(joints_2d, joints_3d, crop, torch.where(left[..., 0], depth, unseen)),
            joints_3d=joints_3d,
            fitted_2d=self._cut(fitted_2d, deep_2d, crop, torch.where(as_annotated[..., 0], unseen, depth)),
            fitted_3d=fitted_3d,
        )
        return replace(batch, target=target)

    def _seen(self, target: Target, inputs: Inputs, crop: Crop) -> tuple[Tensor, Tensor, Tensor]:
        """The fit's joints in the view (B, J, 3) and in meters (B, J, 4), their depths (B, J)."""
        joints = self.read_joints(self.posed(target)[1])
        focal = inputs.intrinsics.diagonal(dim1=1, dim2=2)[:, :2]
        camera = Perspective(focal, inputs.intrinsics[:, :2, 2], target.translation)
        placed = joints + target.translation[:, None]
        known = (target.known @ self.needs >= self.needs.sum(0) - 0.5).to(joints.dtype)[..., None]
        ahead = known * (placed[..., 2:] > 0)
        flat = torch.cat([crop.points(camera.project(joints)), ahead], -1)
        deep = torch.cat([crop.turned(placed), known], -1)
        return self._in_mirror(flat, crop), self._in_mirror(deep, crop), self._in_mirror(placed, crop)[..., 2]

    def _in_mirror(self, points: Tensor, crop: Crop) -> Tensor:
        """(B, J, C) with left and right exchanged where the crop is flipped."""
        return torch.where(crop.flipped[:, None, None], points[:, self.swapped], points)

    def _cut(self, joints_2d: Tensor, joints_3d: Tensor, crop: Crop, depth: Tensor) -> Tensor:
        """Confidence only within the volume; `depth` (B, J) is that before the camera, or -1."""
        points, _ = self.volume.points(joints_2d, joints_3d)
        seen = self.volume.holds(points)
        if self.as_published:
            beyond = torch.where(depth >= 0, depth, points[..., 2])
            given = torch.cat([crop.back(joints_2d[..., :2]), beyond[..., None]], -1)
            seen = seen & (self._in_mirror(given, crop) > 0).all(-1)
        return torch.cat([joints_2d[..., :2], torch.where(seen, joints_2d[..., 2], 0.0)[..., None]], -1)


def _any(points: Tensor) -> Tensor:
    """(B, J, C) -> (B, 1, 1) bool, whether any point of a person is annotated."""
    return (points[..., -1:] > 0).any(1, keepdim=True)
