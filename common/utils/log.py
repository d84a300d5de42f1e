"""What a run says of itself: text, JSON lines and TensorBoard, a progress bar on a terminal."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tqdm import tqdm

EVERY_SECONDS = 10.0  # between two lines of text, and between two points of a TensorBoard curve


class _Screen(logging.Handler):
    """Lines on the terminal, above a progress bar if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(record.getMessage(), file=sys.stderr)


class Log:
    """The log of one run; in all processes but the first it says nothing.

    log/train.jsonl has one line a step with all digits, and nothing that depends on the machine's speed: two
    equal runs have equal files. What a killed run wrote after its last snapshot is cut off: it comes again.
    """

    def __init__(self, folder: Path, step: int = 0, silent: bool = False) -> None:
        self.silent, self.bar, self.shown = silent, None, time.monotonic()
        self.sums: dict[str, float] = {}
        self.count = 0
        self.handlers: list[logging.Handler] = [logging.NullHandler()] if silent else [_Screen()]
        if not silent:
            # imported here because it takes a second, which only training should pay for
            from torch.utils.tensorboard import SummaryWriter

            folder.mkdir(parents=True, exist_ok=True)
            text = logging.FileHandler(folder / "train.txt")
            text.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
            self.handlers.append(text)
            _cut_off_after(folder / "train.jsonl", step)
            self.lines = (folder / "train.jsonl").open("a", buffering=1)
            self.board = SummaryWriter(str(folder), purge_step=step + 1)
        self.root = logging.getLogger()
        for handler in self.handlers:
            self.root.addHandler(handler)

    def say(self, text: str) -> None:
        """A line for the reader, on the screen and in log/train.txt."""
        for handler in self.handlers if not self.silent else ():
            handler.handle(logging.makeLogRecord({"msg": text, "levelno": logging.INFO}))

    def begin(self, title: str, total: int, done: int) -> None:
        """Begin an epoch: on a terminal, a bar that moves with each step."""
        if not self.silent and sys.stderr.isatty():
            self.bar = tqdm(total=total, initial=done, desc=title, dynamic_ncols=True, leave=False)

    def end(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def step(self, place: Mapping[str, int], terms: Mapping[str, float], others: Mapping[str, float]) -> None:
        """One step: `place` is epoch, batch and step; `terms` repeat exactly, `others` do not."""
        if self.silent:
            return
        self.lines.write(json.dumps({**place, **terms}) + "\n")
        for name, value in {**terms, **others}.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1
        if self.bar is not None:
            self.bar.update()
        if time.monotonic() - self.shown >= EVERY_SECONDS or place["step"] == 1:
            self._show(place)

    def _show(self, place: Mapping[str, int]) -> None:
        """The means since the last time."""
        means = {name: total / self.count for name, total in self.sums.items()}
        self.sums, self.count, self.shown = {}, 0, time.monotonic()
        for name, value in means.items():
            self.board.add_scalar(name, value, place["step"])
        text = "  ".join(f"{name} {value:.4g}" for name, value in {**place, **means}.items())
        if self.bar is None:
            return self.say(text)
        self.bar.set_postfix_str(f"loss {means.get('loss', 0.0):.4g}")
        self.handlers[-1].handle(logging.makeLogRecord({"msg": text}))

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """The numbers of an evaluation, for TensorBoard."""
        for name, value in values.items() if not self.silent else ():
            self.board.add_scalar(name, value, step)

    def picture(self, name: str, picture: np.ndarray, step: int) -> None:
        """(H, W, 3) uint8 RGB, for TensorBoard."""
        if not self.silent:
            self.board.add_image(name, picture, step, dataformats="HWC")

    def close(self) -> None:
        self.end()
        for handler in self.handlers:
            self.root.removeHandler(handler)
            handler.close()
        if not self.silent:
            self.lines.close()
            self.board.close()


def _cut_off_after(path: Path, step: int) -> None:
    """Leave the lines of the steps up to `step`."""
    if not path.exists():
        return
    kept = 0
    with path.open("rb") as file:
        for line in file:
            if _step_of(line) > step:
                break
            kept += len(line)
    with path.open("rb+") as file:
        file.truncate(kept)


def _step_of(line: bytes) -> float:
    """The step a line tells of; infinity for half a line."""
    try:
        return json.loads(line)["step"] if line.endswith(b"\n") else float("inf")
    except (ValueError, KeyError, TypeError):
        return float("inf")
