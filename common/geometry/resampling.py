"""Two ways to cut a picture: one affine warp, or whole pixels that are then resized."""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from torch.nn.functional import interpolate

from common.geometry.crop import inverse, mapped

Array = np.ndarray
Color = tuple[float, float, float]
NO_COLOR: Color = (1.0, 1.0, 1.0)
MOST_PIXELS = 2**22  # that are made float32 at once


def warp(picture: Array, matrix: Array, size: tuple[int, int], mirrored: bool = False) -> Array:
    """(H, W, C) picture -> (h, w, C) float32, bilinear, black outside (Hand4Whole, OSX, SMPLer-X).

    `matrix` (2, 3) carries picture pixels to view pixels; where `mirrored`, pixels of the picture's mirror
    image. Only the pixels that are needed are mirrored and made float32: the numbers are those of the whole
    picture, time and memory those of the crop.
    """
    x0, y0, x1, y1 = _needed(matrix, size, picture.shape[1::-1])
    if x1 <= x0 or y1 <= y0:
        return np.zeros((*size, *picture.shape[2:]), np.float32)
    if (x1 - x0) * (y1 - y0) > MOST_PIXELS:
        return _gathered(picture, matrix, size, mirrored)
    columns = slice(picture.shape[1] - x1, picture.shape[1] - x0) if mirrored else slice(x0, x1)
    needed = np.ascontiguousarray(picture[y0:y1, columns])
    needed = (cv2.flip(needed, 1) if mirrored else needed).astype(np.float32)
    moved = matrix.astype(np.float64)
    moved[:, 2] += moved[:, :2] @ (x0, y0)
    return cv2.warpAffine(needed, moved, size[::-1], flags=cv2.INTER_LINEAR).reshape(*size, -1)


def _needed(matrix: Array, size: tuple[int, int], limit: tuple[int, int]) -> tuple[int, int, int, int]:
    """The box x0, y0, x1, y1 of the picture's pixels that a view depends on."""
    height, width = size
    rim = np.array([[-1, -1], [width, -1], [width, height], [-1, height]], dtype=np.float64)
    corners = mapped(inverse(matrix), rim)
    x0, y0 = np.clip(np.floor(corners.min(0)) - 2, 0, limit).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(corners.max(0)) + 3, 0, limit).astype(int).tolist()
    return x0, y0, x1, y1


def _gathered(picture: Array, matrix: Array, size: tuple[int, int], mirrored: bool) -> Array:
    """The same by hand: what OpenCV 4 does, in its fixed-point coordinates of 1/32 pixel."""
    height, width = picture.shape[:2]
    back = 1024 * inverse(matrix)
    x, y = np.arange(size[1]), np.arange(size[0])[:, None]
    columns = np.rint(back[0, 0] * x) + np.rint(back[0, 1] * y + back[0, 2])
    rows = np.rint(back[1, 0] * x) + np.rint(back[1, 1] * y + back[1, 2])
    columns, rows = (columns.astype(np.int64) + 16) >> 5, (rows.astype(np.int64) + 16) >> 5
    right, down = (
        ((columns & 31).astype(np.float32) / 32)[..., None],
        ((rows & 31).astype(np.float32) / 32)[..., None],
    )
    columns, rows = columns >> 5, rows >> 5
    result = np.zeros((*size, *picture.shape[2:]), np.float32)
    for step_y, weight_y in ((0, 1 - down), (1, down)):
        for step_x, weight_x in ((0, 1 - right), (1, right)):
            column, row = columns + step_x, rows + step_y
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            column, row = np.where(inside, column, 0), np.where(inside, row, 0)
            pixels = picture[row, width - 1 - column if mirrored else column]
            result += pixels * (weight_y * weight_x * inside[..., None])
    return result


def whole_pixel_map(
    center: Array, sides: Array, size: tuple[int, int], angle: float = 0.0, flipped: bool = False
) -> Array:
    """The (2, 3) float64 map of the SPIN family: box onto view, turned by -angle about its middle, flipped.

    center (2,) and sides (2,) of the box in picture pixels, size (height, width), angle in radians.
    Published: edges go to edges (0 and the view's width) and a flip is x -> width - x; with pixel centers
    at whole numbers that is up to half a pixel away from where `cut_whole_pixels` puts the picture, and it
    is what the networks were taught.
    """
    limits = np.array([size[1], size[0]], dtype=np.float64)
    fit = _fit(center, sides, size)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    moved = turn @ (fit[:2, 2] - limits / 2) + limits / 2
    matrix = np.concatenate([turn @ fit[:2, :2], moved[:, None]], 1)
    return np.stack([np.array([0, 0, limits[0]]) - matrix[0], matrix[1]]) if flipped else matrix


def _fit(center: Array, sides: Array, size: tuple[int, int]) -> Array:
    """(3, 3), in the published order of operations: whole pixels are decided by its last bits."""
    fit = np.eye(3)
    for axis, length in enumerate((size[1], size[0])):
        fit[axis, axis] = length / sides[axis]
        fit[axis, 2] = length * (-center[axis] / sides[axis] + 0.5)
    return fit


def whole_pixel_box(center: Array, sides: Array, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The box x0, y0, x1, y1 that is cut: corners mapped back and cut toward zero (published)."""
    back = np.linalg.inv(_fit(center, sides, size))
    first, last = back @ np.array([0.0, 0.0, 1.0]), back @ np.array([size[1], size[0], 1.0])
    return int(first[0]), int(first[1]), int(last[0]), int(last[1])


def cut_whole_pixels(
    picture: Array, center: Array, sides: Array, size: tuple[int, int], angle: float = 0.0
) -> Array:
    """(H, W, C) picture -> (h, w, C) float32: whole pixels, black outside, turned, resized (SPIN, SMPLer).

    Resizing is bilinear, without antialiasing.
    """
    canvas = whole_pixels(picture, center, sides, size, angle, exact=True)
    return cv2.resize(canvas, size[::-1], interpolation=cv2.INTER_LINEAR)


def cut_whole_pixels_cubic(
    picture: Array,
    center: Array,
    sides: Array,
    size: tuple[int, int],
    angle: float = 0.0,
    color: Color = NO_COLOR,
) -> Array:
    """The same, colored first, cut to whole grey levels before an antialiased cubic resize (PyMAF-X)."""
    return shrunk_cubic(whole_pixels(picture, center, sides, size, angle, color).astype(np.uint8), size)


def shrunk_cubic(picture: Array, size: tuple[int, int]) -> Array:
    """(H, W, C) uint8 -> (h, w, C) float32 of whole grey levels: cubic, antialiased where it shrinks."""
    pixels = torch.from_numpy(np.ascontiguousarray(picture)).movedim(-1, 0)[None]
    return interpolate(pixels, size, mode="bicubic", antialias=True)[0].movedim(0, -1).float().numpy()


def colored(pixels: Array, color: Color) -> Array:
    """(h, w, 3) float32 times a factor a channel, kept within 0 to 255."""
    if color == NO_COLOR:
        return pixels
    row = np.tile(np.array(color, np.float32), pixels.shape[1])  # by rows: several times as fast as by threes
    bright = pixels.reshape(len(pixels), -1) * row
    return np.clip(bright, 0, 255, out=bright).reshape(pixels.shape)


def whole_pixels(
    picture: Array,
    center: Array,
    sides: Array,
    size: tuple[int, int],
    angle: float,
    color: Color = NO_COLOR,
    exact: bool = False,
) -> Array:
    """The box's own pixels, float32, turned about its middle; a margin keeps real pixels in the corners.

    exact: the margin is turned too and then cut off, as published. Otherwise it is not: half the work, at
    places that OpenCV rounds to another 1/32 pixel.
    """
    x0, y0, x1, y1 = whole_pixel_box(center, sides, size)
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)
    margin = int(math.hypot(x1 - x0, y1 - y0) / 2 - (y1 - y0) / 2) if angle else 0
    canvas = colored(_pasted(picture, x0 - margin, y0 - margin, x1 + margin, y1 + margin), color)
    if not angle:
        return canvas
    height, width = canvas.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), math.degrees(angle), 1.0)
    if exact:
        canvas = cv2.warpAffine(canvas, turn, (width, height), flags=cv2.INTER_LINEAR)
        return canvas[margin : height - margin, margin : width - margin]
    turn[:, 2] -= margin
    return cv2.warpAffine(canvas, turn, (width - 2 * margin, height - 2 * margin), flags=cv2.INTER_LINEAR)


def _pasted(picture: Array, x0: int, y0: int, x1: int, y1: int) -> Array:
    """The part of a picture in a box, float32, black where the box leaves the picture."""
    canvas = np.zeros((y1 - y0, x1 - x0, *picture.shape[2:]), np.float32)
    left, top = max(x0, 0), max(y0, 0)
    right, bottom = min(x1, picture.shape[1]), min(y1, picture.shape[0])
    if right > left and bottom > top:
        canvas[top - y0 : bottom - y0, left - x0 : right - x0] = picture[top:bottom, left:right]
    return canvas
