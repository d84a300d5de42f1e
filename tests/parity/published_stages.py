"""What our networks compute on the way, by the published arrays' names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from common.losses.origins import origins
from common.networks.heads.boxes import PARTS
from common.networks.model import Model
from common.structures import Prediction

SPELLED = {"left_hand": "lhand", "right_hand": "rhand", "face": "face"}
ORIGINS = {"left_hand": "left_wrist", "right_hand": "right_wrist", "face": "neck"}
Heard = dict[str, tuple[tuple[Any, ...], Any]]


def listen(model: nn.Module) -> Heard:
    """What each module will have been given and have said, by its name."""
    heard: Heard = {}
    for name, module in model.named_modules():
        module.register_forward_hook(lambda m, given, said, name=name: heard.update({name: (given, said)}))
    return heard


def thinned(values: Tensor, strides: list[int], shape: tuple[int, ...]) -> Tensor:
    """Every so many numbers: of the last axes, or of the one axis that gives the published shape."""
    if len(strides) > 1:
        skip = values.dim() - len(strides)
        return values[(slice(None),) * skip + tuple(slice(None, None, stride) for stride in strides)]
    for axes in ((2, 3), (values.dim() - 1,), (1,)):  # a picture is thinned both ways
        some = [
            slice(None, None, strides[0]) if axis in axes else slice(None) for axis in range(values.dim())
        ]
        if values[tuple(some)].shape == shape:
            return values[tuple(some)]
    raise AssertionError(f"{tuple(values.shape)} thinned by {strides} is never {shape}.")


def spelled(name: str) -> tuple[str, list[int]]:
    """A published array's name without its strides, and those."""
    found = re.fullmatch(r"(.+?)((?:_s\d+)*)(_flippedL_then_R)?", name)
    assert found
    return found[1], [int(stride) for stride in re.findall(r"\d+", found[2])]


def of_any(model: Model, told: Prediction) -> Iterator[tuple[str, Tensor]]:
    """What every prediction says."""
    joints, body = told.joints, told.body.joints
    sure = torch.ones(joints.shape[:2])
    placed = joints + told.camera.translation[:, None]
    mesh = told.body.vertices + told.camera.translation[:, None]
    here, _ = origins(joints, sure, model.joint_set, ("pelvis",), {})
    parts, _ = origins(joints, sure, model.joint_set, ("pelvis",), ORIGINS)
    projected = told.camera.project(body) / 32
    yield from {
        "smplx/joints144": body, "joint_cam": joints - parts, "joint_cam_part_relative": joints - parts,
        "joint_cam_root_relative": joints - here, "root_cam": placed[:, :1], "mesh_cam": mesh,
        "mesh_cam_mean": mesh.mean(1), "joint_proj": told.camera.project(joints) / 32,
        "joint_proj_144_when_testset_is_AGORA": projected, "agora/out/smplx_joint_proj": projected,
    }.items()  # fmt: skip


def of_encoder(heard: Heard) -> Iterator[tuple[str, Tensor]]:
    tokens, features = heard["encoder"][1]
    for name in ("img_feat", "encoder/img_feat"):
        yield name, features
    for name in ("task_tokens", "encoder/task_tokens"):
        yield name, tokens
    (image,), patches = heard["encoder.patch_embed"]
    yield "patch_embed/image", image
    for name in ("patch_embed", "patch_embed/out"):
        yield name, patches
    for depth in (0, 6, 11, 12, 23):
        if f"encoder.blocks.{depth}" in heard:
            for name in (f"block{depth}/out", f"block{depth}_tokens"):
                yield name, heard[f"encoder.blocks.{depth}"][1]


def of_one_stage(heard: Heard, told: Prediction) -> Iterator[tuple[str, Tensor]]:
    """The body, its boxes and what is read in them; `told` has the boxes in pixels of twice the size."""
    positions, volume = heard["body_position_net"][1]
    turns, betas, camera = heard["body_regressor"][1]
    for ours, *theirs in (
        (volume, "body_position_net/hm", "body_joint_hm"),
        (positions, "body_position_net/joint_img", "body_joint_img"),
        (turns[:, 0], "body_regressor/root_6d", "root_pose_6d"),
        (turns[:, 1:].flatten(1), "body_regressor/body_6d", "body_pose_6d"),
        (betas, "body_regressor/shape", "shape"),
        (camera, "body_regressor/cam", "cam_param"),
        (heard["box_net.deconv"][1], "box_net/deconv", "box_deconv"),
        (heard["box_net.bbox_center"][1], "box_center_hm"),
        (heard["face.regressor"][1][0], "face_regressor/expr", "expr"),
        (heard["face.regressor"][1][1], "face_regressor/jaw_6d", "jaw_pose_6d"),
        (heard["hands.regressor.hand_pose_out"][1], "hand_regressor/pose_6d", "hand_pose_6d"),
        (heard["hands.position_net"][1][0], "hand_position_net/joint_img", "hand_joint_img"),
    ):
        yield from ((name, ours) for name in theirs)
    centers, sizes = heard["box_net"][1]
    for place, part in enumerate(PARTS):
        there = told.extras["part_boxes"][:, place] / 2
        for name, ours in (("center", centers[:, place]), ("size", sizes[:, place])):
            yield f"box_net/{SPELLED[part]}_{name}", ours
            yield f"box_{SPELLED[part]}_{name}", ours
        yield f"restore_bbox/{SPELLED[part]}", there
        yield f"{SPELLED[part]}_bbox_body_xyxy", there


def of_cut_parts(heard: Heard) -> Iterator[tuple[str, Tensor]]:
    """What is cut into the boxes; hands as right ones."""
    for name, part in (("hand", "hands"), ("face", "face")):
        if f"{part}.roi_net" not in heard:
            continue
        maps = heard[f"{part}.roi_net"][1]
        if isinstance(maps, Tensor):
            yield "hand_deconv", heard[f"{part}.roi_net.deconv"][1]
            yield "hand_roi_aligned", as_right(heard[f"{part}.roi_net.conv"][0][0])
            for theirs in ("hand_feat", "hand_roi/feat"):
                yield theirs, as_right(maps)
            continue
        for level, one in enumerate(maps):
            yield f"{name}_roi/level{level}", as_right(one) if name == "hand" else one
        yield from of_decoder(heard, name, part)


def of_decoder(heard: Heard, name: str, part: str) -> Iterator[tuple[str, Tensor]]:
    """A decoder's queries; published: what attention says is what it was given, and what it found."""
    positions, queries = heard[f"{part}.position_net"][1]
    yield f"{name}_position_net/joint_img", positions
    yield f"{name}_position_net/feat", queries
    for level in range(3):
        yield f"{name}_decoder/neck/level{level}", heard[f"{part}.decoder.neck.{level}"][1]
    places, memory = heard[f"{part}.decoder.layers.0.cross_attention"][0][1:]
    yield f"{name}_decoder/memory", memory
    yield f"{name}_decoder/reference_points", places  # published: and a depth, which nothing reads
    for layer in (0, 5):
        ours, theirs = f"{part}.decoder.layers.{layer}", f"{name}_decoder/layer{layer}"
        yield f"{theirs}/self_attn", heard[f"{ours}.norms.0"][0][0]
        yield f"{theirs}/cross_attn", heard[f"{ours}.norms.1"][0][0]
        yield f"{theirs}/out", heard[ours][1]
    yield f"{name}_decoder/out", heard[f"{part}.decoder"][1]


def of_tokens(heard: Heard) -> Iterator[tuple[str, Tensor]]:
    """SMPLest-X's decoder and what is read off its tokens; every layer's input is all tokens."""
    turns, betas, camera, hand_roots, hands, expression, jaw = heard["regressor"][1]
    yield from {
        "dec_body_root_pose": turns[:, 0], "dec_body_pose": turns[:, 1:].flatten(1), "dec_body_betas": betas,
        "dec_body_cam": camera,
        "dec_lhand_root_pose": hand_roots[:, 0], "dec_rhand_root_pose": hand_roots[:, 1],
        "dec_lhand_pose": hands[:, :15].flatten(1), "dec_rhand_pose": hands[:, 15:].flatten(1),
        "dec_face_expression": expression, "dec_face_jaw_pose": jaw,
        "token_conv": heard["regressor.token_conv"][1], "dec_tokens": heard["decoder.layers.5"][1],
        "dec_l0_selfattn": heard["decoder.layers.0.self_attention"][1],
        "dec_l0_crossattn": heard["decoder.layers.0.cross_attention"][1],
    }.items()  # fmt: skip


def as_right(maps: Tensor) -> Tensor:
    left, right = maps.chunk(2)
    return torch.cat([left.flip(-1), right])


def stages(model: Model, told: Prediction, heard: Heard) -> dict[str, Tensor]:
    """All of it."""
    found = dict(of_any(model, told)) | dict(of_encoder(heard))
    if "part_boxes" not in told.extras:
        return found | dict(of_tokens(heard))
    return found | dict(of_one_stage(heard, told)) | dict(of_cut_parts(heard))


def compared(
    ours: dict[str, Tensor], table: dict[str, np.ndarray], case: str
) -> Iterator[tuple[str, float, float]]:
    """(name, largest difference, largest number) of each of a case's arrays that is a stage of ours."""
    for key, truth in table.items():
        if not key.startswith(f"{case}/"):
            continue
        name, strides = spelled(key.removeprefix(f"{case}/"))
        if name in ours:
            values = ours[name] if not strides else thinned(ours[name], strides, truth.shape)
            if name == "token_conv":  # published: of the patches as well, where nothing reads it
                truth = truth[:, : values.shape[1]]
            if name.endswith("reference_points"):
                truth = truth[..., :2]
            assert values.shape == truth.shape, (name, values.shape, truth.shape)
            yield name, float(np.abs(values.numpy() - truth).max()), float(np.abs(truth).max())
