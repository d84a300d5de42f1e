"""What a run says of itself: text, JSON lines and TensorBoard, a progress bar on a terminal."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

EVERY_SECONDS = 10.0  # between two lines of text, and between two points of a TensorBoard curve


class Log:
    """The log of one run; in all processes but the first it says nothing.

    log/train.jsonl has one line a step with all digits, and nothing that depends on the machine's speed: two
    equal runs have equal files. What a killed run wrote after its last snapshot is cut off, for it comes again.
    """

    def __init__(self, folder: Path, step: int = 0, silent: bool = False) -> None:
        self.silent, self.bar, self.last = silent, None, time.monotonic()
        self.sums: dict[str, float] = {}
        self.count = 0
        if silent:
            return
        # its import takes a second that only training should pay for
        from torch.utils.tensorboard import SummaryWriter

        folder.mkdir(parents=True, exist_ok=True)
        self.text = logging.FileHandler(folder / "train.txt")
        self.text.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        logging.getLogger().addHandler(self.text)
        _keep_until(folder / "train.jsonl", step)
        self.lines = open(folder / "train.jsonl", "a", buffering=1)  # noqa: SIM115: it lives as long as the run
        self.board = SummaryWriter(str(folder), purge_step=step + 1)

    def say(self, text: str) -> None:
        """A line for the reader, on the screen and in log/train.txt."""
        if self.silent:
            return
        if self.bar:
            tqdm.write(text, file=sys.stderr)
        else:
            print(text, file=sys.stderr, flush=True)
        self.text.emit(logging.makeLogRecord({"msg": text, "levelno": logging.INFO}))

    def begin(self, title: str, total: int, done: int) -> None:
        """Begin an epoch: a bar on a terminal, where nothing else is needed."""
        if not self.silent and sys.stderr.isatty():
            self.bar = tqdm(total=total, initial=done, desc=title, dynamic_ncols=True, leave=False)

    def end(self) -> None:
        if self.bar:
            self.bar.close()
            self.bar = None

    def step(self, place: Mapping[str, int], terms: Mapping[str, float], others: Mapping[str, float]) -> None:
        """One step: `place` is epoch, batch and step, `terms` go into the log's sum, `others` only to TensorBoard."""
        if self.silent:
            return
        self.lines.write(json.dumps({**place, **terms}) + "\n")
        for name, value in {**terms, **others}.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1
        if self.bar:
            self.bar.update()
        if time.monotonic() - self.last >= EVERY_SECONDS or place["step"] == 1:
            self._show(place)

    def _show(self, place: Mapping[str, int]) -> None:
        """The means since the last time."""
        means = {name: total / self.count for name, total in self.sums.items()}
        self.sums, self.count, self.last = {}, 0, time.monotonic()
        for name, value in means.items():
            self.board.add_scalar(name, value, place["step"])
        text = "  ".join(f"{name} {value:.4g}" for name, value in means.items())
        if self.bar:
            self.bar.set_postfix_str(f"loss {means.get('loss', 0):.4g}")
            self.text.emit(logging.makeLogRecord({"msg": f"{_at(place)}  {text}"}))
        else:
            self.say(f"{_at(place)}  {text}")

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """The numbers of an evaluation, for TensorBoard."""
        if not self.silent:
            for name, value in values.items():
                self.board.add_scalar(name, value, step)

    def close(self) -> None:
        self.end()
        if not self.silent:
            self.lines.close()
            self.board.close()
            logging.getLogger().removeHandler(self.text)
            self.text.close()


def _at(place: Mapping[str, int]) -> str:
    return "  ".join(f"{name} {value}" for name, value in place.items())


def _keep_until(path: Path, step: int) -> None:
    """Cut off the lines of steps that come after `step`."""
    if not path.exists():
        return
    kept = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n") or _step_of(line) > step:
                break
            kept += len(line)
    with path.open("rb+") as file:
        file.truncate(kept)


def _step_of(line: bytes) -> Any:
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError):
        return float("inf")
