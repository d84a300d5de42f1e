"""Several processes of one run, as a launcher begins them."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from common.utils import distributed

# never forked: a copy of a process whose threads have computed waits for them forever
FRESH = mp.get_context("spawn")


def together(work: Callable[..., None], folder: Path, *args: Any, count: int = 2) -> None:
    """Run `work(rank, folder, *args)` in so many processes that know of each other."""
    folder.mkdir(exist_ok=True)
    try:
        mp.start_processes(_member, (work, count, folder, args), nprocs=count, start_method="spawn")
    finally:
        (folder / "meeting").unlink(missing_ok=True)


def _member(rank: int, work: Callable[..., None], count: int, folder: Path, args: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=count)
    work(rank, folder, *args)
    distributed.leave()


def begun(work: Callable[..., None], *args: Any) -> BaseProcess:
    """One that goes on beside this one."""
    process = FRESH.Process(target=work, args=args)
    process.start()
    return process
