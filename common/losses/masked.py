"""Distances, and means of them in which absent annotations weigh nothing."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Distance = Literal["l1", "l2"]
Over = Literal["all", "persons", "entries"]


def distance(guess: Tensor, truth: Tensor, kind: Distance) -> Tensor:
    """Entry by entry: the absolute difference, or its square."""
    difference = guess - truth
    return difference.abs() if kind == "l1" else difference.square()


def masked_mean(errors: Tensor, confidence: Tensor, over: Over) -> Tensor:
    """The mean of (B, N, C) errors times (B, N) confidence; zero, with a gradient, if nothing is known.

    `over` says what the sum is divided by: "all" entries, annotated or not (published by OSX and SMPLer-X,
    and alone exact over any number of processes); the entries of "persons" with any annotation (SMPLer,
    PyMAF-X); or the annotated "entries" (STRAPS).
    """
    total = (torch.where(confidence[..., None] > 0, errors, 0.0) * confidence[..., None]).sum()
    if over == "all":
        return total / errors.numel()
    known = confidence > 0
    count = known.any(1).sum() * errors.shape[1] if over == "persons" else known.sum()
    return total / (count * errors.shape[2]).clamp(min=1)
