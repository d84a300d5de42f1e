"""The whole demo as a user runs it: from a picture to its overlay, parameters and mesh."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common.utils.paths import ROOT

PICTURE = ROOT / "demo" / "images" / "astronaut.jpg"
MEASURED = """
import resource, sys
from demo.demo import main
status = main(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
sys.exit(status)
"""


def measure() -> list[tuple[str, str]]:
    """Seconds and memory of the demo as a process of its own, for one picture and for many."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures"
        pictures.mkdir()
        for number in range(10):
            (pictures / f"{number}.jpg").write_bytes(PICTURE.read_bytes())
        one, memory = _run(["--img_path", str(PICTURE)], Path(folder) / "one")
        many, _ = _run(["--image_folder", str(pictures)], Path(folder) / "many")
    return [
        ("one 512x512 picture, start of the program included", f"{one:.1f} s"),
        ("each further picture", f"{(many - one) / 9:.2f} s"),
        ("peak memory", f"{memory:.0f} MB"),
    ]


def _run(arguments: list[str], output: Path) -> tuple[float, float]:
    """Seconds of wall time, megabytes at most."""
    command = [sys.executable, "-c", MEASURED, *arguments, "--output", str(output), "--device", "cpu"]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    kilobytes = int(re.findall(r"^peak (\d+)$", done.stdout, re.MULTILINE)[0])
    return seconds, kilobytes / 1024
