"""Proxies by the published recipe of STRAPS: body parts are drawn, cropped, resized, then corrupted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from common.body_models import means
from common.body_models.body_model import BodyModel
from common.geometry.camera import perspective
from common.joints import COCO_17, BodyLayout
from common.networks.model import Model
from common.preprocess.proxy import CORNER, deviation, proxy
from common.rendering import compiled
from common.rendering.rasterizer import part_labels, visible_faces
from common.structures import Batch, Crop, Inputs
from common.utils.random import normal, uniform
from common.utils.record import Record

SIDE = 256  # pixels of the picture that is drawn; all lengths below are in these
FOCAL, NEAR = 5000.0, 0.1
PLACE = (0.0, 0.2, 42.0)  # meters, of a body before the camera
APART = 1 << 40  # keeps these draws apart from those of a data set that makes poses of the same seeds
PARTS = ("left arm", "right arm", "head", "left leg", "right leg", "torso")  # labels 1 to 6
_OF_JOINT = (6, 4, 5, 6, 4, 5, 6, 4, 5, 6, 4, 5, 3, 6, 6, 3, 1, 2, 1, 2, 1, 2, 1, 2)
REMOVED = (0.1, 0.1, 0.1, 0.1, 0.05, 0.05)  # published: the right leg less often than the left


@dataclass
class Draws(Record):
    """All that is left to chance: even numbers in [0, 1) unless they are called normal."""

    betas: Tensor  # (B, 10) normal, or not, see `even_shapes`
    place: Tensor  # (B, 2) normal
    depth: Tensor  # (B,)
    vertices: Tensor  # (B, V, 2)
    scale: Tensor  # (B,)
    center: Tensor  # (B, 2) row, column
    parts: Tensor  # (B, 6)
    box: Tensor  # (B, 3) row, column, whether there is one
    joints: Tensor  # (B, 17, 2)

    @classmethod
    def of(cls, seed: Tensor, vertices: int, even_shapes: bool = False) -> Draws:
        """Those that follow from (B,) seeds."""
        return cls(
            uniform(seed, 10) if even_shapes else normal(seed, 10),
            normal(seed + 1, 2),
            uniform(seed + 2, 1)[:, 0],
            uniform(seed + 3, vertices, 2),
            uniform(seed + 4, 1)[:, 0],
            uniform(seed + 5, 2),
            uniform(seed + 6, len(PARTS)),
            uniform(seed + 7, 3),
            uniform(seed + 8, len(COCO_17), 2),
        )


class PublishedProxies(nn.Module):
    """Makes proxies and targets as the published training did, bugs included.

    The pose stays as it is, upright with y down; shapes are drawn about `mean_betas`, whatever was annotated.
    A crop that leaves the picture is not padded but stretched, left and right legs go missing at different
    rates, and no joint is ever lost. Where not `augmented`, as in the published validation, nothing is drawn
    by chance and shapes are as annotated. SyntheticProxies is the better recipe.
    """

    mean_betas: Tensor  # (10,)
    faces: Tensor
    labels: Tensor  # (F,) 1 to 6

    def __init__(
        self, model: Model, body: BodyLayout, augmented: bool = True, even_shapes: bool = False
    ) -> None:
        """`even_shapes`: within 3 of the mean, drawn evenly, instead of normal with deviation 1.5 (both are
        published). Raises ValueError for another body than the model's, FileNotFoundError where the file of
        the mean shape is missing.
        """
        super().__init__()
        self.name, self.view = next((n, v) for n, v in model.views.items() if v.content == "proxy")
        if body != model.body_model.layout:
            raise ValueError(f"Proxies are drawn of {model.body_model.layout.name} bodies, not {body.name}.")
        self.augmented, self.even_shapes = augmented, even_shapes
        self.body_model, self.read_joints = model.body_model, model.read_joints
        is_official = self.body_model.topology == "smpl"
        mean = (means.published() if is_official else means.free()).betas
        seen = torch.tensor(COCO_17.taken_from(model.joint_set))
        taught = torch.tensor([float(name in COCO_17.names) for name in model.joint_set.names])
        constants = {"mean_betas": mean, "faces": self.body_model.faces, "labels": six_parts(self.body_model)}
        for name, values in {**constants, "seen": seen, "taught": taught}.items():
            self.register_buffer(name, values, persistent=False)

    @torch.no_grad()
    def forward(self, batch: Batch) -> Batch:
        seed, count = batch.seed + APART, self.body_model.template.numel() // 3
        return self.made(batch, Draws.of(seed, count, self.even_shapes) if self.augmented else None)

    def made(self, batch: Batch, draws: Draws | None) -> Batch:
        """The batch that these draws make; without draws, as in the published validation."""
        target = batch.target
        betas = target.betas if draws is None else self._shape(draws)
        params = self.body_model.params(target.pose, betas, target.expression, target.flat_hand)
        body = self.body_model(params)
        joints = self.read_joints(body)
        place = self._place(len(betas), draws)
        picture = part_picture(self._drawn(body.vertices, draws) + place[:, None], self.faces, self.labels)
        corners = square(picture > 0, *(() if draws is None else crop_chance(draws)))
        picture = resized(picture, corners)
        zoom = SIDE / (corners[:, 1] - corners[:, 0])  # (B, 2) of rows, columns
        shown = project(joints + place[:, None]).double()
        shown = ((shown - corners[:, None, 0].flip(-1)) * zoom[:, None].flip(-1)).float()
        found = shown[:, self.seen]
        if draws is not None:
            picture = occluded(without_parts(picture, draws.parts), draws.box)
            found = misplaced(found, draws.joints)
        side = self.view.size[0]
        mask = picture > 0
        if side != SIDE:  # the network looks at less than the published one
            step = torch.arange(side, device=mask.device) * SIDE // side
            mask, found, shown = mask[:, step][:, :, step], found * (side / SIDE), shown * (side / SIDE)
        drawn = torch.ones_like(found[..., 0], dtype=torch.bool)
        visible = ((shown >= 0) & (shown <= side)).all(-1) * self.taught
        inputs = Inputs(
            {self.name: proxy(mask, found, drawn, deviation(side))},
            {self.name: _crop(corners, zoom * (side / SIDE))},
            _lens(corners),
            batch.inputs.part_scores,
        )
        target = replace(
            target,
            joints_2d=torch.cat([shown, visible[..., None]], -1),
            joints_3d=torch.cat([joints, torch.ones_like(joints[..., :1])], -1),
            betas=betas,
            translation=place,
            params=params,
            body=body,
        )
        return replace(batch, inputs=inputs, target=target)

    def _shape(self, draws: Draws) -> Tensor:
        """(B, 10) about the mean."""
        return self.mean_betas + (6 * draws.betas - 3 if self.even_shapes else 1.5 * draws.betas)

    def _place(self, count: int, draws: Draws | None) -> Tensor:
        """(B, 3) where each body stands."""
        place = self.mean_betas.new_tensor(PLACE).expand(count, 3)
        if draws is None:
            return place
        return place + torch.cat([0.05 * draws.place, 10 * draws.depth[:, None] - 5], 1)

    def _drawn(self, vertices: Tensor, draws: Draws | None) -> Tensor:
        """The vertices as they are drawn: a centimeter off, at most, but not in depth."""
        if draws is None:
            return vertices
        noise = 0.02 * draws.vertices - 0.01
        return vertices + torch.cat([noise, torch.zeros_like(noise[..., :1])], -1)


def six_parts(body: BodyModel) -> Tensor:
    """(F,) the part of each face, 1 to 6, by the joint that moves most of its corners most.

    Published as a texture, which gives each face one color; this stands in for it.
    """
    part = torch.tensor(_OF_JOINT, device=body.faces.device)
    return part[body.weights.argmax(1)][body.faces].mode(1).values


def project(points: Tensor) -> Tensor:
    """(B, N, 3) -> (B, N, 2) pixels of the picture, counted from its corner."""
    lens = points.new_tensor([[FOCAL, FOCAL], [SIDE / 2, SIDE / 2]])[:, None].expand(-1, len(points), -1)
    return perspective(points, *lens)


def part_picture(points: Tensor, faces: Tensor, labels: Tensor) -> Tensor:
    """(B, V, 3) before the camera -> (B, 256, 256) which part each pixel sees, 0 none."""
    pixels = torch.cat([project(points) - CORNER, points[..., 2:]], -1)
    fast = pixels.device.type == "cpu" and compiled.installed()
    return part_labels(visible_faces(pixels, faces, (SIDE, SIDE), near=NEAR, fast=fast), labels)


def crop_chance(draws: Draws) -> tuple[Tensor, Tensor]:
    """(B,) added to the scale of the crop, (B, 2) to its center, in pixels."""
    return 0.4 * draws.scale - 0.2, 10 * draws.center - 5


def square(mask: Tensor, scale: Tensor | float = 0.0, shift: Tensor | float = 0.0) -> Tensor:
    """(B, h, w) bool -> (B, 2, 2) the first and, exclusive, last row and column of the crop about it.

    1.2 times the longer side, and what is added to that; cut to whole pixels toward zero, and by the picture.
    An empty mask gives the whole picture (published: an error).
    """
    count, height, width = mask.shape
    limit = torch.tensor([height, width], device=mask.device)
    ends = []
    for line in (mask.any(2), mask.any(1)):
        line = line.to(torch.uint8)
        ends.append(torch.stack([line.argmax(1), line.shape[1] - 1 - line.flip(1).argmax(1)], -1))
    ends = torch.stack(ends, -1).double()  # (B, 2, 2): first and last; row, column
    side = (ends[:, 1] - ends[:, 0]).amax(1) * (1.2 + scale)
    center = ends.mean(1) + shift
    corners = torch.stack([center - side[:, None] / 2, center + side[:, None] / 2], 1).trunc()
    corners = corners.clamp(min=0).minimum(limit)
    whole = torch.stack([torch.zeros_like(limit), limit]).double().expand(count, 2, 2)
    return torch.where(mask.any((1, 2))[:, None, None], corners, whole)


def resized(picture: Tensor, corners: Tensor) -> Tensor:
    """(B, h, w), crops (B, 2, 2) of rows, columns -> (B, 256, 256), the nearest pixel's value.

    Rounded as OpenCV does it, which takes the inverse of the inverse.
    """
    steps = torch.arange(SIDE, device=picture.device)[:, None]
    first, sides = corners[:, :1], corners[:, 1:] - corners[:, :1]
    places = (first + (steps * (1 / (SIDE / sides))).floor().minimum(sides - 1)).long()  # (B, 256, 2)
    rows = picture.gather(1, places[..., :1].expand(-1, -1, picture.shape[2]))
    return rows.gather(2, places[:, None, :, 1].expand(-1, SIDE, -1))


def without_parts(picture: Tensor, draws: Tensor) -> Tensor:
    """(B, h, w) labels, (B, 6) draws -> the same, some parts missing."""
    missing = torch.cat([torch.zeros_like(draws[:, :1]), draws < draws.new_tensor(REMOVED)], 1).bool()
    return torch.where(missing.gather(1, picture.flatten(1)).view(picture.shape), 0, picture)


def misplaced(points: Tensor, draws: Tensor) -> Tensor:
    """(B, J, 2) pixels, draws (B, J, 2) -> the same, each up to eight pixels off, either way."""
    return points + (16 * draws - 8)


def occluded(picture: Tensor, draws: Tensor) -> Tensor:
    """(B, h, w), (B, 3) draws -> the same, behind a box of 48 pixels for every other person."""
    first = (SIDE / 2 * 1.3 - 24 - SIDE * 0.3 * draws[:, :2]).trunc()
    steps = torch.arange(SIDE, device=picture.device)
    row, column = ((steps >= start[:, None]) & (steps < start[:, None] + 48) for start in first.unbind(1))
    behind = row[:, :, None] & column[:, None] & (draws[:, 2] < 0.5)[:, None, None]
    return torch.where(behind, 0, picture)


def _crop(corners: Tensor, zoom: Tensor) -> Crop:
    """From pixels of the picture, counted from their middles, to the view's, counted from its corner."""
    scale, first = zoom.flip(-1), corners[:, 0].flip(-1)
    matrix = torch.cat([torch.diag_embed(scale), (scale * (CORNER - first))[..., None]], -1).float()
    zero = torch.zeros_like(matrix[:, 0, 0])
    return Crop(matrix, zero, zero.bool(), torch.full_like(matrix[:, 0, :2], SIDE))


def _lens(corners: Tensor) -> Tensor:
    """(B, 3, 3) of the picture."""
    middle = (SIDE - 1) / 2
    lens = torch.tensor([[FOCAL, 0.0, middle], [0.0, FOCAL, middle], [0.0, 0.0, 1.0]], device=corners.device)
    return lens.expand(len(corners), 3, 3)
