"""Iterative error feedback: features and an estimate make its next correction, a few times over."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Feedback(nn.Module):
    """Adds a correction to the estimate a fixed number of times (Carreira et al. 2016; Kanazawa et al. 2018).

    The same layers make every correction, from the features and the estimate so far; gradients flow through
    all of them. `dropout` is the share of hidden numbers that training leaves out: none as published by
    STRAPS, half by HMR and SMPLer. The first estimate is `start`, which is kept with the weights: a network
    and what it starts from belong together.
    """

    start: Tensor  # (N,)

    def __init__(
        self, features: int, start: Tensor, hidden: int, steps: int = 3, dropout: float = 0.0
    ) -> None:
        super().__init__()
        count = len(start)
        self.steps = steps
        self.register_buffer("start", start.clone())
        self.layers = nn.Sequential(
            nn.Linear(features + count, hidden),
            nn.Sequential(nn.ReLU(), nn.Dropout(dropout)),
            nn.Linear(hidden, hidden),
            nn.Sequential(nn.ReLU(), nn.Dropout(dropout)),
            nn.Linear(hidden, count),
        )
        for layer in self.layers[::2]:
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor) -> list[Tensor]:
        """(B, F) -> the estimate after each step, (B, N) each."""
        estimate = self.start.to(features.dtype).expand(len(features), -1)
        estimates = []
        for _ in range(self.steps):
            estimate = estimate + self.layers(torch.cat([features, estimate], 1))
            estimates.append(estimate)
        return estimates
