"""Numbers that are not finite: which terms they are of, and which samples are to blame."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import partial

import torch
from torch import nn

from common.structures import Batch
from common.utils import distributed


def fault(step: nn.Module, batches: Iterable[Batch], values: Mapping[str, float]) -> str:
    """Such as "joints_3d not finite, because of EHF/42"; all processes ask, each looks at its batches."""
    wrong = [name for name, value in values.items() if not math.isfinite(value)]
    mine = [name for batch in batches for name in culprits(step, batch)]
    names = [name for share in distributed.gathered(mine) for name in share]
    because = f", because of {', '.join(names[:8])}" if names else ""
    return f"{', '.join(wrong) or 'the gradient'} not finite{because}"


@torch.no_grad()
def culprits(step: nn.Module, batch: Batch) -> list[str]:
    """The names of the samples whose own loss is not finite; the step is left in eval mode."""
    step.eval()
    names = []
    for place, name in enumerate(batch.name):
        one = batch.map(partial(torch.narrow, dim=0, start=place, length=1))
        if not torch.stack(list(step(one).values())).isfinite().all():
            names.append(name)
    return names
