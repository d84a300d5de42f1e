"""What a run was."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.utils.errors import UserError
from common.utils.paths import ROOT
from main import record
from main.experiment import Experiment, load

TOY = ROOT / "tests" / "toy.py"


def test_every_value_is_written_defaults_included(toy: Experiment) -> None:
    lines = dict(line.split(" = ", 1) for line in record.resolved(toy).splitlines())
    assert (
        lines["model"].endswith("ToyModel")
        and lines["model.width"] == "16"
        and lines["model.dropout"] == "0.2"
    )
    assert lines["objective.terms.vertices.loss"] == "common.losses.vertices.Vertices"
    assert lines["objective.terms.joints_3d.loss.over"] == "'all'"
    assert lines["optimizer"] == "torch.optim.adam.Adam" and lines["optimizer.eps"] == "1e-08"
    assert lines["test.Toy.dataset.count"] == "7" and lines["test.Toy.body"] == "smpl"
    assert lines["published.Toy/mpvpe"] == "70.0" and lines["clip"] == "None"
    assert record.resolved(load(TOY)) == record.resolved(toy)


def test_a_run_is_opened_again_with_what_was_typed(tmp_path: Path) -> None:
    overrides = ["epochs=5", "model.width=8"]
    record.write(tmp_path, load(TOY, overrides), "tests/toy.py", overrides)
    experiment, command, differences = record.reopened(tmp_path, ["seed=1"])
    assert (experiment.epochs, experiment.model.keywords["width"], experiment.seed) == (5, 8, 1)
    assert command.config == "tests/toy.py" and command.overrides == tuple(overrides)
    assert differences == ["seed: 0 -> 1"]
    assert (tmp_path / "code" / "toy.py").read_text() == TOY.read_text()


def test_a_run_outlives_its_config(tmp_path: Path) -> None:
    config = tmp_path / "mine.py"
    config.write_text(TOY.read_text())
    record.write(tmp_path / "run", load(config), str(config), [])
    config.unlink()
    experiment, _, _ = record.reopened(tmp_path / "run")
    assert experiment.name == "toy"


def test_a_changed_config_is_reported_key_by_key(tmp_path: Path) -> None:
    config = tmp_path / "mine.py"
    config.write_text(TOY.read_text())
    record.write(tmp_path / "run", load(config), str(config), [])
    config.write_text(
        TOY.read_text().replace("lr=1e-3", "lr=5e-4").replace("Term(0.1, Betas())", "Term(0.2, Betas())")
    )
    _, _, differences = record.reopened(tmp_path / "run")
    assert differences == ["objective.terms.betas.weight: 0.1 -> 0.2", "optimizer.lr: 0.001 -> 0.0005"]


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no run of ours"):
        record.reopened(tmp_path)


def test_the_version_is_a_commit_or_unknown(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr("main.record.ROOT", tmp_path)
    assert record.version() == "unknown"
