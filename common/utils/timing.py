"""How long something takes, however busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable


def milliseconds(work: Callable[[], object], repeats: int = 15) -> float:
    """Processor time of one call, the best of several: what other processes do counts least."""
    work()
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken) * 1e3
