"""One process or many."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from processes import together
from torch import nn

from common.utils import distributed


def test_one_process_needs_no_other() -> None:
    assert (distributed.rank(), distributed.world(), distributed.first()) == (0, 1, True)
    assert distributed.once(lambda: 5) == 5
    assert distributed.gathered("a") == ["a"]
    numbers = torch.tensor([1.0, 2.0])
    assert torch.equal(distributed.averaged(numbers), numbers)
    module = nn.Linear(1, 1)
    assert distributed.wrapped(module) is module


def _process(rank: int, folder: Path) -> None:
    calls = []
    made = distributed.once(lambda: calls.append(rank) or f"made by {rank}")
    module = distributed.wrapped(nn.Linear(2, 1, bias=False))
    with distributed.without_averaging(module, quiet=True):
        module(torch.full((1, 2), float(rank))).sum().backward()
    alone = module.module.weight.grad.clone()
    module(torch.full((1, 2), float(rank))).sum().backward()
    seen = (
        distributed.gathered(rank), distributed.averaged(torch.tensor([2.0 * rank])).tolist(),
        made, len(calls), alone.tolist(), module.module.weight.grad.tolist(),
    )  # fmt: skip
    torch.save(seen, folder / f"{rank}.pt")


def test_two_processes_share_what_they_have(tmp_path: Path) -> None:
    together(_process, tmp_path)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    assert first[:3] == second[:3] == ([0, 1], [1.0], "made by 0")
    assert (first[3], second[3]) == (1, 0)
    assert (first[4], second[4]) == ([[0.0, 0.0]], [[1.0, 1.0]])  # each its own
    assert first[5] == second[5] == [[1.0, 1.0]]  # (0 + 0 + 1 + 1) / 2


def _parting(rank: int, folder: Path) -> None:
    module = distributed.wrapped(nn.Linear(2, 1))
    module(torch.ones(1, 2)).sum().backward()
    module.itself = [module]  # as what trains it may be
    del module
    before = _threads_of_gloo()
    distributed.leave()
    torch.save((before, _threads_of_gloo()), folder / f"{rank}.pt")


def _threads_of_gloo() -> int:
    return sum("gloo" in name.read_text() for name in Path("/proc/self/task").glob("*/comm"))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc, where Linux shows threads")
def test_no_thread_outlives_the_group(tmp_path: Path) -> None:
    """One that does can end its process with SIGABRT, as the interpreter ends."""
    together(_parting, tmp_path)
    for rank in (0, 1):
        before, after = torch.load(tmp_path / f"{rank}.pt")
        assert before > 0
        assert after == 0
