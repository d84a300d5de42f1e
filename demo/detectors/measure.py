"""How fast people are found and read:  python -m demo.detectors.measure"""

from __future__ import annotations

import sys

import numpy as np
import torch

from common.preprocess.pictures import read_picture
from common.utils.paths import ROOT
from common.utils.timing import milliseconds
from demo.detectors.people import PeopleDetector

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


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    for what, figure in measure():
        print(what, figure, sep="\t")
