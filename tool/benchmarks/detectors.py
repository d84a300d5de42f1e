"""How fast people are found and read."""

from __future__ import annotations

import numpy as np

from common.preprocess.pictures import read_picture
from common.utils.paths import ROOT
from demo.detectors.people import PeopleDetector
from tool.benchmarks import milliseconds

PICTURE = ROOT / "demo" / "images" / "astronaut.jpg"


def measure() -> list[tuple[str, str]]:
    """Milliseconds a picture of 512 x 512, which shows one person."""
    image = read_picture(PICTURE)
    detector = PeopleDetector()
    blazepose = detector.blazepose
    places, _ = blazepose.find(image)
    several = np.repeat(places[:1], 8, 0)
    rows = {
        "NanoDet": lambda: detector.nanodet(image),
        "BlazePose, who is where": lambda: blazepose.find(image),
        "BlazePose, points of one person, two passes": lambda: blazepose.read(image, places[:1]),
        "all together": lambda: detector(image, "picture"),
    }
    table = [(what, f"{milliseconds(work):.1f} ms") for what, work in rows.items()]
    each = milliseconds(lambda: blazepose.read(image, several), 5) / len(several)
    return [*table, ("BlazePose, points of eight people, two passes", f"{each:.1f} ms a person")]
