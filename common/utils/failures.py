"""One of several processes has failed: all end, and the first says why, in one sentence."""

from __future__ import annotations

import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch.distributed import DistBackendError, DistError, Store

from common.utils.errors import UserError

PATIENCE = 3.0  # seconds that a process waits for what another has to say
FAILED = 1  # the exit status
_PEER = ("by peer", "Broken pipe", "Connection refused")  # how gloo says that another process is gone
_WHY, _LEFT = "why", "left"


def is_of_another(error: BaseException) -> bool:
    """Whether an error says no more than that another process is gone."""
    return isinstance(error, DistBackendError) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in _PEER)
    )


def sentence(error: BaseException) -> str | None:
    """An error as one sentence for the user; None for what is no user's to put right."""
    match error:
        case UserError():
            return str(error)
        case torch.OutOfMemoryError():
            return f"{str(error).splitlines()[0]} Choose a smaller batch_size, or a larger accumulate."
        case OSError(strerror=str(reason), filename=str(file)):  # of the system, not of ours
            return f"{file}: {reason}."
        case OSError(strerror=str(reason)):
            return f"{reason}."
        case OSError():
            return str(error)
        case RuntimeError() if "DataLoader worker" in str(error):
            return worker_died(error)
        case _ if is_of_another(error):
            return "Another process of this run has ended, without a word; look for a lack of memory there."
    return None


def worker_died(error: BaseException) -> str:
    """The sentence for a loading process that is gone."""
    why = (str(error) or type(error).__name__).splitlines()[0].rstrip(". ")
    return f"A loading process died ({why}); if memory ran out, lower workers."


@contextmanager
def passed_on(store: Store, rank: int, world: int, leave: Callable[[], None]) -> Iterator[None]:
    """What fails within one process is raised by the first one, and the others end without repeating it.

    `leave` cuts the ties to the other processes, by which they notice. What no user can put right keeps its
    traceback in the process it is of.
    """
    try:
        yield
    except Exception as error:
        if hasattr(signal, "SIGCHLD"):
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # by which torch's loader would raise once more
        said = _first(store, error) if rank == 0 else _other(store, error, rank)
        traceback.clear_frames(error.__traceback__)  # what they hold keeps connections open
        leave()
        if rank == 0:
            _stay(store, world)
        if said is error:
            raise
        raise said from error


def _first(store: Store, error: Exception) -> Exception:
    """What the process says that speaks for all."""
    if is_of_another(error) and _soon(lambda: store.check([_WHY])):
        return UserError(store.get(_WHY).decode())
    return error


def _other(store: Store, error: Exception, rank: int) -> BaseException:
    """What any other process says: nothing, where the first one is there to speak for it."""
    try:
        if not is_of_another(error):
            why = sentence(error) or f"{type(error).__name__}: {error} (process {rank} shows where)"
            store.compare_set(_WHY, "", f"Process {rank}: {why}")
        store.add(_LEFT, 1)
        notices = torch.distributed.get_backend() == "gloo"  # by NCCL, the first one may wait for ever
        return SystemExit(FAILED) if notices and sentence(error) else error
    except DistError:  # the store is the first one's
        return UserError("The first process of this run has ended; its last words say why.")


def _stay(store: Store, world: int) -> None:
    """The store is in this process: it stays until the others have left, if they notice."""
    _soon(lambda: store.add(_LEFT, 0) >= world - 1)


def _soon(there: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while not there():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
