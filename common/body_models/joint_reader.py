"""Named joints of a posed SMPL-X body without its mesh: many times faster, for training on key points."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from common.body_models.skinning import ancestors, forward_kinematics
from common.body_models.smplx import SKIN_VERTICES, SMPLX
from common.geometry.rotation import matrix_from_axis_angle
from common.joints import JointSet

Array = np.ndarray
TURNING = 22  # joints that turn here: hands stay as the mean hand has them, the face rests


class JointReader(nn.Module):
    """Reads a joint set off bodies whose hands and faces rest: only these points are ever posed.

    Like any vertex, a point is a place at rest that shape and pose move, and that turns with some joints; a
    finger's joint turns with its wrist. Agrees with the body model's `joints` to rounding.
    """

    carried: Tensor  # (22, J) how far each joint that turns carries each point along

    def __init__(self, body_model: SMPLX, joint_set: JointSet) -> None:
        """Raises ValueError for a joint that the body has not, and for landmarks of the face."""
        super().__init__()
        self.joint_set = joint_set
        body = _Skeleton(body_model)
        points = [body.point(place) for place in body_model.joint_set.indices(joint_set.names)]

        def constant(name: str, values: Array) -> None:
            values = np.ascontiguousarray(values, dtype=np.float32)
            self.register_buffer(name, torch.from_numpy(values), persistent=False)

        constant("rest", np.stack([rest for rest, _, _ in points], 1))  # (1 + S, J, 3) mean, then directions
        constant("corrections", np.stack([correction for _, correction, _ in points], 1))  # (21 * 9, J, 3)
        constant("weights", np.stack([weight for _, _, weight in points]))  # (J, 22)
        constant("rest_joints", body.joints[:, :TURNING])
        constant("carried", body.carries() @ np.stack([weight for _, _, weight in points]).T)
        above = body.parents[:TURNING]
        self.register_buffer("parents", torch.tensor([TURNING, *above[1:]]), persistent=False)
        self.register_buffer("ancestors", ancestors(above), persistent=False)

    def forward(self, rotations: Tensor, betas: Tensor) -> Tensor:
        """(B, 22 or more, 3, 3), (B, S) -> (B, J, 3), where the body model puts them, untranslated."""
        return self.posed(rotations, betas)[0]

    def posed(self, rotations: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and the frames (B, 22, 4, 4) of the joints that turn."""
        rotations = rotations[:, :TURNING]
        shape = torch.cat([torch.ones_like(betas[:, :1]), betas], 1)
        joints = (shape @ self.rest_joints.flatten(1)).unflatten(1, (-1, 3))
        turned = (rotations[:, 1:] - torch.eye(3, dtype=rotations.dtype, device=rotations.device)).flatten(1)
        points = (shape @ self.rest.flatten(1) + turned @ self.corrections.flatten(1)).unflatten(1, (-1, 3))
        frames = forward_kinematics(rotations, joints, self.parents, self.ancestors)
        turns, ends = frames[..., :3, :3], frames[..., :3, 3:]
        moves = torch.cat([turns, ends - turns @ joints[..., None]], -1)
        blended = (self.weights @ moves.flatten(2)).unflatten(-1, (3, 4))
        return (blended[..., :3] @ points[..., None] + blended[..., 3:]).squeeze(-1), frames


class _Skeleton:
    """A body model's numbers, as far as they bear on single points."""

    def __init__(self, body: SMPLX) -> None:
        self.body = body
        self.count, self.betas = len(body.layout.joints), body.layout.betas
        self.parents = [-1, *(int(parent) for parent in body.parents[1:])]
        joints = np.concatenate([body.rest_joints.numpy()[None], body.joint_directions.numpy()[: self.betas]])
        self.joints = joints.reshape(1 + self.betas, self.count, 3)  # the mean shape, then each direction
        self.mean_hand = matrix_from_axis_angle(body.mean_pose).numpy()
        self.resting = self._with_mean_hands()

    def point(self, place: int) -> tuple[Array, Array, Array]:
        """(1 + S, 3) at rest and by shape, (21 * 9, 3) by pose, (22,) what it turns with."""
        if place < self.count:
            return self.resting[:, place], np.zeros(((TURNING - 1) * 9, 3)), self._hangs_on(place)
        if place - self.count >= len(SKIN_VERTICES):
            raise ValueError(
                f"'{self.body.joint_set.names[place]}' is a landmark; only joints and vertices can be read."
            )
        vertex = SKIN_VERTICES[place - self.count]
        axes = slice(3 * vertex, 3 * vertex + 3)
        corrections = self.body.corrections_of(vertex).numpy()
        mean = self.body.template.numpy()[axes] + (self.mean_hand[1:] - np.eye(3)).reshape(-1) @ corrections
        rest = np.concatenate([mean[None], self.body.directions.numpy()[: self.betas, axes]])
        weights = self.body.weights.numpy()[vertex]
        return (
            rest,
            corrections[: (TURNING - 1) * 9],
            sum(w * self._hangs_on(j) for j, w in enumerate(weights)),
        )

    def carries(self) -> Array:
        """(22, 22) one where the first joint is the second, or above it."""
        carries = np.eye(TURNING)
        for joint in range(TURNING - 1, 0, -1):
            carries[self.parents[joint]] += carries[joint]
        return carries

    def _hangs_on(self, joint: int) -> Array:
        """(22,) one for the joint itself, or for the one of the 22 that it hangs on."""
        while joint >= TURNING:
            joint = self.parents[joint]
        return np.eye(TURNING)[joint]

    def _with_mean_hands(self) -> Array:
        """(1 + S, 55, 3) as `joints`, but with curled fingers: linear in the shape still."""
        turns, places = [np.eye(3)], [self.joints[:, 0]]
        for joint in range(1, self.count):
            parent = self.parents[joint]
            places.append(places[parent] + (self.joints[:, joint] - self.joints[:, parent]) @ turns[parent].T)
            turns.append(turns[parent] @ self.mean_hand[joint])
        return np.stack(places, 1)
