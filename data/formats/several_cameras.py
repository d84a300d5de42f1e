"""Sets in the COCO json format whose points and fits are in a world that several cameras see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import cv2
import numpy as np

from common.body_models.build import body_model
from common.joints import SMPL, SMPLX, BodyLayout
from common.structures import Person
from data.formats.coco_json import CocoJson, box_of, fitted_body
from data.formats.records_columns import Record, Row

Array = np.ndarray

UNSURE = SMPLX.joints.indices(
    tuple(f"{side}_{end}" for side in ("left", "right") for end in ("ankle", "wrist"))
)


@dataclass(frozen=True)
class SeveralCameras(CocoJson):
    """Persons in the frame of the camera that saw them; SMPL-X fits know no ankles and wrists (published).

    joints_are_fitted: joints are left to the fit, and the annotated ones not handed over (SMPLer-X).
    """

    joints_are_fitted: bool = False

    def person(self, row: Row, name: str) -> Person:
        person = replace(super().person(row, name), joints_are_fitted=self.joints_are_fitted)
        if self.joints_are_fitted:
            person = replace(person, joint_set=None, joints_2d=None, joints_3d=None)
        if person.pose is None:
            return person
        camera = (row["camera"][:, :3].astype(np.float64), row["camera"][:, 3].astype(np.float64))
        pose, translation = seen_by(person.pose, person.betas, person.translation, *camera)
        return replace(person, pose=pose, translation=translation)

    def seen(
        self, image: dict[str, Any], box: list[float], joints: Any, camera: dict[str, Any], fit: Any
    ) -> Record:
        """The record of a person: joints (J, 3) mm and fit m in the world; camera R, t mm, focal, princpt."""
        rotation, shift = np.array(camera["R"], np.float64), np.ravel(camera["t"]) / 1000
        points = np.array(joints, np.float64) / 1000 @ rotation.T + shift
        flat = points[:, :2] / points[:, 2:] * camera["focal"] + camera["princpt"]
        seen = np.ones((len(points), 1))
        record = {
            "image_size": (image["width"], image["height"]),
            "joints_2d": np.concatenate([flat, seen], 1),
            "joints_3d": np.concatenate([points, seen], 1),
            "camera": np.concatenate([rotation, shift[:, None]], 1),
            **box_of(box),
        }
        body = without_ends(fitted_body(fit)) if fit else {}
        return {**record, **body, "lens": [*camera["focal"], *camera["princpt"]]}


def without_ends(record: Record) -> Record:
    """A record whose fit knows neither ankles nor wrists, for sets that annotate no feet and hands."""
    if record.get("known") is None:
        return record
    known = np.array(record["known"])
    known[list(UNSURE)] = 0
    return {**record, "known": known}


def seen_by(
    pose: Array, betas: Array, translation: Array, rotation: Array, shift: Array
) -> tuple[Array, Array]:
    """Pose (P, 3) and translation (3,), m, in the world -> in the frame of a camera, rotation x + shift.

    The body turns about its pelvis, whose place at rest depends on the shape, so the neutral SMPL-X, or SMPL
    where 24 rotations are given, is asked for it: FileNotFoundError where its file is missing.
    """
    rest, per_beta = _pelvis(SMPL if len(pose) == len(SMPL.joints) else SMPLX)
    pelvis = rest + np.asarray(betas, np.float64)[: len(per_beta)] @ per_beta[: len(betas)]
    root = cv2.Rodrigues(rotation @ cv2.Rodrigues(np.asarray(pose[0], np.float64))[0])[0].ravel()
    moved = rotation @ (pelvis + translation) + shift - pelvis
    return np.concatenate([root[None], pose[1:]]), moved


@cache
def _pelvis(layout: BodyLayout) -> tuple[Array, Array]:
    """(3,) where the pelvis of the mean shape is at rest, (10, 3) how each beta moves it."""
    model = body_model(layout, free="never")
    per_beta = model.joint_directions[: layout.betas, :3]
    return model.rest_joints[:3].double().numpy().copy(), per_beta.double().numpy().copy()
