"""Opens a picture, whatever its kind, as 8-bit RGB."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from common.utils.errors import UserError

Array = np.ndarray


class BrokenPicture(UserError, ValueError):
    """A picture cannot be used; the text says which, why, and what to do."""


_HEAD = 2**18  # bytes in which a JPEG file has said its size, previews and notes before it
_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


@dataclass(frozen=True)
class Picture:
    """The pixels of a picture, maybe fewer than it has: each may stand for `reduction` times as many."""

    pixels: Array  # (H, W, 3) uint8 RGB
    size: tuple[int, int]  # width, height of the whole picture
    reduction: int = 1

    def reduced_map(self, matrix: Array) -> Array:
        """A (2, 3) map from the whole picture's pixels -> the same from these, whose centers lie between."""
        middle = np.full(2, (self.reduction - 1) / 2)
        linear, shift = matrix[:, :2].astype(np.float64), matrix[:, 2].astype(np.float64)
        return np.concatenate([linear * self.reduction, (shift + linear @ middle)[:, None]], 1)


def reduction_for(zoom: float) -> int:
    """How far a picture may be reduced that is seen at `zoom`, view pixels a pixel.

    A reduced JPEG picture is decoded from the low frequencies of its blocks: each pixel is about the mean of
    those it stands for. The bilinear warp of the whole picture skips pixels at such a zoom, so the two differ
    where there is detail: views of photographs by 2 grey levels of 255 in the mean at a zoom of 0.5, by up to
    9 at 0.1, edges by more. The reduced ones are the smoother.
    """
    return next((factor for factor in (8, 4, 2) if factor * zoom <= 1), 1)


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height from the header of a JPEG picture; None for any other."""
    if not data.startswith(b"\xff\xd8"):
        return None
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame, not tables
            return int.from_bytes(data[place + 7 : place + 9]), int.from_bytes(data[place + 5 : place + 7])
        place += 1 if marker == 0xFF else 2 + length
    return None


def size_of_file(path: Path) -> tuple[int, int] | None:
    """Width and height from the header of a JPEG or PNG file; None where it is missing or another's."""
    try:
        with path.open("rb") as file:
            data = file.read(_HEAD)
    except OSError:
        return None
    if data.startswith(b"\x89PNG") and data[12:16] == b"IHDR":
        return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    return jpeg_size(data)


def read_picture(
    source: Path | str | bytes | Array, upright: bool = False, name: str = "", reduction: int = 1
) -> Array:
    """A file, an encoded picture or an array -> RGB (H, W, 3) uint8.

    upright: turn it as its camera noted (EXIF), which the published systems do not. Arrays are RGB, grey or
    RGBA of 8 or 16 bits; transparency is dropped, 16 bits are cut to their upper 8, CMYK is converted.
    `name` says whose the picture is. reduction: so many times smaller, 1, 2, 4 or 8, of files. Raises
    BrokenPicture where it is missing, empty, cut short, or no picture.
    """
    where = f"The picture '{source}'" if isinstance(source, str | Path) else "The picture"
    where += f" of {name}" if name else ""
    if isinstance(source, np.ndarray):
        return _as_rgb(source, where)
    data = source if isinstance(source, bytes) else read_bytes(Path(source), name)
    if not data:
        raise BrokenPicture(f"{where} is empty: 0 bytes; copy or download it again.")
    if _cut_short(data):
        raise BrokenPicture(f"{where} is cut short after {len(data)} bytes; copy or download it again.")
    flags = _REDUCED[reduction] | (0 if upright else cv2.IMREAD_IGNORE_ORIENTATION)
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise BrokenPicture(f"{where} cannot be decoded ({error.err}); save it as JPEG or PNG.") from error
    if picture is None:
        raise BrokenPicture(f"{where} is damaged, or no picture that OpenCV reads; save it as JPEG or PNG.")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def read_bytes(path: Path, name: str = "") -> bytes:
    """A picture's file as it lies; BrokenPicture where it is missing or cannot be read."""
    where = f"The picture '{path}'" + (f" of {name}" if name else "")
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise BrokenPicture(f"{where} is missing; check the path.") from error
    except OSError as error:
        raise BrokenPicture(f"{where} cannot be read: {error.strerror}; check path and rights.") from error


def _cut_short(data: bytes) -> bool:
    """Whether a JPEG or a PNG lacks its end, which decoders fill with grey without a word."""
    if data.startswith(b"\xff\xd8"):
        return data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")
    return data.startswith(b"\x89PNG") and b"IEND" not in data[-64:] and b"IEND" not in data


def _as_rgb(picture: Array, where: str) -> Array:
    if picture.ndim == 2:
        picture = picture[..., None]
    if picture.ndim != 3 or picture.shape[2] not in (1, 3, 4) or 0 in picture.shape:
        raise BrokenPicture(f"{where} is an array of shape {picture.shape}; give RGB of shape (H, W, 3).")
    if picture.dtype not in (np.uint8, np.uint16):
        raise BrokenPicture(f"{where} is an array of {picture.dtype}; give whole numbers of 8 bits.")
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    return np.repeat(picture, 3, 2) if picture.shape[2] == 1 else picture[..., :3]
