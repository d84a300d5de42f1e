"""Pictures of the free body to look at, in one sheet: `python -m tool.free_body.contact_sheet`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from common.body_models.body_model import BodyModel
from common.body_models.smpl import SMPL
from common.body_models.smplx import SMPLX
from common.joints import SMPLX_55
from common.rendering.rasterizer import interpolate, rasterize, vertex_normals
from common.structures import Body
from common.utils.files import written_beside
from common.utils.paths import ROOT
from tool.free_body.expression import EXPRESSIONS
from tool.free_body.formats import SMPLX_FORMAT

_TILE, _SMOOTH = 220, 2  # pixels of a tile, samples a pixel and axis
_LENS = 8.0  # the camera's distance in radii of what it shows
_SKIN, _EYE, _IRIS, _DOT = (205, 172, 150), (240, 236, 230), (75, 55, 45), (200, 30, 30)
_IRIS_RADIUS = 0.0065  # meters
_KEY_LIGHT, _FILL_LIGHT = (0.4, 0.5, 0.8), (-0.7, 0.1, 0.4)
_WHOLE = 1.08  # meters: the radius that shows a whole body

_EYEBALLS = SMPLX_55.indices(("left_eyeball", "right_eyeball"))
_EYE_FRONTS = tuple(SMPLX_FORMAT.keypoints[name] for name in ("left_eye", "right_eye"))

Turns = Mapping[str, tuple[float, float, float]]  # joint -> axis-angle in radians


def _both(joint: str, x: float, y: float, z: float) -> dict[str, tuple[float, float, float]]:
    """A turn of the left joint, and its mirror image."""
    return {f"left_{joint}": (x, y, z), f"right_{joint}": (x, -y, -z)}


_ARMS_DOWN = _both("shoulder", 0, 0, -1.15)
_POSES: dict[str, Turns] = {
    "rest pose": {},
    "arms down": _ARMS_DOWN,
    "arms up": {**_both("shoulder", 0, 0, 1.2), **_both("collar", 0, 0, 0.25)},
    "sitting": {
        **_both("hip", -1.5, 0, 0.1), **_both("knee", 1.55, 0, 0),
        **_both("shoulder", 0, -0.4, -1.1), **_both("elbow", 0, -1.0, 0),
    },
    "running": {
        "left_hip": (-1.0, 0, 0), "left_knee": (1.2, 0, 0), "left_ankle": (-0.2, 0, 0),
        "right_hip": (0.5, 0, 0), "right_knee": (0.6, 0, 0), "spine2": (0.15, 0.15, 0),
        "left_shoulder": (0.3, 0.6, -1.1), "right_shoulder": (0.2, 0.7, 1.1), **_both("elbow", 0, -1.6, 0),
    },
    "squatting": {
        **_both("hip", -2.0, 0.3, 0.3), **_both("knee", 2.2, 0, 0), **_both("ankle", -0.5, 0, 0),
        **_both("shoulder", 0, -1.4, 0), "spine1": (0.3, 0, 0),
    },
}  # fmt: skip


def posed(
    model: BodyModel,
    turns: Turns | None = None,
    betas: Sequence[float] = (),
    expression: Sequence[float] = (),
    hand: Tensor | None = None,
) -> Body:
    """One body; `hand` (2, 15, 3) is added to the flat hands, left and right."""
    layout = model.layout
    pose = torch.zeros(1, len(layout.joints), 3)
    for joint, turn in (turns or {}).items():
        pose[0, layout.joints.index(joint)] = torch.tensor(turn)
    if hand is not None:
        pose[0, 25:55] = hand.reshape(30, 3)
    shape, face = torch.zeros(1, layout.betas), torch.zeros(1, layout.expression)
    shape[0, : len(betas)] = torch.tensor(betas)
    face[0, : len(expression)] = torch.tensor(expression)
    return model(model.params(pose, shape, face, torch.ones(1, dtype=torch.bool)))


class Sheet:
    """Rows of captioned tiles."""

    def __init__(self) -> None:
        self._rows: list[list[np.ndarray]] = [[]]

    def row(self) -> None:
        """Begin another row."""
        self._rows.append([])

    def add(
        self,
        caption: str,
        model: BodyModel,
        body: Body,
        look: tuple[Tensor, float] | None = None,
        azimuth: float = 25.0,
        elevation: float = 0.0,
        dots: slice | None = None,
    ) -> None:
        """A body seen from an angle in degrees; `look`: a center and a radius in meters, `dots`: joints."""
        vertices = body.vertices[0]
        center, radius = look or ((vertices.amin(0) + vertices.amax(0)) / 2, _WHOLE)
        view = _view(azimuth, elevation)
        points = _pixels((vertices - center) @ view.mT, radius, _TILE * _SMOOTH)
        picture = _shaded(
            points, vertices @ view.mT, model.faces, _colors(model, body.rest[0]), _TILE * _SMOOTH
        )
        picture = cv2.resize(picture, (_TILE, _TILE), interpolation=cv2.INTER_AREA)
        if dots is not None:
            for x, y, _ in _pixels((body.joints[0, dots] - center) @ view.mT, radius, _TILE):
                cv2.circle(
                    picture, (round(float(x) * 16), round(float(y) * 16)), 26, _DOT, -1, cv2.LINE_AA, 4
                )
        cv2.putText(picture, caption, (6, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (60, 60, 60), 1, cv2.LINE_AA)
        self._rows[-1].append(picture)

    def picture(self) -> np.ndarray:
        """(H, W, 3) RGB."""
        return np.concatenate([np.concatenate(row, 1) for row in self._rows])


def _view(azimuth: float, elevation: float) -> Tensor:
    """(3, 3) the camera's axes right, down, forward, for a body that looks along +z at azimuth 0."""
    a, e = math.radians(azimuth), math.radians(elevation)
    forward = -torch.tensor([math.sin(a) * math.cos(e), math.sin(e), math.cos(a) * math.cos(e)])
    right = torch.tensor([math.cos(a), 0.0, -math.sin(a)])
    return torch.stack([right, torch.linalg.cross(forward, right), forward])


def _pixels(points: Tensor, radius: float, size: int) -> Tensor:
    """(N, 3) in the camera's axes about what it shows -> (N, 3) pixels and depth."""
    depth = points[:, 2:] + _LENS * radius
    return torch.cat([points[:, :2] / depth * _LENS * size / 2 + (size - 1) / 2, depth], 1)


def _colors(model: BodyModel, rest: Tensor) -> Tensor:
    """(V, 3) skin, white eyeballs and irises; SMPL has no eyes of its own."""
    colors = torch.tensor(_SKIN).float().repeat(len(model.weights), 1)
    if isinstance(model, SMPLX):
        for joint, front in zip(_EYEBALLS, _EYE_FRONTS, strict=True):
            eyeball = model.weights[:, joint] > 0.5
            colors[eyeball] = torch.tensor(_EYE).float()
            near = (rest - rest[front]).norm(dim=1) < _IRIS_RADIUS
            colors[eyeball & near] = torch.tensor(_IRIS).float()
    return colors


def _shaded(points: Tensor, vertices: Tensor, faces: Tensor, colors: Tensor, size: int) -> np.ndarray:
    """(V, 3) pixels and depth, (V, 3) in the camera's axes -> (size, size, 3) on white, by two lamps."""
    seen = rasterize(points[None], faces, (size, size))
    values = torch.cat([vertex_normals(vertices[None], faces)[0], colors], 1)
    normals, color = interpolate(seen, faces, values[None])[0].split(3, -1)
    normals = normalize(normals, dim=-1) * normals.new_tensor([1.0, -1.0, -1.0])
    lamps = normalize(torch.tensor([_KEY_LIGHT, _FILL_LIGHT]), dim=-1)
    light = 0.2 + (normals @ lamps.mT).clamp_min(0) @ torch.tensor([0.66, 0.24])
    picture = torch.where(seen.mask[0, ..., None], light[..., None] * color, torch.tensor(255.0))
    return picture.clamp(0, 255).byte().numpy()


def _curled(component: int, amount: float) -> Tensor:
    """(2, 15, 3) both hands along one of the file's hand components."""
    with np.load(ROOT / "pretrained_models/free/smplx/SMPLX_NEUTRAL.npz") as arrays:
        rows = [arrays[f"hands_components{side}"][component] for side in "lr"]
    return amount * torch.from_numpy(np.stack(rows)).reshape(2, 15, 3)


def _bodies(sheet: Sheet, model: SMPLX) -> None:
    for caption, turns in _POSES.items():
        sheet.add(caption, model, posed(model, turns))
    sheet.row()
    for azimuth in (-70, 155):
        for caption in ("sitting", "running", "squatting"):
            sheet.add(caption, model, posed(model, _POSES[caption]), azimuth=azimuth)
    sheet.row()
    for direction in range(3):
        for amount in (-2.0, 2.0):
            betas = [0.0] * direction + [amount]
            sheet.add(f"beta {direction} at {amount:+.0f}", model, posed(model, _ARMS_DOWN, betas))


def _kinds(sheet: Sheet, model: SMPLX) -> None:
    for gender in ("male", "female"):
        other = SMPLX(gender, free="only")
        sheet.add(gender, other, posed(other, _ARMS_DOWN))
    child = SMPLX(kid=True, free="only")
    for share in (0.5, 1.0):
        sheet.add(f"child, {share}", child, posed(child, _ARMS_DOWN, [0.0] * 10 + [share]))
    small = SMPL(free="only")
    sheet.add("SMPL", small, posed(small, _ARMS_DOWN))
    sheet.add("SMPL, from behind", small, posed(small, _POSES["sitting"]), azimuth=200)


def _hands(sheet: Sheet, model: SMPLX) -> None:
    wrist = posed(model).joints[0, SMPLX_55.index("left_wrist")]
    look = (wrist + torch.tensor([0.08, 0.0, 0.0]), 0.13)
    relaxed = model.mean_pose[25:55].reshape(2, 15, 3)
    fist, thumb, spread = _curled(0, 3.6), _curled(3, 0.6), _curled(2, 0.6)
    for caption, hand in (("flat", 0 * relaxed), ("relaxed", relaxed), ("fist", fist + thumb)):
        body = posed(model, hand=hand)
        sheet.add(f"{caption}, back", model, body, look, 20, 50)
        sheet.add(f"{caption}, palm", model, body, look, 20, -60)
    sheet.row()
    sheet.add("spread", model, posed(model, hand=spread), look, 20, 50)
    sheet.add("thumb opposed", model, posed(model, hand=_curled(3, 1.0)), look, 20, -60)
    right = (look[0] * torch.tensor([-1.0, 1.0, 1.0]), look[1])
    sheet.add("right fist, palm", model, posed(model, hand=fist + thumb), right, -20, -60)
    sheet.add("finger tips", model, posed(model), look, 20, 50, dots=slice(66, 71))
    foot = posed(model).joints[0, SMPLX_55.index("left_ankle")] + torch.tensor([0.0, -0.03, 0.06])
    sheet.add("toes and heel", model, posed(model), (foot, 0.16), 60, 20, dots=slice(60, 63))
    sheet.add("joints", model, posed(model), azimuth=0, dots=slice(0, 25))


def _faces(sheet: Sheet, model: SMPLX) -> None:
    head = posed(model).joints[0, SMPLX_55.index("head")] + torch.tensor([0.0, 0.03, 0.04])
    look = (head, 0.16)
    sheet.add("landmarks", model, posed(model), look, 0, dots=slice(76, 127))
    sheet.add("contour", model, posed(model), look, 0, dots=slice(127, 144))
    for degrees in (-35, 35):
        body = posed(model, {"neck": (0.0, math.radians(degrees), 0.0)})
        sheet.add(f"contour, turned {degrees}", model, body, look, 0, dots=slice(127, 144))
    sheet.add("nose, eyes, ears", model, posed(model), look, 45, dots=slice(55, 60))
    sheet.add("jaw open", model, posed(model, {"jaw": (0.35, 0.0, 0.0)}), look, 30)
    for number, caption in enumerate(EXPRESSIONS):
        if number in (0, 6):
            sheet.row()
        sheet.add(caption, model, posed(model, expression=[0.0] * number + [1.0]), look, 20)
    gaze = {"left_eyeball": (0.0, 0.4, 0.0), "right_eyeball": (0.0, 0.4, 0.0)}
    sheet.add("eyes to its left", model, posed(model, gaze), look, 0)
    sheet.add("from the side", model, posed(model), look, 90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "docs/pictures/free_body.png")
    output = parser.parse_args().output
    sheet, model = Sheet(), SMPLX(free="only")
    for part in (_bodies, _kinds, _hands, _faces):
        part(sheet, model)
        if part is not _faces:
            sheet.row()
    with written_beside(output) as temporary:
        picture = cv2.cvtColor(sheet.picture(), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(temporary), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
