"""How fast bodies become pixels: the z-buffer, plain and compiled, and the overlay."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from common.body_models.body_model import BodyModel
from common.body_models.build import body_model
from common.geometry.rotation import matrix_from_axis_angle
from common.joints import SMPL, SMPLX
from common.rendering import compiled
from common.rendering.overlay import overlay
from common.rendering.rasterizer import part_labels, rasterize, visible_faces
from common.structures import BodyParams, Perspective
from common.utils.timing import milliseconds

DISTANCE = 3.0  # meters to the camera
FACES = 27_000  # of the single scene: a body, and a part of another behind it


def bodies(model: BodyModel, count: int) -> Tensor:
    """(B, V, 3) upright before the camera, each turned another way, their middle in the origin."""
    joints = len(model.layout.joints)
    turn = torch.zeros(count, 3)
    turn[:, 1] = torch.linspace(0, 2 * math.pi, count + 1)[:count]
    upright = torch.tensor([[math.pi, 0.0, 0.0]])
    rotations = torch.eye(3).repeat(count, joints, 1, 1)
    rotations[:, 0] = matrix_from_axis_angle(upright) @ matrix_from_axis_angle(turn)
    coefficients = torch.zeros(count, model.layout.betas), torch.zeros(count, model.layout.expression)
    with torch.no_grad():
        vertices = model(BodyParams(rotations, *coefficients)).vertices
    return vertices - (vertices.amin(1, keepdim=True) + vertices.amax(1, keepdim=True)) / 2


def pixels(vertices: Tensor, size: tuple[int, int], share: float) -> Tensor:
    """(B, V, 3) points in a picture of size (height, width), of whose height a body takes `share`."""
    height, width = size
    tall = float((vertices[..., 1].amax(1) - vertices[..., 1].amin(1)).max())
    focal = share * height * DISTANCE / tall
    depth = vertices[..., 2:] + DISTANCE
    middle = torch.tensor([(width - 1) / 2, (height - 1) / 2])
    return torch.cat([vertices[..., :2] / depth * focal + middle, depth], -1)


def measure() -> list[tuple[str, str]]:
    """Rows of what and figure; processor time of one thread."""
    rows = []
    smplx, smpl = body_model(SMPLX, free="only"), body_model(SMPL, free="only")
    one, many, silhouettes = bodies(smplx, 1), bodies(smplx, 16), bodies(smpl, 32)
    behind = one + torch.tensor([0.25, 0.0, 0.5])
    pair = pixels(torch.cat([one, behind], 1), (512, 512), 0.95)
    extra = FACES - len(smplx.faces)
    mesh = torch.cat([smplx.faces, smplx.faces[:extra] + one.shape[1]])
    batch, proxies = pixels(many, (256, 192), 0.9), pixels(silhouettes, (256, 256), 0.8)
    labels = torch.arange(len(smpl.faces)) % 6 + 1

    def row(what: str, work: Callable[[], object], count: int = 1) -> None:
        each = milliseconds(work) / count
        rows.append((what, f"{each:.2f} ms" + (" a body" if count > 1 else "")))

    for fast in (False, True) if compiled.installed() else (False,):
        how = "numba" if fast else "torch"
        row(
            f"{how}: faces and depths of {len(mesh)} triangles, 512 x 512",
            lambda fast=fast: visible_faces(pair, mesh, (512, 512), fast=fast),
        )
        row(
            f"{how}: the same with barycentric coordinates",
            lambda fast=fast: rasterize(pair, mesh, (512, 512), fast=fast),
        )
        row(
            f"{how}: 16 SMPL-X bodies, {len(smplx.faces)} triangles each, 256 x 192",
            lambda fast=fast: visible_faces(batch, smplx.faces, (256, 192), fast=fast),
            len(many),
        )
        row(
            f"{how}: silhouettes and parts of 32 SMPL bodies, 256 x 256",
            lambda fast=fast: part_labels(visible_faces(proxies, smpl.faces, (256, 256), fast=fast), labels),
            len(silhouettes),
        )
    image = np.full((720, 1280, 3), 128, np.uint8)
    camera = Perspective(
        torch.tensor([[1000.0, 1000.0]]), torch.tensor([[639.5, 359.5]]), torch.tensor([[0.0, 0.0, DISTANCE]])
    )
    row("overlay of one body in a picture of 1280 x 720", lambda: overlay(image, one, smplx.faces, camera))
    return rows
