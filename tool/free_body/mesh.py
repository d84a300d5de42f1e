"""The body's mesh in one file format: which of MakeHuman's vertices it keeps, and what they follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from common.joints import SMPLX_55
from tool.free_body.decimate import decimate
from tool.free_body.formats import SMPL_FORMAT, Format
from tool.free_body.keypoints import Skin, find_keypoints, order_with
from tool.free_body.skeleton import joint_weights, smpl_weights
from tool.free_body.source import Source
from tool.free_body.symmetry import symmetric, twins
from tool.free_body.visibility import visible_share

_HIDDEN = 0.01
_INFLUENCES = 4


@dataclass(frozen=True)
class Figure:
    """The undecimated template and what is known of its N vertices."""

    vertices: Tensor  # (N, 3) T-pose, symmetric
    faces: Tensor  # (F, 3)
    twin: Tensor  # (N,)
    visible: Tensor  # (N,)
    eyeball: Tensor  # (N,) 1 left, -1 right
    bone_weights: Tensor  # (N, K)
    weights: Tensor  # (N, 55)

    @property
    def dominant(self) -> Tensor:
        """(N,) the joint each vertex follows most."""
        return self.weights.argmax(1)


@dataclass(frozen=True)
class Mesh:
    """One format's mesh of V vertices."""

    layout: Format
    kept: Tensor  # (V,) numbers in the figure
    faces: Tensor  # (F, 3)
    twin: Tensor  # (V,)
    weights: Tensor  # (V, J)


def make_figure(source: Source, vertices: Tensor, joints: Tensor) -> Figure:
    """The template (N, 3) with its 55 joints, measured up."""
    twin = twins(vertices)
    even = symmetric(vertices.double(), twin)
    visible = visible_share(even.numpy(), source.faces.numpy())
    weights = joint_weights(source.weights, source.bones, source.eyeball)
    return Figure(
        even, source.faces, twin, torch.from_numpy(visible), source.eyeball, source.weights, weights
    )


def reduce(figure: Figure, joints: Tensor, layout: Format) -> Mesh:
    """Decimate to the format's number of vertices; key points are placed later, by `ordered`."""
    importance = _importance(figure, joints).numpy()
    kept, faces = decimate(
        figure.vertices.numpy(), figure.faces.numpy(), figure.twin.numpy(), importance, layout.vertices
    )
    place = np.full(len(figure.twin), -1)
    place[kept] = np.arange(len(kept))
    twin = place[figure.twin.numpy()[kept]]
    weights = figure.weights[kept]
    weights = smpl_weights(weights) if layout is SMPL_FORMAT else weights
    weights = _largest(_even_weights(weights, torch.from_numpy(twin), layout))
    return Mesh(layout, torch.from_numpy(kept), torch.from_numpy(faces), torch.from_numpy(twin), weights)


def ordered(mesh: Mesh, figure: Figure, mean: Tensor, joints: Tensor, source: Source) -> Mesh:
    """The mesh with its key points where the format wants them; (V, 3) and (55, 3) are the mean body's."""
    kept = mesh.kept
    on_head = (figure.dominant[kept] == SMPLX_55.index("head")) & (figure.eyeball[kept] == 0)
    skin = Skin(mean, joints, figure.bone_weights[kept], on_head, figure.eyeball[kept], figure.visible[kept])
    order = order_with(find_keypoints(skin, source.bones), mesh.layout.keypoints, len(kept))
    new = torch.argsort(order)
    return Mesh(mesh.layout, kept[order], new[mesh.faces], new[mesh.twin[order]], mesh.weights[order])


def _importance(figure: Figure, joints: Tensor) -> Tensor:
    """(N,) how dear each vertex is: the face and hands dearer, what nobody sees cheap, eyeballs whole."""
    dominant, head = figure.dominant, SMPLX_55.index("head")
    face = (dominant == head) | (dominant == SMPLX_55.index("jaw"))
    front = figure.vertices[:, 2] > joints[head, 2] - 0.01
    importance = torch.ones(len(dominant), dtype=torch.float64)
    importance[face & front] = 5
    importance[dominant >= SMPLX_55.parts["left_hand"].start] = 3
    importance[figure.eyeball != 0] = 60
    importance[figure.visible < _HIDDEN] = 0.02
    return importance


def _even_weights(weights: Tensor, twin: Tensor, layout: Format) -> Tensor:
    """(V, J) -> (V, J), a vertex following its joints as its twin does theirs."""
    return (weights + weights[twin][:, list(layout.joints.mirrored)]) / 2


def _largest(weights: Tensor) -> Tensor:
    """The four largest of each row, made to sum to one: what engines can read. Equal ones go together."""
    next_largest = weights.topk(_INFLUENCES + 1, dim=1).values[:, -1:]
    kept = torch.where(weights > next_largest, weights, 0.0)
    return kept / kept.sum(1, keepdim=True)
