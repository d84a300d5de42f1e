"""The lifter: key points of one person in, a body out; small, and trained on synthetic poses alone."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from common.body_models.joint_reader import TURNING, JointReader
from common.body_models.smplx import SMPLX
from common.geometry.camera import rays, rotation_towards, solve_translation
from common.geometry.rotation import matrix_from_6d, matrix_from_axis_angle
from common.joints import LIFTER_29, LIFTER_39
from common.networks.model import Model
from common.structures import Body, BodyParams, Inputs, Perspective, Prediction, View

NEAREST = 0.2  # meters: no body, and no part of one, is closer to the camera
ASTRAY = 0.15  # in spreads, some 4 % of a person's height: a point this far off counts half
LARGEST_BETA = 4.0


@dataclass
class Sight:
    """Key points as a camera sees them that looks straight at the person, wherever the picture's looks."""

    turn: Tensor  # (B, 3, 3) from that camera's frame to the picture's
    flat: Tensor  # (B, N, 2) x / z of each point's ray
    spread: Tensor  # (B, 1) root mean square of `flat`: how large the person appears
    confidence: Tensor  # (B, N)


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
    body so far fall from the points. Least squares put the body over them, so it lies there with any focal
    length. Hands and face rest. In training no mesh is posed: the prediction's body then holds joints alone.
    """

    def __init__(self, width: int = 768, blocks: int = 2, steps: int = 2) -> None:
        super().__init__()
        self.views: Mapping[str, View] = {
            "keypoints": View(size=(256, 256), content="keypoints", joint_set=LIFTER_29)
        }
        self.joint_set = LIFTER_39
        self.body_model = SMPLX(free="only")
        self.joints = JointReader(self.body_model, LIFTER_39)
        self.steps = steps
        points, numbers = len(LIFTER_29), TURNING * 6 + self.body_model.layout.betas
        self.look = nn.Sequential(nn.Linear(3 * points + 3, width), *(Residual(width) for _ in range(blocks)))
        self.start = nn.Linear(width, numbers)
        self.compare = nn.Linear(width + numbers + 2 * points, width)
        self.correct = nn.Sequential(*(Residual(width) for _ in range(blocks)))
        self.change = nn.Linear(width, numbers)
        for layer in (self.start, self.change):
            nn.init.normal_(layer.weight, std=0.003)
            nn.init.zeros_(layer.bias)
        upright = torch.tensor([1.0, 0, 0, 1, 0, 0]).repeat(TURNING, 1)
        upright[0, 3] = -1.0  # the root faces the camera: y down, z away
        self.register_buffer(
            "mean", torch.cat([upright.flatten(), torch.zeros(numbers - 6 * TURNING)]), False
        )
        self.register_buffer("seen", torch.tensor(LIFTER_29.taken_from(LIFTER_39)), False)
        self.register_buffer("places", torch.tensor(LIFTER_39.taken_from(self.body_model.joint_set)), False)

    def read_joints(self, body: Body) -> Tensor:
        return body.joints if body.joints.shape[1] == len(LIFTER_39) else body.joints[:, self.places]

    def forward(self, inputs: Inputs) -> Prediction:
        keypoints, crop = inputs.views["keypoints"], inputs.crops["keypoints"]
        focal, center = inputs.intrinsics.diagonal(dim1=1, dim2=2)[:, :2], inputs.intrinsics[:, :2, 2]
        with float32(keypoints):
            sight = look_straight(rays(crop.back(keypoints[..., :2]), focal, center), keypoints[..., 2])
        states = self._states(sight)
        zoom = crop.matrix[:, :, :2].diagonal(dim1=1, dim2=2)
        lens = Perspective(
            focal * zoom, center * zoom + crop.matrix[..., 2], torch.zeros_like(keypoints[:, 0])
        )
        with float32(keypoints):
            estimates = [self._predict(s, sight, lens) for s in (states if self.training else states[-1:])]
        return replace(estimates[-1], stages=tuple(estimates[:-1]))

    def _states(self, sight: Sight) -> list[Tensor]:
        """(B, 132 + S) the numbers of the body, step by step: six of each rotation, then the shape."""
        known = (sight.confidence > 0).to(sight.flat.dtype)[..., None]
        points = (sight.flat / sight.spread[..., None] * known).flatten(1)
        where = sight.turn[:, :2, 2]  # the direction in which the person is
        features = self.look(torch.cat([points, sight.confidence, sight.spread.log() + 2, where], 1))
        states = [self.mean + self.start(features).float()]
        for _ in range(self.steps):
            with float32(points):
                miss = (self._miss(states[-1], sight) * known).flatten(1)
            compared = self.compare(torch.cat([features.float(), states[-1], miss], 1))
            states.append(states[-1] + self.change(self.correct(compared)).float())
        return states

    def _miss(self, state: Tensor, sight: Sight) -> Tensor:
        """(B, N, 2) from where the body's joints fall, were it put over the points, to the points."""
        joints = self.joints(*body_numbers(state))[:, self.seen]
        fallen = joints + _place(joints, sight)[:, None]
        flat = fallen[..., :2] / fallen[..., 2:].clamp(min=NEAREST)
        return ((sight.flat - flat) / sight.spread[..., None]).clamp(-3, 3)

    def _predict(self, state: Tensor, sight: Sight, lens: Perspective) -> Prediction:
        numbers, betas = body_numbers(state)
        joints = self.joints(numbers, betas)
        place = _place(joints[:, self.seen], sight, robust=not self.training)
        # turned about the pelvis, from the frame that looks straight at the person to the picture's
        pelvis = joints[:, 0]
        translation = (sight.turn @ (pelvis + place)[..., None])[..., 0] - pelvis
        rotations = torch.cat(
            [sight.turn[:, None] @ numbers[:, :1], numbers[:, 1:], self._resting(numbers)], 1
        )
        params = BodyParams(rotations, betas, betas.new_zeros(len(betas), self.body_model.layout.expression))
        if self.training:
            turned = (joints - pelvis[:, None]) @ sight.turn.mT + pelvis[:, None]
            body = Body(turned[:, :0], turned, turned[:, :0], self.body_model.topology)
        else:
            body = self.body_model(params)
        return Prediction(params, body, self.read_joints(body), replace(lens, translation=translation))

    def _resting(self, like: Tensor) -> Tensor:
        """(B, 33, 3, 3) jaw, eyes and fingers: the mean hand."""
        return (
            matrix_from_axis_angle(self.body_model.mean_pose[TURNING:]).to(like).expand(len(like), -1, -1, -1)
        )


def float32(like: Tensor) -> AbstractContextManager:
    """Geometry is not done in half precision, whatever the network around it is."""
    device = like.device.type
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()


def body_numbers(state: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 132 + S) -> (B, 22, 3, 3) rotations, (B, S) betas."""
    return matrix_from_6d(state[:, : 6 * TURNING].unflatten(1, (TURNING, 6))), LARGEST_BETA * torch.tanh(
        state[:, 6 * TURNING :] / LARGEST_BETA
    )


def look_straight(seen: Tensor, confidence: Tensor) -> Sight:
    """(B, N, 3) rays in the picture's frame, (B, N) -> as a camera sees them that looks at their middle."""
    weight = (confidence > 0).to(seen.dtype)[..., None]
    middle = (normalize(seen, dim=-1) * weight).sum(1) + seen.new_tensor([0.0, 0.0, 1e-6])
    turn = rotation_towards(middle)
    straight = seen @ turn
    flat = straight[..., :2] / straight[..., 2:].clamp(min=NEAREST)
    spread = ((flat.square() * weight).sum((1, 2)) / weight.sum((1, 2)).clamp(min=1)).sqrt().clamp(min=1e-4)
    return Sight(turn, flat, spread[:, None], confidence)


def _place(joints: Tensor, sight: Sight, robust: bool = False) -> Tensor:
    """(B, 3) the translation that puts (B, N, 3) joints over the points; if robust, stray ones pull less."""
    one, zero = torch.ones_like(sight.flat[:, 0]), torch.zeros_like(sight.flat[:, 0])
    place = solve_translation(joints, sight.flat, sight.confidence, one, zero)
    if robust:
        fallen = joints + place[:, None]
        flat = fallen[..., :2] / fallen[..., 2:].clamp(min=NEAREST)
        miss = (sight.flat - flat).norm(dim=-1) / sight.spread
        trust = sight.confidence / (1 + (miss / ASTRAY).square())
        place = solve_translation(joints, sight.flat, trust, one, zero)
    depth = place[:, 2:].clamp(min=NEAREST)
    return torch.cat([place[:, :2], depth], 1)
