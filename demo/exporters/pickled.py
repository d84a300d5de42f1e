"""Bodies as one pickle, `output.pkl`, in the layout of PyMAF-X's demo: a dict of NumPy arrays and lists.

There are N rows, a person in a picture each. The published file kept tensors of the accelerator in
`smplx_params`, a dict for each batch; here it is one dict of arrays in a list of one.

  key            shape                 meaning
  pred_cam       (N, 3)                scale and x, y of the camera onto the box
  orig_cam       (N, 4)                scales and x, y onto the full picture, both of which reach from -1 to 1
  orig_cam_t     (N, 3)                where the body stands before a lens of 5000 pixels, meters
  verts          (N, 6890, 3)          SMPL's mesh; absent where the correspondences of SMPL-X with SMPL are
  smplx_verts    (N, 10475, 3)         SMPL-X's mesh; absent of networks that pose SMPL
  pose           (N, 72)               axis-angle of SMPL's 24 joints; of SMPL-X's bodies the last two are 0
  betas          (N, 10)
  joints3d       (N, 49, 3)            SPIN's 49 joints; not-a-number where the network has none
  joints2d       N times (17, 3)       what the detector saw, COCO's 17
  bboxes         (N, 4)                middle x, y, width, height of the pixels that were cut
  frame_ids      N integers            place of the picture
  person_ids     N texts               <name>_f<frame>_p<person>, the same person through a video
  smplx_params   1 times a dict        shape (N, 10), body_pose (N, 24, 3, 3), left_hand_pose, right_hand_pose
                                       (N, 15, 3, 3), jaw_pose, leye_pose, reye_pose (N, 1, 3, 3), expression
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from common.body_models.regressors import Regressor
from common.geometry.crop import middle_and_sides
from common.geometry.resampling import whole_pixel_box
from common.geometry.rotation import axis_angle_from_matrix
from common.joints import COCO_17, SMPL, SMPLX, SPIN_49
from common.networks.model import Model
from common.preprocess.augment import Chance
from common.preprocess.points import by_name
from common.preprocess.views import box_of
from common.structures import Person, View
from common.utils.errors import UserError
from common.utils.files import written_beside
from demo.predict import Found

Array = np.ndarray

PICKLED = "output.pkl"  # its name
FOCAL, SIDE = 5000.0, 224  # of the published cameras, in pixels of the view
_NEW_NUMPY = b"cnumpy._core.multiarray\n"


class Pickled:
    """Gathers the people of pictures or frames, 0.3 MB each, then writes them at once."""

    def __init__(self, model: Model) -> None:
        """Raises UserError for a network that poses neither SMPL nor SMPL-X."""
        self.model, self.layout = model, model.body_model.layout
        if self.layout.name not in (SMPL.name, SMPLX.name):
            raise UserError(f"output.pkl holds bodies of SMPL and SMPL-X, not of {self.layout.name}.")
        self.to_smpl = _transfer(model.body_model.topology)
        self.parts: list[dict[str, Any]] = []

    def add(self, found: Found, name: str, frame: int, ids: Sequence[int] | None = None) -> None:
        """The people of one picture; `frame` is its place, `ids` say who is who in a video."""
        self.parts.append(
            {
                **self._placed(found),
                **self._posed(found),
                "joints2d": [_seen(person) for person in found.people],
                "frame_ids": [frame] * len(found),
                "person_ids": [f"{name}_f{frame}_p{who}" for who in ids or range(len(found))],
            }
        )

    def write(self, path: Path) -> None:
        """The whole file, or none of it, and none where nobody was found; NumPy 1 reads it too."""
        if not self.parts:
            return
        content = {key: _joined([part[key] for part in self.parts]) for key in self.parts[0]}
        content["smplx_params"] = [{key: value.numpy() for key, value in content["smplx_params"].items()}]
        content = {
            key: value.numpy() if isinstance(value, Tensor) else value for key, value in content.items()
        }
        data = pickle.dumps(content, protocol=2).replace(_NEW_NUMPY, b"cnumpy.core.multiarray\n")
        with written_beside(path) as beside:
            beside.write_bytes(data)

    def _placed(self, found: Found) -> dict[str, Tensor]:
        """Cameras and boxes."""
        view = next(iter(self.model.views.values()))
        sizes = [_size(person) for person in found.people]
        cut = [_cut(person, view, each) for person, each in zip(found.people, sizes, strict=True)]
        boxes = torch.tensor(np.array([whole for whole, _, _ in cut]))
        middles, sides = torch.tensor(np.array([m for _, m, _ in cut])), torch.tensor([s for _, _, s in cut])
        both = torch.ones(1, 2)
        near = found.camera.at_focal((FOCAL / SIDE * sides)[:, None].float() * both, middles.float())
        numbers = torch.cat([2 * FOCAL / (SIDE * near.translation[:, 2:]), near.translation[:, :2]], 1)
        flat, away = full_cameras(numbers, boxes, sides, torch.tensor(sizes, dtype=torch.float64))
        return {"pred_cam": numbers, "orig_cam": flat, "orig_cam_t": away, "bboxes": boxes}

    def _posed(self, found: Found) -> dict[str, Any]:
        params, body, count = found.params, found.body, len(found)
        turns = params.rotations[:, :24].clone()
        of_smplx = self.layout.name == SMPLX.name
        if of_smplx:  # published: SMPL's joints of the hands, which SMPL-X has not
            turns[:, 22:] = torch.eye(3)
        pose = axis_angle_from_matrix(turns).flatten(1)
        joints = self.model.read_joints(body.to(self.model.body_model.faces.device)).cpu()
        places = torch.tensor(SPIN_49.taken_from(self.model.joint_set))
        chosen = torch.where((places >= 0)[:, None], joints[:, places], torch.nan)
        result: dict[str, Any] = {"pose": pose, "betas": params.betas, "joints3d": chosen}
        if self.to_smpl is not None:
            result["verts"] = self.to_smpl.read(body.vertices)
        elif not of_smplx:
            result["verts"] = body.vertices
        hands = {side: torch.eye(3).expand(count, 15, 3, 3) for side in ("left", "right")}
        single = {name: torch.eye(3).expand(count, 1, 3, 3) for name in ("jaw", "leye", "reye")}
        if of_smplx:
            result["smplx_verts"] = body.vertices
            places = self.layout.joints.parts
            hands = {side: params.rotations[:, places[f"{side}_hand"]] for side in hands}
            single = {
                name: params.rotations[:, 22 + i : 23 + i] for i, name in enumerate(("jaw", "leye", "reye"))
            }
        result["smplx_params"] = {
            "shape": params.betas,
            "body_pose": turns,
            **{f"{side}_hand_pose": turned for side, turned in hands.items()},
            **{f"{name}_pose": turned for name, turned in single.items()},
            "expression": params.expression,
        }
        return result


def full_cameras(numbers: Tensor, boxes: Tensor, sides: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """Cameras of boxes -> of the full picture, as (N, 4) scales and shifts and as (N, 3) a place, float64.

    numbers (N, 3) scale, x, y; boxes (N, 4) middle and sides of the pixels that were cut, sides (N,) of the
    box itself; size (N, 2) or (1, 2) width and height of the picture. Published: boxes count as square, as
    wide as they are.
    """
    numbers, boxes, half = numbers.double(), boxes.double(), size.double() / 2
    scale, shift = numbers[:, :1], numbers[:, 1:]
    zoom = scale * boxes[:, 2:3] / (2 * half)
    flat = torch.cat([zoom, (boxes[:, :2] - half) / half / zoom + shift], 1)
    pixels = scale * sides.double()[:, None]
    away = torch.cat([shift + 2 * (boxes[:, :2] - half) / pixels, 2 * FOCAL / pixels], 1)
    return flat, away


def _cut(person: Person, view: View, size: tuple[int, int]) -> tuple[Array, Array, float]:
    """Of a view: middle and sides of the pixels that were cut, middle and side of the box."""
    box = box_of(person, view, Chance(), size)
    middle, sides = middle_and_sides(box)
    corners = np.asarray(box, np.float64)
    if view.sampling != "warp":
        corners = np.array(whole_pixel_box(middle, sides, view.size), np.float64)
    whole = np.concatenate([(corners[:2] + corners[2:]) / 2, corners[2:] - corners[:2]])
    return whole, middle, float(sides[1])


def _size(person: Person) -> tuple[int, int]:
    image = person.image
    assert isinstance(image, np.ndarray)
    return image.shape[1], image.shape[0]


def _seen(person: Person) -> Array:
    """(17, 3)"""
    if person.joints_2d is None or person.joint_set is None:
        return np.zeros((17, 3), np.float32)
    return by_name(person.joints_2d, person.joint_set, COCO_17).astype(np.float32)


def _transfer(topology: str) -> Regressor | None:
    """From SMPL-X's mesh to SMPL's; None for another mesh, or where the official file is missing."""
    try:
        return Regressor("smplx", "smpl") if topology == SMPLX.name else None
    except FileNotFoundError:
        return None


def _joined(values: list[Any]) -> Any:
    if isinstance(values[0], Tensor):
        return torch.cat(values)
    if isinstance(values[0], dict):
        return {key: _joined([value[key] for value in values]) for key in values[0]}
    return [one for value in values for one in value]
