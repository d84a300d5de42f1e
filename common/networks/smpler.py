"""SMPLer: a body, refined by attention to high-resolution features around its joints (Xu et al. 2024)."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from common.body_models import means
from common.body_models.files import Free
from common.body_models.regressors import Regressor, regressor_matrix
from common.body_models.smpl import SMPL
from common.geometry.rotation import matrix_from_6d
from common.joints import H36M_17, LSP_14
from common.networks.backbones.hrnet import HRNet
from common.networks.layers.feedback import Feedback
from common.networks.layers.precision import full_precision
from common.networks.model import Model
from common.networks.refinement import BETAS, JOINTS, Estimate, Queries, Refinement
from common.structures import Body, BodyParams, Inputs, Prediction, View, WeakPerspective

logger = logging.getLogger(__name__)

SIDE = 224  # pixels of the view
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
_BLOCK = r"^(refinements\.\d+\.)trans_block\."
_UNIT = r"^(refinements\.\d+\.units\.\d\.)"


class SMPLer(Model):
    """An HRNet's four maps, a first estimate by iterative feedback, then refinements of it.

    `stages` of its prediction are the first estimate and all refined ones but the last. Without refinements
    it is the network of the first training stage. Joints are read off the mesh by a regressor that differs
    with the data set trained on: "h36m_correct" or "3dpw".
    """

    published: ClassVar = (
        (r"^smpl_handler\.smpl\.", None),  # the whole SMPL
        (r"^SMPL_predictor\.fc1\.", "first.layers.0."),
        (r"^SMPL_predictor\.fc2\.", "first.layers.2."),
        (r"^init_query_layer_theta\.", "queries.rotations."),
        (r"^init_query_layer_beta\.", "queries.shape."),
        (r"^init_query_layer_cam\.", "queries.camera."),
        (r"^global_feat_projection\.", "queries.picture."),
        (r"^transformer\.", "refinements."),
        (r"^(refinements\.\d+\.)raw_feat_projection_layer\.", r"\1project."),
        (r"^(refinements\.\d+\.)joint_feat_projection_layer\.0\.", r"\1joint_feature."),
        (r"^(refinements\.\d+\.)theta_predictor\.", r"\1rotation."),
        (r"^(refinements\.\d+\.)beta_predictor\.", r"\1shape."),
        (r"^(refinements\.\d+\.)cam_predictor\.", r"\1camera."),
        (_BLOCK + r"early_embedding\.", r"\1embed."),
        (_BLOCK + r"position_embeddings\.weight$", r"\1positions"),
        (_BLOCK + r"feat_position_embedding$", r"\1places"),
        (_BLOCK + r"trans_units\.", r"\1units."),
        (_BLOCK + r"(head|residual)\.", r"\1\2."),
        (_UNIT + r"local_unit\.relative_position_encoding_table\.0$", r"\1relative_position"),
        (_UNIT + r"local_unit\.trans_layer_list\.0\.transformer_layer\.", r"\1joint_aware."),
        (_UNIT + r"global_unit\.trans_layer_list\.(\d)\.transformer_layer\.", r"\1multi_scale.\2."),
        (_UNIT + r"self_trans_layer\.self_trans_layer\.", r"\1among."),
        (r"\.LayerNorm_attn\.", ".norm1."),
        (r"\.linear_attn\.", ".attention.proj."),
        (r"\.mlp\.0\.", ".norm2."),
        (r"\.mlp\.1\.", ".fc1."),
        (r"\.mlp\.3\.", ".fc2."),
    )

    def __init__(
        self, width: int = 32, refinements: int = 3, regressor: str = "h36m_correct", free: Free = "never"
    ) -> None:
        """`width` of the HRNet: 32, or 48 for SMPLer-L. `free`: whether the free body may stand in for SMPL,
        "allow", or must, "only". Raises FileNotFoundError, in one sentence, where a file is missing.
        """
        super().__init__()
        self.views: Mapping[str, View] = {
            "body": View(size=(SIDE, SIDE), padding=1.2, sampling="resize", **IMAGENET)
        }
        self.joint_set = LSP_14
        self.body_model = SMPL(free=free)
        self.regressed_by = regressor
        self.regressor = Regressor(self.body_model.topology, regressor)
        matrix = torch.from_numpy(regressor_matrix(self.body_model.topology, regressor).toarray())
        self.register_buffer("regressor_mark", mark(matrix))
        self.register_load_state_dict_pre_hook(_keep_regressor)
        self.picked = list(LSP_14.taken_from(H36M_17))
        is_official = self.body_model.topology == "smpl"
        mean = means.published() if is_official else means.free()
        camera = mean.betas.new_tensor([1.0, 0.0, 0.0])  # Published: not the scale of 0.9 that the file has.
        start = torch.cat([mean.pose.flatten(), mean.betas, camera])
        self.backbone = HRNet(width)
        channels = self.backbone.channels
        self.first = Feedback(channels[-1], start, 1024, dropout=0.5)
        if refinements:
            self.queries = Queries(channels[-1])
        self.refinements = nn.ModuleList(Refinement(channels) for _ in range(refinements))

    def read_joints(self, body: Body) -> Tensor:
        """(B, 14, 3)."""
        return self.regressor(body)[:, self.picked]

    def forward(self, inputs: Inputs) -> Prediction:
        view = inputs.views["body"]
        if view.shape[-2:] != (SIDE, SIDE):
            raise ValueError(f"The view 'body' must be {SIDE} x {SIDE} pixels, not {tuple(view.shape[-2:])}.")
        maps = self.backbone(view)
        picture = maps[-1].float().mean((2, 3))
        estimates = [self._first(picture)]
        features = [features.flatten(2).mT for features in maps]
        tokens = self.queries(estimates[0], picture) if self.refinements else picture
        for refine in self.refinements:
            tokens, *corrections = refine(tokens, features, estimates[-1])
            estimates.append(self._corrected(estimates[-1], *corrections))
        return self._predict(estimates)

    def _first(self, picture: Tensor) -> Estimate:
        numbers = self.first(picture)[-1].float()
        pose, betas, camera = numbers.split([6 * JOINTS, BETAS, 3], 1)
        return self._seen(matrix_from_6d(pose.unflatten(1, (JOINTS, 6))), betas, camera)

    def _corrected(self, last: Estimate, turns: Tensor, betas: Tensor, camera: Tensor) -> Estimate:
        with full_precision(betas.device.type):
            # Published: each joint turns by its correction before it turns as it did.
            return self._seen(last.rotations @ turns, last.betas + betas, last.camera + camera)

    def _seen(self, rotations: Tensor, betas: Tensor, camera: Tensor) -> Estimate:
        with full_precision(betas.device.type):
            joints = self.body_model.turning_joints(_params(rotations, betas))[..., :2]
            return Estimate(rotations, betas, camera, camera[:, None, :1] * (joints + camera[:, None, 1:]))

    def _predict(self, estimates: list[Estimate]) -> Prediction:
        """All bodies are posed together at the end: until then only their joints are looked at."""
        count = len(estimates[0].betas)
        params = _params(
            *(torch.cat([getattr(each, name) for each in estimates]) for name in ("rotations", "betas"))
        )
        with full_precision(params.betas.device.type):
            bodies = self.body_model(params)
            joints = self.read_joints(bodies)
        predictions = []
        for place, each in enumerate(estimates):
            mine = slice(place * count, (place + 1) * count)
            body = Body(bodies.vertices[mine], bodies.joints[mine], bodies.rest[mine], bodies.topology)
            size = each.camera.new_tensor([SIDE, SIDE]).expand(count, 2)
            camera = WeakPerspective(each.camera[:, 0], each.camera[:, 1:], size)
            predictions.append(Prediction(_params(each.rotations, each.betas), body, joints[mine], camera))
        *stages, last = predictions
        last.stages = tuple(stages)
        return last

    @classmethod
    def translate(cls, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Three heads of the first estimate become one; maps are rows of features here."""
        ours = dict(state)
        for kind in ("weight", "bias"):
            parts = [ours.pop(f"SMPL_predictor.dec{name}.{kind}") for name in ("pose", "shape", "cam")]
            ours[f"first.layers.4.{kind}"] = torch.cat(parts)
        ours["first.start"] = torch.cat(
            [ours.pop(f"SMPL_predictor.init_{name}")[0] for name in ("pose", "shape", "cam")]
        )
        # Published: whichever regressor it was trained with goes by this one's name.
        ours["regressor_mark"] = mark(ours.pop("smpl_handler.J_regressor_h36m_correct"))
        for name, tensor in ours.items():
            if re.search(r"\.project\.\d\.0\.weight$", name):
                ours[name] = tensor.flatten(1)
            elif name.endswith(".places"):
                ours[name] = tensor.permute(0, 2, 3, 1)
        return ours

    @classmethod
    def variant(cls, state: Mapping[str, Tensor]) -> str | None:
        if (finest := state.get("backbone.transition1.0.0.weight")) is None:
            return None
        stages = {name.split(".")[1] for name in state if name.startswith("refinements.")}
        return f"SMPLer(width={len(finest)}, refinements={len(stages)})"


def mark(regressor: Tensor) -> Tensor:
    """(17, 6890) -> (17,) what weights keep of a regressor: enough to tell one from another."""
    place = torch.arange(regressor.shape[1], dtype=torch.float64, device=regressor.device)
    return (regressor.double() @ place.cos()).float()


def _keep_regressor(network: SMPLer, state: dict[str, Any], prefix: str, *others: object) -> None:
    """Says it where weights were trained with another regressor; the network's own stays."""
    theirs, ours = state.get(f"{prefix}regressor_mark"), network.regressor_mark
    if theirs is None or theirs.is_meta or ours.is_meta:
        return
    if not torch.allclose(theirs.to(ours), ours, atol=1e-4):
        logger.warning(
            "These weights were trained with another joint regressor than '%s', by which their joints are "
            "read now: numbers are not comparable; SMPLer(regressor='h36m_correct' or '3dpw') says which.",
            network.regressed_by,
        )
    state[f"{prefix}regressor_mark"] = ours


def _params(rotations: Tensor, betas: Tensor) -> BodyParams:
    return BodyParams(rotations, betas, betas.new_zeros(len(betas), 0))
