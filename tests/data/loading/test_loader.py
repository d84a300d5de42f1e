"""The order of an epoch, over processes, parts and workers."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import Counter

import pytest
import torch

from common.utils.errors import UserError
from data.loading.loader import Loader, Order, every_once


class Counted:
    """As many persons as said."""

    name = "Counted"

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count


def order(count: int = 103, epoch: int = 0, **options) -> Order:
    return Order(Counted(count), **{"batch_size": 8, "seed": 5, "epoch": epoch, **options})


def batches(**options) -> list:
    return list(order(**options))


def test_every_person_is_shown_once_an_epoch_but_for_the_last_few() -> None:
    persons = [person for batch in batches() for person, _ in batch]
    assert len(persons) == len(set(persons)) == 96


def test_epochs_and_seeds_differ_and_repeat() -> None:
    assert batches() == batches()
    shown = [
        tuple(person for person, _ in batches(**options)[0]) for options in ({}, {"epoch": 1}, {"seed": 6})
    ]
    assert len(set(shown)) == 3


def test_chance_follows_from_the_place_alone() -> None:
    seeds = [seed for epoch in (0, 1) for batch in batches(epoch=epoch) for _, seed in batch]
    assert len(set(seeds)) == len(seeds)
    assert [seed for _, seed in batches(count=200)[0]] == [seed for _, seed in batches()[0]]


def test_an_epoch_can_begin_at_any_batch() -> None:
    assert batches(batch=5) == batches()[5:]
    assert batches(batch=5, accumulate=4) == batches(accumulate=4)[20:]


@pytest.mark.parametrize(("world", "accumulate"), [(1, 1), (4, 1), (1, 4), (2, 2), (8, 1)])
def test_processes_and_parts_share_the_very_same_batches(world: int, accumulate: int) -> None:
    shares = [batches(world=world, accumulate=accumulate, rank=rank) for rank in range(world)]
    assert all(len(part) == 8 // world // accumulate for share in shares for part in share)
    for place, whole in enumerate(batches()):
        parts = [share[place * accumulate + part] for part in range(accumulate) for share in shares]
        assert [key for part in parts for key in part] == whole


def test_a_batch_that_cannot_be_shared_or_filled_is_refused() -> None:
    with pytest.raises(UserError, match="multiple of 6"):
        order(world=3, accumulate=2)
    with pytest.raises(UserError, match="Counted has 7 persons"):
        order(count=7)


@pytest.mark.parametrize(("count", "world"), [(10, 1), (10, 3), (1, 4), (9, 3)])
def test_a_benchmark_is_shown_whole_in_equal_shares(count: int, world: int) -> None:
    shares = [[key for batch in every_once(count, 2, rank, world) for key in batch] for rank in range(world)]
    assert len({len(share) for share in shares}) == 1
    persons = Counter(person for share in shares for person, _ in share)
    assert sorted(persons) == list(range(count)) and max(persons.values()) <= 1 + world // count + 1
    assert len({key for share in shares for key in share}) == count  # a person's chance is always the same


class Echo:
    """Keys come back as they are, or fail."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure

    def __getitems__(self, keys):
        if self.failure and keys[0][0] == 4:
            return self.failure
        return torch.tensor(keys)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_order_whoever_makes_them(workers: int) -> None:
    keys = [[(i, 10 * i), (i + 1, 10 * i + 10)] for i in range(0, 12, 2)]
    loader = Loader(Echo(), keys, workers)
    for _ in range(2):
        assert [batch.tolist() for batch in loader] == [[list(key) for key in batch] for batch in keys]


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_for_the_user_arrives_as_it_was(workers: int) -> None:
    keys = [[(i, 0)] for i in range(6)]
    with pytest.raises(UserError, match=r"^the picture is gone$"):
        list(Loader(Echo(UserError("the picture is gone")), keys, workers))


def test_loading_draws_nothing_from_the_network_s_generator() -> None:
    torch.manual_seed(3)
    list(Loader(Echo(), [[(1, 1)]], 0))
    drawn = torch.rand(3)
    torch.manual_seed(3)
    assert torch.equal(torch.rand(3), drawn)


class Deadly:
    def __getitems__(self, keys):
        os._exit(9)


def test_a_worker_that_dies_is_one_sentence() -> None:
    with pytest.raises(UserError, match="loading process died"):
        list(Loader(Deadly(), [[(1, 1)]], 1))


class Signaled:
    def __getitems__(self, keys):
        os.kill(os.getpid(), signal.SIGTERM)  # as a scheduler does, which ends a job by signaling all of it
        return torch.tensor(keys)


def test_a_worker_leaves_it_to_others_whether_to_end() -> None:
    others = multiprocessing.active_children()
    loader = Loader(Signaled(), [[(1, 1)], [(2, 2)]], 1)
    assert len(list(loader)) == 2
    (worker,) = (child for child in multiprocessing.active_children() if child not in others)
    worker.terminate()  # as Python does for those that are left when it ends
    worker.join(10)
    assert worker.exitcode == 0
