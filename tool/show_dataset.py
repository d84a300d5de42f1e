"""Look at a data set:  python tool/show_dataset.py BEDLAM [--count 12 --output sheet.jpg] [interval=5 ...]

Draws some of its persons on one sheet: on the left what is annotated, boxes (white the body's, yellow the
hands', cyan the face's) and key points (green a person's left, red the right, blue the middle); on the right
the annotated body, posed and seen by the annotated camera, or, where there is none, put where the key points
are.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

import data
from common.body_models.body_model import BodyModel
from common.body_models.build import body_model
from common.joints import BodyLayout
from common.preprocess.augment import Chance
from common.preprocess.pictures import BrokenPicture, read_picture
from common.preprocess.points import by_name
from common.preprocess.targets import make_target
from common.preprocess.views import cut, locate
from common.rendering.overlay import overlay
from common.structures import Body, Person, Perspective, View
from common.utils.errors import UserError, did_you_mean
from common.utils.files import written_beside
from common.utils.paths import OUTPUT, shown
from main.command_line import sentences
from main.overrides import changed

Array = np.ndarray

TILE = View((360, 270), padding=1.4)
COLUMNS = 4
BODY_BOX, PART_BOXES = (255, 255, 255), ((255, 220, 0), (255, 220, 0), (0, 230, 230))
SIDES = {"left_": (40, 200, 60), "right_": (230, 50, 40)}  # red, green, blue
MIDDLE = (60, 110, 255)


def data_sets() -> dict[str, type]:
    """Every class of `data/*.py` that is a data set, by its name."""
    modules = [
        importlib.import_module(f"data.{module.name}") for module in pkgutil.iter_modules(data.__path__)
    ]
    found = {}
    for module in modules:
        for name, kind in vars(module).items():
            own = isinstance(kind, type) and kind.__module__ == module.__name__
            if own and not name.startswith("_") and {"__len__", "__getitem__"} <= set(dir(kind)):
                found[name] = kind
    return found


def data_set(name: str, overrides: Sequence[str]) -> Any:
    """The data set of a name, however spelled: EgoBody_Kinect is EgoBodyKinect; UserError for others."""
    known = {plain(word): kind for word, kind in data_sets().items()}
    if plain(name) not in known:
        raise UserError(f"There is no data set '{name}'{did_you_mean(plain(name), known)}")
    chosen = known[plain(name)]()
    for override in overrides:
        chosen = changed(chosen, override)
    return chosen


def plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def contact_sheet(dataset: Any, count: int, seed: int) -> Array:
    """(H, W, 3) uint8 RGB: so many persons, drawn at random, two tiles each."""
    chosen = np.random.default_rng(seed).permutation(len(dataset))[:count]
    if len(chosen) == 0:
        raise UserError(f"{dataset.name} has no persons.")
    pairs = [tile_pair(dataset, int(index)) for index in np.sort(chosen)]
    blank = np.full_like(pairs[0], 255)
    columns = min(COLUMNS, len(pairs))
    pairs += [blank] * (-len(pairs) % columns)
    rows = [np.concatenate(pairs[first : first + columns], 1) for first in range(0, len(pairs), columns)]
    return np.concatenate(rows)


def tile_pair(dataset: Any, index: int) -> Array:
    """(h, 2 w, 3): a person's annotations and body; a person that cannot be used is a sentence."""
    try:
        person = dataset[index]
        if person.image is None:
            raise BrokenPicture(f"{person.name} has no picture.")
        picture = read_picture(person.image, name=person.name)
        tiles = [tile(person, annotated(person, picture)), tile(person, with_body(person, picture))]
        caption = person.name
    except (ValueError, OSError) as error:
        tiles, caption = [np.full((*TILE.size, 3), 60, np.uint8)] * 2, str(error)
    pair = np.concatenate(tiles, 1)
    cv2.rectangle(pair, (0, 0), (pair.shape[1] - 1, pair.shape[0] - 1), (0, 0, 0), 1)
    for line, first in enumerate(range(0, len(caption), 64)):
        place = (6, 16 + 15 * line)
        for color, thick in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.putText(pair, caption[first : first + 64], place, 0, 0.42, color, thick, cv2.LINE_AA)
    return pair


def tile(person: Person, picture: Array) -> Array:
    """The person's part of its picture."""
    pixels, _ = cut(replace(person, image=picture), TILE)
    return np.ascontiguousarray((pixels.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8))


def annotated(person: Person, picture: Array) -> Array:
    """A copy of the picture with boxes and points, as thick as the tile shows them."""
    drawn = picture.copy()
    crop = locate(person, TILE, Chance(), (picture.shape[1], picture.shape[0]))
    thick = max(1, round(1.5 / float(crop.matrix[:, :2].det().abs().sqrt())))
    if person.box is not None:
        _rectangle(drawn, person.box, BODY_BOX, thick)
    for box, color in zip(
        person.part_boxes if person.part_boxes is not None else (), PART_BOXES, strict=False
    ):
        if box[4] > 0:
            _rectangle(drawn, box[:4], color, thick)
    if person.joints_2d is not None and person.joint_set is not None:
        for name, (x, y, confidence) in zip(person.joint_set.names, person.joints_2d.tolist(), strict=True):
            if confidence > 0 and np.isfinite([x, y]).all() and max(abs(x), abs(y)) < 1e5:
                color = next((color for side, color in SIDES.items() if name.startswith(side)), MIDDLE)
                cv2.circle(drawn, (round(x), round(y)), thick + (thick > 1), color, -1, cv2.LINE_AA)
    return drawn


def _rectangle(picture: Array, box: Array, color: tuple[int, int, int], thick: int) -> None:
    x0, y0, x1, y1 = (round(float(number)) for number in box)
    cv2.rectangle(picture, (x0, y0), (x1, y1), color, thick)


def with_body(person: Person, picture: Array) -> Array:
    """The picture with the annotated body, or mesh, over it; as it is where nobody said where that stands."""
    model, body = posed(person)
    if model is None or body is None:
        return picture
    camera = camera_of(person, model, body)
    return picture if camera is None else overlay(picture, body.vertices, model.faces, camera, opacity=0.8)


def posed(person: Person) -> tuple[BodyModel | None, Body | None]:
    """The person's body, before its translation; None where there is none."""
    if person.body is None or person.pose is None:
        return None, None
    model = _model(person.body, person.gender)
    still = locate(replace(person, box=np.array([0.0, 0, 9, 9])), TILE, Chance(), (9, 9))
    target = make_target(person, still, model.joint_set, model.layout)
    numbers = (target.pose, target.betas, target.expression, target.flat_hand)
    with torch.no_grad():
        return model, model(model.params(*(number[None] for number in numbers)))


@cache
def _model(layout: BodyLayout, gender: str) -> BodyModel:
    return body_model(layout, gender)


def camera_of(person: Person, model: BodyModel, body: Body) -> Perspective | None:
    """The annotated camera, else a distant one under which the joints lie best on the annotated points."""
    if person.intrinsics is not None and person.translation is not None and person.translation[2] > 0:
        lens = torch.as_tensor(person.intrinsics, dtype=torch.float32)
        translation = torch.as_tensor(np.asarray(person.translation), dtype=torch.float32)
        return Perspective(lens.diagonal()[None, :2], lens[None, :2, 2], translation[None])
    if person.joints_2d is None or person.joint_set is None:
        return None
    points = torch.from_numpy(by_name(person.joints_2d, person.joint_set, model.joint_set)).float()
    seen = points[:, 2] > 0
    return distant_camera(body.joints[0, seen], points[seen, :2]) if seen.sum() >= 2 else None


def distant_camera(joints: Tensor, points: Tensor, distance: float = 50.0) -> Perspective:
    """The scale and shift that bring (N, 3) joints closest to (N, 2) pixels, as a camera so far away."""
    flat, middle = joints[:, :2] - joints[:, :2].mean(0), points.mean(0)
    scale = ((flat * (points - middle)).sum() / flat.square().sum()).abs().clamp(min=1e-6)  # pixels a meter
    away = torch.cat([-joints[:, :2].mean(0), torch.tensor([distance]) - joints[:, 2:].mean(0)])
    return Perspective((scale * distance).expand(1, 2), middle[None], away[None])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", help="a class of data/*.py, such as BEDLAM")
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="what it is asked for: split=test interval=5"
    )
    parser.add_argument("--count", type=int, default=12, help="how many persons (12)")
    parser.add_argument("--seed", type=int, default=0, help="which ones")
    parser.add_argument("--output", type=Path, help="the picture that is written (output/show/SET.jpg)")
    options = parser.parse_args(arguments)
    with sentences():
        dataset = data_set(options.set, options.overrides)
        path = options.output or OUTPUT / "show" / f"{dataset.name}.jpg"
        sheet = contact_sheet(dataset, options.count, options.seed)
        coded, encoded = cv2.imencode(path.suffix or ".jpg", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
        if not coded:
            raise UserError(f"{path} cannot be written as '{path.suffix}'; name a .jpg or a .png.")
        with written_beside(path) as temporary:
            temporary.write_bytes(encoded.tobytes())
        print(
            f"{dataset.name}: {min(options.count, len(dataset))} of {len(dataset)} persons in {shown(path)}"
        )


if __name__ == "__main__":
    main()
