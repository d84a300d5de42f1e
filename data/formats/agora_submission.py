"""What AGORA's server is sent: the poses of its test persons and their joints in pixels of the rendering."""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from common.body_models.build import body_model
from common.geometry.rotation import axis_angle_from_matrix
from common.joints import SMPLX
from common.metrics.metric import Metric
from common.structures import Batch, Perspective, Prediction
from common.utils import distributed
from common.utils.errors import UserError
from common.utils.files import written_beside
from common.utils.paths import OUTPUT, shown
from common.utils.unpickle import unpickled

Array = np.ndarray

PARAMS = {  # in the order of a person's numbers, with their lengths
    "transl": 3, "global_orient": 3, "body_pose": 63, "jaw_pose": 3, "leye_pose": 3, "reye_pose": 3,
    "left_hand_pose": 45, "right_hand_pose": 45, "betas": 10, "expression": 10,
}  # fmt: skip
EYES = ("leye_pose", "reye_pose")  # at rest, as published
NEW_NUMPY, OLD_NUMPY = b"numpy._core", b"numpy.core"
FEWEST = 24  # joints that the server measures
_NAME = re.compile(r"predictions/.+_personId_\d+\.pkl")


class Renderings(Protocol):
    """Persons cut from renderings."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def full_picture(self, name: str) -> Array:
        """(2, 3) pixels of the rendering -> those of the person's picture."""
        ...


@dataclass(frozen=True)
class AgoraSubmission(Metric):
    """Measures nothing: `summary` writes a zip with a file a person, and says how many they are.

    Joints are (144, 2), as the server's format check wants them; the published systems wrote (1, 144, 2).
    """

    renderings: Renderings
    folder: Path = OUTPUT / "agora"

    def measure(self, prediction: Prediction, batch: Batch) -> dict[str, Tensor]:
        """Raises UserError for bodies that are not SMPL-X's."""
        if prediction.body.topology != SMPLX.name:
            raise UserError(f"AGORA takes SMPL-X bodies, not {prediction.body.topology} ones.")
        crop = next(iter(batch.inputs.crops.values()))
        camera = prediction.camera
        translation = (camera if isinstance(camera, Perspective) else camera.in_image(crop)).translation
        params = prediction.params
        pose = (axis_angle_from_matrix(params.rotations) - _mean_pose(translation.device)).flatten(1)
        maps = np.stack([self.renderings.full_picture(name) for name in batch.name])
        to_picture = torch.as_tensor(maps, dtype=pose.dtype, device=pose.device)
        pixels = crop.back(camera.project(prediction.body.joints)) - to_picture[:, None, :, 2]
        places = [self.renderings.names.index(name) for name in batch.name]
        return {
            "params": torch.cat([translation, pose, params.betas, params.expression], 1),
            "joints": pixels @ torch.linalg.inv(to_picture[:, :, :2]).mT,
            "place": torch.tensor(places),
        }

    def summary(self, table: Mapping[str, Tensor]) -> dict[str, float]:
        persons = len(table["place"])
        if distributed.first():
            path = self.folder / f"predictions_{datetime.now():%Y%m%d_%H%M%S_%f}.zip"
            names = [self.renderings.names[place] for place in table["place"].tolist()]
            with written_beside(path) as unfinished:
                write(unfinished, names, table["params"].numpy(), table["joints"].numpy())
            check(path, persons)
            print(f"Written to {shown(path)}, checked and ready for AGORA's evaluation server.")
        return {"submitted": float(persons)}


def write(path: Path, names: Sequence[str], params: Array, joints: Array) -> None:
    """A file a person, "AGORA/<rendering>/<number>": params (N, 188), joints (N, 144, 2)."""
    starts = np.cumsum([0, *PARAMS.values()])[1:-1]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as folder:
        for name, numbers, points in zip(names, params, joints, strict=True):
            _, rendering, number = name.split("/")
            parts = np.split(np.float32(numbers)[None], starts, axis=1)
            content = {"params": dict(zip(PARAMS, parts, strict=True)), "joints": np.float32(points)}
            for eye in EYES:
                content["params"][eye] = np.zeros((1, 3))  # in float64, as published
            folder.writestr(f"predictions/{rendering}_personId_{number}.pkl", _pickled(content))


def check(path: Path, persons: int | None = None) -> int:
    """How many persons a submission holds. Raises UserError for the first thing the server would refuse."""
    try:
        with zipfile.ZipFile(path) as folder:
            names = [name for name in folder.namelist() if not name.endswith("/")]
            for name in names:
                fault = _fault(name, folder.read(name))
                if fault:
                    raise UserError(f"{shown(path)}: {name} {fault}.")
    except (OSError, zipfile.BadZipFile) as error:
        raise UserError(f"{shown(path)} cannot be read as a zip: {error}.") from error
    if len(set(names)) != len(names):
        raise UserError(
            f"{shown(path)} holds {len(names)} files of {len(set(names))} names, some of them twice."
        )
    if not names or persons not in (None, len(names)):
        raise UserError(f"{shown(path)} holds {len(names)} persons, not {persons or 'any'}.")
    return len(names)


def _fault(name: str, raw: bytes) -> str:
    """What is wrong with a person's file; "" if nothing."""
    if not _NAME.fullmatch(name):
        return "is not called predictions/<picture>_personId_<number>.pkl"
    if NEW_NUMPY in raw:
        return "can only be read by NumPy 2"
    try:
        content = unpickled(io.BytesIO(raw), name)
    except ValueError as error:
        return f"is no pickle of numbers alone ({error})"
    if not isinstance(content, dict) or set(content) != {"params", "joints"}:
        return "does not hold params and joints"
    params = content["params"]
    if not isinstance(params, dict) or set(params) != set(PARAMS):
        return f"lacks or adds params: {', '.join(sorted(set(params) ^ set(PARAMS)))}"
    for part, length in PARAMS.items():
        if not _are_numbers(params[part]) or params[part].shape != (1, length):
            return f"has a {part} that is not (1, {length}) finite numbers"
    joints = content["joints"]
    if not _are_numbers(joints) or joints.ndim != 2 or joints.shape[0] < FEWEST or joints.shape[1] != 2:
        return f"has joints that are not ({FEWEST} or more, 2) finite numbers"
    return ""


def _are_numbers(value: Any) -> bool:
    """Whether this is an array of floating point numbers, all of them finite."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and bool(np.isfinite(value).all())


def _pickled(content: dict[str, Any]) -> bytes:
    """A pickle that NumPy 1 reads too: in protocol 2, the name of the array's maker is a line of text."""
    return pickle.dumps(content, protocol=2).replace(b"c" + NEW_NUMPY, b"c" + OLD_NUMPY)


@cache
def _mean_pose(device: torch.device) -> Tensor:
    return body_model(SMPLX, free="never").mean_pose.to(device)
