"""What a PyMAF-X of ours says, and how it comes to that, in the words of the published network."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from common.geometry.rotation import axis_angle_from_matrix
from common.networks.pymaf_x import cameras, posing
from common.networks.pymaf_x.alignment import GRID
from common.networks.pymaf_x.bodies import hand_vertices
from common.networks.pymaf_x.pymaf_x import PyMAFX
from common.networks.pymaf_x.regressors import Numbers
from common.structures import Inputs, Prediction

Said = dict[str, Tensor]

DENSE = {
    "surface": "predict_uv_index",
    "surface_group": "predict_ann_index",
    "u": "predict_u",
    "v": "predict_v",
}


def listened(model: PyMAFX, given: Inputs) -> tuple[Prediction, Said]:
    """What a network says, and all that the published arrays tell of how it comes to that."""
    said: Said = {}
    estimates: list[tuple[dict[str, Numbers], Prediction]] = []
    handles = [look for part in model.parts for look in _listen(model, part, said)]
    say = model.predicted

    def noted(estimate: dict[str, Numbers], *others: Any) -> Prediction:
        estimates.append((dict(estimate), say(estimate, *others)))
        return estimates[-1][1]

    model.predicted = noted  # type: ignore[method-assign]
    try:
        with torch.no_grad():
            told = model(given)
    finally:
        del model.predicted
        for handle in handles:
            handle.remove()
    first = model.start(len(next(iter(given.views.values()))))
    with torch.no_grad():
        for stage, (estimate, prediction) in enumerate([(first, say(first, given)), *estimates]):
            outputs = spoken(model, estimate, prediction)
            said |= {f"out{stage}.{name}": value for name, value in outputs.items()}
    for ours, name in DENSE.items():
        if ours in told.extras:
            said[f"dp_head.{name}"] = told.extras[ours][:, :, ::7, ::7]
    if "coordinates" in told.extras:
        said[f"dp_head_hf.{model.parts[0]}"] = told.extras["coordinates"][:, :, ::7, ::7]
    if "visibility" in told.extras:
        is_given = bool((given.part_scores[:, :2] >= 0).all())
        scores = given.part_scores[:, :2].T.flatten()
        said["out3.pred_vis_hands"] = scores if is_given else told.extras["visibility"]
    return told, said


def _listen(model: PyMAFX, part: str, said: Said) -> list[Any]:
    """Notes what is seen of a part; of both hands, which are one batch, left before right."""
    pair = part == "hand" and len(model.parts) > 1

    def sides(values: Tensor) -> list[Tensor]:
        return list(values.chunk(2))[::-1] if pair else [values]

    def maps(_: Any, __: Any, levels: list[Tensor]) -> None:
        for level, values in enumerate(levels):
            steps = [max(1, values.shape[1] // 12), *(max(1, size // 4) for size in values.shape[2:])]
            seen, name = values[:, :: steps[0], :: steps[1], :: steps[2]], f"encoder.{part}.{level}"
            said[name] = torch.cat([said[name], seen]) if name in said else seen  # hands come one by one

    def grid(look: Any, _: Any, seen: Tensor) -> None:
        for call, values in enumerate(sides(seen.unflatten(1, (-1, GRID)))):
            said[f"sample.{part}.0.{call}.feat"] = values[:, :, ::37]
            said[f"sample.{part}.0.{call}.points"] = look.grid[:, ::37].expand(len(values), -1, -1)

    def mesh(stage: int, look: Any, heard: Any, seen: Tensor) -> None:
        pairs = zip(sides(heard[1]), sides(seen), strict=True)
        for side, (points, reduced) in enumerate(pairs):
            said[f"sample.{part}.{stage}.{2 * side}.points"] = points[:, ::37]
            whole_grid = look.grid[:, ::37].expand(len(points), -1, -1)
            said[f"sample.{part}.{stage}.{2 * side + 1}.points"] = whole_grid
            said[f"reduced.{part}.{stage - 1}.{side}"] = reduced[:, ::31]

    def attention(stage: int, _: Any, heard: Any, seen: Tensor) -> None:
        for side, (features, attended) in enumerate(zip(sides(heard[0]), sides(seen), strict=True)):
            every = max(1, features.shape[2] // 8)
            said[f"sample.{part}.{stage}.{2 * side}.feat"] = features[:, GRID::37, ::every].mT
            said[f"sample.{part}.{stage}.{2 * side + 1}.feat"] = features[:, :GRID:37, ::every].mT
            said[f"attention.{part}.{stage - 1}.{side}"] = attended[:, ::97, ::8]

    looks = model.alignment[part]
    handles = [model.encoders[part].register_forward_hook(maps), looks[0].register_forward_hook(grid)]
    for stage in (1, 2):
        handles.append(looks[stage].register_forward_hook(partial(mesh, stage)))
        handles.append(looks[stage].attention.register_forward_hook(partial(attention, stage)))
    return handles


def spoken(model: PyMAFX, estimate: dict[str, Numbers], told: Prediction, every: int = 97) -> Said:
    """An estimate in the words of the published network."""
    if "body" not in model.parts:
        return _of_one(model, estimate, told)
    said = _of_body(model, estimate["body"], told, every)
    if "hand" in model.parts:
        hands = estimate["hand"]
        for side, place in (("r", 0), ("l", 1)):
            said[f"pred_{side}hand"] = hands.pose.chunk(2)[place]
            for name, values in (("orient", hands.root), ("cam", hands.camera), ("shape", hands.betas)):
                said[f"pred_{name}_{side}h"] = values.chunk(2)[place]
        said |= _face(estimate["face"])
    if model.hand_model is not None and model.face_model is not None:
        hands = model.hand_model(posing.hand_params(estimate["hand"])).vertices[:, ::97]
        said["verts_rh_mano"], said["verts_lh_mano"] = hands.chunk(2)
        said["verts_fa_flame"] = model.face_model(posing.face_params(estimate["face"])).vertices[:, ::97]
    return said


def _of_body(model: PyMAFX, body: Numbers, told: Prediction, every: int) -> Said:
    turns = torch.cat([told.params.rotations[:, :22], posing.turns(body.pose)[:, 22:]], 1)
    seen = cameras.on_view(told.camera, told.joints)
    axis_angle = axis_angle_from_matrix(turns).flatten(1)
    said = {
        "theta": torch.cat([body.camera, body.betas, axis_angle], 1), "rotmat": turns,
        "pred_cam": body.camera, "pred_shape": body.betas, "pred_pose": body.pose,
        "kp_2d": seen[:, :49], "kp_3d": told.joints[:, :49], "pred_joints": told.joints[:, :49],
        "smpl_kp_3d": told.body.joints[:, :24],
    }  # fmt: skip
    if model.to_smpl is None:
        return said | {"verts": told.body.vertices[:, ::97]}
    mesh = model.to_smpl.read(told.body.vertices)
    right, left = hand_vertices()
    hands, joints = told.params.rotations[:, 25:].chunk(2, 1), told.joints
    return said | {
        "smplx_verts": told.body.vertices[:, ::every], "verts": mesh[:, ::97],
        "verts_lh": mesh[:, left][:, ::97], "verts_rh": mesh[:, right][:, ::97],
        "smpl_kp_3d": told.body.joints[:, [*range(22), 30, 45]],
        "pred_lhand_rotmat": hands[0], "pred_rhand_rotmat": hands[1],
        "pred_face_rotmat": told.params.rotations[:, 22:25],
        "pred_lhand_kp3d": joints[:, 49:70], "pred_rhand_kp3d": joints[:, 70:91],
        "pred_face_kp3d": joints[:, 91:],
        "pred_lhand_kp2d": seen[:, 49:70], "pred_rhand_kp2d": seen[:, 70:91], "pred_face_kp2d": seen[:, 91:],
        "pred_feet_kp2d": seen[:, 19:25],
    }  # fmt: skip


def _face(face: Numbers) -> Said:
    return {
        "pred_face": face.pose, "pred_exp": face.expression, "pred_orient_fa": face.root,
        "pred_cam_fa": face.camera, "pred_shape_fa": face.betas,
    }  # fmt: skip


def _of_one(model: PyMAFX, estimate: dict[str, Numbers], told: Prediction) -> Said:
    (part,) = model.parts
    numbers, turns, mesh = estimate[part], told.params.rotations, told.body.vertices[:, ::97]
    camera, seen = cameras.nearer(numbers.camera), cameras.on_view(told.camera, told.joints)
    said = {"theta": camera, "pred_cam": camera}
    if part == "face":
        return said | _face(numbers) | {
            "pred_face_rotmat": turns[:, 2:], "pred_orient_fa_rotmat": turns[:, 0], "verts_fa": mesh,
            "verts_fa_flame": mesh, "pred_face_kp3d": told.joints, "pred_face_kp2d": seen,
        }  # fmt: skip
    return said | {
        "pred_rhand": numbers.pose, "pred_rhand_rotmat": turns[:, 1:], "pred_orient_rh": numbers.root,
        "pred_orient_rh_rotmat": turns[:, 0], "verts_rh": mesh, "pred_cam_rh": numbers.camera,
        "pred_shape_rh": numbers.betas, "pred_rhand_kp3d": told.joints, "pred_rhand_kp2d": seen,
    }  # fmt: skip
