"""Where the demo's pictures come from: files, a folder, the frames of a video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from common.preprocess.pictures import BrokenPicture, read_picture

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".jp2"}


@dataclass(frozen=True)
class Picture:
    """One picture, opened when asked for."""

    name: str  # what people and results are called by
    path: Path

    def read(self) -> np.ndarray:
        """(H, W, 3) uint8 RGB, upright as its EXIF tag says; raises BrokenPicture."""
        return read_picture(self.path, upright=True)


def pictures_in(folder: Path) -> list[Picture]:
    """The pictures of a folder, by name; raises FileNotFoundError where there is none."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder; --image_folder takes a folder of pictures.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        endings = ", ".join(sorted(SUFFIXES))
        raise FileNotFoundError(f"{folder} holds no picture (a file that ends in {endings}).")
    return named(paths)


def named(paths: list[Path]) -> list[Picture]:
    """Each under its name without the ending, or with it where two would share one."""
    stems = [path.stem for path in paths]
    return [Picture(p.stem if stems.count(p.stem) == 1 else p.name, p) for p in paths]


class Video:
    """The frames of a video in order; `len` is the container's own count, which may be off by a few."""

    def __init__(self, path: Path) -> None:
        """Raises FileNotFoundError, or BrokenPicture where no frame can be read."""
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing; --vid_file takes a video.")
        self.path = path
        self.capture = cv2.VideoCapture(str(path))
        self.frames_per_second = self.capture.get(cv2.CAP_PROP_FPS) or 25.0
        self.count = int(self.capture.get(cv2.CAP_PROP_FRAME_COUNT))
        if not self.capture.isOpened() or self.count == 0:
            raise BrokenPicture(
                f"{path} is no video that can be read; convert it to MP4 (H.264) and try again."
            )

    def __len__(self) -> int:
        return max(self.count, 0)

    def __iter__(self) -> Iterator[np.ndarray]:
        """(H, W, 3) uint8 RGB each, turned upright as the container says."""
        while True:
            more, frame = self.capture.read()
            if not more:
                break
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        self.capture.release()
