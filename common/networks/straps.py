"""STRAPS: a silhouette and joint heat maps in, shape and pose out (Sengupta, Budvytis, Cipolla 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor

from common.body_models import means
from common.body_models.files import Free
from common.body_models.regressors import Regressor
from common.body_models.smpl import SMPL
from common.geometry.rotation import matrix_from_6d, six_d_from_matrix
from common.joints import COCO_17, H36M_17, LSP_14, SMPL_24, SMPL_45, STRAPS_31
from common.networks.backbones.resnet import ResNet
from common.networks.layers.feedback import Feedback
from common.networks.model import Model
from common.structures import Body, BodyParams, Inputs, Prediction, View, WeakPerspective

Numbers = tuple[Tensor, Tensor, Tensor]
SCALE = 0.9  # published: of the camera that it starts from
SPINS_LSP = (6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10)  # its regressor has the left leg first
HIDDEN = {18: 512, 50: 1024}  # published: how wide the feedback layers are, by the encoder's depth


class STRAPS(Model):
    """ResNet and iterative feedback on a proxy, and a weak-perspective camera.

    Nothing but the proxy is seen, so the network can be trained on synthesis alone. Its pixels are counted
    from the view's corner, see `preprocess/proxy.py`. Each joint is supervised where the published losses
    do: COCO's in the picture, LSP's in space.

    extras: "steps" (B, 3, 157) camera (scale, x, y), 24 rotations in 6D, betas after each step of feedback.
    """

    published: ClassVar = (
        (r"^ief_module\.fc\d\.", None),  # the three layers are there twice
        (r"^ief_module\.ief_layers\.", "feedback.layers."),
        (r"^image_encoder\.", "encoder."),
    )
    unpublished: ClassVar = (r"^feedback\.start$",)  # the means come from a file of their own

    def __init__(
        self,
        depth: int = 18,
        size: int = 256,
        free: Free = "never",
        channels_last: bool = True,
        sampling: str = "resize",
        least_confidence: float = 0.0,
        both: bool = False,
    ) -> None:
        """`depth` of the ResNet: 18 (released) or 50; `size` of the view in pixels; `free`: whether the free
        body may or must be posed, "allow" or "only". On the free body it starts from that body's means.
        `channels_last`: see ResNet. `sampling` of detected silhouettes: "resize" is the published way, "warp"
        the one that training straight in the crop means. Points no surer than `least_confidence` are not
        drawn; published: all are. `both`: in inference a person is seen in a mirror, too, and what lies
        between the two answers is told; published: no.
        """
        super().__init__()
        view = View((size, size), content="proxy", joint_set=COCO_17, padding=1.2, sampling=sampling)
        self.views: Mapping[str, View] = {"proxy": replace(view, least_confidence=least_confidence)}
        self.joint_set = STRAPS_31
        self.body_model = SMPL(free=free)
        self.h36m = Regressor(self.body_model.topology, "h36m")
        is_official = self.body_model.topology == "smpl"
        self.coco = list(COCO_17.taken_from(SMPL_45))
        self.lsp = list(SPINS_LSP if is_official else LSP_14.taken_from(H36M_17))
        mean = means.published() if is_official else means.free()
        camera = mean.betas.new_tensor([SCALE, 0.0, 0.0])
        start = torch.cat([camera, mean.pose.flatten(), mean.betas])
        self.encoder = ResNet(depth, 1 + len(COCO_17), channels_last)
        self.both, self.mirror = both, [0, *(1 + joint for joint in COCO_17.mirrored)]
        self.feedback = Feedback(self.encoder.width, start, HIDDEN.get(depth, 512))

    def read_joints(self, body: Body) -> Tensor:
        """(B, 31, 3): COCO's joints as the body reports them, LSP's as Human3.6M's regressor reads them."""
        return torch.cat([body.joints[:, self.coco], self.h36m(body)[:, self.lsp]], 1)

    def forward(self, inputs: Inputs) -> Prediction:
        proxy = inputs.views["proxy"]
        steps = torch.stack(self.feedback(self.encoder(proxy)), 1).float()
        lens, rotations, betas = self._numbers(steps[:, -1])
        if self.both and not self.training:
            other = self.feedback(self.encoder(proxy[:, self.mirror].flip(3)))[-1].float()
            lens, rotations, betas = self._between((lens, rotations, betas), self._numbers(other))
        params = BodyParams(rotations, betas, betas.new_zeros(len(betas), 0))
        body = self.body_model(params)
        size = lens.new_tensor([proxy.shape[3], proxy.shape[2]]).expand(len(lens), -1)
        camera = WeakPerspective(lens[:, 0], lens[:, 1:], size)
        return Prediction(params, body, self.read_joints(body), camera, extras={"steps": steps})

    def _numbers(self, estimate: Tensor) -> Numbers:
        """(B, 157) -> camera (B, 3), rotations (B, 24, 3, 3), betas (B, 10)."""
        lens, pose, betas = estimate.split([3, 6 * 24, self.body_model.layout.betas], 1)
        return lens, matrix_from_6d(pose.unflatten(1, (24, 6))), betas

    def _between(self, seen: Numbers, mirrored: Numbers) -> Numbers:
        """Between what was said of a person and of the same in a mirror."""
        lens, rotations, betas = mirrored
        flip = lens.new_tensor([-1.0, 1.0, 1.0])
        rotations = rotations[:, list(SMPL_24.mirrored)] * flip[:, None] * flip
        lens = lens * lens.new_tensor([1.0, -1.0, 1.0])
        turns = matrix_from_6d(six_d_from_matrix((seen[1] + rotations) / 2))
        return (seen[0] + lens) / 2, turns, (seen[2] + betas) / 2

    @classmethod
    def variant(cls, state: Mapping[str, Tensor]) -> str | None:
        """Which encoder a checkpoint has, told by its widest features."""
        weight = state.get("feedback.layers.0.weight")
        if weight is None:
            return None
        return f"STRAPS(depth={50 if weight.shape[1] > 2048 else 18})"
