"""Constants of PyMAF-X: where it starts and which vertices it looks at, by files or by published weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from common.body_models import files, means
from common.body_models.arrays import read_arrays
from common.body_models.body_model import BodyModel
from common.body_models.downsampling import farthest_vertices, sampled_vertices
from common.body_models.regressors import regressor_matrix
from common.geometry.rotation import matrix_from_axis_angle, six_d_from_matrix
from common.joints import H36M_17
from common.networks.pymaf_x.joints import EXTRA

CAMERA = (0.9, 0.0, 0.0)  # scale, x and y that every camera starts from
MEANS = ("smpl_mean_params.npz", means.NAMES[0])
SHAPES = {  # published weights bring them along, so who has those needs no files of them
    "pose": (144,), "betas": (10,), "camera": (3,), "root": (6,), "hand": (90,), "extra_joints": (9, 6890),
    "body_samples": (431,), "hand_samples": (195,), "face_samples": (708,),
}  # fmt: skip
OF = {  # the parts that need each
    "pose": ("body",), "betas": ("body",), "camera": ("body", "hand", "face"), "root": ("hand", "face"),
    "hand": ("hand",), "extra_joints": ("body",), "body_samples": ("body",), "hand_samples": ("hand",),
    "face_samples": ("face",),
}  # fmt: skip


class Given(nn.Module):
    """Constants that are kept with the weights; who needs one that nothing gave is told what is missing."""

    def __init__(self, names: tuple[str, ...], readers: Mapping[str, Callable[[], Tensor]]) -> None:
        """`names` out of SHAPES; `readers` read a constant off its file, and raise FileNotFoundError."""
        super().__init__()
        self.missing: dict[str, str] = {}
        for name in names:
            try:
                value = readers[name]()
            except FileNotFoundError as error:
                self.missing[name] = str(error)
                kind = torch.int64 if name.endswith("samples") else torch.float32
                value = torch.zeros(SHAPES[name], dtype=kind, device="cpu")
            self.register_buffer(name, value)

    def check(self) -> None:
        """Raises FileNotFoundError, in a sentence each, for what neither a file nor weights gave."""
        if self.missing:
            others = "; the published weights hold it as well."
            raise FileNotFoundError(
                " ".join(dict.fromkeys(line.rstrip(".") + others for line in self.missing.values()))
            )

    def _load_from_state_dict(self, state: Mapping[str, Any], prefix: str, *others: Any) -> None:
        super()._load_from_state_dict(state, prefix, *others)
        self.missing = {name: line for name, line in self.missing.items() if prefix + name not in state}


def readers(hands_from: Callable[[], files.BodyFile]) -> dict[str, Callable[[], Tensor]]:
    """How each constant is read off the official files; `hands_from` finds SMPL-X with the mean hand."""
    return {
        "pose": lambda: _means().pose.flatten(),
        "betas": lambda: _means().betas,
        "camera": lambda: torch.tensor(CAMERA, device="cpu"),
        "root": lambda: _means().pose[0],
        "hand": lambda: mean_hand(hands_from()),
        "extra_joints": lambda: torch.from_numpy(regressor_matrix("smpl", "extra").toarray()).float(),
        "body_samples": lambda: sampled_vertices("smpl"),
        "hand_samples": lambda: sampled_vertices("mano"),
        "face_samples": lambda: sampled_vertices("flame"),
    }


def free_readers(
    body: BodyModel, hands_from: Callable[[], files.BodyFile]
) -> dict[str, Callable[[], Tensor]]:
    """The same for the free body, whose own they are."""
    start = means.free()
    return {
        "pose": lambda: start.pose.flatten(),
        "betas": lambda: start.betas,
        "camera": lambda: torch.tensor(CAMERA, device="cpu"),
        "hand": lambda: mean_hand(hands_from()),
        "extra_joints": lambda: free_extra(body),
        "body_samples": lambda: farthest_vertices(_rest(body), SHAPES["body_samples"][0]),
    }


def free_extra(body: BodyModel) -> Tensor:
    """(9, V) what stands for SPIN's extra joints: Human3.6M's, the crown, and the middle of the shoulders."""
    rows = torch.from_numpy(regressor_matrix(body.topology, "h36m").toarray()).float()
    shoulders = rows[list(H36M_17.indices(("left_shoulder_h36m", "right_shoulder_h36m")))]
    crown = torch.zeros_like(rows[0])
    crown[_rest(body)[:, 1].argmax()] = 1
    others = {"thorax": shoulders.mean(0), "head_top": crown}
    return torch.stack([others[n] if n in others else rows[H36M_17.index(n)] for n in EXTRA])


def _rest(body: BodyModel) -> Tensor:
    return body.template.unflatten(0, (-1, 3))


def mean_hand(source: files.BodyFile) -> Tensor:
    """(90,) SMPL-X's mean right hand in the 6D form."""
    turns = read_arrays(source.path, ("hands_meanr",))["hands_meanr"].astype(np.float32).reshape(15, 3)
    return six_d_from_matrix(matrix_from_axis_angle(torch.from_numpy(turns))).flatten()


def _means() -> means.Means:
    return means.published(names=MEANS)
