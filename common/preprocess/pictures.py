"""Opens a picture, whatever its kind, as 8-bit RGB."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from common.utils.errors import UserError

Array = np.ndarray


class BrokenPicture(UserError, ValueError):
    """A picture cannot be used; the text says which, why, and what to do."""


def read_picture(source: Path | str | bytes | Array, upright: bool = False, name: str = "") -> Array:
    """A file, an encoded picture or an array -> RGB (H, W, 3) uint8.

    upright: turn it as its camera noted (EXIF), which the published systems do not. Arrays are RGB, grey or
    RGBA of 8 or 16 bits; transparency is dropped, 16 bits are cut to their upper 8, CMYK is converted.
    `name` says whose the picture is. Raises BrokenPicture where it is missing, empty, cut short, or no
    picture.
    """
    where = f"The picture '{source}'" if isinstance(source, str | Path) else "The picture"
    where += f" of {name}" if name else ""
    if isinstance(source, np.ndarray):
        return _as_rgb(source, where)
    data = source if isinstance(source, bytes) else _read(Path(source), where)
    if not data:
        raise BrokenPicture(f"{where} is empty: 0 bytes; copy or download it again.")
    if _cut_short(data):
        raise BrokenPicture(f"{where} is cut short after {len(data)} bytes; copy or download it again.")
    flags = cv2.IMREAD_COLOR if upright else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise BrokenPicture(f"{where} cannot be decoded ({error.err}); save it as JPEG or PNG.") from error
    if picture is None:
        raise BrokenPicture(f"{where} is damaged, or no picture that OpenCV reads; save it as JPEG or PNG.")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _read(path: Path, where: str) -> bytes:
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
