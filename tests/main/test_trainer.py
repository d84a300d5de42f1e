"""The training loop: killed anywhere, it goes on as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
import torch
from processes import begun, together
from torch.optim import SGD

from common.checkpoint import load_weights, read_weights
from common.losses.objective import LearnedWeights, Term, WeightedSum
from common.utils.errors import UserError
from common.utils.paths import ROOT
from main.evaluator import evaluate
from main.experiment import Experiment, load
from main.pictures import pictures
from main.trainer import Trainer

TOY = ROOT / "tests" / "toy.py"


def log(folder: Path) -> str:
    return (folder / "log" / "train.jsonl").read_text()


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in log(folder).splitlines()]


def weights(folder: Path, snapshot: str = "snapshot_3") -> dict[str, torch.Tensor]:
    return read_weights(folder / "model_dump" / snapshot / "model.safetensors")


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor], tolerance: float = 0.0) -> bool:
    return all(torch.allclose(value, other[name], rtol=0, atol=tolerance) for name, value in one.items())


def stop_after(trainer: Trainer, steps: int) -> bool:
    """Train, but let a signal come in the midst of a step."""
    learn, left = trainer._learn, iter(range(steps - 1, -1, -1))

    def heard(batches):
        if next(left) == 0:
            os.kill(os.getpid(), signal.SIGUSR1)
        return learn(batches)

    trainer._learn = heard
    return trainer.fit()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert Trainer(load(TOY, ["ema=0.9"]), folder).fit()
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_run_writes_all_that_is_promised(uninterrupted: Path) -> None:
    lines = [json.loads(line) for line in log(uninterrupted).splitlines()]
    places = [(line["epoch"], line["batch"], line["step"]) for line in lines]
    assert places == [(step // 6, step % 6, step + 1) for step in range(18)]
    terms = load(TOY).objective.keywords["terms"]
    assert [line["loss"] for line in lines] == pytest.approx([sum(line[t] for t in terms) for line in lines])
    assert lines[0]["learning_rate"] == 1e-3 > lines[-1]["learning_rate"] and lines[0]["gradient"] > 0
    assert names(uninterrupted / "model_dump") == ["snapshot_1", "snapshot_2", "snapshot_3"]
    assert names(uninterrupted / "result") == ["Toy_1.json", "Toy_2.json", "Toy_3.json"]
    assert names(uninterrupted / "vis") == ["Toy_1.jpg", "Toy_2.jpg", "Toy_3.jpg"]
    assert "After epoch 3: Toy/mpvpe" in (uninterrupted / "log" / "train.txt").read_text()


@pytest.mark.parametrize("stops", [(1, 4, 2), (6, 6), (5, 9)], ids=str)
def test_stopped_by_signals_and_resumed_it_is_the_same_run(
    uninterrupted: Path, tmp_path: Path, stops
) -> None:
    for steps in stops:
        assert not stop_after(Trainer(load(TOY, ["ema=0.9"]), tmp_path), steps)
    assert Trainer(load(TOY, ["ema=0.9"]), tmp_path).fit()
    assert log(tmp_path) == log(uninterrupted)
    assert same(weights(tmp_path), weights(uninterrupted))
    averages = [read_weights(f / "model_dump" / "snapshot_3") for f in (tmp_path, uninterrupted)]
    assert same(*averages) and not same(averages[0], weights(tmp_path))
    for epoch in (1, 2, 3):
        results = [
            json.loads((f / f"result/Toy_{epoch}.json").read_text()) for f in (tmp_path, uninterrupted)
        ]
        assert results[0] == results[1]


def test_a_signal_while_it_is_tested_ends_the_test_which_is_done_again(
    uninterrupted: Path, tmp_path: Path, monkeypatch
) -> None:
    def heard(*some):
        os.kill(os.getpid(), signal.SIGTERM)
        return pictures(*some)

    with monkeypatch.context() as patch:
        patch.setattr("main.checkups.pictures", heard)
        assert not Trainer(load(TOY, ["ema=0.9", "batch_size=2", "train.count=12"]), tmp_path).fit()
    assert not (tmp_path / "result").exists()
    before = weights(tmp_path, "snapshot_1")
    trainer = Trainer(load(TOY, ["ema=0.9", "batch_size=2", "train.count=12"]), tmp_path)
    assert same(before, trainer.model.state_dict())  # not the average's, which were tested
    assert trainer.fit() and names(tmp_path / "result") == ["Toy_1.json", "Toy_2.json", "Toy_3.json"]


def _run(folder: Path, options: list[str]) -> None:
    torch.set_num_threads(1)
    Trainer(load(TOY, options), folder).fit()


@pytest.mark.parametrize(("seed", "workers"), [(0, 0), (1, 2), (2, 1)])
def test_killed_at_a_random_step_the_loss_log_goes_on_bit_for_bit(
    tmp_path: Path, seed: int, workers: int
) -> None:
    options = [f"seed={seed}", f"workers={workers}", "epochs=4", "evaluate_every=0"]
    once, killed = tmp_path / "once", tmp_path / "killed"
    Trainer(load(TOY, options), once).fit()
    process = begun(_run, killed, [*options, "save_minutes=0"])
    wanted, end = random.Random(seed).randint(2, 20), time.monotonic() + 240
    while process.is_alive() and time.monotonic() < end:
        if (killed / "log" / "train.jsonl").exists() and len(log(killed).splitlines()) >= wanted:
            process.kill()
        time.sleep(0.001)
    process.join()
    assert process.exitcode == -signal.SIGKILL and len(log(killed).splitlines()) < 24
    Trainer(load(TOY, options), killed).fit()
    assert log(killed) == log(once)
    assert same(weights(killed, "snapshot_4"), weights(once, "snapshot_4"))


def test_a_truncated_snapshot_is_passed_over(tmp_path: Path, uninterrupted: Path, caplog) -> None:
    options = ["ema=0.9", "epochs=2"]
    Trainer(load(TOY, options), tmp_path).fit()
    file = tmp_path / "model_dump" / "snapshot_2" / "state.pt"
    file.write_bytes(file.read_bytes()[:-100])
    trainer = Trainer(load(TOY, ["ema=0.9"]), tmp_path)
    assert trainer.progress.epoch == 1 and "snapshot_2 is damaged" in caplog.text


PLAIN = ["model.dropout=0", "augment.scale=0", "augment.rotation=0", "augment.flip=-1", "augment.color=0"]


def test_two_steps_on_eight_persons_lower_the_loss(tmp_path: Path) -> None:
    options = ["train.count=8", "batch_size=8", "epochs=3", "evaluate_every=0", "optimizer.lr=1e-2", *PLAIN]
    Trainer(load(TOY, options), tmp_path).fit()
    first, _, third = losses(tmp_path)
    assert third < first


EXACT = ["model.dropout=0", "seed=3", "batch_size=8", "evaluate_every=0", "train.count=40"]


def exact(*options: str) -> Experiment:
    # with SGD an error in the gradient's scale shows; Adam would hide it
    return replace(load(TOY, [*EXACT, *options]), optimizer=partial(SGD, lr=0.02, momentum=0.9))


def _process(rank: int, folder: Path) -> None:
    Trainer(exact("epochs=4", "accumulate=2"), folder).fit()
    experiment = load(TOY, EXACT)
    model = experiment.model()
    load_weights(model, folder / "model_dump" / "snapshot_4")
    result = evaluate(model, experiment.test[0], batch_size=2)
    torch.save(result.numbers, folder / f"numbers_{rank}.pt")


def test_processes_and_parts_give_the_same_weights(tmp_path: Path) -> None:
    Trainer(exact("epochs=4"), tmp_path / "one").fit()
    Trainer(exact("epochs=4", "accumulate=4"), tmp_path / "parts").fit()
    folder = tmp_path / "two"
    together(_process, folder)
    one = weights(tmp_path / "one", "snapshot_4")
    assert losses(tmp_path / "one") == pytest.approx(losses(folder), rel=1e-4)
    assert same(one, weights(tmp_path / "parts", "snapshot_4"), tolerance=1e-5)
    assert same(one, weights(folder, "snapshot_4"), tolerance=1e-5)
    model = load(TOY, EXACT).model()
    load_weights(model, folder / "model_dump" / "snapshot_4")
    alone = evaluate(model, load(TOY).test[0]).numbers  # seven persons shared by two: one is shown twice
    assert (
        torch.load(folder / "numbers_0.pt")
        == torch.load(folder / "numbers_1.pt")
        == pytest.approx(alone, rel=1e-6)
    )
    trainer = Trainer(exact("epochs=5"), folder)  # and one process goes on where two were
    assert trainer.progress.step == 20 and trainer.fit()


@dataclass(frozen=True)
class Poisoned:
    """A loss that some persons' places make infinite, by their shape."""

    above: float = 2.0

    def __call__(self, prediction, target):
        bad = target.betas[:, 0] > self.above
        return (prediction.params.betas.mean(1) * torch.where(bad, torch.inf, 1.0)).mean()


def poisoned(**changes) -> Experiment:
    experiment = load(TOY, ["evaluate_every=0", "epochs=2"])
    objective = partial(WeightedSum, terms={"poison": Term(1.0, Poisoned(**changes.pop("loss", {})))})
    return replace(experiment, objective=objective, **changes)


def bad_persons() -> list[str]:
    data = load(TOY).train
    return [data[i].name for i in range(len(data)) if data[i].betas[0] > 2.0]


def test_a_loss_that_is_not_finite_stops_the_run_and_names_term_and_sample(tmp_path: Path) -> None:
    assert bad_persons()
    with pytest.raises(
        UserError, match=r"poison not finite, because of (Toy/\d+(, )?)+; training stopped"
    ) as caught:
        Trainer(poisoned(), tmp_path).fit()
    named = {word.strip(",;") for word in str(caught.value).split() if word.startswith("Toy/")}
    assert named and named <= set(bad_persons())
    assert not list(tmp_path.glob("model_dump/*"))


def test_such_steps_can_be_left_out(tmp_path: Path) -> None:
    trainer = Trainer(poisoned(on_nan="skip", learning_rates={"head": 0}), tmp_path)
    assert trainer.fit()
    assert trainer.model.encoder.training and not trainer.model.head.training  # the search left no trace
    left_out = 12 - len(losses(tmp_path))
    assert left_out == (tmp_path / "log" / "train.txt").read_text().count("the step is left out") > 0
    assert all(value.isfinite().all() for value in weights(tmp_path, "snapshot_2").values())


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")
def test_not_every_step_can_be_left_out(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not finite"):
        Trainer(poisoned(on_nan="skip", loss={"above": -9.0}, epochs=9), tmp_path).fit()


def test_gradients_are_clipped(tmp_path: Path) -> None:
    experiment = load(TOY, ["clip=1e-3", "epochs=1", "evaluate_every=0", "train.count=4"])
    trainer = Trainer(replace(experiment, optimizer=partial(SGD, lr=1.0)), tmp_path)
    before = torch.cat([p.detach().flatten().clone() for p in trainer.model.parameters()])
    trainer.fit()
    moved = torch.cat([p.detach().flatten() for p in trainer.model.parameters()]) - before
    assert moved.norm().item() == pytest.approx(1e-3, rel=1e-3)
    assert json.loads(log(tmp_path))["gradient"] > 1  # told as it was


def test_parts_can_be_frozen_and_keep_their_dropout_still(tmp_path: Path) -> None:
    trainer = Trainer(load(TOY, ["learning_rates.encoder=0", "epochs=1", "evaluate_every=0"]), tmp_path)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    trainer.fit()
    after = trainer.model.state_dict()
    assert not trainer.model.encoder.training and trainer.model.head.training
    moved = {name.split(".")[0] for name, value in after.items() if not torch.equal(value, before[name])}
    assert moved == {"head"}


def test_learned_weights_learn_and_are_resumed(tmp_path: Path) -> None:
    experiment = load(TOY, ["epochs=1", "evaluate_every=0"])
    terms = experiment.objective.keywords["terms"]
    experiment = replace(experiment, objective=partial(LearnedWeights, terms=terms))
    trainer = Trainer(experiment, tmp_path)
    start = LearnedWeights(terms).log_variance["betas"].item()
    trainer.fit()
    learned = trainer.parts["objective"].log_variance["betas"].item()
    assert learned != start
    assert Trainer(experiment, tmp_path).parts["objective"].log_variance["betas"].item() == learned


def test_training_starts_from_the_weights_named_and_goes_on_without_them(
    tmp_path: Path, uninterrupted: Path
) -> None:
    file = uninterrupted / "model_dump" / "snapshot_3" / "model.safetensors"
    options = ["epochs=1", "evaluate_every=0", f"weights.encoder={file}"]
    trainer = Trainer(load(TOY, options), tmp_path)
    assert torch.equal(trainer.model.encoder[1].weight, weights(uninterrupted)["encoder.1.weight"])
    assert not torch.equal(trainer.model.head.weight, weights(uninterrupted)["head.weight"])
    trainer.fit()
    assert Trainer(load(TOY, [*options[:2], "weights.encoder=gone.pth"]), tmp_path).progress.epoch == 1


def test_bfloat16_trains_too(tmp_path: Path) -> None:
    Trainer(load(TOY, ["precision=bf16", "epochs=2", "evaluate_every=0"]), tmp_path / "bf16").fit()
    Trainer(load(TOY, ["epochs=2", "evaluate_every=0"]), tmp_path / "fp32").fit()
    bf16, fp32 = losses(tmp_path / "bf16"), losses(tmp_path / "fp32")
    assert (
        bf16 != fp32 and bf16 == pytest.approx(fp32, rel=0.1) and bf16[0] == pytest.approx(fp32[0], rel=5e-3)
    )
    assert all(value.dtype == torch.float32 for value in weights(tmp_path / "bf16", "snapshot_2").values())


def test_the_best_epoch_is_kept(tmp_path: Path) -> None:
    options = ["keep=1", "best=Toy/mpvpe", "epochs=4", "optimizer.lr=0"]
    Trainer(load(TOY, options), tmp_path).fit()  # nothing is learnt, so the first epoch is never beaten
    assert names(tmp_path / "model_dump") == ["snapshot_1", "snapshot_4"]


def test_what_cannot_be_trained_or_tested_is_said_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="do not fill one batch"):
        Trainer(load(TOY, ["batch_size=100"]), tmp_path)
    with pytest.raises(UserError, match="Toy has no persons to measure"):
        Trainer(load(TOY, ["test.Toy.dataset.count=0"]), tmp_path)
    with pytest.raises(UserError, match="did you mean 'encoder'"):
        Trainer(load(TOY, ["learning_rates.encodr=0"]), tmp_path)
    with pytest.raises(UserError, match="no weights at"):
        Trainer(load(TOY, ["weights.encoder=gone.pth"]), tmp_path)
