"""A person of any data set as METRO's .tsv format says it: a box, 24 points, an SMPL body."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch

from common.body_models.body_model import BodyModel
from common.body_models.build import body_model
from common.body_models.regressors import Regressor
from common.geometry.crop import around_points
from common.joints import H36M_17, SMPL, SPIN_24, BodyLayout, JointSet
from common.structures import Person
from data.formats.metro_tsv import BOX_SIDE, FILLED

Array = np.ndarray

# Points of other data sets stand for those of the same part, as SPIN and METRO have them taught.
_PLAIN = tuple(name.removesuffix("_h36m").removesuffix("_spin") for name in SPIN_24.names)
_DECIMALS = 6  # of meters and radians; pixels have 4


@dataclass(frozen=True)
class Labels:
    """How labels are made. `regressor`: which points are read off SMPL meshes, "h36m_correct" or "3dpw"."""

    regressor: str = "h36m_correct"

    def of(self, person: Person) -> dict[str, Any]:
        """The label of a person; ValueError where it has no box that could be cut.

        Points that are the body's own are regressed from the posed, neutral mesh (published) and seen by the
        annotated camera; others are taken as annotated. A body that is not SMPL's gives points and is left
        out itself; one that is known in parts gives none in space, for its own joints are elsewhere than
        those that are taught.
        """
        center, scale = box_of(person)
        points_2d = spin_points(person.joints_2d, person)
        points_3d = None if person.joints_are_fitted else spin_points(person.joints_3d, person)
        if whole_body(person) and person.joints_are_fitted:
            points_3d = self._regressed(person)
            seen = seen_points(points_3d, person)
            points_2d = points_2d if seen is None else seen
        smpl = whole_body(person) and person.body == SMPL
        return {
            "center": np.round(center, 4).tolist(),
            "scale": round(float(scale), 6),
            "has_2d_joints": int(points_2d is not None),
            "has_3d_joints": int(points_3d is not None),
            "has_smpl": int(smpl),
            "2d_joints": _rounded(points_2d, (24, 3), 4),
            "3d_joints": _rounded(points_3d, (24, 4), _DECIMALS),
            "pose": _rounded(person.pose if smpl else None, (72,), _DECIMALS),
            "betas": _rounded(_first(person.betas, 10) if smpl else None, (10,), _DECIMALS),
            "gender": {"female": "f", "male": "m"}.get(person.gender, "none"),
        }

    def _regressed(self, person: Person) -> Array:
        """(24, 4) points of the person's mesh at its place, confidence last."""
        assert person.body is not None
        model = _model(person.body)
        regressor = _regressor(model.topology, self.regressor if person.body == SMPL else "h36m")
        numbers = (person.pose, person.betas, _first(person.expression, person.body.expression))
        flat = torch.tensor([person.flat_hand])
        pose, betas, expression = (torch.as_tensor(np.array(n, np.float32))[None] for n in numbers)
        betas = betas[:, : person.body.betas]
        with torch.no_grad():
            params = model.params(pose.reshape(1, -1, 3), betas, expression, flat)
            points = regressor(model(params))[0].numpy()
        if person.translation is not None:
            points = points + np.asarray(person.translation)
        return _named(np.concatenate([points, np.ones((len(points), 1))], 1), H36M_17, SPIN_24.names)


def box_of(person: Person) -> tuple[Array, float]:
    """(2,) middle and scale of the square box: 1.2 of the person's longer side, or the crop where given."""
    box = person.box
    if box is None and person.joints_2d is not None:
        box = around_points(person.joints_2d[:, :2], person.joints_2d[:, 2])
    if box is None or not (np.isfinite(box).all() and (box[2:] > box[:2]).all()):
        raise ValueError(f"{person.name} has no box that could be cut: {box}.")
    grown = 1.0 if person.padding is None else FILLED * person.padding
    box = np.asarray(box, np.float64)
    return (box[:2] + box[2:]) / 2, grown * float((box[2:] - box[:2]).max()) / BOX_SIDE


def spin_points(points: Array | None, person: Person) -> Array | None:
    """(J, C) of the person's joint set -> (24, C) by name, confidence last; None where there is none."""
    if points is None or person.joint_set is None:
        return None
    exact = _named(points, person.joint_set, SPIN_24.names)
    chosen = np.where(exact[:, -1:] > 0, exact, _named(points, person.joint_set, _PLAIN))
    return chosen if (chosen[:, -1] > 0).any() else None


def seen_points(points: Array, person: Person) -> Array | None:
    """(24, 4) camera points -> (24, 3) in the picture; None where no camera or no place is known."""
    if person.intrinsics is None or person.translation is None:
        return None
    flat = points[:, :3] @ np.asarray(person.intrinsics, np.float64).T
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels = flat[:, :2] / flat[:, 2:]
    known = (points[:, 3:] > 0) & (flat[:, 2:] > 0)
    return np.where(known, np.concatenate([pixels, points[:, 3:]], 1), 0)


def whole_body(person: Person) -> bool:
    """Whether every rotation and the shape of a body are known."""
    if person.body is None or person.pose is None or person.betas is None:
        return False
    return person.known is None or bool(np.asarray(person.known)[: len(person.body.joints) + 1].all())


def _named(points: Array, given: JointSet, names: tuple[str, ...]) -> Array:
    """Points by name; zero where there is none of that name, or its numbers are none."""
    place = np.array([given.names.index(name) if name in given.names else -1 for name in names])
    chosen = np.asarray(points, np.float64)[place]
    known = (place >= 0)[:, None] & np.isfinite(chosen).all(1, keepdims=True) & (chosen[:, -1:] > 0)
    return np.where(known, chosen, 0)


def _first(numbers: Array | None, count: int) -> Array:
    """`count` coefficients, zero where there are not as many."""
    found = np.zeros(count)
    if numbers is not None:
        given = np.ravel(numbers)[:count]
        found[: len(given)] = given
    return found


def _rounded(numbers: Array | None, shape: tuple[int, ...], decimals: int) -> list[Any]:
    if numbers is None:
        return np.zeros(shape).tolist()
    return np.round(np.reshape(np.asarray(numbers, np.float64), shape), decimals).tolist()


@cache
def _model(layout: BodyLayout) -> BodyModel:
    return body_model(layout, free="never")


@cache
def _regressor(topology: str, name: str) -> Regressor:
    return Regressor(topology, name)
