"""Named joints of a posed body without its mesh: what training on key points needs, many times faster."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from common.body_models.body_model import BodyModel
from common.body_models.skinning import ancestors, forward_kinematics
from common.geometry.rotation import matrix_from_axis_angle
from common.joints import JointSet

TURNING = 22  # joints of SMPL-X that turn here: hands stay as the mean hand has them, the face rests


class JointReader(nn.Module):
    """Reads a joint set off SMPL-X bodies whose hands and faces rest: only these points are ever posed.

    Like any vertex, a point is a place at rest that shape and pose move, and that turns with some joints; a
    finger's joint turns with its wrist. Agrees with the body model's `joints` to rounding.
    """

    def __init__(self, body_model: BodyModel, joint_set: JointSet) -> None:
        """Raises ValueError for a joint that the body has not, or that is a landmark between vertices."""
        super().__init__()
        self.joint_set = joint_set
        parents = [int(parent) for parent in body_model.parents[:TURNING]]
        places = body_model.joint_set.indices(joint_set.names)
        count, betas = len(body_model.layout.joints), body_model.layout.betas
        joints = torch.cat([body_model.rest_joints[None], body_model.joint_directions[:betas]]).unflatten(
            1, (-1, 3)
        )
        resting = _with_mean_hands(body_model, joints)
        points = [_vertex(body_model, place - count) if place >= count else None for place in places]
        hangs = [_hangs_on(body_model, place) for place in places]
        pairs = list(zip(places, points, hangs, strict=True))

        def constant(name: str, values: list[Tensor], dimension: int) -> None:
            self.register_buffer(name, torch.stack(values, dimension), persistent=False)

        constant("weights", [hang if v is None else _weights(body_model, v) for _, v, hang in pairs], 0)
        constant("rest", [resting[:, p] if v is None else _shapes(body_model, v) for p, v, _ in pairs], 1)
        constant("corrections", [_corrections(body_model, v) for _, v, _ in pairs], 1)
        self.register_buffer("rest_joints", joints[:, :TURNING].clone(), persistent=False)
        self.register_buffer("parents", torch.tensor([TURNING, *parents[1:]]), persistent=False)
        self.register_buffer("ancestors", ancestors([-1, *parents[1:]]), persistent=False)

    def forward(self, rotations: Tensor, betas: Tensor) -> Tensor:
        """(B, 22 or more, 3, 3), (B, S) -> (B, J, 3), where the body model puts them before any translation."""
        rotations = rotations[:, :TURNING]
        shape = torch.cat([torch.ones_like(betas[:, :1]), betas], 1)
        joints = (shape @ self.rest_joints.flatten(1)).unflatten(1, (-1, 3))
        turned = (rotations[:, 1:] - torch.eye(3, dtype=rotations.dtype, device=rotations.device)).flatten(1)
        points = shape @ self.rest.flatten(1) + turned @ self.corrections.flatten(1)
        frames = forward_kinematics(rotations, joints, self.parents, self.ancestors)
        turns, ends = frames[..., :3, :3], frames[..., :3, 3:]
        moves = torch.cat([turns, ends - turns @ joints[..., None]], -1)
        blended = (self.weights @ moves.flatten(2)).unflatten(-1, (3, 4))
        return (blended[..., :3] @ points.unflatten(1, (-1, 3))[..., None] + blended[..., 3:]).squeeze(-1)


def _with_mean_hands(body: BodyModel, joints: Tensor) -> Tensor:
    """(1 + S, P, 3) joints at rest -> the same, fingers curled as the mean hand: linear in the shape still."""
    rotations = matrix_from_axis_angle(body.mean_pose).expand(len(joints), -1, -1, -1)
    zero = torch.zeros_like(joints[:1])
    shapes = torch.cat([zero, joints[1:]]) + joints[:1]
    posed = forward_kinematics(rotations, shapes, body.parents, body.ancestors)[..., :3, 3]
    return torch.cat([posed[:1], posed[1:] - posed[:1]])


def _hangs_on(body: BodyModel, joint: int) -> Tensor:
    """(22,) one for the joint itself, or for the one of the 22 above it."""
    while joint >= TURNING and joint < len(body.layout.joints):
        joint = int(body.parents[joint])
    return torch.nn.functional.one_hot(torch.tensor(min(joint, TURNING - 1)), TURNING).to(body.weights.dtype)


def _vertex(body: BodyModel, point: int) -> int:
    """The vertex that a skin point is."""
    weight, corner = (
        body.corner_weights[point].max(0) if point < len(body.corners) else (torch.tensor(0.0), 0)
    )
    if weight < 0.999:
        raise ValueError(
            f"Point {point} on the skin of {body.topology} is no vertex; only vertices can be read alone."
        )
    return int(body.corners[point, corner])


def _weights(body: BodyModel, vertex: int) -> Tensor:
    """(22,) what hangs on fingers goes to their wrist, the face's to the head."""
    return sum(
        _hangs_on(body, joint) * weight for joint, weight in enumerate(body.weights[vertex]) if weight > 0
    )


def _shapes(body: BodyModel, vertex: int) -> Tensor:
    """(1 + S, 3) the place at rest, moved by what the mean hand corrects, then the directions of shape."""
    place = slice(3 * vertex, 3 * vertex + 3)
    turned = matrix_from_axis_angle(body.mean_pose[1:]) - torch.eye(3, dtype=body.template.dtype)
    mean = body.template[place] + turned.flatten() @ body.corrections[:, place]
    return torch.cat([mean[None], body.directions[: body.layout.betas, place]])


def _corrections(body: BodyModel, vertex: int | None) -> Tensor:
    """(21 * 9, 3) of the joints that turn; none where the point is a joint."""
    if vertex is None:
        return body.template.new_zeros((TURNING - 1) * 9, 3)
    return body.corrections[: (TURNING - 1) * 9, 3 * vertex : 3 * vertex + 3]
