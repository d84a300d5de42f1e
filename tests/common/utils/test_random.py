"""Chance that follows from seeds alone."""

from __future__ import annotations

import torch

from common.utils.random import derived, derived_seeds, normal, uniform

SEEDS = torch.arange(20_000)


def test_a_seed_gives_the_same_numbers_in_any_batch() -> None:
    whole = uniform(SEEDS[:10], 3, 2)
    assert whole.shape == (10, 3, 2)
    assert torch.equal(uniform(SEEDS[4:6], 3, 2), whole[4:6])
    assert torch.equal(normal(SEEDS[4:6], 7), normal(SEEDS[:10], 7)[4:6])


def test_numbers_are_spread_evenly_between_zero_and_one() -> None:
    numbers = uniform(SEEDS, 8)
    assert numbers.min() >= 0 and numbers.max() < 1
    counts = torch.histc(numbers, 20, 0, 1) / numbers.numel()
    assert (counts - 1 / 20).abs().max() < 2e-3


def test_places_and_neighboring_seeds_know_nothing_of_each_other() -> None:
    numbers = uniform(SEEDS, 8)
    shifted = torch.cat([numbers[:-1], numbers[1:]], 1)
    correlation = torch.corrcoef(shifted.T) - torch.eye(16)
    assert correlation.abs().max() < 0.04


def test_normal_numbers_have_mean_zero_and_variance_one() -> None:
    numbers = normal(SEEDS, 8)
    assert numbers.isfinite().all()
    assert abs(numbers.mean()) < 0.01
    assert abs(numbers.var() - 1) < 0.01


def test_one_number_alone_takes_no_shape() -> None:
    assert uniform(SEEDS[:3]).shape == (3,)


def test_a_derived_seed_hangs_on_every_number_and_on_their_order() -> None:
    some = {
        derived(*numbers) for numbers in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (0, 1), (0, 1, 2, 0), (0, 1, 3))
    }
    assert len(some) == 6
    assert all(0 <= seed < 2**63 for seed in some)


def test_many_seeds_at_once_are_the_seeds_one_by_one() -> None:
    places = torch.tensor([0, 1, 7, 2**40])
    assert derived_seeds(places, 3, 2**62).tolist() == [derived(3, 2**62, place) for place in places.tolist()]
