"""How soon a person is ready for a network that looks four times: body, both hands, face.

Bar: at most 15 ms of a person in a 1920 x 1080 JPEG picture, decoding included; the published program takes
70 to 85.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np

from common.geometry.crop import middle_and_sides
from common.geometry.resampling import shrunk_cubic, whole_pixels
from common.joints import SMPLX, SPIN_159
from common.preprocess.augment import Augment, Chance
from common.preprocess.pictures import read_picture
from common.preprocess.sample import make_sample
from common.preprocess.views import box_of
from common.structures import Person, View
from common.utils.timing import milliseconds

Array = np.ndarray

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
VIEWS = {
    box: View((224, 224), box, padding=padding, sampling="resize_cubic", mean=MEAN, std=STD)
    for box, padding in (("body", 1.2), ("left_hand", 1.44), ("right_hand", 1.44), ("face", 1.68))
}
UNUSED = (1792, 1792)  # of the body, which the published program makes and never looks at


def measure() -> list[tuple[str, str]]:
    """Milliseconds of processor time a person, who is 400 or 850 pixels tall."""
    cv2.setNumThreads(0)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = _picture(Path(folder) / "picture.jpg")
        for height in (400, 850):
            person = _person(path, height)
            pixels = read_picture(path)
            known = Person(person.name, pixels, person.box, part_boxes=person.part_boxes)
            published = milliseconds(lambda p=person: published_way(p), 7)
            ours = milliseconds(lambda p=person: make_sample(p, VIEWS, SPIN_159, SMPLX), 7)
            again = milliseconds(lambda p=known: make_sample(p, VIEWS, SPIN_159, SMPLX), 7)
            what = f"four views of a person {height} pixels tall"
            rows += [
                (f"{what}: the published way", f"{published:.1f} ms"),
                (f"{what}: ours, of a file", f"{ours:.1f} ms ({published / ours:.1f}x)"),
                (f"{what}: ours, of a picture that is open", f"{again:.1f} ms"),
            ]
            for name, augment in (
                ("", Augment()),
                (", hands and face from it", Augment(parts_from_body=True)),
            ):
                taken = milliseconds(lambda p=person, a=augment: _augmented(p, a), repeats=3)
                rows.append((f"{what}: augmented{name}, the mean of 8 draws", f"{taken / 8:.1f} ms"))
    return rows


def published_way(person: Person) -> list[Array]:
    """Decode all, convert all to float32, cut four views, and one of 1792 pixels."""
    picture = read_picture(person.image).astype(np.float32)
    size = (picture.shape[1], picture.shape[0])
    cuts = []
    for view in (*VIEWS.values(), View(UNUSED, padding=1.2)):
        middle, sides = middle_and_sides(box_of(person, view, Chance(), size))
        pixels = whole_pixels(picture, middle, sides, view.size, 0.0).astype(np.uint8)
        cuts.append((shrunk_cubic(pixels, view.size).transpose(2, 0, 1) / 255 - 0.45) / 0.225)
    return cuts


def _augmented(person: Person, augment: Augment) -> None:
    for seed in range(8):
        make_sample(person, VIEWS, SPIN_159, SMPLX, augment.draw(_Draws(seed)))


class _Draws:
    """A numpy generator as `Augment` draws from it."""

    def __init__(self, seed: int) -> None:
        dice = np.random.default_rng(seed)
        self.normal, self.uniform = dice.normal, dice.uniform


def _person(path: Path, height: int) -> Person:
    """Somebody in the middle of the picture, whose hands and face are a tenth as tall."""
    middle, part = np.array([960.0, 540.0]), height / 20
    places = middle + height * np.array([[0.2, 0.1], [-0.2, 0.1], [0.0, -0.42]])
    boxes = np.concatenate([places - part, places + part, np.ones((3, 1))], 1)
    half = height * np.array([0.25, 0.5])
    points = np.zeros((159, 3))
    for part_name, place in zip(("left_hand", "right_hand", "face"), places, strict=True):
        points[SPIN_159.parts[part_name]] = [*place, 1]
        points[SPIN_159.parts[part_name].start, :2] += part
    return Person(
        "one",
        path,
        np.concatenate([middle - half, middle + half]),
        part_boxes=boxes,
        joint_set=SPIN_159,
        joints_2d=points,
    )


def _picture(path: Path) -> Path:
    """A smooth picture with a little noise, as large as a photograph's file of that size."""
    dice = np.random.default_rng(0)
    coarse = dice.integers(0, 255, (68, 120, 3), np.uint8)
    smooth = cv2.resize(coarse, (1920, 1080), interpolation=cv2.INTER_CUBIC)
    grain = np.clip(smooth + dice.normal(0, 4, smooth.shape), 0, 255).astype(np.uint8)
    cv2.imwrite(str(path), grain, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return path
