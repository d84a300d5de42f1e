"""The default path: no graphics library, no display, no network."""

from __future__ import annotations

import subprocess
import sys

import pytest

from common.utils.paths import ROOT

IMPORTS = """
import common.body_models.build, common.rendering.overlay, common.networks.lifter, common.preprocess.sample
import data.synthetic, main.trainer, main.evaluator, demo.demo, demo.detectors.people, demo.video
"""
FORBIDDEN = ("libGL", "libEGL", "libOSMesa", "libX11", "libgtk", "libQt", "libQt5", "libQt6", "libtk")


def run(program: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "OMP_NUM_THREADS": "1"}  # and no DISPLAY
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="reads /proc/self/maps, which Linux alone has"
)
def test_nothing_on_the_default_path_loads_a_graphics_library():
    done = run(IMPORTS + "print(open('/proc/self/maps').read())")
    assert done.returncode == 0, done.stderr
    loaded = {line.split("/")[-1] for line in done.stdout.splitlines() if ".so" in line}
    assert loaded
    assert not [name for name in loaded if name.startswith(FORBIDDEN)]


def test_nothing_on_the_default_path_reaches_for_the_network():
    refuse = """
import socket
def refuse(*_): raise AssertionError("the network was asked for")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
"""
    demo = "import numpy as np\nfrom demo.detectors.people import PeopleDetector\n"
    demo += "PeopleDetector()(np.zeros((64, 64, 3), np.uint8), 'black')\n"
    done = run(refuse + IMPORTS + demo)
    assert done.returncode == 0, done.stderr
