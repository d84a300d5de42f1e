"""The pictures and points a network asked for, cut from a person's picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from common.geometry import crop as crops
from common.geometry.resampling import (
    colored,
    cut_whole_pixels,
    cut_whole_pixels_cubic,
    warp,
    whole_pixel_map,
    whole_pixels,
)
from common.preprocess.augment import Chance
from common.preprocess.pictures import (
    BrokenPicture,
    Picture,
    jpeg_size,
    read_bytes,
    read_picture,
    reduction_for,
)
from common.preprocess.points import moved_points
from common.preprocess.proxy_views import cut_proxy
from common.structures import Crop, Person, View

Array = np.ndarray

PARTS = ("left_hand", "right_hand", "face")  # the rows of `part_boxes`
TWINS = {"left_hand": "right_hand", "right_hand": "left_hand"}  # who is who in a mirrored picture
THERE = 0.5  # confidence from which on a part is there to be looked at
ABSENT_PART = np.array([-50.0, -50.0, 50.0, 50.0])  # published (PyMAF-X): an absent part


def opened(person: Person, views: Iterable[View], chance: Chance) -> Picture | None:
    """The person's picture, all of it, or, where `chance` allows, no more of a JPEG than the views show.

    Raises BrokenPicture where it cannot be read, or a view has nothing to cut.
    """
    if person.image is None:
        return None
    source, reduction = person.image, 1
    if chance.reduced and isinstance(source, Path | str | bytes):
        source = source if isinstance(source, bytes) else read_bytes(Path(source), person.name)
        if (size := jpeg_size(source)) is not None:
            reduction = min((_reduction(person, view, chance, size) for view in views), default=1)
    pixels = read_picture(source, name=person.name, reduction=reduction)
    return Picture(pixels, size if reduction > 1 else (pixels.shape[1], pixels.shape[0]), reduction)


def _reduction(person: Person, view: View, chance: Chance, size: tuple[int, int]) -> int:
    if view.content != "image":
        return 8
    if view.sampling != "warp":  # whole pixels are cut
        return 1
    return reduction_for(abs(float(np.linalg.det(_matrix(person, view, chance, size)[:, :2]))) ** 0.5)


def cut(
    person: Person, view: View, chance: Chance | None = None, picture: Picture | None = None
) -> tuple[Tensor, Crop]:
    """One view of one person: (C, H, W) float32, or key points (K, 3) in view pixels, and where it was cut.

    A proxy is cut around the silhouette, in pixels of its own: see `proxy_views.py`. picture: the person's,
    if it is opened already. Raises BrokenPicture where there is nothing to cut,
    ValueError where a part or a content is not known.
    """
    chance = chance or Chance()
    picture = picture or opened(person, [view], chance)
    if view.content == "proxy":
        return cut_proxy(person, view, chance, size_of(person, picture))
    crop = locate(person, view, chance, size_of(person, picture))
    if view.content == "keypoints":
        return _points(person, view, crop), crop
    if view.content != "image":
        raise ValueError(f"A view of '{view.content}' is none of 'image', 'keypoints' and 'proxy'.")
    if picture is None:
        raise BrokenPicture(f"{person.name} has no picture to cut '{view.box}' from; give its `image`.")
    return normalized(_sampled(picture, person, view, chance), view), crop


def size_of(person: Person, picture: Picture | None) -> tuple[int, int]:
    """Width and height of the picture, if need be as mask or camera tell; ValueError where nothing does."""
    if picture is not None:
        return picture.size
    if person.mask is not None:
        return person.mask.shape[1], person.mask.shape[0]
    if person.intrinsics is not None:
        return round(2 * person.intrinsics[0, 2]), round(2 * person.intrinsics[1, 2])
    raise ValueError(f"Nothing tells how large the picture of {person.name} is; give it or its intrinsics.")


def locate(person: Person, view: View, chance: Chance, image_size: tuple[int, int]) -> Crop:
    """Where a view is cut from a picture of (width, height)."""
    flipped_last = chance.flipped and view.sampling != "warp"  # published: the SPIN family turns, then flips
    return Crop(
        matrix=torch.from_numpy(_matrix(person, view, chance, image_size).astype(np.float32)),
        angle=torch.tensor(-chance.angle if flipped_last else chance.angle, dtype=torch.float32),
        flipped=torch.tensor(chance.flipped),
        image_size=torch.tensor(image_size, dtype=torch.float32),
    )


def _matrix(person: Person, view: View, chance: Chance, image_size: tuple[int, int]) -> Array:
    """(2, 3) float64, picture pixels to view pixels."""
    box = box_of(person, view, chance, image_size)
    if view.sampling == "warp":
        width = image_size[0] if chance.flipped else None
        matrix = crops.around(box, view.size, chance.scale, chance.angle, width).astype(np.float64)
        return matrix if width is None else crops.after_mirror(matrix, width)
    if view.sampling not in ("resize", "resize_cubic"):
        raise ValueError(f"Sampling '{view.sampling}' is none of 'warp', 'resize' and 'resize_cubic'.")
    center, sides = crops.middle_and_sides(box)
    return whole_pixel_map(center, sides * chance.scale, view.size, chance.angle, chance.flipped)


def box_of(person: Person, view: View, chance: Chance, image_size: tuple[int, int]) -> Array:
    """The box to cut, x0, y0, x1, y1, with the view's aspect and padding."""
    aspect = view.size[1] / view.size[0]
    if view.box == "body":
        box = _sound(np.asarray(_body_box(person, image_size)), person)
        if person.padding is None:
            return box
        return crops.padded(box, aspect, view.padding * person.padding)
    if view.box not in PARTS:
        raise ValueError(f"A view's box is 'body' or one of {', '.join(PARTS)}, not '{view.box}'.")
    name = TWINS.get(view.box, view.box) if chance.flipped else view.box
    row = _part_row(person, name)
    box = crops.padded(row[:4], aspect, view.padding)
    return box if row[4] > 0 and min(box[2:] - box[:2]) >= 2 else ABSENT_PART


def _part_row(person: Person, part: str) -> Array:
    """(5,) the box of a hand or the face, and the trust in it: as given, else around its points."""
    if person.part_boxes is not None:
        return person.part_boxes[PARTS.index(part)]
    if person.joints_2d is None or person.joint_set is None or part not in person.joint_set.parts:
        return np.zeros(5)
    seen = np.asarray(person.joints_2d[person.joint_set.parts[part]], np.float64)
    hull = crops.around_points(seen[:, :2], seen[:, 2])
    return np.zeros(5) if hull is None else np.append(hull, seen[:, 2].mean())


def _sound(box: Array, person: Person) -> Array:
    if not (np.isfinite(box).all() and (box[2:] > box[:2]).all()):
        raise BrokenPicture(f"{person.name} cannot be cut out: its box {np.round(box, 1).tolist()} is empty.")
    return box


def _body_box(person: Person, image_size: tuple[int, int]) -> Array:
    """The person's box, else that of its points, else the whole picture."""
    if person.box is not None:
        return person.box
    seen = person.joints_2d
    hull = None if seen is None else crops.around_points(seen[:, :2], seen[:, 2])
    return np.array([0.0, 0.0, *image_size]) if hull is None else hull


def _sampled(picture: Picture, person: Person, view: View, chance: Chance) -> Array:
    """(h, w, 3) float32, 0 to 255, its color changed when the published systems change it."""
    image_size, pixels = picture.size, picture.pixels
    if view.sampling == "warp" and picture.reduction > 1:
        matrix = picture.reduced_map(_matrix(person, view, chance, image_size))
        return colored(warp(pixels, matrix, view.size), chance.color)
    if view.sampling == "warp":
        matrix = _matrix(person, view, chance, image_size)
        matrix = crops.after_mirror(matrix, image_size[0]) if chance.flipped else matrix
        return colored(warp(pixels, matrix, view.size, chance.flipped), chance.color)
    center, sides = crops.middle_and_sides(box_of(person, view, chance, image_size))
    sides = sides * chance.scale
    if view.sampling == "resize_cubic":
        pixels = cut_whole_pixels_cubic(pixels, center, sides, view.size, chance.angle, chance.color)
        return pixels[:, ::-1] if chance.flipped else pixels
    pixels = colored(cut_whole_pixels(pixels, center, sides, view.size, chance.angle), chance.color)
    return pixels[:, ::-1] if chance.flipped else pixels


def normalized(pixels: Array, view: View) -> Tensor:
    """(h, w, 3), 0 to 255 -> (3, h, w), 0 to 1, then less the view's mean, in its deviations."""
    planes = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1).contiguous() / 255
    if any(view.mean) or set(view.std) != {1.0}:
        planes = (planes - torch.tensor(view.mean)[:, None, None]) / torch.tensor(view.std)[:, None, None]
    return planes


def canvas(picture: Picture, person: Person, view: View, chance: Chance) -> Array:
    """(H, W, 3) uint8: a view's whole pixels, colored, turned, flipped, as large as in the picture."""
    center, sides = crops.middle_and_sides(box_of(person, view, chance, picture.size))
    pixels = whole_pixels(
        picture.pixels, center, sides * chance.scale, view.size, chance.angle, chance.color
    ).astype(np.uint8)
    return cv2.flip(pixels, 1) if chance.flipped else pixels


def filling(person: Person, view: View, chance: Chance) -> Chance:
    """The chance, flipped or not where otherwise a view of one hand would miss the only hand that is there.

    A hand is there if its box is trusted by a half at least (published: if most of its points are seen).
    """
    if view.box not in TWINS or person.part_boxes is None:
        return chance
    trust = {name: person.part_boxes[PARTS.index(name), 4] for name in TWINS}
    shown = TWINS[view.box] if chance.flipped else view.box
    missed = trust[shown] < THERE <= trust[TWINS[shown]]
    return replace(chance, flipped=not chance.flipped) if missed else chance


def _points(person: Person, view: View, crop: Crop) -> Tensor:
    if view.joint_set is None:
        raise ValueError("A view of content 'keypoints' needs a joint_set.")
    return moved_points(person.joints_2d, person.joint_set, view.joint_set, crop)
