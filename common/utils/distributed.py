"""One process or many: start and end them, share numbers between them, wrap a module for them."""

from __future__ import annotations

import gc
import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

import torch
import torch.distributed as dist
import torch.distributed.nn  # imported later, its functions' defaults hold the group for ever
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from common.utils import failures
from common.utils.errors import UserError

T = TypeVar("T")


@contextmanager
def processes() -> Iterator[None]:
    """Join the other processes where a launcher such as torchrun started several; leave them at the end.

    Where one fails, all do, and the first says why.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        yield
        return
    chosen = device()
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    store, place, count = next(dist.rendezvous("env://"))
    backend = "nccl" if chosen.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=dist.PrefixStore("default", store), rank=place, world_size=count)
    try:
        with failures.passed_on(dist.PrefixStore("failures", store), place, count, leave):
            yield
    finally:
        leave()


def leave() -> None:
    """Part from the other processes, if there are any.

    Nothing of this process may hold the group any longer: its threads end with it, and one that outlives the
    interpreter can end the process with SIGABRT when all work is done.
    """
    if dist.is_initialized():
        dist.destroy_process_group()
        gc.collect()


def started() -> bool:
    """Whether a launcher has already started this process as one of several."""
    return "WORLD_SIZE" in os.environ


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def first() -> bool:
    """Whether this is the process that writes files and speaks to the user."""
    return rank() == 0


def device() -> torch.device:
    """The device of this process: its own GPU, Apple's for a single process, else the CPU."""
    place = int(os.environ.get("LOCAL_RANK", "0"))
    if torch.cuda.is_available():
        if place >= torch.cuda.device_count():
            count = torch.cuda.device_count()
            raise UserError(f"There are {count} GPUs, too few for process {place}; start fewer processes.")
        return torch.device("cuda", place)
    if torch.backends.mps.is_available() and world() == 1:
        return torch.device("mps")
    return torch.device("cpu")


def wrapped(module: nn.Module) -> nn.Module:
    """The module itself in one process; in several, wrapped so that its gradients are averaged over all.

    Buffers are not sent around at each step: the body models' are large and constant.
    """
    if world() == 1:
        return module
    newer = "forward_sync_buffers" in inspect.signature(DistributedDataParallel).parameters  # torch 2.15
    options = {"forward_sync_buffers" if newer else "broadcast_buffers": False}
    return DistributedDataParallel(module, gradient_as_bucket_view=True, **options)


def without_averaging(module: nn.Module, quiet: bool) -> Any:
    """A context in which gradients stay in their process: for all but the last part of a batch."""
    return module.no_sync() if quiet and isinstance(module, DistributedDataParallel) else nullcontext()


def whole(tensor: Tensor) -> Tensor:
    """A tensor that processes share out, in all of them; any other as it is."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def own(tensor: Tensor) -> Tensor:
    """The part of a shared out tensor that is in this process; any other as it is."""
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor


def like(tensor: Tensor, other: Tensor) -> Tensor:
    """A tensor on the other's device, and shared out if the other is."""
    tensor = tensor.to(other.device)
    if not hasattr(other, "device_mesh") or hasattr(tensor, "device_mesh"):
        return tensor
    from torch.distributed.tensor import distribute_tensor  # half a second, which few runs need

    return distribute_tensor(tensor, other.device_mesh, other.placements, src_data_rank=None)


def averaged(numbers: Tensor) -> Tensor:
    """The mean of a tensor over all processes, in all processes."""
    if world() == 1:
        return numbers
    total = numbers.clone()
    dist.all_reduce(total)
    return total / world()


def gathered(item: T) -> list[T]:
    """The items of all processes, in the order of their ranks, in all processes."""
    if world() == 1:
        return [item]
    items: list[Any] = [None] * world()
    dist.all_gather_object(items, item)
    return items


def once(make: Callable[[], T]) -> T:
    """What `make` returns, made by the first process alone, in all processes."""
    if world() == 1:
        return make()
    items: list[Any] = [make() if first() else None]
    dist.broadcast_object_list(items, src=0)
    return items[0]


def wait_for_all() -> None:
    if world() > 1:
        dist.barrier()
