"""The face: expression and jaw."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from common.networks.heads.body import EXPRESSION, JAW
from common.networks.heads.features import PyramidFeatures
from common.networks.heads.keypoint_decoder import WIDTH, KeypointDecoder
from common.networks.heads.positions import QueryHead, joined
from common.networks.layers.precision import in_float32

KEYPOINTS = 72
CELLS = 8  # of the face's volume, each way


class Face(nn.Module):
    """From two of the encoder's tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.regressor = FaceRegressor(width)

    def forward(
        self, tokens: Tensor, features: Tensor, boxes: Tensor
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Tokens (B, 31, C), and two that are not looked at -> expression (B, 10), jaw (B, 6) as 6D, {}."""
        return *self.regressor(tokens[:, EXPRESSION], tokens[:, JAW]), {}


class DecodedFace(nn.Module):
    """From the face's box: key points in it, refined by a decoder."""

    def __init__(self, width: int, features: int = 512) -> None:
        super().__init__()
        self.roi_net = PyramidFeatures(width, CELLS // 2)
        self.position_net = QueryHead(width // 2, KEYPOINTS, CELLS, WIDTH)
        self.decoder = KeypointDecoder(KEYPOINTS, self.roi_net.channels, self.roi_net.sizes)
        self.regressor = FacePointsRegressor(width, features)

    def forward(
        self, tokens: Tensor, features: Tensor, boxes: Tensor
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Encoder features (B, C, 16, 12), boxes (B, 1, 4) in its cells -> expression (B, 10), jaw (B, 6),
        and by name the positions (B, 72, 3) in cells of the box's 8 x 8 x 8.
        """
        maps = self.roi_net(features, boxes)
        positions, queries = self.position_net(maps[1])
        points = self.decoder(queries, positions[..., :2].detach() / CELLS, *maps)
        return *self.regressor(maps[-1], points, positions), {"face_positions": positions}


class FaceRegressor(nn.Module):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.expr_out = nn.Linear(inputs, 10)
        self.jaw_pose_out = nn.Linear(inputs, 6)

    @in_float32
    def forward(self, for_expression: Tensor, for_jaw: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C) each -> (B, 10), (B, 6)."""
        return self.expr_out(for_expression), self.jaw_pose_out(for_jaw)


class FacePointsRegressor(FaceRegressor):
    """From the whole face at once and each of its key points."""

    def __init__(self, width: int, features: int) -> None:
        super().__init__(features + KEYPOINTS * (features + 3))
        self.conv = nn.Linear(width, features)
        self.joint_conv = nn.Linear(WIDTH, features)

    @in_float32
    def forward(self, face: Tensor, points: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """A map (B, width, S, S), tokens (B, 72, 256), positions (B, 72, 3) -> (B, 10), (B, 6)."""
        whole = self.conv(face.mean((2, 3)))
        seen = torch.cat([whole, joined(self.joint_conv(points), positions)], 1)
        return self.expr_out(seen), self.jaw_pose_out(seen)
