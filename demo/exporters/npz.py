"""Bodies as one .npz file: all it takes to pose them again and to see them in their pictures.

A row is a person in a picture; the pictures of a video follow one another. There are N rows, P joints that
turn and K joints reported. Nothing in the file is pickled.

  key              shape, type        meaning
  schema           (), text           "humanmesh-bodies"
  schema_version   (), integer        1; a reader refuses what is newer
  units            (), text           "meters"; lengths in pictures are pixels
  axes             (), text           of the camera: x right, y down, z forward
  rotation_format  (), text           what `rotations` and `poses` are, in words
  body_model       (), text           the layout: "smplx", "smpl", "mano", "flame"
  topology         (), text           whose vertices: the official mesh's name or the free body's own
  gender           (), text           of the body model: "neutral", "female", "male"
  pose_joints      (P,) text          the joints that turn, in order
  joint_names      (K,) text          the joints below, in order
  image            (N,) text          name of the picture; of a video, with the frame
  image_size       (N, 2) integer     width, height
  person           (N,) integer       who it is; the same number for the same person through a video
  box              (N, 4) float       the detector's box x0, y0, x1, y1 in pixels; not-a-number if none
  score            (N,) float         the detector's confidence, 0..1; not-a-number if none
  rotations        (N, P, 3, 3)       matrices relative to the parent joint, hands from the flat hand
  poses            (N, 3 P)           the same as axis-angle, hands from the mean hand (as in AMASS)
  betas            (N, S)             shape coefficients
  expression       (N, E)             expression coefficients; E is 0 where the body has none
  trans            (N, 3)             added to the posed body: its place before the camera
  focal            (N, 2)             of the whole picture's camera, x and y
  center           (N, 2)             its principal point; the center of the top-left pixel is (0, 0)
  joints_3d        (N, K, 3)          before the camera, `trans` added
  joints_2d        (N, K, 2)          the same in pixels of the picture

pixel = focal * (x, y) / z + center for every point of the body before the camera.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from torch import Tensor

from common.body_models.body_model import BodyModel
from common.structures import Body, BodyParams, Person, Perspective
from common.utils.errors import UserError
from common.utils.files import written_beside

SCHEMA, VERSION = "humanmesh-bodies", 1
ABOUT = {
    "schema": SCHEMA,
    "schema_version": VERSION,
    "units": "meters",
    "axes": "camera: x right, y down, z forward",
    "rotation_format": "rotations: 3x3 matrices relative to the parent, hands from the flat hand; "
    "poses: axis-angle in radians relative to the parent, hands from the mean hand",
}
_ONCE = (
    "body_model",
    "topology",
    "gender",
    "pose_joints",
    "joint_names",
)  # for the file; the others for a row


@dataclass(frozen=True)
class SavedBodies:
    """What the file holds, by its keys; see the table above."""

    body_model: str
    topology: str
    gender: str
    pose_joints: np.ndarray
    joint_names: np.ndarray
    image: np.ndarray
    image_size: np.ndarray
    person: np.ndarray
    box: np.ndarray
    score: np.ndarray
    rotations: np.ndarray
    poses: np.ndarray
    betas: np.ndarray
    expression: np.ndarray
    trans: np.ndarray
    focal: np.ndarray
    center: np.ndarray
    joints_3d: np.ndarray
    joints_2d: np.ndarray

    def __len__(self) -> int:
        return len(self.person)


def bodies_in_picture(
    people: Sequence[Person],
    params: BodyParams,
    body: Body,
    camera: Perspective,
    body_model: BodyModel,
    image: str,
    image_size: tuple[int, int],
    identities: Sequence[int] | None = None,
    gender: str = "neutral",
) -> SavedBodies:
    """The N bodies of one picture, of N people; `camera` onto the whole picture of (width, height) pixels.

    `body` is before the camera, as a model predicts it. Without `identities`, people are numbered from 0.
    """
    count, unknown = len(people), float("nan")

    def numbers(tensor: Tensor) -> np.ndarray:
        return np.asarray(tensor.detach().cpu().float(), np.float32)

    return SavedBodies(
        body_model=body_model.layout.name,
        topology=body.topology,
        gender=gender,
        pose_joints=np.array(body_model.layout.joints.names),
        joint_names=np.array(body_model.joint_set.names),
        image=np.array([image] * count, np.str_),
        image_size=np.tile(np.array(image_size, np.int64), (count, 1)),
        person=np.array(range(count) if identities is None else identities, np.int64),
        box=np.array([np.full(4, unknown) if p.box is None else p.box for p in people], np.float32).reshape(
            -1, 4
        ),
        score=np.array([unknown if p.score is None else p.score for p in people], np.float32),
        rotations=numbers(params.rotations),
        poses=numbers(body_model.axis_angle(params.to(body_model.mean_pose.device)).flatten(1)),
        betas=numbers(params.betas),
        expression=numbers(params.expression),
        trans=numbers(camera.translation),
        focal=numbers(camera.focal),
        center=numbers(camera.center),
        joints_3d=numbers(body.joints + camera.translation[:, None]),
        joints_2d=numbers(camera.project(body.joints)),
    )


def joined(parts: Sequence[SavedBodies]) -> SavedBodies:
    """The rows of several pictures after one another; ValueError where they are of different body models."""
    if not parts:
        raise ValueError("There are no bodies to join: give those of at least one picture.")
    for name in _ONCE:
        if any(not np.array_equal(getattr(part, name), getattr(parts[0], name)) for part in parts):
            raise ValueError(f"These bodies differ in their {name}: they cannot be rows of one file.")
    rows = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(SavedBodies)
        if field.name not in _ONCE
    }
    return SavedBodies(**{name: getattr(parts[0], name) for name in _ONCE}, **rows)


def write_npz(path: str | Path, bodies: SavedBodies) -> None:
    """Write the file whole or not at all. Raises OSError in one sentence where it cannot be written."""
    with written_beside(path) as beside, beside.open("wb") as file:
        np.savez_compressed(file, **ABOUT, **asdict(bodies))


def read_npz(path: str | Path) -> SavedBodies:
    """Read what `write_npz` wrote. Raises FileNotFoundError; UserError for a broken or another file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, TypeError) as error:
        raise UserError(
            f"{path} is broken or no .npz file of bodies; write it again with the demo."
        ) from error
    if str(found.get("schema")) != SCHEMA:
        raise UserError(f"{path} is an .npz file, but not one of bodies: its schema is not '{SCHEMA}'.")
    if int(found.get("schema_version", 0)) > VERSION:
        raise UserError(
            f"{path} has schema version {found['schema_version']}, newer than {VERSION}; update HumanMesh."
        )
    missing = [name for name in (*ABOUT, *(field.name for field in fields(SavedBodies))) if name not in found]
    if missing:
        raise UserError(f"{path} lacks {', '.join(missing)}; write it again with the demo.")
    values = {field.name: found[field.name] for field in fields(SavedBodies)}
    return SavedBodies(**{name: value.item() if value.ndim == 0 else value for name, value in values.items()})
