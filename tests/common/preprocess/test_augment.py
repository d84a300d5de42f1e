"""Chance: drawn within its limits, as often as asked, and nothing by default."""

import math

import numpy as np
import pytest

from common.preprocess.augment import Augment, Chance


def draws(augment: Augment, count: int = 4000) -> list[Chance]:
    dice = np.random.default_rng(0)
    return [augment.draw(dice) for _ in range(count)]


@pytest.mark.parametrize("flip_first", [False, True])
def test_draws_stay_within_their_limits_and_happen_as_often_as_asked(flip_first):
    chances = draws(Augment(0.25, 30.0, 0.6, 0.3, 0.2, flip_first))
    scales, angles = np.array([c.scale for c in chances]), np.degrees([c.angle for c in chances])
    colors = np.array([c.color for c in chances])
    assert 0.75 <= scales.min() < 0.76 and 1.24 < scales.max() <= 1.25
    assert np.abs(angles).max() == pytest.approx(60)
    assert np.mean(angles != 0) == pytest.approx(0.6, abs=0.03)
    assert np.mean([c.flipped for c in chances]) == pytest.approx(0.3, abs=0.03)
    assert 0.8 <= colors.min() < 0.81 and 1.19 < colors.max() <= 1.2
    assert abs(np.corrcoef(colors.T)[0, 1]) < 0.1
    assert np.std(angles[np.abs(angles) > 0]) == pytest.approx(27, abs=3)


def test_an_augment_of_nothing_changes_nothing():
    nothing = Augment(scale=0, rotation_chance=0, flip=-1, color=0)
    assert set(draws(nothing, 50)) == {Chance()}


def test_the_same_source_draws_the_same():
    assert draws(Augment(), 20) == draws(Augment(), 20)


def test_a_chance_in_radians_never_exceeds_twice_the_rotation_in_degrees():
    assert max(abs(c.angle) for c in draws(Augment(rotation=10))) <= math.radians(20) + 1e-12
