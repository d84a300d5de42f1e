"""A stage of SMPLer: tokens look at the picture where a body's joints fall, and correct the body."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from common.geometry.rotation import matrix_from_6d
from common.joints import SMPL_24
from common.networks.layers.decoupled_attention import EPSILON, Layer
from common.networks.layers.linear import Linear
from common.networks.layers.neighborhood import at_places, neighborhood
from common.networks.layers.precision import full_precision
from common.networks.layers.sampling import at_points

GRID = (56, 56)  # cells of the finest map
WIDTH, HEADS = 128, 4
JOINTS, BETAS = len(SMPL_24), 10
TOKENS = JOINTS + 2  # a query a joint, one for the shape, one for the camera
RADIUS = 4  # cells around a joint that its query looks at
DROPOUT = 0.1


@dataclass
class Estimate:
    """A body and how it is seen; each refinement makes the next out of the last."""

    rotations: Tensor  # (B, 24, 3, 3)
    betas: Tensor  # (B, 10)
    camera: Tensor  # (B, 3) scale, x, y
    joints: Tensor  # (B, 24, 2) in the view, from -1 to 1


class Projection(nn.Sequential):
    """(B, M, C) features of a map -> (B, M, 128), normed one by one."""

    def __init__(self, channels: int) -> None:
        super().__init__(Linear(channels, WIDTH), nn.LayerNorm(WIDTH, EPSILON))


class Queries(nn.Module):
    """An estimate as tokens: the 24 joints' rotations, the shape, the camera, each with the whole picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.rotations = Linear(9, WIDTH)
        self.shape = Linear(BETAS, WIDTH)
        self.camera = Linear(3, WIDTH)
        self.picture = Linear(channels, WIDTH)

    def forward(self, estimate: Estimate, picture: Tensor) -> Tensor:
        """(B, channels) the mean of the coarsest map -> (B, 26, 128)."""
        tokens = [
            self.rotations(estimate.rotations.flatten(2)),
            self.shape(estimate.betas)[:, None],
            self.camera(estimate.camera)[:, None],
        ]
        return torch.cat(tokens, 1) + self.picture(picture)[:, None]


class Unit(nn.Module):
    """Tokens look at the maps of all scales, those of joints around them as well, then all at each other."""

    def __init__(self, scales: int) -> None:
        super().__init__()
        self.multi_scale = nn.ModuleList(Layer(WIDTH, HEADS, DROPOUT) for _ in range(scales))
        self.joint_aware = Layer(WIDTH, HEADS, DROPOUT)
        self.relative_position = nn.Parameter(torch.zeros(1, HEADS, 2 * RADIUS + 1, 2 * RADIUS + 1))
        self.among = Layer(WIDTH, HEADS, DROPOUT)

    def forward(self, tokens: Tensor, maps: list[Tensor], around: Tensor, offsets: Tensor) -> Tensor:
        """(B, 26, 128) tokens, (B, M, 128) maps, (B, 24, 64, 128) features around the joints and their (B,
        24, 64, 2) offsets from -1 to 1 -> (B, 26, 128)."""
        looks = [layer(tokens, features) for layer, features in zip(self.multi_scale, maps, strict=True)]
        whole = torch.stack(looks).mean(0)
        near = self.joint_aware(
            tokens[:, :JOINTS].flatten(0, 1)[:, None], around.flatten(0, 1), self.bias(offsets)
        )
        joints = (whole[:, :JOINTS] + near[:, 0].unflatten(0, (-1, JOINTS))) / 2
        return self.among(torch.cat([joints, whole[:, JOINTS:]], 1))

    def bias(self, offsets: Tensor) -> Tensor:
        """(B, 24, 64, 2) -> (B * 24, heads, 1, 64) learned scores of places relative to the joint."""
        cells = (offsets.flatten(1, 2) + 1) * RADIUS
        scores = at_points(self.relative_position.expand(len(cells), -1, -1, -1), cells)
        return scores.unflatten(1, offsets.shape[1:3]).flatten(0, 1).mT[:, :, None]


class Refinement(nn.Module):
    """A stage: tokens look at the picture where the last estimate puts the joints, and correct it."""

    def __init__(self, channels: tuple[int, ...], units: int = 2) -> None:
        super().__init__()
        self.project = nn.ModuleList(Projection(count) for count in channels)
        self.joint_feature = Linear(WIDTH, WIDTH)
        self.embed = Linear(WIDTH, WIDTH)
        self.positions = nn.Parameter(torch.empty(TOKENS, WIDTH))
        self.places = nn.Parameter(torch.empty(1, *GRID, WIDTH))  # what tells the cells of a map apart
        self.units = nn.ModuleList(Unit(len(channels)) for _ in range(units))
        self.head = Linear(WIDTH, WIDTH)
        self.residual = Linear(WIDTH, WIDTH)
        self.rotation = Linear(WIDTH, 6)
        self.shape = Linear(WIDTH, BETAS)
        self.camera = Linear(WIDTH, 3)
        self.dropout = nn.Dropout(DROPOUT)
        self.start()

    @torch.no_grad()
    def start(self) -> None:
        """The values training from scratch begins with (published): no correction at all, nearly."""
        for part in (self.embed, self.units, self.head, self.residual):
            for module in part.modules():
                if isinstance(module, nn.Linear):
                    nn.init.normal_(module.weight, std=0.02)
                    nn.init.zeros_(module.bias)
        nn.init.normal_(self.positions, std=0.02)
        nn.init.normal_(self.places, std=0.1)
        for layer in (self.rotation, self.shape, self.camera):
            nn.init.normal_(layer.weight, std=1e-3)
            nn.init.zeros_(layer.bias)
        self.rotation.bias[[0, 3]] = 0.1  # in 6D form the identity

    def forward(
        self, tokens: Tensor, maps: list[Tensor], last: Estimate
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(B, 26, 128) tokens, (B, M, C) maps -> the next tokens, and by how much rotations (B, 24, 3, 3),
        betas (B, 10) and camera (B, 3) are off."""
        maps = [project(features) for project, features in zip(self.project, maps, strict=True)]
        cells = (last.joints + 1) / 2 * (GRID[0] - 1)
        places, offsets = neighborhood(cells, GRID, RADIUS)
        around = at_places(maps[0], places)
        tokens = tokens + self._at_joints(maps[0], cells)
        positions = self.dropout(self.embed(tokens) + self.positions)
        maps = [features + places for features, places in zip(maps, self._places(len(maps)), strict=True)]
        seen = positions
        for unit in self.units:
            seen = unit(seen, maps, around, offsets)
        after = self.head(seen) + self.residual(tokens)
        with full_precision(after.device.type):
            said = after.float()
            turns = matrix_from_6d(self.rotation(said[:, :JOINTS]))
            return after, turns, self.shape(said[:, JOINTS]), self.camera(said[:, JOINTS + 1])

    def _at_joints(self, features: Tensor, cells: Tensor) -> Tensor:
        """(B, 26, 128) what each joint's token is told of the place it is at, the others of all together."""
        here = self.joint_feature(at_points(features.mT.unflatten(2, GRID), cells))
        return torch.cat([here, here.mean(1, keepdim=True).expand(-1, TOKENS - JOINTS, -1)], 1)

    def _places(self, scales: int) -> list[Tensor]:
        """(1, M, 128) for each scale: the finest map's, halved by and by."""
        places = [self.places.permute(0, 3, 1, 2)]
        for _ in range(scales - 1):
            places.append(avg_pool2d(places[-1], 2))
        return [each.flatten(2).mT for each in places]
