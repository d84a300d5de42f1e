"""Weights shared out over processes learn what they learn in one, and go on with any number of processes."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from processes import together
from torch import Tensor, nn
from torch.optim import AdamW

from common.checkpoint import read_weights
from common.losses.objective import LearnedWeights
from common.networks.model import Model
from common.utils.errors import UserError
from common.utils.paths import ROOT
from main.experiment import Experiment, load
from main.trainer import Trainer

TOY = ROOT / "tests" / "toy.py"
OPTIONS = ["model.dropout=0", "batch_size=8", "ema=0.9", "clip=1", "train.count=40"]


class Encoder(nn.Module):
    """The toy's, with blocks behind it."""

    def __init__(self, first: nn.Module) -> None:
        super().__init__()
        self.first = first
        self.blocks = nn.ModuleList(nn.Linear(16, 16) for _ in range(2))
        self.odd = nn.Linear(16, 16, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x).tanh()
        return self.odd(x)


def experiment(*options: str) -> Experiment:
    """The toy, deeper, with a frozen block and a slower head."""
    toy = load(TOY, [*OPTIONS, *options])

    def deep() -> Model:
        model = toy.model()
        model.encoder = Encoder(model.encoder)
        return model

    optimizer = partial(AdamW, lr=3e-3, weight_decay=0.1)
    return replace(toy, model=deep, optimizer=optimizer, learning_rates={"encoder.blocks.0": 0, "head": 0.5})


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "log" / "train.jsonl").read_text().splitlines()]


def weights(folder: Path, name: str) -> dict[str, Tensor]:
    return read_weights(folder / "model_dump" / "snapshot_3" / f"{name}.safetensors")


def train(folder: Path, stop: int, *options: str) -> None:
    """Train; in the midst of step `stop`, if not 0, a signal comes."""
    trainer = Trainer(experiment(*options), folder)
    learn, left = trainer._learn, iter(range(stop - 1, -9999, -1))

    def heard(batches):
        if next(left) == 0:
            os.kill(os.getpid(), signal.SIGUSR1)
        return learn(batches)

    trainer._learn = heard  # type: ignore[method-assign]
    assert trainer.fit() == (not stop)


def _process(rank: int, folder: Path, stop: int) -> None:
    train(folder, stop, "shard=True")


def two(folder: Path, stop: int = 0) -> None:
    together(_process, folder, stop)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alone")
    train(folder, 0)
    return folder


def same(one: Path, other: Path) -> None:
    assert losses(one) == pytest.approx(losses(other), rel=1e-4)
    for name in ("model", "average"):
        theirs = weights(other, name)
        for key, value in weights(one, name).items():
            torch.testing.assert_close(value, theirs[key], rtol=0, atol=2e-5)
    for epoch in (1, 2, 3):
        results = [json.loads((f / f"result/Toy_{epoch}.json").read_text()) for f in (one, other)]
        assert results[0]["numbers"] == pytest.approx(results[1]["numbers"], rel=1e-4)


def test_two_processes_with_half_the_weights_each_learn_what_one_does(alone: Path, tmp_path: Path) -> None:
    two(tmp_path)
    same(tmp_path, alone)
    names = {path.name for path in (tmp_path / "model_dump" / "snapshot_3").iterdir()}
    assert names == {"model.safetensors", "average.safetensors", "optimizer", "state.pt"}
    assert len(list((tmp_path / "model_dump" / "snapshot_3" / "optimizer").glob("*.distcp"))) == 2


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
def test_one_process_goes_on_where_two_were_and_two_where_one_was(alone: Path, tmp_path: Path) -> None:
    two(tmp_path / "fewer", stop=7)
    train(tmp_path / "fewer", 0, "shard=True")
    same(tmp_path / "fewer", alone)
    train(tmp_path / "more", 7, "shard=True")
    two(tmp_path / "more")
    same(tmp_path / "more", alone)


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
def test_a_damaged_shard_is_noticed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    train(tmp_path, 0, "shard=True", "evaluate_every=0")
    shard = next((tmp_path / "model_dump" / "snapshot_3" / "optimizer").glob("*.distcp"))
    shard.write_bytes(shard.read_bytes()[:-9])
    trainer = Trainer(experiment("shard=True"), tmp_path)
    assert trainer.progress.epoch == 2 and "snapshot_3 is damaged" in caplog.text


def test_what_cannot_be_shared_out_is_refused(tmp_path: Path) -> None:
    toy = load(TOY)
    learning = replace(toy, shard=True, objective=partial(LearnedWeights, **toy.objective.keywords))
    with pytest.raises(UserError, match="shard=True is for objectives that learn nothing"):
        Trainer(learning, tmp_path)


def test_a_run_keeps_its_way_of_saving(alone: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"The optimizer in .* is not this run's"):
        Trainer(experiment("shard=True"), alone)
