"""Bodies put before a camera, and their key points as a detector would find them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from common.body_models.joint_reader import JointReader
from common.geometry.camera import perspective, rays, rotation_towards
from common.geometry.rotation import axis_angle_from_matrix, matrix_from_axis_angle
from common.joints import BodyLayout
from common.networks.model import Model
from common.structures import Batch, BodyParams, Crop, Inputs, Perspective, Target
from common.utils.random import normal, uniform
from data.on_device.detection_errors import DetectionErrors, Detections

LONGER_SIDE = 1000.0  # pixels of a synthetic picture
NEAREST = 0.3  # meters; nothing nearer is seen


@dataclass(frozen=True)
class Cameras:
    """Where persons are seen from; what is not a range is a deviation, angles are in degrees."""

    field_of_view: tuple[float, float] = (20.0, 90.0)  # over the longer side, drawn evenly
    distance: tuple[float, float] = (1.5, 10.0)  # meters, drawn evenly in its logarithm
    looks_down: tuple[float, float] = (5.0, 12.0)  # mean and deviation
    roll: float = 4.0
    aside: float = 0.35  # at most so far from the middle of the picture, in its sides
    guessed: float = 0.35  # persons whose focal length is only guessed
    guess_error: float = 0.3  # of its logarithm


class SyntheticKeypoints(nn.Module):
    """Makes view, crop and intrinsics of persons who have no picture, and the target they are seen by.

    All chance follows from `batch.seed`. The root's pose is turned into the camera's frame; where the focal
    length is only guessed, that camera's. `joints_2d`, `joints_3d` and `translation` are the truth,
    undisturbed; `mesh` poses the whole body besides, for benchmarks that measure vertices.
    """

    def __init__(
        self,
        model: Model,
        body: BodyLayout,
        cameras: Cameras = Cameras(),
        detections: Detections = Detections(),  # noqa: B008
        mesh: bool = False,
    ) -> None:
        super().__init__()
        self.name, self.view = next((n, v) for n, v in model.views.items() if v.content == "keypoints")
        if body != model.body_model.layout:
            raise ValueError(
                f"Key points are made of {model.body_model.layout.name} bodies, not of {body.name}."
            )
        self.cameras, self.mesh = cameras, mesh
        self.body_model = model.body_model
        self.joints = JointReader(model.body_model, model.joint_set)
        self.errors = DetectionErrors(self.view.joint_set, detections)
        seen = torch.tensor(self.view.joint_set.taken_from(model.joint_set))
        self.register_buffer("seen", seen, persistent=False)

    @torch.no_grad()
    def forward(self, batch: Batch) -> Batch:
        seed, target = batch.seed, batch.target
        size, true_focal, told_focal = self._lens(seed)
        center = (size - 1) / 2
        params = self.body_model.params(target.pose, target.betas, target.expression, target.flat_hand)
        turn, place = self._stand(seed + 1, size, true_focal)
        root = turn[:, None] @ params.rotations[:, :1]
        params = replace(params, rotations=torch.cat([root, params.rotations[:, 1:]], 1))
        joints = self.joints(params.rotations, params.betas)
        translation = place - joints[:, 0]
        camera = Perspective(true_focal[:, None].expand(-1, 2), center, translation)
        points, visible = _seen(camera, joints[:, self.seen], size)
        found = self.errors(seed + 2, points, visible, true_focal / place[:, 2])
        told = replace(camera, focal=told_focal[:, None].expand(-1, 2))
        crop = self._crop(seed + 3, found, size)
        inputs = Inputs(
            views={self.name: torch.cat([crop.points(found[..., :2]), found[..., 2:]], -1)},
            crops={self.name: crop},
            intrinsics=_intrinsics(told),
            part_scores=batch.inputs.part_scores,
        )
        target = self._told(batch, params, joints, camera, told, crop)
        return replace(batch, inputs=inputs, target=target)

    def _lens(self, seed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 2) width and height, (B,) true focal lengths, (B,) told ones."""
        dice, spread = uniform(seed, 4), normal(seed + (1 << 60), 1)[:, 0]
        aspect = 0.55 + 0.45 * dice[:, 0]  # from 9:16 to square, lying or standing
        long, short = torch.full_like(aspect, LONGER_SIDE), LONGER_SIDE * aspect
        lying = (dice[:, 1] < 0.5)[:, None]
        size = torch.where(lying, torch.stack([long, short], -1), torch.stack([short, long], -1)).round()
        least, most = (math.radians(angle) for angle in self.cameras.field_of_view)
        focal = LONGER_SIDE / 2 / torch.tan((least + (most - least) * dice[:, 2]) / 2)
        error = torch.exp(self.cameras.guess_error * spread.clamp(-2, 2))
        return size, focal, torch.where(dice[:, 3] < self.cameras.guessed, focal * error, focal)

    def _stand(self, seed: Tensor, size: Tensor, focal: Tensor) -> tuple[Tensor, Tensor]:
        """How the person is turned before the camera (B, 3, 3), and where the pelvis is (B, 3)."""
        dice, tilt = uniform(seed, 4), normal(seed + (1 << 60), 2)
        mean, deviation = self.cameras.looks_down
        zero = torch.zeros_like(dice[:, 0])
        yaw = matrix_from_axis_angle(torch.stack([zero, 2 * torch.pi * dice[:, 0], zero], -1))
        down = torch.deg2rad(mean + deviation * tilt[:, 0])
        pitch = matrix_from_axis_angle(torch.stack([down, zero, zero], -1))
        roll = matrix_from_axis_angle(
            torch.stack([zero, zero, torch.deg2rad(self.cameras.roll * tilt[:, 1])], -1)
        )
        least, most = (math.log(distance) for distance in self.cameras.distance)
        distance = torch.exp(least + (most - least) * dice[:, 1])
        aside = (2 * dice[:, 2:] - 1) * self.cameras.aside * size
        ray = torch.cat([aside / focal[:, None], torch.ones_like(aside[:, :1])], -1)
        return roll @ pitch @ yaw, distance[:, None] * nn.functional.normalize(ray, dim=-1)

    def _crop(self, seed: Tensor, found: Tensor, size: Tensor) -> Crop:
        """A square about the points found, as a detector's box would lie, on the view."""
        points, known = found[..., :2], found[..., 2:] > 0
        low = torch.where(known, points, torch.inf).amin(1)
        high = torch.where(known, points, -torch.inf).amax(1)
        chance = uniform(seed, 3) - 0.5
        side = (high - low).amax(1).clamp(min=8.0) * self.view.padding * (1 + 0.3 * chance[:, 0])
        middle = (low + high) / 2 + 0.1 * chance[:, 1:] * side[:, None]
        zoom = min(self.view.size) / side
        scale = torch.diag_embed(zoom[:, None].expand(-1, 2))
        half = points.new_tensor([(self.view.size[1] - 1) / 2, (self.view.size[0] - 1) / 2])
        matrix = torch.cat([scale, (half - zoom[:, None] * middle)[..., None]], -1)
        return Crop(matrix, torch.zeros_like(zoom), torch.zeros_like(zoom, dtype=torch.bool), size)

    def _told(
        self,
        batch: Batch,
        params: BodyParams,
        joints: Tensor,
        camera: Perspective,
        told: Perspective,
        crop: Crop,
    ) -> Target:
        """The truth, in the frame of the camera that was told: it looks at the person from the same side."""
        pixel = camera.project(joints[:, :1])
        true_ray, told_ray = (rays(pixel, c.focal, c.center)[:, 0] for c in (camera, told))
        turn = rotation_towards(told_ray) @ rotation_towards(true_ray).mT
        root = turn[:, None] @ params.rotations[:, :1]
        params = replace(params, rotations=torch.cat([root, params.rotations[:, 1:]], 1))
        in_view = crop.points(camera.project(joints))
        pelvis = joints[:, :1]
        joints = (joints - pelvis) @ turn.mT + pelvis
        one = torch.ones_like(joints[..., :1])
        target = batch.target
        return replace(
            target,
            joints_2d=torch.cat([in_view, one], -1),
            joints_3d=torch.cat([joints, one], -1),
            pose=torch.cat([axis_angle_from_matrix(root), target.pose[:, 1:]], 1),
            translation=(turn @ (camera.translation + pelvis[:, 0])[..., None])[..., 0] - pelvis[:, 0],
            params=params,
            body=self.body_model(params) if self.mesh else None,
        )


def _seen(camera: Perspective, points: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """(B, N, 2) pixels and (B, N) whether each lies before the camera and in the picture."""
    placed = points + camera.translation[:, None]
    depth = placed[..., 2]
    in_front = torch.cat([placed[..., :2], depth.clamp(min=NEAREST)[..., None]], -1)
    pixels = perspective(in_front, camera.focal, camera.center)
    inside = ((pixels > -0.5) & (pixels < size[:, None] - 0.5)).all(-1)
    return pixels, inside & (depth > NEAREST)


def _intrinsics(camera: Perspective) -> Tensor:
    matrix = torch.diag_embed(torch.cat([camera.focal, torch.ones_like(camera.focal[:, :1])], -1))
    return torch.cat(
        [matrix[..., :2], torch.cat([camera.center, torch.ones_like(camera.center[:, :1])], -1)[..., None]],
        -1,
    )
