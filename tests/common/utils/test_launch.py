"""Several processes of one program, begun and ended together."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from common.utils.launch import launch

PROGRAM = """
import os, pathlib, signal, sys, time
rank = os.environ["RANK"]
signal.signal(signal.SIGUSR1, lambda number, frame: sys.exit(75))
told = [os.environ[name] for name in ("WORLD_SIZE", "LOCAL_RANK", "MASTER_PORT")]
pathlib.Path(sys.argv[1], rank).write_text(" ".join(told))
if sys.argv[2] == "fail" and rank == "1":
    sys.exit(3)
if sys.argv[2] != "end":
    time.sleep(60)
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch) -> str:
    (tmp_path / "tiny_program.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "tiny_program"


def told(folder: Path) -> list[list[str]]:
    return [(folder / str(rank)).read_text().split() for rank in range(3)]


def test_each_process_is_told_its_place_and_where_to_meet(program: str, tmp_path: Path) -> None:
    assert launch(3, program, [str(tmp_path), "end"]) == 0
    ports = {port for _, _, port in told(tmp_path)}
    assert [line[:2] for line in told(tmp_path)] == [["3", "0"], ["3", "1"], ["3", "2"]] and len(ports) == 1


def test_one_that_fails_ends_the_others(program: str, tmp_path: Path) -> None:
    assert launch(3, program, [str(tmp_path), "fail"]) == 3


def test_signals_are_passed_on_to_all(program: str, tmp_path: Path) -> None:
    def send() -> None:
        while len([path for path in tmp_path.iterdir() if path.name in "012"]) < 3:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.getsignal(signal.SIGUSR1)
    threading.Thread(target=send).start()
    assert launch(3, program, [str(tmp_path), "wait"]) == 75
    assert signal.getsignal(signal.SIGUSR1) == before
