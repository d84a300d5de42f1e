"""What OSX, SMPLer-X and SMPLest-X have in common: the picture they want, the camera, the body."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from common.body_models.files import Free
from common.body_models.smplx import SMPLX
from common.geometry.rotation import axis_angle_from_6d
from common.joints import SMPLX_144, WHOLE_BODY_137
from common.networks.layers.precision import full_precision
from common.networks.model import Model
from common.structures import Body, Inputs, Perspective, Prediction, View

VIEW = (512, 384)  # height, width
CELL = 32  # pixels of the view: a patch of the encoder, which sees half of them
FOCAL = 5000.0  # on an image of 256 x 192
BODY_SIDE = 2.5  # meters
FARTHEST = math.sqrt(FOCAL**2 * BODY_SIDE**2 / (256 * 192))  # meters
EPSILON = 1e-4  # meters, added to the depth before dividing (published)
SAME_POINT = {"left_face_eye": "left_eye", "right_face_eye": "right_eye"}
EYES = slice(23, 25)  # never turned


class WholeBody(Model):
    """A network that reads an SMPL-X body and a camera off one picture of a person."""

    def __init__(self, free: Free = "never") -> None:
        """`free`: whether the free body may stand in for SMPL-X, for which all published weights are made.

        Raises FileNotFoundError, in one sentence, where the body is not there.
        """
        super().__init__()
        self.views = {"body": View(VIEW)}
        self.joint_set = WHOLE_BODY_137
        self.body_model = SMPLX(free=free)
        picked = SMPLX_144.indices(tuple(SAME_POINT.get(name, name) for name in WHOLE_BODY_137.names))
        self.register_buffer("picked", torch.tensor(picked, device="cpu"), persistent=False)

    def read_joints(self, body: Body) -> Tensor:
        """(B, 137, 3)."""
        return body.joints[:, self.picked]

    def image(self, inputs: Inputs) -> Tensor:
        """(B, 3, 256, 192) what the encoder sees; ValueError where the view has another size."""
        view = inputs.views["body"]
        if view.shape[-2:] != VIEW:
            raise ValueError(
                f"The view 'body' must be {VIEW[0]} x {VIEW[1]} pixels, not {tuple(view.shape[-2:])}."
            )
        return view[:, :, ::2, ::2]  # Published: every second pixel, not their mean.

    def camera(self, numbers: Tensor) -> Perspective:
        """(B, 3): x and y in meters, and what becomes the depth -> a camera onto the view."""
        depth = FARTHEST * numbers[:, 2:].sigmoid()
        lens = numbers.new_tensor([[FOCAL * VIEW[1] / 192, FOCAL * VIEW[0] / 256]])
        center = numbers.new_tensor([[VIEW[1] / 2, VIEW[0] / 2]])
        batch = len(numbers)
        return Perspective(
            lens.expand(batch, -1), center.expand(batch, -1), torch.cat([numbers[:, :2], depth], 1), EPSILON
        )

    def predict(
        self,
        turns: Tensor,
        jaw: Tensor,
        hands: Tensor,
        betas: Tensor,
        expression: Tensor,
        camera: Tensor,
        extras: dict[str, Tensor],
    ) -> Prediction:
        """Body (B, 22, 6), jaw (B, 6) in the 6D form, hands (B, 2, 15, 3) in axis-angle from the mean hand,
        betas and expression (B, 10), the camera's numbers (B, 3), and what goes into the extras besides

            pose    (B, 53, 3) axis-angle as the network says it: of SMPLX_55 without the eyes, hands from the
                    mean hand
        """
        with full_precision(betas.device.type):
            body, jaw = axis_angle_from_6d(turns), axis_angle_from_6d(jaw)[:, None]
            pose = torch.cat([body, jaw, jaw.new_zeros(len(jaw), 2, 3), hands.flatten(1, 2)], 1)
            flat_hand = torch.zeros(len(pose), dtype=torch.bool, device=pose.device)
            params = self.body_model.params(pose, betas, expression, flat_hand)
            posed = self.body_model(params)
            said = torch.cat([pose[:, : EYES.start], pose[:, EYES.stop :]], 1)
            return Prediction(
                params, posed, self.read_joints(posed), self.camera(camera), extras={"pose": said, **extras}
            )
