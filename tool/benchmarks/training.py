"""How long a training step takes, how much of it is the loop itself, and how long a snapshot stops it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from common.losses.objective import Term, WeightedSum
from common.structures import BodyParams, Prediction
from main import snapshots
from main.experiment import Experiment, load
from main.trainer import Trainer

VIT_B = 86_000_000  # weights


class Timed:
    """Batches, and the processor seconds it took to make them."""

    def __init__(self, batches: Iterable[Any]) -> None:
        self.batches, self.seconds = batches, 0.0

    def __iter__(self) -> Iterator[Any]:
        made = iter(self.batches)
        while True:
            began = time.process_time()
            batch = next(made, None)
            self.seconds += time.process_time() - began
            if batch is None:
                return
            yield batch


class Instant(nn.Module):
    """A network of one weight, so that what is left of a step is the loop."""

    def __init__(self, like: nn.Module) -> None:
        super().__init__()
        self.views, self.joint_set, self.body_model = like.views, like.joint_set, like.body_model
        self.only = nn.Parameter(torch.zeros(1))

    def forward(self, inputs: Any) -> Prediction:
        params = BodyParams(self.only, self.only, self.only)
        return Prediction(params, body=params, joints=self.only, camera=None)  # type: ignore[arg-type]


def _square(prediction: Prediction, target: Any) -> Tensor:
    return prediction.params.betas.square().mean()


def measure() -> list[tuple[str, str]]:
    """Rows of what and figure; processor time of the chosen threads, unless it says otherwise."""
    lifter = load("config/lifter/lifter.py", ["epochs=1", "evaluate_every=0", "workers=0"])
    instant = replace(
        lifter,
        model=lambda: Instant(lifter.model()),
        objective=partial(WeightedSum, terms={"square": Term(1.0, _square)}),
        prepare=lambda model, body: nn.Identity(),
    )
    step, loading = timed(lifter, 20)
    loop, its_loading = timed(instant, 200)
    return [
        (f"lifter: a step of {lifter.batch_size} people", f"{1e3 * step:.0f} ms"),
        ("lifter: of it, making their poses", f"{1e3 * loading:.0f} ms"),
        ("the loop itself, a step", f"{1e3 * (loop - its_loading):.2f} ms"),
        ("a snapshot of a ViT-B with Adam's moments", f"{snapshot_seconds():.1f} s on the clock"),
    ]


def timed(experiment: Experiment, steps: int) -> tuple[float, float]:
    """Processor seconds of a step, and of loading its batch."""
    people = replace(experiment.train, count=steps * experiment.batch_size)  # type: ignore[type-var]
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(replace(experiment, train=people), Path(folder))
        trainer.loader = batches = Timed(trainer.loader)  # type: ignore[assignment]
        began = time.process_time()
        trainer.fit()
        return (time.process_time() - began) / steps, batches.seconds / steps


def snapshot_seconds() -> float:
    """How long the loop stands still for a snapshot, disk included."""
    model = nn.Linear(VIT_B // 1000, 1000, bias=False)
    optimizer = torch.optim.Adam(model.parameters())
    model.weight.grad = torch.zeros_like(model.weight)
    optimizer.step()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        snapshots.save(Path(folder), {"model": model, "optimizer": optimizer}, snapshots.Progress(1))
        return time.perf_counter() - began
