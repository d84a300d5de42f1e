"""Snapshots: always one that is whole."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam

from common.utils.errors import UserError
from main import snapshots
from main.snapshots import Progress


def parts(seed: int, width: int = 3) -> dict:
    torch.manual_seed(seed)
    model = nn.Linear(width, 2)
    optimizer = Adam(model.parameters(), lr=0.1 * (seed + 1))
    model(torch.ones(1, width)).sum().backward()
    optimizer.step()
    return {"model": model, "objective": nn.Identity(), "optimizer": optimizer}


def weights(some: dict) -> torch.Tensor:
    return some["model"].weight.detach().clone()


def test_all_parts_come_back(tmp_path: Path) -> None:
    before, after = parts(0), parts(1)
    snapshots.save(tmp_path, before, Progress(2, 5, 25))
    assert snapshots.resume(tmp_path, after) == Progress(2, 5, 25)
    assert torch.equal(weights(after), weights(before))
    assert after["optimizer"].state_dict()["param_groups"] == before["optimizer"].state_dict()["param_groups"]


def test_nothing_saved_is_nothing_resumed(tmp_path: Path) -> None:
    some = parts(0)
    start = weights(some)
    assert snapshots.resume(tmp_path / "absent", some) is None
    assert torch.equal(weights(some), start)


def test_names_say_how_far_and_the_newest_is_resumed(tmp_path: Path) -> None:
    for epoch, batch in ((9, 0), (10, 0), (10, 200), (10, 1000), (2, 0)):
        snapshots.save(tmp_path, parts(0), Progress(epoch, batch, epoch * 2000 + batch))
    names = [path.name for path in snapshots.among(tmp_path)]
    assert names == ["snapshot_2", "snapshot_9", "snapshot_10", "snapshot_10_200", "snapshot_10_1000"]
    assert snapshots.resume(tmp_path, parts(1)) == Progress(10, 1000, 21000)


@pytest.mark.parametrize("damage", ["model.safetensors", "state.pt", "gone", "empty"])
def test_a_damaged_snapshot_is_named_and_the_one_before_it_used(tmp_path: Path, damage: str, caplog) -> None:
    snapshots.save(tmp_path, parts(0), Progress(1, 0, 10))
    newest = snapshots.save(tmp_path, parts(1), Progress(2, 0, 20))
    file = newest / ("model.safetensors" if damage in ("gone", "empty") else damage)
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(b"" if damage == "empty" else file.read_bytes()[:-50])
    after = parts(2)
    with caplog.at_level(logging.WARNING):
        assert snapshots.resume(tmp_path, after) == Progress(1, 0, 10)
    assert "snapshot_2 is damaged" in caplog.text
    assert torch.equal(weights(after), weights(parts(0)))
    snapshots.save(tmp_path, parts(3), Progress(2, 0, 20))  # training comes by again
    assert snapshots.resume(tmp_path, after) == Progress(2, 0, 20)


def test_a_snapshot_of_another_model_is_refused(tmp_path: Path) -> None:
    snapshots.save(tmp_path, parts(0), Progress(1))
    with pytest.raises(UserError, match=r"The model in .*snapshot_1 is not this run's"):
        snapshots.resume(tmp_path, parts(0, width=4))
    other = parts(0)
    del other["optimizer"]
    with pytest.raises(UserError, match=r"holds .*optimizer.*start a new run"):
        snapshots.resume(tmp_path, other)
    other["optimizer"] = SGD([torch.ones(1, requires_grad=True)], lr=1.0)
    with pytest.raises(UserError, match="The optimizer"):
        snapshots.resume(tmp_path, other)


def test_what_cannot_be_written_leaves_the_older_ones(tmp_path: Path) -> None:
    snapshots.save(tmp_path, parts(0), Progress(1))
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        snapshots.save(tmp_path / "file", parts(1), Progress(2))
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["snapshot_1"]
    assert snapshots.resume(tmp_path, parts(2)) == Progress(1)


def test_the_last_the_best_and_the_newest_are_kept(tmp_path: Path) -> None:
    for epoch in range(1, 7):
        snapshots.save(tmp_path, parts(0), Progress(epoch))
    snapshots.save(tmp_path, parts(0), Progress(5, 7))
    (tmp_path / ".snapshot_8.new").mkdir()  # a run was killed while it saved
    snapshots.prune(tmp_path, keep=2, best=3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["snapshot_3", "snapshot_5", "snapshot_6"]
    snapshots.save(tmp_path, parts(0), Progress(6, 7))
    snapshots.prune(tmp_path, keep=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["snapshot_6", "snapshot_6_7"]
