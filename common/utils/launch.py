"""Several processes of one program on this machine, begun and ended together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

GRACE = 15.0  # seconds that the others have to end once one has failed
_PASSED_ON = ("SIGTERM", "SIGUSR1", "SIGINT")


def launch(count: int, module: str, arguments: Sequence[str]) -> int:
    """Run `python -m module arguments` in `count` processes that find each other, as torchrun does.

    Signals are passed on to all; where one fails, the others are ended. Returns the first status that is not
    0, or 0.
    """
    shared = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(_free_port()),
        "WORLD_SIZE": str(count),
        "TORCH_CPP_LOG_LEVEL": os.environ.get("TORCH_CPP_LOG_LEVEL", "ERROR"),  # who is gone is said once
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // count))),
    }
    children = []
    for place in range(count):
        own = {"RANK": str(place), "LOCAL_RANK": str(place)}
        command = [sys.executable, "-m", module, *arguments]
        children.append(subprocess.Popen(command, env={**os.environ, **shared, **own}))

    def pass_on(number: int, frame: FrameType | None) -> None:
        for child in children:
            if child.poll() is None:
                child.send_signal(number)

    numbers = [getattr(signal, name) for name in _PASSED_ON if hasattr(signal, name)]
    before = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        return _ended(children)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ended(children: Sequence[subprocess.Popen[bytes]]) -> int:
    """Wait for all; from the first failure on, not for long."""
    first, deadline = 0, float("inf")
    while None in (statuses := [child.poll() for child in children]):
        failures = [status for status in statuses if status]
        if failures and not first:
            first, deadline = failures[0], time.monotonic() + GRACE
        for child in children if first else ():
            child.send_signal(signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL)
        time.sleep(0.05 if not first else 0.5)
    return first or next((status for status in statuses if status), 0)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
