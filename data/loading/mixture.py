"""Several data sets as one: one after the other, balanced, or by weight."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import torch
from torch import Generator, Tensor

from common.structures import Person
from common.utils.errors import UserError
from data.loading.dataset import Dataset


@dataclass(frozen=True, init=False)
class Concat:
    """Data sets one after the other; every person is shown once an epoch."""

    datasets: tuple[Dataset, ...]

    def __init__(self, *datasets: Dataset) -> None:
        object.__setattr__(self, "datasets", datasets)

    @property
    def name(self) -> str:
        return "+".join(dataset.name for dataset in self.datasets)

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, index: int) -> Person:
        place = bisect_right(self._ends, index)
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name} has {len(self)} persons, not one numbered {index}.")
        return self.datasets[place][index - (self._ends[place - 1] if place else 0)]

    @cached_property
    def _ends(self) -> tuple[int, ...]:
        """Behind the last person of each data set."""
        return tuple(accumulate(len(dataset) for dataset in self.datasets))


@dataclass(frozen=True, init=False)
class Balanced:
    """Groups of data sets, each of which fills an equal part of an epoch.

    An epoch is `total` places long; by default as many as the longest group has persons, times the groups.
    A small group is shown in whole passes and a draw of the rest; of a large one, every epoch shows another
    draw. `as_published` shows of a large one the same persons every epoch, the first ones of a shuffled list,
    as SMPLer-X does; to OSX, which shows all of its larger group, it makes no difference.
    """

    groups: tuple[Concat, ...]
    total: int | None
    as_published: bool

    def __init__(
        self, *groups: Sequence[Dataset], total: int | None = None, as_published: bool = False
    ) -> None:
        object.__setattr__(self, "groups", tuple(Concat(*group) for group in groups))
        object.__setattr__(self, "total", total)
        object.__setattr__(self, "as_published", as_published)

    @property
    def name(self) -> str:
        return " | ".join(group.name for group in self.groups)

    def __len__(self) -> int:
        return self.total or max(map(len, self.groups)) * len(self.groups)

    def __getitem__(self, index: int) -> Person:
        """By its number in all groups, one after the other."""
        return self._whole[index]

    @cached_property
    def _whole(self) -> Concat:
        return Concat(*self.groups)

    @property
    def persons(self) -> int:
        return sum(map(len, self.groups))

    def order(self, generator: Generator) -> Tensor:
        """(len,) numbers of the persons of one epoch."""
        lengths = [len(group) for group in self.groups]
        starts = torch.tensor([0, *accumulate(lengths)][:-1])
        if self.as_published:
            source = random.Random(int(torch.randint(2**62, (), generator=generator)))
            chosen = published_sequence(lengths, len(self), source)
            shuffled = torch.cat([published_shuffle(length) for length in lengths])
            order = starts[chosen[:, 0]] + shuffled[starts[chosen[:, 0]] + chosen[:, 1]]
        else:
            share, more = divmod(len(self), len(lengths))
            parts = [
                start + _draw(length, share + (place < more), generator)
                for place, (start, length) in enumerate(zip(starts, lengths, strict=True))
            ]
            order = torch.cat(parts)
        return order[torch.randperm(len(order), generator=generator)]


@dataclass(frozen=True, init=False)
class Weighted:
    """Data sets drawn from by weight, with replacement; an epoch is `total` places, or as the longest set."""

    datasets: tuple[Dataset, ...]
    weights: tuple[float, ...]
    total: int | None

    def __init__(
        self, datasets: Sequence[Dataset], weights: Sequence[float], total: int | None = None
    ) -> None:
        if len(datasets) != len(weights) or min(weights) < 0 or not sum(weights):
            raise UserError(
                f"{len(datasets)} data sets need as many weights that are not all 0, not {weights}."
            )
        object.__setattr__(self, "datasets", tuple(datasets))
        object.__setattr__(self, "weights", tuple(weights))
        object.__setattr__(self, "total", total)

    @property
    def name(self) -> str:
        return "+".join(
            f"{w:g} {dataset.name}" for w, dataset in zip(self.weights, self.datasets, strict=True)
        )

    def __len__(self) -> int:
        return self.total or max(map(len, self.datasets))

    def __getitem__(self, index: int) -> Person:
        """By its number in all data sets, one after the other."""
        return self._whole[index]

    @cached_property
    def _whole(self) -> Concat:
        return Concat(*self.datasets)

    @property
    def persons(self) -> int:
        return sum(map(len, self.datasets))

    def order(self, generator: Generator) -> Tensor:
        """(len,) numbers of the persons of one epoch."""
        lengths = torch.tensor([len(dataset) for dataset in self.datasets])
        starts = lengths.cumsum(0) - lengths
        chosen = torch.multinomial(
            torch.tensor(self.weights), len(self), replacement=True, generator=generator
        )
        dice = torch.rand(len(self), generator=generator, dtype=torch.float64)
        return starts[chosen] + (dice * lengths[chosen]).long()


def _draw(length: int, count: int, generator: Generator) -> Tensor:
    """`count` of `length` numbers: whole passes, then some at random."""
    passes, rest = divmod(count, length)
    return torch.cat(
        [torch.arange(length).repeat(passes), torch.randperm(length, generator=generator)[:rest]]
    )


def published_shuffle(length: int) -> Tensor:
    """(length,) the order in which SMPLer-X keeps the persons of a data set it balances, in every run."""
    order = list(range(length))
    random.Random(2023).shuffle(order)
    return torch.tensor(order, dtype=torch.int64)


def published_sequence(lengths: Sequence[int], total: int, source: random.Random) -> Tensor:
    """(total, 2) data set and person of each place of a balanced epoch, unshuffled, as SMPLer-X draws them.

    OSX's two groups come out the same, with twice the longer one's length for a total.
    """
    share = total // len(lengths)

    def drawn(length: int) -> int:
        return source.randint(0, length - 1)

    parts = []
    for chosen, length in enumerate(lengths):
        whole = share if length >= share else share // length * length
        persons = [*(torch.arange(whole) % length).tolist(), *(drawn(length) for _ in range(share - whole))]
        parts.append(torch.stack([torch.full((share,), chosen), torch.tensor(persons, dtype=torch.int64)], 1))
    for place in range(share * len(lengths), total):
        chosen, person = drawn(len(lengths)), place - share * len(lengths)
        if lengths[chosen] < share:
            whole = share // lengths[chosen] * lengths[chosen]
            person = person % lengths[chosen] if person < whole else drawn(lengths[chosen])
        parts.append(torch.tensor([[chosen, person]]))
    return torch.cat(parts)
