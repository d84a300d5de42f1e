"""How fast people are found and read, by the detectors' own measure, run as a command."""

from __future__ import annotations

import subprocess
import sys

import torch

from common.utils.paths import ROOT


def measure() -> list[tuple[str, str]]:
    """Milliseconds a picture of 512 x 512, which shows one person."""
    command = [sys.executable, "-m", "demo.detectors.measure", str(torch.get_num_threads())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [(what, figure) for what, figure in (line.split("\t") for line in done.stdout.splitlines())]
