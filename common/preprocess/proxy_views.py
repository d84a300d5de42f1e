"""One person's proxy: the silhouette and points of a picture, cut as a network fed by them wants it."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from common.geometry import crop as crops
from common.preprocess.augment import Chance
from common.preprocess.pictures import BrokenPicture
from common.preprocess.points import moved_points
from common.preprocess.proxy import CORNER, deviation, proxy
from common.structures import Crop, Person, View

Array = np.ndarray


def cut_proxy(person: Person, view: View, chance: Chance, image_size: tuple[int, int]) -> tuple[Tensor, Crop]:
    """(1 + J, h, w) float32: silhouette, then a heat map a joint of the view; and where they were cut.

    The view lies around the silhouette; around the person's box, and without silhouette, where nobody saw
    one. Points no surer than the view's `least_confidence` leave their heat map empty. The crop's pixels are
    counted from the corner, see `proxy.py`. "warp" puts the silhouette itself into the middle; "resize" cuts
    whole pixels, and is the published way. Raises ValueError where the view has no joint_set, or whole
    pixels were to be turned or mirrored, BrokenPicture where there is neither silhouette nor points.
    """
    if person.mask is None and person.joints_2d is None:
        raise BrokenPicture(
            f"{person.name} has neither silhouette nor points for a network that looks at them; of a "
            "benchmark's people, `python -m demo.detect` finds them."
        )
    if view.joint_set is None:
        raise ValueError("A view of content 'proxy' needs a joint_set: a heat map for each.")
    mask = np.zeros(image_size[::-1], bool) if person.mask is None else person.mask
    box = box_of(mask)
    if box is None:
        box = np.array([0.0, 0.0, image_size[0] - 1, image_size[1] - 1]) if person.box is None else person.box
    if view.sampling == "warp":
        seen, matrix = _warped(mask, box, view, chance)
    else:
        seen, matrix = _whole_pixels(mask, box, view, chance)
    crop = Crop(
        matrix=torch.from_numpy(matrix.astype(np.float32)),
        angle=torch.tensor(chance.angle, dtype=torch.float32),
        flipped=torch.tensor(chance.flipped),
        image_size=torch.tensor(image_size, dtype=torch.float32),
    )
    points = moved_points(person.joints_2d, person.joint_set, view.joint_set, crop)
    drawn = points[:, 2] > view.least_confidence
    picture = proxy(torch.from_numpy(seen)[None], points[None, :, :2], drawn[None], deviation(max(view.size)))
    return picture[0], crop


def box_of(mask: Array) -> Array | None:
    """(H, W) bool -> (4,) x0, y0, x1, y1 the middles of its outermost pixels; None where it is empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows) == 0:
        return None
    return np.array([columns[0], rows[0], columns[-1], rows[-1]], np.float64)


def _warped(mask: Array, box: Array, view: View, chance: Chance) -> tuple[Array, Array]:
    """(h, w) bool, and (2, 3) from pixels of the picture to corner-counted ones of the view."""
    edges = np.add(box, [-CORNER, -CORNER, CORNER, CORNER])
    square = crops.padded(edges, view.size[1] / view.size[0], view.padding)
    width = mask.shape[1] if chance.flipped else None
    matrix = crops.around(square, view.size, chance.scale, chance.angle, width).astype(np.float64)
    matrix = matrix if width is None else crops.after_mirror(matrix, width)
    onto_middles = matrix - [[0, 0, CORNER], [0, 0, CORNER]]
    soft = cv2.warpAffine(255 * mask.astype(np.uint8), onto_middles, view.size[::-1], flags=cv2.INTER_LINEAR)
    return soft > 127, matrix


def _whole_pixels(mask: Array, box: Array, view: View, chance: Chance) -> tuple[Array, Array]:
    """The same, published: corners cut toward zero, empty beyond the picture, the nearest pixel taken."""
    if chance.angle or chance.flipped:
        raise ValueError("A proxy of whole pixels is neither turned nor mirrored; sample it with 'warp'.")
    middle, side = (box[:2] + box[2:]) / 2, max(box[2:] - box[:2]) * view.padding * chance.scale
    x0, y0, x1, y1 = (int(corner) for corner in (*(middle - side / 2), *(middle + side / 2)))
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, mask.shape[1]), min(y1, mask.shape[0])
    canvas = np.zeros((y1 - y0, x1 - x0), np.uint8)
    if right > left and bottom > top:
        canvas[top - y0 : bottom - y0, left - x0 : right - x0] = mask[top:bottom, left:right]
    seen = cv2.resize(canvas, view.size[::-1], interpolation=cv2.INTER_NEAREST) > 0
    zoom_x, zoom_y = view.size[1] / (x1 - x0), view.size[0] / (y1 - y0)
    return seen, np.array([[zoom_x, 0.0, zoom_x * (CORNER - x0)], [0.0, zoom_y, zoom_y * (CORNER - y0)]])
