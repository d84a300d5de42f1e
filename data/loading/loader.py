"""The order of an epoch: which person is shown at which place of which batch, and by which process."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from common.structures import Batch
from common.utils import failures
from common.utils.errors import UserError
from common.utils.random import derived, derived_seeds
from data.loading.dataset import Dataset, Key, Samples

_ORDER, _CHANCE = 1, 2  # keep the two uses of a run's seed apart


@dataclass
class Order:
    """The batches left of an epoch, cut for one process into `accumulate` parts each.

    Who is shown, and by which chance, follows from seed, epoch and place alone: so any number of processes
    and parts sees the same batches, no worker has a state, and to resume is to begin at a later batch. The
    persons that do not fill a last batch are left for an epoch whose order puts them elsewhere.
    """

    dataset: Dataset
    batch_size: int  # of all processes and parts together
    seed: int
    rank: int = 0
    world: int = 1
    accumulate: int = 1
    epoch: int = 0  # which epoch
    batch: int = 0  # and from which batch on; both are set before a loader is run through

    def __post_init__(self) -> None:
        parts = self.world * self.accumulate
        if self.batch_size % parts:
            raise UserError(
                f"A batch of {self.batch_size} cannot be shared by {self.world} processes in "
                f"{self.accumulate} parts each; let batch_size be a multiple of {parts}."
            )
        if len(self.dataset) < self.batch_size:
            raise UserError(
                f"{self.dataset.name} has {len(self.dataset)} persons, which do not fill one batch of "
                f"{self.batch_size}; choose a smaller batch_size."
            )

    def __len__(self) -> int:
        """Parts a process takes in a whole epoch."""
        return self.batches * self.accumulate

    @property
    def batches(self) -> int:
        """Batches, hence steps, in a whole epoch."""
        return len(self.dataset) // self.batch_size

    @property
    def share(self) -> int:
        """How many persons a process sees at once."""
        return self.batch_size // (self.world * self.accumulate)

    def __iter__(self) -> Iterator[list[Key]]:
        epoch, order = self.epoch, self._of_epoch(self.epoch)
        for batch in range(self.batch, self.batches):
            for part in range(self.accumulate):
                first = batch * self.batch_size + (part * self.world + self.rank) * self.share
                places = torch.arange(first, first + self.share)
                seeds = derived_seeds(places, self.seed, _CHANCE, epoch)
                yield list(zip(order[places].tolist(), seeds.tolist(), strict=True))

    def _of_epoch(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(derived(self.seed, _ORDER, epoch))
        drawn = getattr(self.dataset, "order", None)
        return drawn(generator) if drawn else torch.randperm(len(self.dataset), generator=generator)


def every_once(count: int, batch_size: int, rank: int = 0, world: int = 1) -> list[list[Key]]:
    """All persons of a benchmark in batches, one process's share; shares are made equal by repetition."""
    share = -(-count // world)
    indices = [place % count for place in range(rank, share * world, world)]
    seeds = derived_seeds(torch.tensor(indices), 0).tolist()
    keys = list(zip(indices, seeds, strict=True))
    return [keys[first : first + batch_size] for first in range(0, share, batch_size)]


class Loader:
    """Batches in the order of `keys`, made by `workers` processes ahead of time, or in this one if 0."""

    def __init__(self, samples: Samples, keys: Any, workers: int, pinned: bool = False) -> None:
        self.keys, workers = keys, min(workers, _cores())
        self.loader = DataLoader(
            samples,  # type: ignore[arg-type]
            batch_sampler=keys,
            collate_fn=_as_it_is,
            num_workers=workers,
            pin_memory=pinned,
            persistent_workers=workers > 0,
            multiprocessing_context=_context() if workers else None,
            worker_init_fn=_begin_worker,
            generator=torch.Generator(),  # its own, else every epoch would draw from the network's
        )

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[Batch]:
        """Batches; raises UserError or OSError as a worker met them, without the worker's traceback."""
        try:
            with _terminations_later():  # in workers too, from their first thread on
                batches = iter(self.loader)
            for batch in batches:
                if isinstance(batch, Exception):
                    raise batch
                yield batch
        except (RuntimeError, EOFError, ConnectionError) as error:
            if isinstance(error, RuntimeError) and "DataLoader worker" not in str(error):
                raise
            raise UserError(failures.worker_died(error)) from error


def _as_it_is(batch: Batch) -> Batch:
    return batch


def _context() -> str | None:
    """On Linux workers are copies of this process, whatever Python takes by default: they share its indices,
    and know what a user's own config file defines. They keep to one thread, so no copied pool is waited for.
    """
    return "fork" if sys.platform == "linux" else None


def _cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin_worker(worker: int) -> None:
    """Workers are many: each keeps to one thread, in OpenCV too, and ends when its parent wants it to.

    Schedulers and terminals signal all processes of a job; what to do then is for the parent to say.
    """
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    if not hasattr(signal, "sigwaitinfo"):  # not on macOS or Windows
        return
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()


@contextmanager
def _terminations_later() -> Iterator[None]:
    """What is started meanwhile is born with SIGTERM blocked, which `_end_with_parent` waits for.

    A worker that blocked it itself would be too late: libraries' threads, which are there by then, would die
    of it.
    """
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent(parent: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)
