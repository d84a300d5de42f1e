"""Signals that ask a run to end: heard at once, obeyed when the step is done."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType

NAMES = ("SIGTERM", "SIGUSR1", "SIGINT")  # schedulers send the first two, Ctrl-C is the third


class Interrupted(Exception):
    """What was being done is left, because a signal came; it is done again when the run goes on."""


class Interrupt:
    """While it is entered, `asked` tells whether a signal came; a second Ctrl-C ends the process at once."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> Interrupt:
        numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
        self.before = {number: signal.signal(number, self._hear) for number in numbers}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = True
