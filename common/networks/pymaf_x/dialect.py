"""What the released weights call the layers and constants of PyMAF-X."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from common.body_models.downsampling import chosen_by

_PART = r"(body|hand|face)"
_HEADS = {
    "decpose": "body.pose", "decshape": "body.betas", "deccam": "body.camera",
    "decrhand": "hand.pose", "decshape_rhand": "hand.betas", "decorient_rhand": "hand.root",
    "deccam_rhand": "hand.camera",
    "dechead": "face.pose", "decexp": "face.expression", "decshape_face": "face.betas",
    "decorient_face": "face.root", "deccam_face": "face.camera",
    "fc3_hand": "hand.fc3", "fc3_face": "face.fc3", "decvis": "visibility.visible",
}  # fmt: skip
_STARTS = {"init_pose": "pose", "init_shape": "betas", "init_cam": "camera", "init_orient": "root",
           "init_rhand": "hand"}  # fmt: skip
_ATTENTION = {
    r"encoder\.layer\.0\.attention\.self\.(query|key|value)": r"\1",
    r"encoder\.layer\.0\.attention\.output\.dense": "dense",
    r"encoder\.layer\.0\.attention\.output\.LayerNorm": "norm1",
    r"encoder\.layer\.0\.intermediate\.dense": "linear1",
    r"encoder\.layer\.0\.output\.dense": "linear2",
    r"encoder\.layer\.0\.output\.LayerNorm": "norm2",
    r"img_embedding": "embedding",
    r"position_embeddings\.weight$": "places",
}
_DENSE = {"uv_index": "index", "ann_index": "group", "u": "u", "v": "v"}

PUBLISHED: tuple[tuple[str, str | None], ...] = (
    # thinned meshes: how to come back is never asked, and each of nine layers has a copy that nobody reads
    (r"^maf_extractor\..*\.[DU]map$", None),
    (r"^m(?:esh|ano)_sampler\.Umap$", None),
    (r"^grid_points$", None),
    # each stage has a whole SMPL, of which one matrix is used, and all starts, which are the same
    (r"^regressor\.0\.body_model\.J_regressor_extra$", "given.extra_joints"),
    (r"^regressor\.\d\.body_model\.", None),
    *((rf"^regressor\.0\.{name}$", f"given.{ours}") for name, ours in _STARTS.items()),
    (r"^regressor\.\d\.init_", None),
    (r"^mesh_sampler\.Dmap$", "given.body_samples"),
    (r"^mano_sampler\.Dmap$", "given.hand_samples"),
    (r"^flame_sampler\.sampling_idx$", "given.face_samples"),
    (rf"^att_feat_reduce\.{_PART}\.1\.", r"alignment.\1.2.reduce."),
    (rf"^att_feat_reduce\.{_PART}\.0\.", r"alignment.\1.1.reduce."),
    (rf"^maf_extractor\.{_PART}\.(\d)\.conv(\d)\.", r"alignment.\1.\2.reducer.layers.\3."),
    (rf"^align_attention\.{_PART}\.1\.", r"alignment.\1.2.attention."),
    (rf"^align_attention\.{_PART}\.0\.", r"alignment.\1.1.attention."),
    *((rf"^(alignment\.\w+\.\d\.attention\.){name}", rf"\1{_ours.replace(chr(92) + '1', chr(92) + '2')}")
      for name, _ours in _ATTENTION.items()),
    (r"^regressor\.(\d)\.fc([12])_vis\.", r"regressors.\1.visibility.hidden.fc\2."),
    (r"^regressor\.(\d)\.fc([12])_(hand|face)\.", r"regressors.\1.\3.hidden.fc\2."),
    (r"^regressor\.(\d)\.fc([12])\.", r"regressors.\1.body.hidden.fc\2."),
    *((rf"^regressor\.(\d)\.{name}\.", rf"regressors.\1.{ours}.") for name, ours in _HEADS.items()),
    *((rf"^dp_head\.predict_{name}\.", f"dense.body.{ours}.") for name, ours in _DENSE.items()),
    (rf"^dp_head_hf\.{_PART}\.predict_pncc\.", r"dense.\1.coordinates."),
)  # fmt: skip
UNPUBLISHED = (
    r"^given\.extra_joints$",  # of a network on SMPL
    r"^dense\.(?:hand|face)\.",  # in training alone, and not in the released one
)


def ours(state: Mapping[str, Tensor], names: set[str]) -> dict[str, Tensor]:
    """Tensors under our names -> in our shapes, without the parts that a network with these names lacks.

    Where none of its own are there either, all are kept, for errors to tell what they are of.
    """
    fits = any(name in state for name in names if name.startswith("alignment."))
    result = {}
    for name, tensor in state.items():
        if fits and name not in names and _is_of_a_part(name):
            continue
        if name in ("given.body_samples", "given.hand_samples") and tensor.ndim == 2:
            tensor = _chosen(tensor, name)
        elif name.startswith("given.") and tensor.ndim == 2 and len(tensor) == 1:
            tensor = tensor[0]
        result[name] = tensor
    return result


def variant(state: Mapping[str, Tensor]) -> str | None:
    """The constructor call that tensors under our names look like."""
    parts = [
        part for part in ("body", "hand", "face") if f"alignment.{part}.0.reducer.layers.0.weight" in state
    ]
    if not parts:
        return None
    options = [] if len(parts) == 3 else [f"parts={tuple(parts)}"]
    if "body" in parts and "encoders.body.stage4.0.branches.0.0.conv1.weight" not in state:
        options.append("backbone='resnet'")
    if len(parts) == 3 and "regressors.0.face.fc3.weight" not in state:
        options.append("own_meshes=False, dense_face=False, expression=10")
    return f"PyMAFX({', '.join(options)})"


def _is_of_a_part(name: str) -> bool:
    words = name.split(".")
    place = {"encoders": 1, "alignment": 1, "dense": 1, "regressors": 2, "given": 0}.get(words[0])
    return place is not None and (place == 0 or words[place] in ("body", "hand", "face", "visibility"))


def _chosen(matrix: Tensor, name: str) -> Tensor:
    if matrix.device.type == "meta":
        return torch.empty(len(matrix), dtype=torch.int64, device="meta")
    return chosen_by(matrix, f"The matrix that becomes {name}")
