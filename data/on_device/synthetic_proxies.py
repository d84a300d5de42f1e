"""Bodies put before a camera, and their proxies as a detector would find them: rendered into the crop."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from common.geometry.rotation import axis_angle_from_matrix, matrix_from_axis_angle
from common.joints import COCO_17, BodyLayout
from common.networks.model import Model
from common.preprocess.proxy import CORNER, deviation, proxy
from common.rendering import compiled
from common.rendering.rasterizer import visible_faces
from common.structures import Batch, Crop, Inputs
from common.utils.random import normal, uniform
from data.on_device.proxy_errors import Disturb, ProxyErrors

FOCAL = 1000.0  # pixels of the picture nobody took, and its sides
MIDDLE = (FOCAL - 1) / 2
APART = 1 << 40  # keeps these draws apart from those of a data set that makes poses of the same seeds
NOISE = 1 << 16  # numbers that the noise of the vertices is cut from


@dataclass(frozen=True)
class ProxyCameras:
    """Where persons are seen from, and how they are cut out; angles are in degrees."""

    distance: tuple[float, float] = (2.0, 12.0)  # meters, drawn evenly in its logarithm
    looks_down: tuple[float, float] = (5.0, 12.0)  # mean and deviation
    roll: float = 5.0  # deviation
    turned: bool = True  # seen from any side, or as the pose has it
    padding: tuple[float, float] = (
        1.0,
        1.4,
    )  # of the square about the silhouette; published: 1.2, give or take
    aside: float = 0.03  # of its side: at most so far from its middle
    cut_below: float = 0.1  # of all persons, whom the picture's lower edge cuts
    cut_aside: float = 0.05  # whom its left or right edge does

    @classmethod
    def steady(cls) -> ProxyCameras:
        """What the synthetic benchmark measures with: whole persons, cut out as at test time."""
        return cls(distance=(3.0, 10.0), padding=(1.2, 1.2), aside=0.0, cut_below=0.0, cut_aside=0.0)


class SyntheticProxies(nn.Module):
    """Makes the proxy of persons who have no picture, and the target it shows.

    The body is projected into the crop and drawn there, so nothing is resampled; the crop is a padded square
    about what is seen. All chance follows from `batch.seed`. The root's pose is turned into the camera's
    frame; `joints_2d` are pixels counted from the view's corner, undisturbed; those that only teach in space
    have confidence 0 there.
    """

    noise: Tensor

    def __init__(
        self,
        model: Model,
        body: BodyLayout,
        cameras: ProxyCameras = ProxyCameras(),
        errors: ProxyErrors = ProxyErrors(),  # noqa: B008
        vertex_noise: float = 0.004,
    ) -> None:
        """`vertex_noise`: meters that a vertex is drawn off, at most. Raises ValueError for another body."""
        super().__init__()
        self.name, self.view = next((n, v) for n, v in model.views.items() if v.content == "proxy")
        if body != model.body_model.layout:
            raise ValueError(
                f"Proxies are drawn of {model.body_model.layout.name} bodies, not of {body.name}."
            )
        self.cameras, self.vertex_noise = cameras, vertex_noise
        self.body_model, self.read_joints = model.body_model, model.read_joints
        self.disturb = Disturb(errors, self.view.joint_set)
        part = self.body_model.weights.argmax(1)[self.body_model.faces].mode(1).values
        seen = torch.tensor(COCO_17.taken_from(model.joint_set))
        taught = torch.tensor([float(name in COCO_17.names) for name in model.joint_set.names])
        noise = 2 * uniform(torch.zeros(1, dtype=torch.int64), NOISE)[0] - 1
        for name, values in {"part": part, "seen": seen, "taught": taught, "noise": noise}.items():
            self.register_buffer(name, values, persistent=False)

    @torch.no_grad()
    def forward(self, batch: Batch) -> Batch:
        seed, target = batch.seed + APART, batch.target
        params = self.body_model.params(target.pose, target.betas, target.expression, target.flat_hand)
        root = self._turn(seed)[:, None] @ params.rotations[:, :1]
        params = replace(params, rotations=torch.cat([root, params.rotations[:, 1:]], 1))
        body = self.body_model(params)
        joints = self.read_joints(body)
        least, most = (math.log(distance) for distance in self.cameras.distance)
        depth = torch.exp(least + (most - least) * uniform(seed + 1, 1))
        place = torch.cat([torch.zeros_like(depth).expand(-1, 2), depth], 1)
        translation = place - body.joints[:, 0]
        planes = body.vertices.mT + translation[..., None]  # (B, 3, V): x of all vertices first
        flat = (planes[:, :2] + self._noise(seed + 2, planes.shape[2])) / planes[:, 2:]
        frame = self._frame(seed + 3, flat)
        corner, zoom = self._crop(seed + 4, flat, frame)
        points = joints + translation[:, None]
        points = points[..., :2] / points[..., 2:]
        in_view = (points - corner[:, None]) * zoom[:, None]
        pixels = torch.cat([(flat - corner[..., None]) * zoom[..., None] - CORNER, planes[:, 2:]], 1).mT
        inside = ((points > frame[:, None, 0]) & (points < frame[:, None, 1])).all(-1)
        picture = self._picture(seed + 5, pixels, (frame - corner[:, None]) * zoom[:, None], in_view, inside)
        one = torch.ones_like(joints[..., :1])
        side = self.view.size[0]
        in_sight = inside & (in_view >= 0).all(-1) & (in_view <= side).all(-1)
        inputs = Inputs(
            {self.name: picture}, {self.name: _crop(corner, zoom)}, _lens(seed), batch.inputs.part_scores
        )
        target = replace(
            target,
            joints_2d=torch.cat([in_view, (in_sight * self.taught)[..., None]], -1),
            joints_3d=torch.cat([joints, one], -1),
            pose=torch.cat([axis_angle_from_matrix(root), target.pose[:, 1:]], 1),
            translation=translation,
            params=params,
            body=body,
        )
        return replace(batch, inputs=inputs, target=target)

    def _turn(self, seed: Tensor) -> Tensor:
        """(B, 3, 3) how the person is turned before the camera."""
        dice, tilt = uniform(seed, 1)[:, 0], normal(seed + (1 << 60), 2)
        mean, deviation = self.cameras.looks_down
        zero = torch.zeros_like(dice)
        yaw = 2 * torch.pi * dice if self.cameras.turned else zero
        down = torch.deg2rad(mean + deviation * tilt[:, 0])
        roll = torch.deg2rad(self.cameras.roll * tilt[:, 1])
        axes = [torch.stack(axis, -1) for axis in ([zero, zero, roll], [down, zero, zero], [zero, yaw, zero])]
        roll, pitch, yaw = (matrix_from_axis_angle(axis) for axis in axes)
        return roll @ pitch @ yaw

    def _noise(self, seed: Tensor, count: int) -> Tensor:
        """(B, 2, count) meters: a piece of the same numbers, from a place that follows from the seed."""
        start = (uniform(seed, 1) * NOISE).long()
        places = (start + torch.arange(2 * count, device=seed.device)) % NOISE
        return self.vertex_noise * self.noise[places].unflatten(1, (2, count))

    def _frame(self, seed: Tensor, flat: Tensor) -> Tensor:
        """(B, 2, 2) the upper left and lower right corner of the picture: some persons are cut by an edge."""
        low, high = torch.aminmax(flat, dim=2)
        size = high - low
        dice = uniform(seed, 5)
        far = flat.new_full((len(flat),), 1e3)
        below = low[:, 1] + size[:, 1] * (0.4 + 0.5 * dice[:, 1])
        bottom = torch.where(dice[:, 0] < self.cameras.cut_below, below, far)
        share = size[:, 0] * (0.15 + 0.25 * dice[:, 3])
        left = torch.where(dice[:, 2] < self.cameras.cut_aside / 2, low[:, 0] + share, -far)
        right = torch.where(dice[:, 2] > 1 - self.cameras.cut_aside / 2, high[:, 0] - share, far)
        return torch.stack([torch.stack([left, -far], -1), torch.stack([right, bottom], -1)], 1)

    def _crop(self, seed: Tensor, flat: Tensor, frame: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 2) the upper left corner and (B, 1) pixels to a unit of a square about what is seen."""
        seen = ((flat >= frame[:, 0, :, None]) & (flat <= frame[:, 1, :, None])).all(1, keepdim=True)
        low = torch.where(seen, flat, torch.inf).amin(2)
        high = torch.where(seen, flat, -torch.inf).amax(2)
        dice = uniform(seed, 3)
        least, most = self.cameras.padding
        side = (high - low).amax(1, keepdim=True) * (least + (most - least) * dice[:, :1])
        middle = (low + high) / 2 + side * self.cameras.aside * (2 * dice[:, 1:] - 1)
        return middle - side / 2, self.view.size[0] / side

    def _picture(self, seed: Tensor, pixels: Tensor, frame: Tensor, joints: Tensor, inside: Tensor) -> Tensor:
        """(B, 18, h, w) of vertices (B, V, 3), corners of the picture (B, 2, 2) and joints (B, J, 2)."""
        height, width = self.view.size
        fast = pixels.device.type == "cpu" and compiled.installed()
        face = visible_faces(pixels, self.body_model.faces, self.view.size, culled=True, fast=fast)
        parts = self.disturb.parts(seed)
        shown = torch.cat([torch.zeros_like(parts[:, :1]), parts.index_select(1, self.part)], 1)
        first = torch.arange(1, shown.numel(), shown.shape[1], device=shown.device)[:, None, None]
        mask = shown.flatten().index_select(0, (face + first).flatten()).view(face.shape)
        x = torch.arange(width, device=pixels.device) + CORNER
        y = torch.arange(height, device=pixels.device) + CORNER
        mask = mask & ((x > frame[:, :1, 0]) & (x < frame[:, 1:, 0]))[:, None]
        mask = mask & ((y > frame[:, :1, 1]) & (y < frame[:, 1:, 1]))[:, :, None]
        mask = self.disturb.mask(seed, mask)
        found = self.disturb.points(seed, joints[:, self.seen], inside[:, self.seen], parts, width)
        return proxy(mask, *found, deviation(width))


def _crop(corner: Tensor, zoom: Tensor) -> Crop:
    """From the picture, in whose middle the person stands, to the view."""
    scale = torch.diag_embed((zoom / FOCAL).expand(-1, 2))
    shift = -(MIDDLE / FOCAL + corner) * zoom
    zero = torch.zeros_like(zoom[:, 0])
    return Crop(torch.cat([scale, shift[..., None]], -1), zero, zero.bool(), torch.full_like(corner, FOCAL))


def _lens(seed: Tensor) -> Tensor:
    """(B, 3, 3) of the picture."""
    lens = torch.tensor([[FOCAL, 0.0, MIDDLE], [0.0, FOCAL, MIDDLE], [0.0, 0.0, 1.0]], device=seed.device)
    return lens.expand(len(seed), 3, 3)
