"""The bodies of a row of a SPIN label file: the whole one, and a hand or a face alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from common.joints import FLAME, MANO, SMPL, SMPLX, BodyLayout
from common.structures import PartBody, Person
from data.formats.columns import Columns

Array = np.ndarray

_BODY = 22  # joints that SMPL and SMPL-X share
_FACE = ("jaw_pose", "leye_pose", "reye_pose")
_FACES = (*_FACE, "expression")  # published: a face's fit is known where all four are


def body_of(
    person: Person, columns: Columns, row: int, body: BodyLayout, as_published: bool = False
) -> Person:
    """The person with the body of a layout, SMPL or SMPL-X; what a fit does not fit counts as not known.

    Where a file has no SMPL-X, SMPL's pose of the 22 joints that both have is taken, not its shape, which is
    another body's (`as_published`: its shape too). Raises ValueError for another layout.
    """
    if body.name not in (SMPL.name, SMPLX.name):
        raise ValueError(f"Label files of the SPIN family know bodies of smpl and smplx, not of {body.name}.")
    pose, betas, own = _numbers(columns, row, body)
    valid = _flag(columns, row, "valid_fit", "has_smpl")
    if body.name == SMPL.name:
        if pose is None:
            return person
        known = np.append(np.full(len(body.joints) + 1, valid), 0.0)
        return replace(person, body=body, pose=pose, betas=betas, known=known)
    whole, known = np.zeros((len(body.joints), 3), np.float32), np.zeros(len(body.joints) + 2)
    if pose is not None:
        whole[:_BODY], known[:_BODY] = pose[:_BODY], valid
        known[-2] = valid if own or as_published else 0.0
    face = _face_known(columns, row)
    for places, names, fits in (
        (body.joints.parts["jaw"], _FACE[:1], face),
        (body.joints.parts["eyes"], _FACE[1:], face),
        (body.joints.parts["left_hand"], ("left_hand_pose",), _hand_known(columns, row, "l")),
        (body.joints.parts["right_hand"], ("right_hand_pose",), _hand_known(columns, row, "r")),
    ):
        if fits:
            whole[places] = np.concatenate([columns[name][row].reshape(-1, 3) for name in names])
            known[places] = fits
    known[-1] = face
    return replace(
        person,
        body=body,
        pose=whole,
        betas=betas if known[-2] else None,
        expression=columns["expression"][row] if face else None,
        known=known,
        flat_hand=True,  # their hands are whole rotations, not those beyond the mean hand's
    )


def hand_of(columns: Columns, row: int, side: str) -> PartBody:
    """A hand alone, "l" or "r": its fingers, and turn and shape where the file has them."""
    fingers = "left_hand_pose" if side == "l" else "right_hand_pose"
    pose, known = np.zeros((len(MANO.joints), 3), np.float32), np.zeros(len(MANO.joints) + 2)
    fits = _hand_known(columns, row, side)
    if fits:
        pose[1:], known[1:-2] = columns[fingers][row].reshape(-1, 3), fits
    turn, shape = f"{side}h_global_orient", f"{side}h_shape"
    if turn in columns:
        pose[0], known[0] = columns[turn][row], fits
    betas = columns[shape][row] if shape in columns else None
    known[-2] = fits if betas is not None else 0.0
    return PartBody(MANO, pose, betas, known=known, flat_hand=True)


def face_of(columns: Columns, row: int, as_published: bool = False) -> PartBody:
    """A face alone; `as_published`, one without a turn of its own is turned as the body is."""
    pose, known = np.zeros((len(FLAME.joints), 3), np.float32), np.zeros(len(FLAME.joints) + 2)
    fits = _face_known(columns, row)
    if fits:
        pose[2:], known[2:-2] = np.stack([columns[name][row] for name in _FACE]), fits
        known[FLAME.joints.index("neck")] = fits  # a head alone has none to turn
    if "fa_global_orient" in columns:
        pose[0], known[0] = columns["fa_global_orient"][row], fits
    elif as_published and (body := _numbers(columns, row, SMPL)[0]) is not None:
        pose[0], known[0] = body[0], fits
    betas = columns["fa_shape"][row] if "fa_shape" in columns else None
    known[-2:] = fits if betas is not None else 0.0, fits
    return PartBody(FLAME, pose, betas, columns["expression"][row] if fits else None, known)


def _numbers(columns: Columns, row: int, body: BodyLayout) -> tuple[Array | None, Array | None, bool]:
    """Pose (24, 3) and betas, if the file has them, and whether they are of this layout."""
    own = body.name == SMPL.name or "xpose" in columns
    names = ("xpose", "xshape") if body.name == SMPLX.name and own else ("pose", "shape")
    if names[0] not in columns:
        return None, None, own
    pose = columns[names[0]][row].reshape(-1, 3).copy()
    if "global_orient" in columns:
        pose[0] = columns["global_orient"][row]
    return pose, columns[names[1]][row] if names[1] in columns else None, own


def _flag(columns: Columns, row: int, *names: str) -> float:
    """The first of the flags that a file has; 1 where it has none."""
    return next((float(columns[name][row] > 0) for name in names if name in columns), 1.0)


def _hand_known(columns: Columns, row: int, side: str) -> float:
    fingers = "left_hand_pose" if side == "l" else "right_hand_pose"
    return _flag(columns, row, f"valid_fit_{side}h") if fingers in columns else 0.0


def _face_known(columns: Columns, row: int) -> float:
    return _flag(columns, row, "valid_fit_fa") if all(name in columns for name in _FACES) else 0.0
