"""Snapshots written while training goes on: the loop never waits for a disk.

Between two updates the weights and the optimizer's moments stand still: they are copied by a thread while
the gradients of the next step are computed, and `settled` makes the next update wait for what is left.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from common.utils import distributed
from main import snapshots
from main.snapshots import Progress, Stateful


class Writer:
    """Writes one snapshot at a time into `folder`, in the first process; in others it does nothing.

    What went wrong is raised by the next call of any kind.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.held: dict[str, Tensor] = {}  # the copies, kept for the next snapshot: fresh memory is slow
        self.copied, self.thread = threading.Event(), threading.Thread()
        self.error: BaseException | None = None
        self.copied.set()

    @property
    def busy(self) -> bool:
        return self.thread.is_alive()

    def save(self, parts: Mapping[str, Stateful], progress: Progress, done: Callable[[], None]) -> None:
        """Begin a snapshot of `parts` as they are now; `done` is called once it is whole.

        What a forward pass may change, buffers such as a norm's statistics, is copied at once. Parameters,
        the optimizer's state and averages must stand still until `settled` or `finish` has returned.
        """
        self.finish()
        if not distributed.first():
            return
        jobs: list[tuple[Tensor, Tensor]] = []
        buffers = {
            b.data_ptr() for part in parts.values() if isinstance(part, nn.Module) for b in part.buffers()
        }
        place = copy.copy(progress)
        states = {name: Held(self._copies(part.state_dict(), name, jobs)) for name, part in parts.items()}
        for source, target in jobs:
            if source.data_ptr() in buffers:
                target.copy_(source)
        resting = [job for job in jobs if job[0].data_ptr() not in buffers]

        def write() -> None:
            snapshots.save(self.folder, states, place)
            done()

        self._begin(resting, write)

    def rehearse(self, parts: Mapping[str, Stateful]) -> None:
        """Touch the memory that copies need, in the background, so that the first snapshot finds it ready.

        Once; then it does nothing.
        """
        if self.held or not distributed.first():
            return
        jobs: list[tuple[Tensor, Tensor]] = []
        for name, part in parts.items():
            self._copies(part.state_dict(), name, jobs)
        self._begin(jobs, lambda: None)
        self.copied.set()  # nobody needs to wait for these

    def _begin(self, jobs: list[tuple[Tensor, Tensor]], then: Callable[[], object]) -> None:
        self.copied.clear()
        self.thread = threading.Thread(target=self._work, args=(jobs, then), name="snapshot")
        self.thread.start()

    @torch.no_grad()
    def _work(self, jobs: list[tuple[Tensor, Tensor]], then: Callable[[], object]) -> None:
        try:
            for source, target in jobs:
                target.copy_(source)
            self.copied.set()
            then()
        except BaseException as error:  # to be told by the thread that can end the run
            self.error = error
        finally:
            self.copied.set()

    def _copies(self, value: Any, name: str, jobs: list[tuple[Tensor, Tensor]]) -> Any:
        """A state with tensors to copy into in place of its own; which into which is added to `jobs`."""
        if isinstance(value, Tensor):
            held = self.held.get(name)
            if held is None or held.shape != value.shape or held.dtype != value.dtype:
                held = torch.empty(value.shape, dtype=value.dtype, pin_memory=value.is_cuda)
                self.held[name] = held
            jobs.append((value.detach(), held))
            return held
        if isinstance(value, Mapping):
            return {key: self._copies(item, f"{name}/{key}", jobs) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._copies(item, f"{name}/{place}", jobs) for place, item in enumerate(value)]
        return copy.deepcopy(value)

    def settled(self) -> None:
        """Return once what is to be saved may change again."""
        self.copied.wait()
        self._raise()

    def finish(self) -> None:
        """Return once all is on disk."""
        if self.busy:
            self.thread.join()
        self._raise()

    def close(self) -> None:
        """Let a snapshot that was begun become whole, whatever ended the run."""
        if self.busy:
            self.thread.join()

    def _raise(self) -> None:
        if self.error is not None:
            error, self.error = self.error, None
            raise error


class Held:
    """A state that was copied."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    def state_dict(self) -> dict[str, Any]:
        return self.state
