"""The body's pose, shape and camera from the encoder's tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from common.networks.heads.positions import joined
from common.networks.layers.precision import in_float32

SHAPE, CAMERA, EXPRESSION, JAW = 0, 1, 2, 3  # tokens; 4 and 5 stand for the hands and are never read
FIRST_JOINT, JOINTS = 6, 25
TOKENS = FIRST_JOINT + JOINTS


class BodyRegressor(nn.Module):
    def __init__(self, width: int, features: int = 512) -> None:
        super().__init__()
        self.body_conv = nn.Linear(width, features)
        self.root_pose_out = nn.Linear(JOINTS * (features + 3), 6)
        self.body_pose_out = nn.Linear(JOINTS * (features + 3), 21 * 6)
        self.shape_out = nn.Linear(width, 10)
        self.cam_out = nn.Linear(width, 3)

    @in_float32
    def forward(self, tokens: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens (B, 31, width), body positions (B, 25, 3) -> turns (B, 22, 6), betas (B, 10), camera (B, 3).

        The turns are in the 6D form, the root first. The camera's numbers are for `WholeBody.camera`.
        """
        body = joined(self.body_conv(tokens[:, FIRST_JOINT:]), positions)
        root, pose = self.root_pose_out(body)[:, None], self.body_pose_out(body).unflatten(-1, (21, 6))
        turns = torch.cat([root, pose], 1)
        return turns, self.shape_out(tokens[:, SHAPE]), self.cam_out(tokens[:, CAMERA])
