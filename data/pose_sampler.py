"""Human poses drawn from joint limits, those that cut through themselves or fall over left out."""

from __future__ import annotations

import torch
from torch import Tensor

from common.geometry.rotation import axis_angle_from_matrix, matrix_from_axis_angle
from common.joints import SMPLX_55
from common.utils.random import uniform

BODY = SMPLX_55.names[:22]
ATTEMPTS = 12
# where each joint hangs: its place in BODY
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)

# degrees about x, y, z: (mean, deviation, least, most); a right joint is its left one mirrored
_LIMITS = {
    "spine1": ((5, 10, -20, 45), (0, 8, -25, 25), (0, 7, -20, 20)),
    "spine2": ((4, 8, -15, 35), (0, 8, -25, 25), (0, 6, -15, 15)),
    "spine3": ((2, 6, -10, 25), (0, 7, -20, 20), (0, 5, -12, 12)),
    "neck": ((5, 10, -30, 35), (0, 14, -40, 40), (0, 8, -25, 25)),
    "head": ((3, 9, -25, 30), (0, 14, -40, 40), (0, 7, -20, 20)),
    "left_collar": ((0, 4, -10, 10), (-4, 7, -20, 15), (2, 7, -12, 28)),
    "left_shoulder": ((8, 25, -60, 70), (-18, 32, -95, 45), (-45, 36, -85, 70)),
    "left_elbow": ((0, 12, -40, 40), (-45, 38, -145, 0), (0, 6, -15, 10)),
    "left_wrist": ((0, 16, -50, 50), (0, 14, -35, 35), (0, 20, -60, 60)),
    "left_hip": ((-26, 34, -125, 30), (4, 16, -40, 40), (6, 14, -25, 50)),
    "left_knee": ((36, 38, 0, 145), (0, 3, -8, 8), (0, 2, -5, 5)),
    "left_ankle": ((-4, 13, -40, 30), (0, 8, -20, 20), (0, 6, -15, 15)),
    "left_foot": ((-3, 8, -35, 15), (0, 3, -8, 8), (0, 2, -5, 5)),
}
# what people often do: (share of all, joints with other means and deviations about x, y, z)
_LEG_HABITS = (
    (0.25, {"left_hip": ((-6, 9), (2, 8), (3, 6)), "left_knee": ((8, 8), (0, 3), (0, 2))}),  # stands
    (0.12, {"left_hip": ((-82, 16), (2, 10), (8, 10)), "left_knee": ((82, 20), (0, 3), (0, 2))}),  # sits
    (0.08, {"left_hip": ((-95, 20), (5, 12), (12, 12)), "left_knee": ((110, 22), (0, 3), (0, 2))}),  # squats
)
_ARM_HABITS = (
    (
        0.20,
        {"left_shoulder": ((10, 12), (-5, 12), (-66, 9)), "left_elbow": ((0, 8), (-18, 15), (0, 4))},
    ),  # hangs
    (
        0.12,
        {"left_shoulder": ((0, 20), (-15, 25), (38, 20)), "left_elbow": ((0, 10), (-40, 35), (0, 5))},
    ),  # up
    (0.10, {"left_shoulder": ((15, 15), (-55, 18), (-30, 20)), "left_elbow": ((0, 12), (-70, 35), (0, 5))}),
)
_ALIKE = 0.4  # of all poses have two legs alike, give or take 7 degrees

# capsules: from joint, to joint, radius in meters; a hand and the head go on in their bone's direction
_CAPSULES = {
    "seat": ("left_hip", "right_hip", 0.10), "waist": ("pelvis", "spine3", 0.11),
    "chest": ("spine3", "neck", 0.11),
    "head": ("neck", "head", 0.08),
    **{
        f"{side}_{name}": (f"{side}_{start}", f"{side}_{end}", radius)
        for side in ("left", "right")
        for name, start, end, radius in (
            ("thigh", "hip", "knee", 0.065), ("shin", "knee", "ankle", 0.045),
            ("arm", "shoulder", "elbow", 0.04), ("forearm", "elbow", "wrist", 0.035),
        )
    },
}  # fmt: skip
_LONGER = {"head": 1.6, "left_forearm": 1.5, "right_forearm": 1.5}  # up to the crown, up to the knuckles
_APART = (
    *((f"{side}_forearm", trunk) for side in ("left", "right")
      for trunk in ("seat", "waist", "chest", "head")),
    *((f"{one}_forearm", f"{two}_{part}") for one in ("left", "right") for two in ("left", "right")
      for part in ("thigh", "shin")),
    ("left_forearm", "right_forearm"), ("left_forearm", "right_arm"), ("right_forearm", "left_arm"),
    ("left_shin", "right_shin"), ("left_shin", "right_thigh"), ("right_shin", "left_thigh"),
    *((f"{side}_shin", other) for side in ("left", "right") for other in ("waist", "chest")),
)  # fmt: skip
_YIELDING = 0.75  # skin and flesh give way: capsules may overlap by a quarter
_SUPPORTS = ("left_foot", "right_foot", "left_ankle", "right_ankle", "left_knee", "right_knee", "pelvis")


def sample_poses(seeds: Tensor, rest: Tensor) -> Tensor:
    """(B,) seeds, (>= 22, 3) joints at rest -> (B, 22, 3) axis-angle; a pose follows from its seed alone.

    The root is that of an upright picture (x right, y down), turned any way about the vertical. Where
    ATTEMPTS draws fail the checks, the body stands.
    """
    poses = _drawn(seeds, attempt=0)
    open_cases = torch.arange(len(seeds))
    for attempt in range(1, ATTEMPTS + 1):
        good = passes(poses[open_cases], rest)
        open_cases = open_cases[~good]
        if len(open_cases) == 0:
            break
        redrawn = _drawn(seeds[open_cases], attempt) if attempt < ATTEMPTS else _standing(seeds[open_cases])
        poses = poses.index_copy(0, open_cases, redrawn)
    return poses


def passes(poses: Tensor, rest: Tensor) -> Tensor:
    """(B, 22, 3) poses, (>= 22, 3) joints at rest -> (B,) bool: cuts through nothing, does not fall over."""
    joints = joint_places(poses, rest)
    return ~_cuts_itself(joints) & _is_supported(joints)


def joint_places(poses: Tensor, rest: Tensor) -> Tensor:
    """(B, 22, 3) axis-angle, (>= 22, 3) joints at rest -> (B, 22, 3) posed, the root at the origin."""
    rotations = matrix_from_axis_angle(poses)
    turned, places = [rotations[:, 0]], [torch.zeros_like(poses[:, 0])]
    for joint, parent in enumerate(PARENTS[1:], 1):
        bone = (rest[joint] - rest[parent]).to(poses)
        places.append(places[parent] + turned[parent] @ bone)
        turned.append(turned[parent] @ rotations[:, joint])
    return torch.stack(places, 1)


def _drawn(seeds: Tensor, attempt: int) -> Tensor:
    """One draw of each seed: joints within their limits, legs and arms by habit, the whole somehow tilted."""
    seeds = seeds * 64 + attempt
    dice, place = uniform(seeds, 4), uniform(seeds + (1 << 61), 22, 3)
    legs, left_arm = _habit(dice[:, 0], _LEG_HABITS), _habit(dice[:, 1], _ARM_HABITS)
    right_arm = torch.where(dice[:, 2] < _ALIKE, left_arm, _habit(dice[:, 3], _ARM_HABITS))
    poses = [_root(place[:, 0], uniform(seeds + (1 << 60), 2))]
    for joint, name in enumerate(BODY[1:], 1):
        side, _, part = name.rpartition("_")
        key = f"left_{part}" if side else name
        habits = _LEG_HABITS if part in ("hip", "knee", "ankle", "foot") else _ARM_HABITS
        habit = legs if habits is _LEG_HABITS else right_arm if side == "right" else left_arm
        drawn = _within_limits(key, habits, habit, place[:, joint])
        poses.append(drawn * drawn.new_tensor([1.0, -1.0, -1.0]) if side == "right" else drawn)
    return _with_legs_alike(torch.stack(poses, 1), place, dice[:, 2] > 1 - _ALIKE)


def _habit(chance: Tensor, habits: tuple) -> Tensor:
    """(B,) numbers in [0, 1) -> (B,) which habit, 0 for none."""
    ends = torch.tensor([share for share, _ in habits]).cumsum(0)
    place = torch.searchsorted(ends, chance.contiguous(), right=True)
    return torch.where(place < len(habits), place + 1, 0)


def _within_limits(name: str, habits: tuple, habit: Tensor, chance: Tensor) -> Tensor:
    """(B,) habits, (B, 3) numbers in [0, 1) -> (B, 3) radians: normal, cut off at the limits."""
    usual = _LIMITS[name]
    least, most = torch.tensor([axis[2:] for axis in usual]).float().T
    ways = [
        [axis[:2] for axis in usual],
        *(changed.get(name, [axis[:2] for axis in usual]) for _, changed in habits),
    ]
    mean, deviation = torch.tensor(ways).float()[habit].unbind(-1)
    below = torch.special.ndtr((least - mean) / deviation)
    above = torch.special.ndtr((most - mean) / deviation)
    drawn = mean + deviation * torch.special.ndtri((below + chance * (above - below)).clamp(1e-6, 1 - 1e-6))
    return torch.deg2rad(drawn.clamp(least, most))


def _with_legs_alike(poses: Tensor, place: Tensor, alike: Tensor) -> Tensor:
    left, right = (
        [BODY.index(f"{side}_{part}") for part in ("hip", "knee", "ankle")] for side in ("left", "right")
    )
    jitter = 0.12 * torch.special.ndtri(place[:, right].clamp(1e-3, 1 - 1e-3))
    mirrored = poses[:, left] * poses.new_tensor([1.0, -1.0, -1.0]) + jitter
    chosen = torch.where(alike[:, None, None], mirrored, poses[:, right])
    return poses.index_copy(1, torch.tensor(right), chosen)


def _root(place: Tensor, dice: Tensor) -> Tensor:
    """(B, 3), (B, 2) numbers in [0, 1) -> (B, 3): mostly upright, some leaning far, some lying."""
    far = torch.where(dice[:, 0] < 0.08, 90.0, torch.where(dice[:, 0] < 0.22, 35.0, 9.0))
    tilt = torch.deg2rad(far) * torch.special.ndtri(dice[:, 1].clamp(1e-3, 1 - 1e-3))
    direction, yaw = 2 * torch.pi * place[:, 0], 2 * torch.pi * place[:, 1]
    zero = torch.zeros_like(yaw)
    tilted = matrix_from_axis_angle(torch.stack([tilt * direction.cos(), zero, tilt * direction.sin()], -1))
    turned = matrix_from_axis_angle(torch.stack([zero, yaw, zero], -1))
    upright = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    return axis_angle_from_matrix(upright @ turned @ tilted)


def _standing(seeds: Tensor) -> Tensor:
    """Arms hanging, facing any way: what is drawn where nothing else passes."""
    poses = torch.zeros(len(seeds), 22, 3)
    poses[:, 0] = _root(uniform(seeds + (1 << 59), 3), torch.full((len(seeds), 2), 0.5))
    for side, sign in (("left", -1.0), ("right", 1.0)):
        poses[:, BODY.index(f"{side}_shoulder"), 2] = sign * 1.1
    return poses


def _cuts_itself(joints: Tensor) -> Tensor:
    """(B, 22, 3) places -> (B,) whether two capsules that should be apart are not."""
    ends = {name: _segment(joints, name) for name in _CAPSULES}
    first = [torch.stack([ends[one][i] for one, _ in _APART], 1) for i in (0, 1)]
    second = [torch.stack([ends[two][i] for _, two in _APART], 1) for i in (0, 1)]
    least = joints.new_tensor([_CAPSULES[one][2] + _CAPSULES[two][2] for one, two in _APART]) * _YIELDING
    return (_segment_distance(*first, *second) < least).any(1)


def _segment(joints: Tensor, name: str) -> tuple[Tensor, Tensor]:
    start, end, _ = _CAPSULES[name]
    here, there = joints[:, BODY.index(start)], joints[:, BODY.index(end)]
    return here, here + (there - here) * _LONGER.get(name, 1.0)


def _segment_distance(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    """(..., 3) each -> (...) least distance of segments ab and cd (Ericson, 2005, section 5.1.9)."""
    first, second, between = b - a, d - c, a - c
    length, other = (first * first).sum(-1), (second * second).sum(-1)
    along, across, lean = (first * between).sum(-1), (second * between).sum(-1), (first * second).sum(-1)
    slack = (length * other - lean * lean).clamp(min=1e-9)
    s = ((lean * across - along * other) / slack).clamp(0, 1)
    t = ((lean * s + across) / other.clamp(min=1e-9)).clamp(0, 1)
    s = ((lean * t - along) / length.clamp(min=1e-9)).clamp(0, 1)
    return (between + first * s[..., None] - second * t[..., None]).norm(dim=-1)


def _is_supported(joints: Tensor) -> Tensor:
    """(B, 22, 3) places, y down -> (B,) whether feet, knees or seat touch the ground, the trunk above them.

    Those who lie, or stand on their heads, are let through: the ground carries them anyhow.
    """
    height = -joints[..., 1]
    index = BODY.index
    carrying = [index(name) for name in _SUPPORTS]
    touching = height[:, carrying] - height.new_tensor([0, 0, 0.06, 0.06, 0.02, 0.02, 0.08])
    ground = touching.amin(1)
    hands = height[:, [index("left_wrist"), index("right_wrist"), index("head")]].amin(1)
    near = torch.exp(-(touching - ground[:, None]) / 0.05)
    foot = (near[..., None] * joints[:, carrying]).sum(1) / near.sum(1, keepdim=True)
    trunk = joints[:, [index("pelvis"), index("spine3")]].mean(1)
    beside = (trunk - foot)[:, [0, 2]].norm(dim=-1)
    trunk_up = height[:, index("neck")] - height[:, index("pelvis")]
    return (trunk_up < 0.2) | ((hands > ground - 0.04) & (beside < 0.38))
