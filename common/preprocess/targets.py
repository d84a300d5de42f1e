"""What is known of a person, moved into the main view: points, boxes, and the body as annotated."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from common.geometry.crop import mapped_box
from common.joints import BodyLayout, JointSet
from common.preprocess.points import by_name, moved_points
from common.structures import Crop, Person, Target

Array = np.ndarray

GENDERS = {"neutral": 0, "female": 1, "male": 2}
_BODY = ("pose", "betas", "expression", "translation", "vertices")


def make_target(
    person: Person, crop: Crop, joint_set: JointSet, body: BodyLayout, whole_within: int | None = None
) -> Target:
    """A target without a leading B; what nobody annotated has confidence 0 and number 0.

    Points and boxes are in the crop's pixels, turn and flip; pose, translation and vertices as annotated. A
    body of another layout than `body` is as good as none. Raises ValueError where a gender is not known, a
    number of the body is none (NaN), or points or rotations are not as many as their joints.
    """
    if person.gender not in GENDERS:
        raise ValueError(f"{person.name} has gender '{person.gender}'; there is {', '.join(GENDERS)}.")
    for name in _BODY:
        numbers = getattr(person, name)
        if numbers is not None and not np.isfinite(numbers).all():
            raise ValueError(f"{person.name} cannot be used: its {name} holds numbers that are none (NaN).")
    same = person.body is not None and person.body.name == body.name
    joints = len(body.joints)
    pose, betas, expression = (person.pose, person.betas, person.expression) if same else (None, None, None)
    return Target(
        joints_2d=moved_points(person.joints_2d, person.joint_set, joint_set, crop, whole_within),
        joints_3d=_turned_points(person.joints_3d, person.joint_set, joint_set, crop),
        joints_are_fitted=torch.tensor(person.joints_are_fitted),
        part_boxes=_moved_boxes(person.part_boxes, crop),
        pose=torch.zeros(joints, 3) if pose is None else _pose(pose, person, body),
        betas=_filled(betas, body.betas),
        expression=_filled(expression, body.expression),
        translation=_filled(person.translation, 3),
        known=_known(person, body) if same else torch.zeros(joints + 2),
        flat_hand=torch.tensor(person.flat_hand),
        gender=torch.tensor(GENDERS[person.gender]),
        vertices=torch.zeros(0, 3) if person.vertices is None else _tensor(person.vertices),
    )


def _tensor(numbers: Array) -> Tensor:
    return torch.from_numpy(np.array(numbers, dtype=np.float32))  # a copy, of what may be memory-mapped


def _filled(numbers: Array | None, length: int) -> Tensor:
    """Any number of coefficients -> as many as asked for, zeros behind."""
    filled = np.zeros(length, np.float32)
    if numbers is not None:
        given = np.ravel(numbers)[:length]
        filled[: len(given)] = given
    return torch.from_numpy(filled)


def _pose(pose: Array, person: Person, body: BodyLayout) -> Tensor:
    pose = np.reshape(pose, (-1, 3))
    if len(pose) != len(body.joints):
        raise ValueError(f"{person.name} has {len(pose)} rotations; '{body.name}' has {len(body.joints)}.")
    return _tensor(pose)


def _known(person: Person, body: BodyLayout) -> Tensor:
    """(P + 2,) as said, else 1 for whatever is given."""
    if person.known is not None:
        return _tensor(person.known)
    parts = (person.pose, person.betas, person.expression)
    return torch.tensor([float(part is not None) for part in parts]).repeat_interleave(
        torch.tensor([len(body.joints), 1, 1])
    )


def _turned_points(points: Array | None, given: JointSet | None, wanted: JointSet, crop: Crop) -> Tensor:
    """Annotated (J, 4) camera points -> (K, 4) of another joint set, mirrored and turned as the crop is."""
    if points is None or given is None:
        return torch.zeros(len(wanted), 4)
    chosen = torch.from_numpy(by_name(points, given, wanted.twin if crop.flipped else wanted))
    xyz = crop.map(lambda tensor: tensor[None]).turned(chosen[None, :, :3])[0]
    return torch.where(chosen[:, 3:] > 0, torch.cat([xyz, chosen[:, 3:]], 1), 0.0).float()


def _moved_boxes(boxes: Array | None, crop: Crop) -> Tensor:
    """(3, 5) part boxes in picture pixels -> the upright hulls of what they become in the view."""
    if boxes is None:
        return torch.zeros(3, 5)
    rows = boxes[[1, 0, 2]] if crop.flipped else boxes
    matrix = crop.matrix.numpy().astype(np.float64)
    moved = [
        [*mapped_box(matrix, row[:4]), row[4]] if row[4] > 0 else np.zeros(5)
        for row in np.asarray(rows, np.float64)
    ]
    return _tensor(np.stack(moved))
