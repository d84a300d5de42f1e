"""Snapshots are written while training goes on, and hold the moment at which they were asked for."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import Adam

from common.utils.errors import UserError
from main import snapshots
from main.snapshots import Progress
from main.writer import Writer


@pytest.fixture
def parts() -> dict:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    optimizer = Adam(model.parameters(), lr=0.1)
    learn(model, optimizer)
    return {"model": model, "optimizer": optimizer}


def learn(model: nn.Module, optimizer: Adam) -> None:
    model(torch.randn(5, 3)).square().sum().backward()
    optimizer.step()


def state(parts: dict) -> list[torch.Tensor]:
    moments = [
        value for each in parts["optimizer"].state.values() for value in each.values() if value.dim() > 0
    ]
    return [value.clone() for value in (*parts["model"].state_dict().values(), *moments)]


def read(folder: Path, parts: dict) -> list[torch.Tensor]:
    assert snapshots.resume(folder, parts) is not None
    return state(parts)


def test_a_snapshot_holds_the_moment_it_was_asked_for(tmp_path: Path, parts: dict) -> None:
    writer, before, place = Writer(tmp_path), state(parts), Progress(1, 2, 3)
    for _ in range(2):  # the second one into the memory of the first
        writer.save(parts, place, done=lambda: None)
        place.step += 1
        parts["model"](torch.randn(5, 3))  # the norm's statistics move at once
        writer.settled()
        learn(**parts)
        writer.finish()
        progress = snapshots.resume(tmp_path, parts)
        assert progress == Progress(1, 2, place.step - 1)
        assert all(map(torch.equal, state(parts), before))


def test_nobody_waits_for_the_disk(tmp_path: Path, parts: dict, monkeypatch) -> None:
    disk, save = threading.Event(), snapshots.save
    monkeypatch.setattr(snapshots, "save", lambda *some: disk.wait(30) and save(*some))
    writer, done = Writer(tmp_path), []
    writer.save(parts, Progress(1), done=lambda: done.append(True))
    writer.settled()
    learn(**parts)
    assert writer.busy and not done and not list(tmp_path.iterdir())
    disk.set()
    writer.finish()
    assert not writer.busy and done and [path.name for path in tmp_path.iterdir()] == ["snapshot_1"]


def test_what_could_not_be_written_is_told_to_the_next_who_asks(tmp_path: Path, parts: dict) -> None:
    (tmp_path / "file").write_text("")
    for ask in ("settled", "finish"):
        writer = Writer(tmp_path / "file")
        writer.save(parts, Progress(1), lambda: None)
        writer.close()
        with pytest.raises(UserError, match="cannot be written"):
            getattr(writer, ask)()
        writer.settled()  # and told once


def test_memory_is_made_ready_without_writing(tmp_path: Path, parts: dict) -> None:
    writer = Writer(tmp_path)
    writer.rehearse(parts)
    writer.settled()
    writer.finish()
    places = {name: held.data_ptr() for name, held in writer.held.items()}
    writer.save(parts, Progress(1), lambda: None)
    writer.finish()
    assert places and places == {name: held.data_ptr() for name, held in writer.held.items()}
    before = state(parts)
    assert all(map(torch.equal, read(tmp_path, parts), before))
