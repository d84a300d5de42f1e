"""What the body is made from: people of either gender, grown up or small, all in the T-pose."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from common.joints import SMPLX_55
from tool.free_body import people
from tool.free_body.expression import expression_directions
from tool.free_body.formats import SMPL_FORMAT
from tool.free_body.mesh import Figure, Mesh, make_figure
from tool.free_body.repose import t_posed
from tool.free_body.skeleton import smpl_joints
from tool.free_body.source import Source
from tool.free_body.symmetry import mirrored, symmetric

GENDERS = ("neutral", "male", "female")
_HELD_OUT, _CHILDREN = 100, 200
_SEED, _HELD_OUT_SEED, _CHILD_SEED = 1, 99, 7
_PELVIS = (0.0, -0.33, 0.0)  # about where SMPL-X has it


@dataclass(frozen=True)
class Crowd:
    """People in the T-pose, symmetric."""

    vertices: Tensor  # (S, N, 3)
    joints: Tensor  # (S, 55, 3)

    def of(self, mesh: Mesh) -> Crowd:
        """The same people on a format's mesh and joints."""
        joints = smpl_joints(self.joints) if mesh.layout is SMPL_FORMAT else self.joints
        return Crowd(self.vertices[:, mesh.kept], joints)


@dataclass(frozen=True)
class Material:
    """What both formats are made from."""

    source: Source
    figure: Figure
    template_joints: Tensor  # (55, 3)
    adults: dict[str, Crowd]  # by gender
    held_out: dict[str, Crowd]
    child: Tensor  # (N, 3) the mean
    expression: Tensor  # (10, N, 3)


def gather(samples: int) -> Material:
    """Draw and pose everybody; `samples` adults of each gender, and others to test on."""
    source = Source()
    vertices, joints = t_posed(source, people.template(source.labels))
    figure = make_figure(source, vertices[0], joints[0])

    def crowd(count: int, seed: int, gender: str, age: str = "adult") -> Crowd:
        found, places = t_posed(source, people.draw(source.labels, count, seed, gender, age))
        even = (places + mirrored(places[:, list(SMPLX_55.mirrored)])) / 2
        offset = torch.tensor(_PELVIS)
        return Crowd(symmetric(found, figure.twin) + offset, even + offset)

    adults = {gender: crowd(samples, _SEED, gender) for gender in GENDERS}
    held_out = {gender: crowd(_HELD_OUT, _HELD_OUT_SEED, gender) for gender in GENDERS}
    child = crowd(_CHILDREN, _CHILD_SEED, "neutral", "child").vertices.mean(0)
    expression = symmetric(expression_directions(source), figure.twin)
    return Material(source, figure, joints[0], adults, held_out, child, expression)
