"""Learning-rate schedules: one step of the schedule at each step of training."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler


def constant(optimizer: Optimizer, steps: int, warmup: int = 0) -> LRScheduler:
    """The same rate throughout, after `warmup` steps of linear rise."""
    return LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / (warmup + 1)))


def cosine(optimizer: Optimizer, steps: int, floor: float = 0.0, warmup: int = 0) -> LRScheduler:
    """Half a cosine over all `steps` down to the rate `floor`, after `warmup` steps of linear rise.

    `floor` is a learning rate, as in the published configurations; with groups of several rates it is that of
    the group with the highest, and the others fall by the same factor.
    """
    highest = max(group["lr"] for group in optimizer.param_groups)
    lowest = floor / highest if highest else 0.0

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        done = min(1.0, (step - warmup) / max(1, steps - warmup))
        return lowest + (1 - lowest) * (1 + math.cos(math.pi * done)) / 2

    return LambdaLR(optimizer, factor)


def stepped(optimizer: Optimizer, steps: int, at: Sequence[float] = (), factor: float = 0.1) -> LRScheduler:
    """Times `factor` whenever a share `at` of all steps is over: at=(0.5, 0.9)."""
    marks = [share * steps for share in at]
    return LambdaLR(optimizer, lambda step: factor ** sum(step >= mark for mark in marks))
