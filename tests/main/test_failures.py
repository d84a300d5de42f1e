"""What goes wrong in one of two processes ends both, and is one sentence of the first."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from processes import begun

from common.utils import paths
from common.utils.launch import _free_port
from main import train as train_command

CONFIG = '''"""The toy, with pictures on disk."""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
from toy import ToyPersons
from toy import experiment as toy

FOLDER = Path(__file__).parent / "pictures"


@dataclass(frozen=True)
class OnDisk(ToyPersons):
    def __getitem__(self, index):
        person = super().__getitem__(index)
        return replace(person, image=FOLDER / f"{index}.png")


FOLDER.mkdir(exist_ok=True)
for index in range(24):
    cv2.imwrite(str(FOLDER / f"{index}.png"), ToyPersons()[index].image)
experiment = replace(toy, train=OnDisk(), epochs=10_000, evaluate_every=0, workers=1, save_minutes=99.0)
'''
LIMIT = 10_000  # bytes
ENDED = f"{Path(sys.argv[0]).name}: The first process of this run has ended; its last words say why.\n"


def work(rank: int, port: int, folder: Path, options: tuple[str, ...]) -> None:
    """One of two processes, which writes down what it says."""
    paths.OUTPUT = folder
    sys.stderr = (folder / f"said_{rank}").open("w", buffering=1)
    os.dup2(sys.stderr.fileno(), 2)
    places = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1"}
    os.environ.update({name: str(value) for name, value in (places | {"MASTER_PORT": port}).items()})
    torch.set_num_threads(1)
    sys.exit(train_command.main(["--config", str(folder / "on_disk.py"), *options]))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Train in two processes, and once some steps are done, do something to them; what they said."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    (tmp_path / "on_disk.py").write_text(CONFIG)
    port = _free_port()

    def go(harm: Callable[[list[int]], None], *options: str) -> tuple[list[int | None], list[str]]:
        both = [begun(work, rank, port, tmp_path, options) for rank in (0, 1)]
        end = time.monotonic() + 240
        while not any(log.read_text().count("\n") > 3 for log in tmp_path.glob("train_*/log/train.jsonl")):
            assert time.monotonic() < end and all(one.is_alive() for one in both), said()
            time.sleep(0.05)
        harm([one.pid or 0 for one in both])
        for one in both:
            one.join(240)
        return [one.exitcode for one in both], said()

    def said() -> list[str]:
        """Without steps, and without what torch's own code says of a connection that is lost."""
        whole = [path.read_text() for path in sorted(tmp_path.glob("said_*"))]
        foreign = r"(?m)^(epoch|\[rank|Exception raised|frame #|<omitting).*\n|^\n"
        return [re.sub(foreign, "", text) for text in whole]

    return go


def sentence(said: str) -> str:
    """The one line after the greeting."""
    _, *others = said.splitlines()
    assert len(others) == 1 and "Traceback" not in said, said
    return others[0]


def test_a_data_folder_that_vanishes(run, tmp_path: Path) -> None:
    statuses, (first, second) = run(lambda pids: shutil.rmtree(tmp_path / "pictures"))
    assert statuses == [1, 1] and second in ("", ENDED)
    assert "20 persons in a row cannot be used" in sentence(first) and "pictures" in first


def test_a_full_disk(run) -> None:
    def fill(pids: list[int]) -> None:
        resource.prlimit(pids[0], resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
        os.kill(pids[0], signal.SIGUSR1)  # save

    statuses, (first, second) = run(fill)
    assert statuses == [1, 1] and second in ("", ENDED)
    assert "cannot be written" in sentence(first) and "is the disk full?" in first


def test_a_loading_process_that_is_killed(run) -> None:
    def kill(pids: list[int]) -> None:
        children = Path(f"/proc/{pids[1]}/task/{pids[1]}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)

    statuses, (first, second) = run(kill)
    assert statuses == [1, 1] and second in ("", ENDED)
    assert "Process 1: A loading process died" in sentence(first) and "lower workers" in first


def test_a_process_that_is_killed(run) -> None:
    statuses, (first, _) = run(lambda pids: os.kill(pids[1], signal.SIGKILL))
    assert statuses == [1, -signal.SIGKILL]
    assert "Another process of this run has ended, without a word" in sentence(first)


def test_the_first_process_is_killed(run) -> None:
    statuses, (_, second) = run(lambda pids: os.kill(pids[0], signal.SIGKILL))
    assert statuses == [-signal.SIGKILL, 1]
    assert second == ENDED
