"""The lifter: key points of one person in, a body out; small, and trained on synthetic poses alone."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, pad

from common.body_models.joint_reader import TURNING, JointReader
from common.body_models.smplx import SMPLX
from common.geometry.camera import rays, rotation_towards, solve_translation
from common.geometry.rotation import matrix_from_6d, matrix_from_axis_angle, six_d_from_matrix
from common.joints import LIFTER_29, LIFTER_39, SMPLX_55, JointSet
from common.networks.model import Model
from common.structures import Body, BodyParams, Inputs, Perspective, Prediction, View

NEAREST = 0.2  # meters: no body, and no part of one, is closer to the camera
ASTRAY = 0.15  # in spreads, some 4 % of a person's height: a point this far off counts half
FARTHEST = 0.5  # in spreads: a point that is missed by more tells no more
LARGEST_BETA = 4.0
BODY = JointSet("body", SMPLX_55.names[:TURNING])


@dataclass
class Sight:
    """Key points as a camera sees them that looks straight at the person, wherever the picture's looks."""

    turn: Tensor  # (B, 3, 3) from that camera's frame to the picture's
    flat: Tensor  # (B, N, 2) x / z of each point's ray
    spread: Tensor  # (B, 1) root mean square of `flat`: how large the person appears
    confidence: Tensor  # (B, N)


@dataclass
class Estimate:
    """A body in the frame that looks straight at the person, and how it fits the points."""

    rotations: Tensor  # (B, 22, 3, 3)
    betas: Tensor  # (B, S)
    joints: Tensor  # (B, J, 3) before it is placed
    frames: Tensor  # (B, 22, 4, 4) of the joints that turn
    place: Tensor  # (B, 3) the translation that puts it over the points
    miss: Tensor  # (B, N, 2) from where its joints fall to the points, in spreads; 0 where there is no point


class Residual(nn.Module):
    """Its input, changed by two layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class Lifter(Model):
    """A residual network from points to a body (Martinez et al., 2017) that is shown where it missed.

    The points become rays, so focal length and place in the picture are accounted for exactly, and the
    network sees the person from straight ahead. Each of `steps` corrections is told how far the joints of the
    body so far fall from the points, and how that pulls at the body's joints (after learned gradient descent,
    Song et al., 2020). Least squares put the body over the points, so it lies there with any focal length.
    Hands and face rest. In training no mesh is posed: the prediction's body then holds joints alone.

    extras: "miss" (B, N, 2) from where the joints fall to the points, in spreads.
    """

    def __init__(self, width: int = 768, blocks: int = 2, steps: int = 4) -> None:
        super().__init__()
        self.views: Mapping[str, View] = {
            "keypoints": View(size=(256, 256), content="keypoints", joint_set=LIFTER_29)
        }
        self.joint_set = LIFTER_39
        self.body_model = SMPLX(free="only")
        self.joints = JointReader(self.body_model, LIFTER_39)
        self.steps = steps
        seen = LIFTER_29.taken_from(LIFTER_39)
        points, betas = len(LIFTER_29), self.body_model.layout.betas
        numbers = TURNING * 6 + betas
        self.look = nn.Sequential(nn.Linear(3 * points + 3, width), *(Residual(width) for _ in range(blocks)))
        self.start = nn.Linear(width, numbers)
        self.compare = nn.Linear(width + numbers + 2 * points + 3 * TURNING, width)
        self.correct = nn.Sequential(*(Residual(width) for _ in range(blocks)))
        self.change = nn.Linear(width, numbers)
        for layer in (self.start, self.change):
            nn.init.normal_(layer.weight, std=0.003)
            nn.init.zeros_(layer.bias)
        upright = torch.tensor([1.0, 0, 0, 1, 0, 0]).repeat(TURNING, 1)
        upright[0, 3] = -1.0  # the root faces the camera: y down, z away
        self.register_buffer("mean", torch.cat([upright.flatten(), torch.zeros(betas)]), False)
        self.register_buffer("seen", torch.tensor(seen), False)
        self.register_buffer("places", torch.tensor(LIFTER_39.taken_from(self.body_model.joint_set)), False)

    def read_joints(self, body: Body) -> Tensor:
        return body.joints if body.joints.shape[1] == len(LIFTER_39) else body.joints[:, self.places]

    def forward(self, inputs: Inputs) -> Prediction:
        keypoints, crop = inputs.views["keypoints"], inputs.crops["keypoints"]
        focal, center = inputs.intrinsics.diagonal(dim1=1, dim2=2)[:, :2], inputs.intrinsics[:, :2, 2]
        with float32(keypoints):
            sight = look_straight(rays(crop.back(keypoints[..., :2]), focal, center), keypoints[..., 2])
        if self.training:
            estimates = self._estimates(sight)
        else:
            estimates = [
                self._of_both(self._estimates(sight)[-1], self._estimates(mirrored(sight))[-1], sight)
            ]
        zoom = crop.matrix[:, :, :2].diagonal(dim1=1, dim2=2)
        lens = Perspective(
            focal * zoom, center * zoom + crop.matrix[..., 2], torch.zeros_like(keypoints[:, 0])
        )
        with float32(keypoints):
            *stages, last = [self._predict(estimate, sight, lens) for estimate in estimates]
        return replace(last, stages=tuple(stages))

    def _estimates(self, sight: Sight) -> list[Estimate]:
        """The body, step by step; its numbers are six of each rotation, then the shape."""
        known = (sight.confidence > 0).to(sight.flat.dtype)[..., None]
        points = (sight.flat / sight.spread[..., None] * known).flatten(1)
        where = sight.turn[:, :2, 2]  # the direction in which the person is
        features = self.look(torch.cat([points, sight.confidence, sight.spread.log() + 2, where], 1))
        state = self.mean + self.start(features).float()
        estimates = [self._estimate(*body_numbers(state), sight)]
        for _ in range(self.steps):
            compared = torch.cat([features.float(), state, self._pull(estimates[-1]).detach()], 1)
            state = state + self.change(self.correct(self.compare(compared))).float()
            estimates.append(self._estimate(*body_numbers(state), sight))
        return estimates

    def _estimate(self, rotations: Tensor, betas: Tensor, sight: Sight) -> Estimate:
        with float32(rotations):
            joints, frames = self.joints.posed(rotations, betas)
            place = _place(joints[:, self.seen], sight)
            miss = _miss(joints[:, self.seen], place, sight).clamp(-FARTHEST, FARTHEST)
            known = (sight.confidence > 0).to(miss.dtype)[..., None]
        return Estimate(rotations, betas, joints, frames, place, miss * known)

    def _of_both(self, one: Estimate, reflected: Estimate, sight: Sight) -> Estimate:
        """Between the person as seen and as in a mirror: so a mirrored person gets the mirrored body."""
        with float32(one.rotations):
            flip = one.rotations.new_tensor([-1.0, 1.0, 1.0])
            other = reflected.rotations[:, list(BODY.mirrored)] * flip[:, None] * flip
            rotations = matrix_from_6d(six_d_from_matrix((one.rotations + other) / 2))
        return self._estimate(rotations, (one.betas + reflected.betas) / 2, sight)

    def _pull(self, estimate: Estimate) -> Tensor:
        """(B, 2 N + 66) the misses, and how they pull at the joints, as the network is told.

        With each miss as a force on its point, the torque about a joint, in the frame that it turns in, is
        the turn that makes the sum of squared misses shrink fastest, seen from afar.
        """
        with float32(estimate.miss):
            carried = self.joints.carried[:, self.seen]
            force = pad(estimate.miss, (0, 1)) / FARTHEST * 4  # about one, where a body nearly fits
            ends = estimate.frames[..., :3, 3]
            pelvis = ends[:, :1]
            moment = torch.linalg.cross(estimate.joints[:, self.seen] - pelvis, force, dim=-1)
            lever = torch.linalg.cross(ends - pelvis, carried @ force, dim=-1)
            frames = pad(estimate.frames[..., :3, :3], (0, 0, 0, 0, 0, 1))[:, self.joints.parents]
            torque = (frames.mT @ (carried @ moment - lever)[..., None])[:, 1:, :, 0]
            root = (carried @ moment)[:, :1]
        return torch.cat([force[..., :2].flatten(1), root.flatten(1), torque.flatten(1)], 1)

    def _predict(self, estimate: Estimate, sight: Sight, lens: Perspective) -> Prediction:
        joints, place = estimate.joints, estimate.place
        if not self.training:
            place = _place(joints[:, self.seen], sight, robust=True)
        # turned about the pelvis, from the frame that looks straight at the person
        pelvis = joints[:, 0]
        translation = (sight.turn @ (pelvis + place)[..., None])[..., 0] - pelvis
        root = sight.turn[:, None] @ estimate.rotations[:, :1]
        rotations = torch.cat([root, estimate.rotations[:, 1:], self._resting(root)], 1)
        none = root.new_zeros(len(root), self.body_model.layout.expression)
        params = BodyParams(rotations, estimate.betas, none)
        if self.training:
            turned = (joints - pelvis[:, None]) @ sight.turn.mT + pelvis[:, None]
            body = Body(turned[:, :0], turned, turned[:, :0], self.body_model.topology)
        else:
            body = self.body_model(params)
        camera = replace(lens, translation=translation)
        return Prediction(params, body, self.read_joints(body), camera, extras={"miss": estimate.miss})

    def _resting(self, like: Tensor) -> Tensor:
        """(B, 33, 3, 3) jaw, eyes and fingers: the mean hand."""
        resting = matrix_from_axis_angle(self.body_model.mean_pose[TURNING:])
        return resting.to(like).expand(len(like), -1, -1, -1)


def float32(like: Tensor) -> AbstractContextManager:
    """Geometry is not done in half precision, whatever the network around it is."""
    device = like.device.type
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()


def body_numbers(state: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 132 + S) -> (B, 22, 3, 3) rotations, (B, S) betas."""
    six, shape = state[:, : 6 * TURNING], state[:, 6 * TURNING :]
    return matrix_from_6d(six.unflatten(1, (TURNING, 6))), LARGEST_BETA * torch.tanh(shape / LARGEST_BETA)


def look_straight(seen: Tensor, confidence: Tensor) -> Sight:
    """(B, N, 3) rays in the picture's frame, (B, N) -> as a camera sees them that looks at their middle."""
    weight = (confidence > 0).to(seen.dtype)[..., None]
    middle = (normalize(seen, dim=-1) * weight).sum(1) + seen.new_tensor([0.0, 0.0, 1e-6])
    turn = rotation_towards(middle)
    straight = seen @ turn
    flat = straight[..., :2] / straight[..., 2:].clamp(min=NEAREST)
    spread = ((flat.square() * weight).sum((1, 2)) / weight.sum((1, 2)).clamp(min=1)).sqrt().clamp(min=1e-4)
    return Sight(turn, flat, spread[:, None], confidence)


def mirrored(sight: Sight) -> Sight:
    """What the camera would see of the person in a mirror."""
    flip = sight.flat.new_tensor([-1.0, 1.0, 1.0])
    swap = list(LIFTER_29.mirrored)
    flat = sight.flat[:, swap] * flip[:2]
    return Sight(sight.turn * flip[:, None] * flip, flat, sight.spread, sight.confidence[:, swap])


def _place(joints: Tensor, sight: Sight, robust: bool = False) -> Tensor:
    """(B, 3) the translation that puts (B, N, 3) joints over the points; if robust, stray ones pull less."""
    one, zero = torch.ones_like(sight.flat[:, 0]), torch.zeros_like(sight.flat[:, 0])
    place = solve_translation(joints, sight.flat, sight.confidence, one, zero)
    if robust:
        trust = sight.confidence / (1 + (_miss(joints, place, sight).norm(dim=-1) / ASTRAY).square())
        place = solve_translation(joints, sight.flat, trust, one, zero)
    return torch.cat([place[:, :2], place[:, 2:].clamp(min=NEAREST)], 1)


def _miss(joints: Tensor, place: Tensor, sight: Sight) -> Tensor:
    """(B, N, 2) from where the joints fall to the points, in spreads."""
    fallen = joints + place[:, None]
    flat = fallen[..., :2] / fallen[..., 2:].clamp(min=NEAREST)
    return (sight.flat - flat) / sight.spread[..., None]
