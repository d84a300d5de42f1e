"""What the benchmark of training sees of a run."""

from __future__ import annotations

from pathlib import Path

from common.utils.paths import ROOT
from main.experiment import load
from tool.benchmarks.training import Miniature, run, write_miniature


def test_steps_are_counted_and_waiting_is_a_part_of_them() -> None:
    timed = run(load(ROOT / "tests" / "toy.py", ["epochs=1", "evaluate_every=0"]))
    clock, work = timed.step()
    assert timed.count == 6 and clock > 0 and work > 0
    assert 0 < timed.waited < clock * timed.count


def test_the_miniature_set_can_be_read(tmp_path: Path) -> None:
    write_miniature(tmp_path, 3)
    people = Miniature(root=tmp_path)
    assert [Path(people[row].image).is_file() for row in range(len(people))] == [True] * 3
