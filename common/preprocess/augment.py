"""Random scale, turn, flip and color: drawn first, applied after."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class Source(Protocol):
    """What chance is drawn from: a numpy Generator, or a replay of somebody's draws."""

    def normal(self) -> float: ...  # mean 0, variance 1

    def uniform(self) -> float: ...  # in [0, 1)


@dataclass(frozen=True)
class Chance:
    """What happens to one sample; by default nothing."""

    scale: float = 1.0  # of the box
    angle: float = 0.0  # radians from the x to the y axis, of the box
    flipped: bool = False
    color: tuple[float, float, float] = (1.0, 1.0, 1.0)  # factors of red, green, blue
    whole_points: bool = False  # the view's annotated points are cut to whole pixels (published, SMPLer)
    reduced: bool = False  # JPEG pictures are decoded no larger than the views need
    parts_from_body: bool = False  # hands and face are cut from the body's crop: parts_of_body.py


@dataclass(frozen=True)
class Augment:
    """How much may happen to a sample.

    The draws come in the published order, so that a replay of published draws gives the published samples:
    scale, whether to turn, the turn if so, color, flip (Hand4Whole, OSX, SMPLer-X); with `flip_first` flip,
    color, turn, scale, whether to turn (the SPIN family, SMPLer, PyMAF-X).
    """

    scale: float = 0.25  # a standard deviation, and the most
    rotation: float = 30.0  # degrees, a standard deviation; at most twice that
    rotation_chance: float = 0.6
    flip: float = 0.5  # the chance of it
    color: float = 0.2  # factors lie in 1 - color to 1 + color
    flip_first: bool = False
    whole_points: bool = False
    reduced: bool = False  # sooner loaded, and other pixels: see common/preprocess/pictures.py
    parts_from_body: bool = False  # published (PyMAF-X): see common/preprocess/parts_of_body.py

    def draw(self, source: Source) -> Chance:
        return self._flip_first(source) if self.flip_first else self._flip_last(source)

    def _flip_last(self, source: Source) -> Chance:
        scale = 1 + self.scale * min(max(source.normal(), -1), 1)
        turned = source.uniform() <= self.rotation_chance
        angle = self.rotation * min(max(source.normal(), -2), 2) if turned else 0.0
        color = self._color(source)
        flipped = source.uniform() <= self.flip
        return self._chance(scale, math.radians(angle), flipped, color)

    def _flip_first(self, source: Source) -> Chance:
        flipped = source.uniform() <= self.flip
        color = self._color(source)
        angle = self.rotation * min(max(source.normal(), -2), 2)
        scale = 1 + self.scale * min(max(source.normal(), -1), 1)
        kept = source.uniform() > 1 - self.rotation_chance
        return self._chance(scale, math.radians(angle) if kept else 0.0, flipped, color)

    def _chance(self, scale: float, angle: float, flipped: bool, color: tuple[float, float, float]) -> Chance:
        return Chance(scale, angle, flipped, color, self.whole_points, self.reduced, self.parts_from_body)

    def _color(self, source: Source) -> tuple[float, float, float]:
        low, width = 1 - self.color, 2 * self.color
        return (
            low + width * source.uniform(),
            low + width * source.uniform(),
            low + width * source.uniform(),
        )
