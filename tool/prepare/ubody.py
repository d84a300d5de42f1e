"""UBody's videos to the pictures that data/ubody.py reads: 30 a second, numbered from 000001.png.

    python -m tool.prepare.ubody [--folder dataset/UBody] [--scenes Interview Movie ...] [--workers 4]

`videos/SCENE/NAME.mp4` becomes `images/SCENE/NAME/%06d.png`; a folder that is there is left alone. Needs
ffmpeg.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common.utils.errors import UserError
from common.utils.paths import DATASET, shown
from main.command_line import sentences

KINDS = (".mp4", ".mkv", ".webm", ".avi", ".mov")
FPS = 30


def videos(folder: Path, scenes: Iterable[str]) -> list[Path]:
    """The videos of some scenes, of all where none is named; UserError where there is none."""
    chosen = set(scenes)
    found = [
        path
        for path in sorted((folder / "videos").rglob("*"))
        if path.suffix.lower() in KINDS and (not chosen or path.relative_to(folder).parts[1] in chosen)
    ]
    if not found:
        raise UserError(
            f"{shown(folder / 'videos')} has no videos of {', '.join(sorted(chosen)) or 'any scene'}: "
            "ask for UBody at https://osx-ubody.github.io and unpack it there."
        )
    return found


def pictures_of(video: Path, folder: Path, ffmpeg: str) -> bool:
    """Write a video's frames, all or none; whether there was anything to do."""
    target = folder / "images" / video.relative_to(folder / "videos").with_suffix("")
    if target.is_dir():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name[:40]}.") as folder_now:
        frames = Path(folder_now) / "frames"
        frames.mkdir()
        command = [ffmpeg, "-nostdin", "-loglevel", "error", "-i", str(video), "-r", str(FPS)]
        done = subprocess.run([*command, str(frames / "%06d.png")], capture_output=True, text=True)
        if done.returncode or not any(frames.iterdir()):
            said = done.stderr.strip().splitlines()[-1:] or ["it has no frames"]
            raise UserError(f"{shown(video)} cannot be cut into pictures ({said[0]}); fetch it again.")
        os.replace(frames, target)
    return True


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=DATASET / "UBody")
    parser.add_argument("--scenes", nargs="*", default=[])
    parser.add_argument("--workers", type=int, default=max((os.cpu_count() or 1) // 2, 1))
    options = parser.parse_args(arguments)
    with sentences():
        ffmpeg = shutil.which("ffmpeg")
        if ffmpeg is None:
            raise UserError(
                "ffmpeg is not installed: install it with your system's packages, then start again."
            )
        found = videos(options.folder, options.scenes)
        with ThreadPoolExecutor(options.workers) as pool:
            new = sum(pool.map(lambda video: pictures_of(video, options.folder, ffmpeg), found))
        print(f"{new} of {len(found)} videos cut into pictures, the others were there")


if __name__ == "__main__":
    main()
