"""Hands: the relaxed mean, and directions of joint movement with the most common first."""

from __future__ import annotations

import math

import numpy as np

from common.joints import MANO_16

_JOINTS = MANO_16.names[1:]  # 15, index, middle, pinky, ring, thumb
_FINGERS = ("index", "middle", "pinky", "ring")
_MIRROR = np.tile([1.0, -1.0, -1.0], len(_JOINTS))  # an axis-angle seen in the mirror

# Right hand, axis-angle in degrees: fingers lie along -x and bend about +z, the thumb opposes about x and -y.
_RELAXED_CURL = {1: 18, 2: 26, 3: 16}
_RELAXED_THUMB = {"thumb_1": (8, -12, 0), "thumb_2": (0, -8, 6), "thumb_3": (0, -10, 4)}

# Joint -> (axis, share): movements that hands make as one, from the coarse to the fine.
_Synergy = dict[str, tuple[tuple[int, float], ...]]
_X, _Y, _Z = 0, 1, 2
_SYNERGIES: tuple[_Synergy, ...] = (
    # a fist
    {
        **{f"{finger}_{k}": ((_Z, (1.0, 1.1, 0.7)[k - 1]),) for finger in _FINGERS for k in (1, 2, 3)},
        "thumb_1": ((_Y, -0.3),), "thumb_2": ((_Y, -0.5),), "thumb_3": ((_Y, -0.7),),
    },
    # the index finger at a trigger
    {"index_1": ((_Z, 1.0),), "index_2": ((_Z, 1.0),), "index_3": ((_Z, 0.7),)},
    # fingers spread
    {"index_1": ((_Y, 1.0),), "middle_1": ((_Y, 0.2),), "ring_1": ((_Y, -0.5),), "pinky_1": ((_Y, -1.0),)},
    # the thumb opposed
    {"thumb_1": ((_X, 1.0), (_Y, -0.6))},
    # the outer two fingers bent
    {f"{finger}_{k}": ((_Z, curl),) for finger, curl in (("pinky", 1.0), ("ring", 0.8)) for k in (1, 2, 3)},
    # flat, bent at the knuckles alone
    {f"{finger}_{k}": ((_Z, curl),) for finger in _FINGERS for k, curl in ((1, 1.0), (2, -0.6))},
)  # fmt: skip


def hand_means() -> tuple[np.ndarray, np.ndarray]:
    """(45,), (45,) axis-angle in radians: the left and the right hand, relaxed."""
    degrees = np.zeros((len(_JOINTS), 3))
    for finger in _FINGERS:
        for k, curl in _RELAXED_CURL.items():
            # The little and the ring finger hang a little more.
            extra = 3 if k == 1 and finger in ("pinky", "ring") else 0
            degrees[_JOINTS.index(f"{finger}_{k}"), _Z] = curl + extra
    for joint, turn in _RELAXED_THUMB.items():
        degrees[_JOINTS.index(joint)] = turn
    right = np.radians(degrees).reshape(-1)
    return right * _MIRROR, right


def hand_components() -> tuple[np.ndarray, np.ndarray]:
    """(45, 45), (45, 45) orthonormal rows, left and right hand: the synergies, then what they leave out."""
    rows = np.concatenate([[_as_vector(synergy) for synergy in _SYNERGIES], np.eye(3 * len(_JOINTS))])
    basis: list[np.ndarray] = []
    for row in rows:
        rest = row - sum((row @ known) * known for known in basis)
        length = math.sqrt(rest @ rest)
        if length > 1e-6:
            basis.append(rest / length)
    right = np.array(basis)
    return right * _MIRROR, right


def _as_vector(synergy: _Synergy) -> np.ndarray:
    turns = np.zeros((len(_JOINTS), 3))
    for joint, moves in synergy.items():
        for axis, share in moves:
            turns[_JOINTS.index(joint), axis] = share
    return turns.reshape(-1)
