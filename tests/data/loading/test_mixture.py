"""Several data sets as one."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from common.structures import Person
from common.utils.errors import UserError
from data.loading.mixture import Balanced, Concat, Weighted, published_sequence, published_shuffle

PARITY = Path(__file__).parents[3].parent / "shared" / "parity" / "smpler_x" / "dataset.npz"


class Set:
    def __init__(self, name: str, count: int) -> None:
        self.name, self.count = name, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Person:
        assert 0 <= index < self.count
        return Person(f"{self.name}/{index}")


A, B, C = Set("a", 5), Set("b", 17), Set("c", 40)


def shown(mixture, seed: int = 0) -> list[str]:
    generator = torch.Generator().manual_seed(seed)
    return [mixture[index].name for index in mixture.order(generator).tolist()]


def sets(names: list[str]) -> Counter:
    return Counter(name.split("/")[0] for name in names)


def test_one_after_the_other() -> None:
    mixture = Concat(A, B, C)
    assert len(mixture) == 62 and mixture.name == "a+b+c"
    assert [mixture[i].name for i in (0, 4, 5, 21, 22, 61)] == ["a/0", "a/4", "b/0", "b/16", "c/0", "c/39"]
    with pytest.raises(IndexError, match="not one numbered 62"):
        mixture[62]


def test_groups_fill_equal_parts_of_an_epoch() -> None:
    mixture = Balanced([A, B], [C])
    assert len(mixture) == 80 and mixture.persons == 62
    names = shown(mixture)
    assert sets(names)["c"] == 40 and sets(names)["a"] + sets(names)["b"] == 40
    counts = Counter(names)
    assert {counts[f"c/{i}"] for i in range(40)} == {1}
    assert {counts[f"b/{i}"] for i in range(17)} == {1, 2}  # whole passes, then some


def test_of_a_large_set_every_epoch_shows_another_draw() -> None:
    mixture = Balanced([A], [C], total=20)
    first, second = (set(shown(mixture, seed)) for seed in (0, 1))
    assert len(mixture) == 20 and first != second
    assert shown(mixture) == shown(mixture) != shown(mixture, 1)


def test_a_total_that_does_not_divide_is_filled_all_the_same() -> None:
    assert sets(shown(Balanced([A], [B], [C], total=64))) == {"a": 22, "b": 21, "c": 21}


def test_as_published_a_large_set_only_shows_the_same_persons() -> None:
    first = {f"c/{i}" for i in published_shuffle(40)[:20].tolist()}
    for seed in range(3):
        names = shown(Balanced([A], [B], [C], total=60, as_published=True), seed)
        assert {name for name in names if name.startswith("c")} == first


def test_the_published_sequence_is_the_published_one() -> None:
    # of (5, 17, 40) persons, 20 places each: three draws fill the second set's part
    sequence = published_sequence((5, 17, 40), 60, random.Random(7)).tolist()
    assert sequence[:20] == [[0, i % 5] for i in range(20)]
    assert sequence[20:40] == [[1, i] for i in [*range(17), 10, 4, 12]]
    assert sequence[40:] == [[2, i] for i in range(20)]


def test_the_published_sequences_are_reproduced() -> None:
    if not PARITY.exists():
        pytest.skip("the published sequences are not here; the test above keeps the essentials")
    published = np.load(PARITY)
    for name, total in (("balance_60", 60), ("balance_64", 64), ("same_len", 120), ("balance_auto", 62)):
        wanted = published[f"mix/{name}/db_and_item"].tolist()
        assert published_sequence((5, 17, 40), total, random.Random(7)).tolist() == wanted, name
    assert published_shuffle(20).tolist() == published["mix/shuffle_seed_2023_of_20"].tolist()
    order = [[place, i] for place, count in enumerate((5, 17, 40)) for i in range(count)]
    assert order == published["mix/concat/db_and_item"].tolist()


def test_weights_are_shares_of_an_epoch() -> None:
    mixture = Weighted([A, B, C], [0.5, 0.2, 0.3], total=20_000)
    names = shown(mixture)
    shares = {name: count / 20_000 for name, count in sets(names).items()}
    assert shares == pytest.approx({"a": 0.5, "b": 0.2, "c": 0.3}, abs=0.02)
    assert len(set(names)) == 62
    assert len(Weighted([A, C], [1, 1])) == 40


def test_weights_must_be_as_many_as_the_sets() -> None:
    with pytest.raises(UserError, match="2 data sets"):
        Weighted([A, B], [1.0])
    with pytest.raises(UserError, match="not all 0"):
        Weighted([A, B], [0.0, 0.0])
