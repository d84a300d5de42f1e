"""How fast people are found and read:  python -m demo.detectors.measure"""

from __future__ import annotations

import sys

import numpy as np
import torch

from common.preprocess.pictures import read_picture
from common.utils.paths import ROOT
from common.utils.timing import milliseconds
from demo.detectors import palm_detector, squares
from demo.detectors.faces import Faces
from demo.detectors.hands import Hands
from demo.detectors.parts import whole
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
    table.append(("BlazePose, points of eight people, two passes", f"{each:.1f} ms a person"))
    return table + _measure_parts(image, whole(detector(image, "picture")[0]))


def _measure_parts(image: np.ndarray, body: np.ndarray) -> list[tuple[str, str]]:
    """Milliseconds a hand and a face of a body (133, 3); how long it takes does not hang on what is seen."""
    hands, faces = Hands(), Faces()
    levels = squares.pyramid(image, palm_detector.SIZE)
    places = [squares.place_in(np.array([256.0, 256.0]), np.array([0.5, -1.0]), 150.0)]
    rows = {
        "a hand that is sure at once": lambda: [hands.landmarks(levels, places) for _ in range(2)],
        "a hand that the palm detector is asked for": lambda: (
            hands.palms(levels, places),
            [hands.landmarks(levels, places) for _ in range(3)],
        ),
        "a face": lambda: faces(image, body[None]),
    }
    return [(what, f"{milliseconds(work):.1f} ms") for what, work in rows.items()]


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    for what, figure in measure():
        print(what, figure, sep="\t")
