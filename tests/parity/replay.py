"""The generator that published code draws augmentations from."""

from __future__ import annotations

import numpy as np


class Replay:
    """Draws as numpy's old generator does, from the published seed."""

    def __init__(self, seed: int) -> None:
        self.source = np.random.RandomState(seed)

    def normal(self) -> float:
        return self.source.randn()

    def uniform(self) -> float:
        return self.source.random_sample()
