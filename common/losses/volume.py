"""The volume around a person that heat maps divide into cells, and where in it annotated joints are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from common.joints import WHOLE_BODY_137, JointSet
from common.losses.origins import origins

PART_ROOTS = {"left_hand": "left_wrist", "right_hand": "right_wrist", "face": "neck"}


@dataclass(frozen=True)
class Volume:
    """Cells of `pixels` of the view along x and y; along z, cells that share `side` meters around the root.

    The depth of a part's joints is that from a joint of its own, over `part_side` meters. The numbers are
    those of OSX and SMPLer-X, whose body volume is 12 x 16 x 16.
    """

    joint_set: JointSet = WHOLE_BODY_137
    root: tuple[str, ...] = ("pelvis",)
    parts: Mapping[str, str] = field(default_factory=lambda: dict(PART_ROOTS))
    pixels: float = 32.0
    cells: tuple[int, int, int] = (12, 16, 16)  # x, y, z
    side: float = 2.0
    part_side: float = 0.3

    def points(self, joints_2d: Tensor, joints_3d: Tensor) -> tuple[Tensor, Tensor]:
        """(B, J, 3) view pixels, (B, J, 4) meters -> (B, J, 3) in cells, and (B, J) whether the depth is
        known.

        An unknown depth is 0. The middle of the volume is at half of its cells along z.
        """
        where, confidence = joints_3d[..., :3], joints_3d[..., 3]
        seen_from, origin_known = origins(where, confidence, self.joint_set, self.root, self.parts)
        known = (confidence > 0) & (origin_known > 0)
        side = where.new_full((len(self.joint_set),), self.side)
        for part in self.parts:
            side[self.joint_set.parts[part]] = self.part_side
        depth = ((where - seen_from)[..., 2] / (side / 2) + 1) / 2 * self.cells[2]
        depth = torch.where(known, depth, 0.0)
        return torch.cat([joints_2d[..., :2] / self.pixels, depth[..., None]], -1), known

    def holds(self, points: Tensor) -> Tensor:
        """(B, J, 3) in cells -> (B, J) bool, whether they lie inside."""
        return ((points >= 0) & (points < points.new_tensor(self.cells))).all(-1)
