"""Body-model files that need no license: random numbers with the official names, shapes and types.

They are right in structure and meaningless as a human: seeded noise around a rough T-pose. Published numbers
in tests/parity were made with these very arrays, so every draw comes in the order it was drawn in.
"""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch import nn

Array = np.ndarray

_BODY = [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19]


def _hand(wrist: int, first: int) -> list[int]:
    """Five fingers of three joints each, counted from `first`."""
    return [parent for finger in range(first, first + 15, 3) for parent in (wrist, finger, finger + 1)]


SMPLX_PARENTS = [*_BODY, 15, 15, 15, *_hand(20, 25), *_hand(21, 40)]
SMPL_PARENTS = [*_BODY, 20, 21]
MANO_PARENTS = [-1, *_hand(0, 1)]
FLAME_PARENTS = [-1, 0, 1, 1, 1]
_STEPS = [  # meters from the parent to each joint of the body and the face, x to its left, y up
    (0, 0, 0), (0.07, -0.09, 0), (-0.07, -0.09, 0), (0, 0.11, -0.02), (0.04, -0.38, 0), (-0.04, -0.38, 0),
    (0, 0.13, 0.02), (-0.02, -0.40, -0.04), (0.02, -0.40, -0.04), (0, 0.05, 0.02), (0.04, -0.06, 0.12),
    (-0.04, -0.06, 0.12), (0, 0.21, -0.04), (0.08, 0.12, -0.03), (-0.08, 0.12, -0.03), (0, 0.09, 0.05),
    (0.09, 0.03, 0), (-0.09, 0.03, 0), (0.26, -0.01, -0.01), (-0.26, -0.01, -0.01), (0.25, 0.01, 0),
    (-0.25, 0.01, 0), (0, -0.01, 0.03), (0.03, 0.03, 0.06), (-0.03, 0.03, 0.06),
]  # fmt: skip
_FINGER_DEPTHS = (0.03, 0.01, -0.03, -0.01, 0.03)


def dice(name: str) -> np.random.RandomState:
    """The random numbers that belong to a name."""
    return np.random.RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF)


def smplx_arrays(gender: str = "NEUTRAL", directions: int = 20) -> dict[str, Any]:
    """SMPL-X: 20 directions are 10 of shape and 10 of expression, 400 are 300 and 100."""
    arrays = _arrays(f"smplx-{gender}", _smplx_joints(), SMPLX_PARENTS, 10475, 20908, directions, 486)
    drawn = dice(f"smplx-{gender}-extra")
    for side in "lr":
        arrays[f"hands_components{side}"] = np.linalg.qr(drawn.normal(size=(45, 45)))[0]
        arrays[f"hands_mean{side}"] = drawn.normal(0, 0.2, 45)
    arrays["lmk_faces_idx"] = drawn.randint(0, 20908, 51).astype(np.int64)
    arrays["lmk_bary_coords"] = _shares(drawn, 51)
    arrays["dynamic_lmk_faces_idx"] = drawn.randint(0, 20908, (79, 17)).astype(np.int64)
    arrays["dynamic_lmk_bary_coords"] = _shares(drawn, 79, 17)
    return arrays


def smpl_arrays(gender: str = "NEUTRAL") -> dict[str, Any]:
    """SMPL."""
    body = _smplx_joints()[:22]
    hands = body[20:22] + np.array([[0.09, 0, 0], [-0.09, 0, 0]])
    joints = np.concatenate([body, hands])
    arrays = _arrays(f"smpl-{gender}", joints, SMPL_PARENTS, 6890, 13776, 10, 207)
    arrays["J_regressor"] = scipy.sparse.csc_matrix(arrays["J_regressor"])
    return arrays | {"J": joints, "bs_style": "lbs", "bs_type": "lrotmin"}


def mano_arrays(side: str = "RIGHT") -> dict[str, Any]:
    """MANO."""
    outwards = 1 if side == "LEFT" else -1
    steps = np.zeros((16, 3))
    for finger in range(5):
        steps[1 + 3 * finger] = (outwards * 0.09, 0, 0.03 - 0.015 * finger)
        steps[2 + 3 * finger : 4 + 3 * finger] = (outwards * 0.03, 0, 0)
    arrays = _arrays(f"mano-{side}", _places(steps, MANO_PARENTS), MANO_PARENTS, 778, 1538, 10, 135)
    drawn = dice(f"mano-{side}-extra")
    arrays["J_regressor"] = scipy.sparse.csc_matrix(arrays["J_regressor"])
    arrays["hands_components"] = np.linalg.qr(drawn.normal(size=(45, 45)))[0]
    arrays["hands_mean"] = drawn.normal(0, 0.2, 45)
    arrays["hands_coeffs"] = drawn.normal(size=(1554, 45))
    return arrays | {"bs_style": "lbs", "bs_type": "lrotmin"}


def flame_arrays(gender: str = "NEUTRAL") -> dict[str, Any]:
    """FLAME, 300 directions of shape and 100 of expression."""
    steps = np.array([(0, 0, 0), (0, 0.1, 0), (0, -0.02, 0.03), (0.03, 0.03, 0.06), (-0.03, 0.03, 0.06)])
    arrays = _arrays(f"flame-{gender}", _places(steps, FLAME_PARENTS), FLAME_PARENTS, 5023, 9976, 400, 36)
    return arrays | {"bs_style": "lbs", "bs_type": "lrotmin"}


@cache
def embeddings() -> tuple[dict[str, Array], dict[str, Array]]:
    """FLAME's 51 landmarks, and its contour by the yaw of the neck."""
    drawn = dice("flame-embedding")
    fixed = {"lmk_face_idx": drawn.randint(0, 9976, 51), "lmk_b_coords": _shares(drawn, 51)}
    moving = {"lmk_face_idx": drawn.randint(0, 9976, (79, 17)), "lmk_b_coords": _shares(drawn, 79, 17)}
    return fixed, moving


@cache
def index_arrays() -> tuple[dict[str, Array], Array, Array]:
    """The vertices of both hands, those of the head, and a (14, 10475) regressor of joints."""
    drawn = dice("smplx-index")
    order = drawn.permutation(10475)
    hands = {"left_hand": np.sort(order[:778]), "right_hand": np.sort(order[778:1556])}
    regressor = np.zeros((14, 10475))
    for row, chosen in enumerate(drawn.randint(0, 10475, (14, 12))):
        regressor[row, chosen] += 1 / 12
    return hands, np.sort(order[1556 : 1556 + 5023]), regressor


def joint_regressor(name: str, rows: int) -> Array:
    """STRAPS: (rows, 6890) points of a few vertices each, weighted at random."""
    drawn, matrix = dice(f"straps-{name}"), np.zeros((rows, 6890))
    for row in matrix:
        chosen = drawn.choice(6890, drawn.randint(1, 13), replace=False)
        pulls = drawn.rand(len(chosen))
        row[chosen] = pulls / pulls.sum()
    return matrix


def mean_params() -> dict[str, Array]:
    """STRAPS: the 24 rotations and 10 betas that regressors start from, near the upright rest pose."""
    drawn, pose = dice("straps-mean-params"), []
    for joint in range(24):
        turn = np.linalg.qr(np.eye(3) + 0.15 * drawn.normal(size=(3, 3)))[0]
        turn = turn * np.sign(np.diag(turn))
        pose.append((turn if joint else np.diag([1.0, -1.0, -1.0]) @ turn)[:, :2].reshape(-1))
    shape = drawn.normal(0, 0.3, 10)
    return {"pose": np.concatenate(pose).astype(np.float32), "shape": shape.astype(np.float32)}


_H36M_FROM_SMPL = (0, 2, 5, 8, 1, 4, 7, 6, 12, 15, 15, 16, 18, 20, 17, 19, 21)


def regressor_near_joints(name: str) -> Array:
    """SMPLer: (17, 6890) the Human3.6M points, each of twenty vertices that the nearest joint moves."""
    drawn, matrix, weights = dice(name), np.zeros((17, 6890)), smpl_arrays()["weights"]
    for row, joint in zip(matrix, _H36M_FROM_SMPL, strict=True):
        chosen = drawn.choice(np.argsort(-weights[:, joint], kind="stable")[:60], 20, replace=False)
        pulls = drawn.uniform(0.5, 1.5, 20)
        row[chosen] = pulls / pulls.sum()
    return matrix


GENDERS = ("NEUTRAL", "MALE", "FEMALE")
LARGE = {f"smplx/SMPLX_{gender}.npz": partial(smplx_arrays, gender) for gender in GENDERS}
FILES: dict[str, Callable[[], Any]] = {
    **LARGE,
    **{f"smpl/SMPL_{gender}.pkl": partial(smpl_arrays, gender) for gender in GENDERS},
    **{f"mano/MANO_{side}.pkl": partial(mano_arrays, side) for side in ("LEFT", "RIGHT")},
    "flame/FLAME_NEUTRAL.pkl": flame_arrays,
    "flame/flame_static_embedding.pkl": lambda: embeddings()[0],
    "flame/flame_dynamic_embedding.npy": lambda: np.array(embeddings()[1], dtype=object),
    "smplx/MANO_SMPLX_vertex_ids.pkl": lambda: index_arrays()[0],
    "smplx/SMPL-X__FLAME_vertex_ids.npy": lambda: index_arrays()[1],
    "smplx/SMPLX_to_J14.pkl": lambda: index_arrays()[2],
    "smpl/J_regressor_h36m.npy": lambda: joint_regressor("h36m", 17),
    "smpl/neutral_smpl_mean_params_6dpose.npz": mean_params,
    "smpl/J_regressor_h36m_correct.npy": partial(regressor_near_joints, "J_regressor_h36m_correct"),
    "smpl/J_regressor_3dpw.npy": partial(regressor_near_joints, "J_regressor_3dpw"),
}
FIRST = tuple(name for name in FILES if name not in LARGE or "NEUTRAL" in name)


def write(root: Path, *names: str) -> Path:
    """Write some of FILES below a folder, by default all but SMPL-X's male and female, which take long."""
    for name in names or FIRST:
        path, held = root / name, FILES[name]()
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".npz":
            np.savez(path, **held)
        elif path.suffix == ".npy":
            np.save(path, held)
        else:
            path.write_bytes(pickle.dumps(held, protocol=2))
    return root


def filled(name: str, shape: tuple[int, ...]) -> Array:
    """A state dict's entry: weights scaled by their inputs, gains near 1, small biases, variances above 1."""
    drawn = dice(name).standard_normal(tuple(shape)).astype(np.float32)
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "running_var":
        return np.asarray(1 + 0.1 * np.abs(drawn))
    if leaf == "running_mean" or "bias" in leaf:
        return np.asarray(0.05 * drawn)
    if len(shape) <= 1:
        return np.asarray(1 + 0.1 * drawn)
    return drawn / np.sqrt(max(int(np.prod(shape[1:])), 1))


@torch.no_grad()
def fill_(module: nn.Module, skip: tuple[str, ...] = ()) -> nn.Module:
    """Fill a network's floating tensors from their names, but for those whose names start with one of `skip`.

    Two networks whose state dicts are mapped onto each other then hold the same weights, with no checkpoint.
    """
    for name, tensor in module.state_dict(keep_vars=True).items():
        if tensor.is_floating_point() and not name.startswith(skip):
            tensor.copy_(torch.from_numpy(np.ascontiguousarray(filled(name, tuple(tensor.shape)))))
    return module


def input_image(name: str, *shape: int) -> Array:
    """(..., C, H, W) pictures, smooth and in 0 to 1."""
    *others, height, width = shape
    drawn = dice(name)
    y, x = np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")
    picture = np.empty(shape, np.float32)
    for place in np.ndindex(*others):
        rates, phases = drawn.uniform(1, 9, (4, 2)), drawn.uniform(0, 2 * np.pi, 4)
        waves = [np.sin(2 * np.pi * (a * x + b * y) + q) for (a, b), q in zip(rates, phases, strict=True)]
        picture[place] = 0.5 + 0.12 * sum(waves)
    return picture.clip(0, 1)


def _arrays(
    name: str, joints: Array, parents: list[int], vertices: int, faces: int, shapes: int, corrections: int
) -> dict[str, Any]:
    """What every family's file holds."""
    drawn, count = dice(name), len(parents)
    owner = drawn.randint(0, count, vertices)
    owner[: 2 * count] = np.tile(np.arange(count), 2)  # every joint owns two vertices at least
    template = joints[owner] + drawn.normal(0, 0.02, (vertices, 3))
    regressor = np.zeros((count, vertices))
    regressor[owner, np.arange(vertices)] = 1
    return {
        "v_template": template,
        "f": drawn.randint(0, vertices, (faces, 3)).astype(np.uint32),
        "shapedirs": drawn.normal(0, 0.004, (vertices, 3, shapes)),
        "posedirs": drawn.normal(0, 0.001, (vertices, 3, corrections)),
        "J_regressor": regressor / regressor.sum(1, keepdims=True),
        "weights": _weights(template, joints),
        "kintree_table": np.array([[2**32 - 1, *parents[1:]], range(count)], np.uint32),
    }


def _weights(template: Array, joints: Array) -> Array:
    """(V, P) of the four nearest joints, falling with the distance."""
    squared = ((template[:, None] - joints[None]) ** 2).sum(-1)
    nearest = np.argsort(squared, 1)[:, :4]
    pull = np.exp(-np.take_along_axis(squared, nearest, 1) / 0.005)
    weights = np.zeros(squared.shape)
    np.put_along_axis(weights, nearest, pull / pull.sum(1, keepdims=True), 1)
    return weights


def _smplx_joints() -> Array:
    steps = np.zeros((55, 3))
    steps[:25] = _STEPS
    for first, outwards in ((25, 1), (40, -1)):
        for finger, depth in enumerate(_FINGER_DEPTHS):
            joint = first + 3 * finger
            steps[joint] = (outwards * 0.10, 0, depth)
            steps[joint + 1 : joint + 3] = (outwards * 0.03, 0, 0)
    return _places(steps, SMPLX_PARENTS)


def _places(steps: Array, parents: list[int]) -> Array:
    places = np.array(steps, float)
    for joint, parent in enumerate(parents):
        if parent >= 0:
            places[joint] = places[parent] + steps[joint]
    return places


def _shares(drawn: np.random.RandomState, *shape: int) -> Array:
    """Barycentric coordinates."""
    shares = drawn.rand(*shape, 3)
    return shares / shares.sum(-1, keepdims=True)
