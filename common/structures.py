"""What flows through the house.

Conventions, stated once:
  lengths     meters
  axes        camera: x right, y down, z forward
  pixels      (x, y), the center of the top-left pixel is (0, 0); boxes are x0, y0, x1, y1
  rotations   3x3 matrices, each relative to its parent joint, hands from the flat hand; axis-angle lives in
              files, in annotations and in the losses defined on it, hands from the mean hand
  confidence  the last channel of every annotation; 0 means "not annotated": nothing in a batch is ever None
  shapes      written for a Batch; a Sample is the same without the leading B
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import torch
from torch import Tensor

from common.geometry import camera
from common.joints import BodyLayout, JointSet
from common.utils.record import Record


@dataclass
class PartBody:
    """The body of a hand or a face alone, as annotated; None where nobody said."""

    body: BodyLayout
    pose: np.ndarray | None = None  # (P, 3) axis-angle, root in the camera's frame
    betas: np.ndarray | None = None  # (S,) any number
    expression: np.ndarray | None = None  # (E,) any number
    known: np.ndarray | None = None  # (P + 2,) rotations, betas, expression; None: whatever is given is known
    flat_hand: bool = False  # a hand is given from a flat hand


@dataclass
class Person:
    """One person in one picture, as a data set or a detector hands it over; None where nobody said."""

    name: str  # unique in its data set: picture, then person; "EHF/42", "clip.mp4/000123/2"
    image: Path | bytes | np.ndarray | None = None  # file, encoded, or RGB (H, W, 3); None: poses alone
    box: np.ndarray | None = None  # (4,)
    padding: float | None = 1.0  # times the view's padding; None: the box is the crop
    part_boxes: np.ndarray | None = None  # (3, 5) left hand, right hand, face; confidence last
    part_scores: np.ndarray | None = None  # (3,) how sure a detector is of each part
    part_bodies: Mapping[str, PartBody] | None = None  # of "left_hand", "right_hand", "face": seen alone
    joint_set: JointSet | None = None  # whose these two are
    joints_2d: np.ndarray | None = None  # (J, 3) image pixels
    joints_3d: np.ndarray | None = None  # (J, 4) camera
    joints_are_fitted: bool = False  # they were read off the body below, or are left to be
    body: BodyLayout | None = None  # whose the next six are
    pose: np.ndarray | None = None  # (P, 3) axis-angle, root in the camera's frame
    betas: np.ndarray | None = None  # (S,) any number
    expression: np.ndarray | None = None  # (E,) any number
    translation: np.ndarray | None = None  # (3,) added to the posed body, camera
    known: np.ndarray | None = None  # (P + 2,) rotations, betas, expression; None: whatever is given is known
    flat_hand: bool = False  # the hands are given from a flat hand
    gender: str = "neutral"
    vertices: np.ndarray | None = None  # (V, 3) a true mesh, camera
    intrinsics: np.ndarray | None = None  # (3, 3)
    mask: np.ndarray | None = None  # (H, W) bool
    score: float | None = None  # how sure a detector is that this is a person, 0..1


@dataclass(frozen=True)
class View:
    """A picture that a network asks for (not a viewpoint)."""

    size: tuple[int, int]  # height, width
    box: str = "body"  # or "left_hand", "right_hand", "face"
    content: str = "image"  # or "proxy": silhouette, then a heat map a joint; or "keypoints": (K, 3)
    joint_set: JointSet | None = None  # of a proxy or of key points
    padding: float = 1.25
    sampling: str = "warp"  # or "resize", "resize_cubic"
    least_confidence: float = 0.0  # of a proxy's points: those no surer leave their heat map empty
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)


@dataclass
class Crop(Record):
    """Where a view was cut from its picture, mirrored first where `flipped`: from a box turned by `angle`."""

    matrix: Tensor  # (B, 2, 3) image pixels -> view pixels; turn, scale and flip included
    angle: Tensor  # (B,) radians from the x to the y axis, of the box alone: what is seen turns by -angle
    flipped: Tensor  # (B,) bool
    image_size: Tensor  # (B, 2) width, height of the picture

    def points(self, xy: Tensor) -> Tensor:
        """(B, N, 2) image pixels -> (B, N, 2) view pixels."""
        return xy @ self.matrix[:, :, :2].mT + self.matrix[:, None, :, 2]

    def back(self, xy: Tensor) -> Tensor:
        """(B, N, 2) view pixels -> (B, N, 2) image pixels."""
        return (xy - self.matrix[:, None, :, 2]) @ torch.linalg.inv(self.matrix[:, :, :2]).mT

    def turned(self, points: Tensor) -> Tensor:
        """(B, N, 3) camera axes -> the view's: mirrored, then turned; the caller swaps left and right."""
        x, y, z = points.unbind(-1)
        x = torch.where(self.flipped[:, None], -x, x)
        cos, sin = self.angle.cos()[:, None], self.angle.sin()[:, None]
        return torch.stack([cos * x + sin * y, cos * y - sin * x, z], -1)


@dataclass
class BodyParams(Record):
    """What poses and shapes a body. P joints turn: 24 in SMPL, 55 in SMPL-X, 16 in MANO, 5 in FLAME."""

    rotations: Tensor  # (B, P, 3, 3)
    betas: Tensor  # (B, S)
    expression: Tensor  # (B, E); E is 0 for SMPL and MANO


@dataclass
class Body(Record):
    """A posed body, in meters, before any camera."""

    vertices: Tensor  # (B, V, 3)
    joints: Tensor  # (B, K, 3) all the official model reports: the P that turn, skin points, landmarks
    rest: Tensor  # (B, V, 3) the same shape in the rest pose
    topology: str  # "smpl", "smplx"... or the free body's own: what may index its vertices


class Camera(Protocol):
    def project(self, points: Tensor) -> Tensor:
        """(B, N, 3) meters -> (B, N, 2) pixels of the main view."""
        ...

    def in_image(self, crop: Crop) -> Perspective:
        """The same points, in pixels of the full picture; the crop may be flipped, not turned."""
        ...


@dataclass
class Perspective(Record):
    """A pinhole that sees a body moved by `translation`; a mirrored axis has a negative focal length."""

    focal: Tensor  # (B, 2)
    center: Tensor  # (B, 2)
    translation: Tensor  # (B, 3) added to the body
    epsilon: float = 0.0  # added to the depth before dividing (published: 1e-4)

    def project(self, points: Tensor) -> Tensor:
        return camera.perspective(points + self.translation[:, None], self.focal, self.center, self.epsilon)

    def in_image(self, crop: Crop) -> Perspective:
        zoom = crop.matrix[:, :, :2].diagonal(dim1=1, dim2=2)
        return replace(self, focal=self.focal / zoom, center=(self.center - crop.matrix[..., 2]) / zoom)

    def at_focal(self, focal: Tensor, center: Tensor) -> Perspective:
        """Through another lens, (B, 2) each, from where the origin is as large and at the same pixel."""
        depth = self.translation[:, 2:] * (focal / self.focal).abs().mean(-1, keepdim=True)
        flat = self.translation[:, :2] / self.translation[:, 2:] * self.focal + self.center
        translation = torch.cat([(flat - center) / focal * depth, depth], 1)
        return replace(self, focal=focal, center=center, translation=translation)


@dataclass
class WeakPerspective(Record):
    """A camera infinitely far away; -1 to 1 spans the view, as the SPIN family has it."""

    scale: Tensor  # (B,)
    shift: Tensor  # (B, 2) meters
    size: Tensor  # (B, 2) width, height of the view

    def project(self, points: Tensor) -> Tensor:
        return camera.weak_perspective(points, self.scale, self.shift, self.size)

    def in_image(self, crop: Crop, focal: float = 5000.0) -> Perspective:
        """A perspective camera so far away that it sees nearly the same (published: focal length 5000)."""
        lens = focal * self.size / self.size[:, :1]
        depth = 2 * focal / (self.scale[:, None] * self.size[:, :1])
        return Perspective(lens, self.size / 2, torch.cat([self.shift, depth], 1)).in_image(crop)


@dataclass
class Inputs(Record):
    """All that a network may look at."""

    views: dict[str, Tensor]  # by the names it gave them: (B, C, H, W), key points (B, K, 3)
    crops: dict[str, Crop]  # where each was cut
    intrinsics: Tensor  # (B, 3, 3) of the full picture; a 55 degree field of view where nobody said
    part_scores: Tensor  # (B, 3) -1 where no detector looked


@dataclass
class Target(Record):
    """What is known: points in the main view and its turn, the body as annotated until `prepare`."""

    joints_2d: Tensor  # (B, J, 3) view pixels
    joints_3d: Tensor  # (B, J, 4) meters
    joints_are_fitted: Tensor  # (B,) bool
    part_boxes: Tensor  # (B, 3, 5) view pixels
    pose: Tensor  # (B, P, 3)
    betas: Tensor  # (B, S)
    expression: Tensor  # (B, E)
    translation: Tensor  # (B, 3)
    known: Tensor  # (B, P + 2) 0 or 1: rotations, betas, expression
    flat_hand: Tensor  # (B,) bool
    gender: Tensor  # (B,) 0 neutral, 1 female, 2 male
    vertices: Tensor  # (B, V, 3) V is 0 where a data set has no meshes
    # made on the device, by `prepare`
    params: BodyParams | None = None
    body: Body | None = None
    fitted_2d: Tensor | None = None  # (B, J, 3) the joints of the fitted body, view pixels
    fitted_3d: Tensor | None = None  # (B, J, 4)
    extras: dict[str, Tensor] = field(default_factory=dict)  # IUV maps


@dataclass
class Sample(Record):
    """One person, ready for a network."""

    name: str
    seed: Tensor  # (B,) the source of all randomness made on the device
    inputs: Inputs
    target: Target


Batch: TypeAlias = Sample


@dataclass
class Prediction(Record):
    """What a network says about a batch of persons."""

    params: BodyParams
    body: Body
    joints: Tensor  # (B, J, 3) the model's joint set, meters, before the camera
    camera: Any  # a Camera onto the main view
    stages: tuple[Prediction, ...] = ()  # earlier estimates, coarse to fine; empty for a one-shot network
    extras: dict[str, Tensor] = field(default_factory=dict)  # what else it can be supervised on, by name
