"""What a run says of itself."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from common.utils.log import Log


def lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]


def step(log: Log, number: int) -> None:
    log.step({"epoch": 0, "batch": number - 1, "step": number}, {"loss": 1 / number}, {"speed/x": 5.0})


def test_every_step_is_a_line_with_all_digits(tmp_path: Path) -> None:
    log = Log(tmp_path)
    for number in (1, 2, 3):
        step(log, number)
    log.close()
    assert [line["loss"] for line in lines(tmp_path)] == [1.0, 1 / 2, 1 / 3]
    assert "speed/x" not in lines(tmp_path)[0]
    assert list(tmp_path.glob("events.out.tfevents*"))


def test_a_run_that_goes_on_cuts_off_what_will_come_again(tmp_path: Path) -> None:
    log = Log(tmp_path)
    for number in (1, 2, 3):
        step(log, number)
    log.close()
    with (tmp_path / "train.jsonl").open("a") as file:
        file.write('{"step": 4, "lo')  # killed while writing
    log = Log(tmp_path, step=2)
    step(log, 3)
    log.close()
    assert [line["step"] for line in lines(tmp_path)] == [1, 2, 3]


def test_what_is_said_and_warned_of_stands_on_the_screen_and_in_the_text(tmp_path: Path, capsys) -> None:
    log = Log(tmp_path)
    log.say("the run begins")
    logging.getLogger("data").warning("%s is broken", "a picture")
    log.close()
    log.root.warning("after the end")
    text, screen = (tmp_path / "train.txt").read_text(), capsys.readouterr().err
    for told in ("the run begins", "a picture is broken"):
        assert told in text
        assert screen.count(told) == 1
    assert "after the end" not in text


def test_a_silent_log_writes_nothing(tmp_path: Path, capsys) -> None:
    log = Log(tmp_path / "log", silent=True)
    log.say("hello")
    log.begin("epoch", 3, 0)
    step(log, 1)
    log.numbers({"EHF/mpvpe": 70.0}, 1)
    log.close()
    assert not (tmp_path / "log").exists()
    assert capsys.readouterr().err == ""
