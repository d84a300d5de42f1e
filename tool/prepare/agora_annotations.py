"""AGORA's data frames to annotations as json, files of joints a person, and bodies without torch inside."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from common.geometry.crop import around_points
from common.utils.errors import UserError
from common.utils.files import written_beside
from common.utils.paths import shown

Array = np.ndarray

JOINTS = 127
PARTS = {  # of the joints
    "bbox": np.arange(JOINTS),
    "lhand_bbox": np.r_[25:40, 66:71],
    "rhand_bbox": np.r_[40:55, 71:76],
    "face_bbox": np.arange(76, JOINTS),
}
PADDING = 1.2  # of the tight boxes
_PERSON = ("gender", "kid", "occlusion", "age", "ethnicity")


def write_annotations(folder: Path, split: str, trust: bool) -> str:
    """AGORA_<split>.json and what it names, from the data frames of a split; a sentence.

    Meshes, which training does not read, are written for validation alone. Raises UserError where the frames
    are missing, or are not trusted.
    """
    frames = sorted(folder.glob(f"{split}_SMPLX/SMPLX/*_withjv.pkl"))
    if not frames:
        raise UserError(
            f"{shown(folder)}/{split}_SMPLX/SMPLX has no *_withjv.pkl: fetch the SMPL-X annotations with "
            "joints and vertices from https://agora.is.tue.mpg.de and unpack them there."
        )
    if not trust:
        raise UserError(
            f"{shown(frames[0])} is a pickle of pandas, which can run code: say --trust if you fetched it "
            "yourself."
        )
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for frame in frames:
        pictures = "validation" if split == "validation" else frame.name.split("_withjv")[0]
        for row in rows_of(frame):
            name = Path(row["imgPath"])
            images.append(
                {
                    "id": len(images),
                    "file_name_3840x2160": f"3840x2160/{pictures}/{name}",
                    "file_name_1280x720": f"1280x720/{pictures}/{name.stem}_1280x720.png",
                }
            )
            for person in range(len(row["gt_path_smplx"])):
                annotation = _annotation(folder, split, row, person, len(annotations))
                annotations.append({"image_id": images[-1]["id"], **annotation})
    target = folder / f"AGORA_{split}.json"
    with written_beside(target) as temporary:
        temporary.write_text(json.dumps({"images": images, "annotations": annotations}))
    return f"{shown(target)}: {len(annotations)} persons in {len(images)} pictures"


def _annotation(folder: Path, split: str, row: Mapping[str, Any], person: int, number: int) -> dict[str, Any]:
    """One person, whose joints (and mesh) get files of their own."""
    seen = np.asarray(row["gt_joints_2d"][person], np.float64)[:JOINTS]
    said: dict[str, Any] = {"id": number, "is_valid": bool(row["isValid"][person])}
    said |= {key: _plain(row[key][person]) for key in _PERSON}
    for name, places in PARTS.items():
        said[name] = _xywh(seen[places])
    columns = {"joints_2d": "gt_joints_2d", "joints_3d": "gt_joints_3d"}
    if split == "validation":
        columns["verts"] = "gt_verts"
    said["smplx_verts_path"] = ""
    for name, column in columns.items():
        path = f"{column}/smplx/{split}_{number}.json"
        points = np.asarray(row[column][person], np.float64)
        _write(folder / path, (points if name == "verts" else points[:JOINTS]).tolist())
        said[f"smplx_{name}_path"] = path
    body = f"{row['gt_path_smplx'][person][:-4]}.pkl"
    _without_torch(folder / body)
    return said | {"smplx_param_path": body}


def rows_of(frame: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of a data frame: pictures, whose entries are lists of persons."""
    try:
        import pandas
    except ImportError as error:
        raise UserError("Reading AGORA's data frames takes pandas: pip install pandas.") from error
    for _, row in pandas.read_pickle(frame).iterrows():
        yield row


class _OnCpu(pickle.Unpickler):
    """Opens tensors that were on a graphics card, on any machine."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch.storage", "_load_from_bytes"):
            return lambda data: torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        return super().find_class(module, name)


def _without_torch(path: Path) -> None:
    """Write a body's pickle anew with arrays in place of tensors, so that nothing has to run to read it."""
    with path.open("rb") as file:
        body = _OnCpu(file, encoding="latin1").load()
    if any(isinstance(value, torch.Tensor) for value in body.values()):
        plain = {
            key: value.detach().numpy() if isinstance(value, torch.Tensor) else value
            for key, value in body.items()
        }
        with written_beside(path) as temporary:
            temporary.write_bytes(pickle.dumps(plain, protocol=2))


def _write(path: Path, numbers: list[Any]) -> None:
    with written_beside(path) as temporary:
        temporary.write_text(json.dumps(numbers))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _xywh(points: Array) -> list[float]:
    x0, y0, x1, y1 = around_points(points, padding=PADDING).tolist()
    return [x0, y0, x1 - x0, y1 - y0]
