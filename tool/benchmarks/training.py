"""How long a training step takes, what of it is the loop and the data, and how long a snapshot stops it.

Steps are of processor time on the threads that were chosen, unless they are said to be on the clock; the
share of the matrix rate is what forward and backward passes count as, against a product of 2048. Where there
is a GPU, SMPLer-X is measured in all sizes, in bf16 and float32, eager and compiled, on the clock.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from common.losses.objective import Term, WeightedSum
from common.networks.smpler_x import SMPLerX
from common.structures import BodyParams, Prediction
from common.utils import distributed
from common.utils.launch import launch
from common.utils.timing import milliseconds
from data.formats.humandata import ANNOTATIONS, HumanData
from main.experiment import Experiment, load
from main.snapshots import Progress
from main.trainer import Trainer
from main.writer import Writer
from tool.benchmark import peak_memory
from tool.benchmarks.data import write_humandata

Rows = list[tuple[str, str]]
VIT_B = 86_000_000  # weights
BATCH = 2  # persons of a step of SMPLer-X-S on a processor
GPU_BATCH = 32


class Timed:
    """Batches, and the seconds they took, on the clock and of the processor; the first is left out."""

    def __init__(self, batches: Iterable[Any]) -> None:
        self.batches, self.waited, self.worked, self.count = batches, 0.0, 0.0, 0
        self.began = self.ended = (0.0, 0.0)  # when the second batch was asked for, and all done

    def __iter__(self) -> Iterator[Any]:
        made = iter(self.batches)
        while True:
            if self.count == 1:
                self.began = time.perf_counter(), time.process_time()
            clock, work = time.perf_counter(), time.process_time()
            batch = next(made, None)
            if self.count:
                self.waited += time.perf_counter() - clock
                self.worked += time.process_time() - work
            if batch is None:
                return
            self.count += 1
            yield batch

    def end(self) -> None:
        """The last of them has been learned from."""
        self.ended = time.perf_counter(), time.process_time()

    def step(self) -> tuple[float, float]:
        """Seconds of a step, on the clock and of the processor."""
        clock, work = (end - begin for begin, end in zip(self.began, self.ended, strict=True))
        return clock / (self.count - 1), work / (self.count - 1)


class Instant(nn.Module):
    """A network of one weight, so that what is left of a step is the loop."""

    def __init__(self, like: nn.Module) -> None:
        super().__init__()
        self.views, self.joint_set, self.body_model = like.views, like.joint_set, like.body_model
        self.only = nn.Parameter(torch.zeros(1))

    def forward(self, inputs: Any) -> Prediction:
        params = BodyParams(self.only, self.only, self.only)
        return Prediction(params, body=params, joints=self.only, camera=None)  # type: ignore[arg-type]


class Miniature(HumanData):
    """Persons of noise in the official format, and one picture under many names."""

    annotations: ClassVar = {"train": "miniature.npz"}
    images = "pictures"
    image_size = (1920, 1080)


def _square(prediction: Prediction, target: Any) -> Tensor:
    return prediction.params.betas.square().mean()


def measure() -> Rows:
    """Rows of what and figure."""
    rows = [*_loop(), *_snapshot()]
    with tempfile.TemporaryDirectory() as folder:
        write_miniature(Path(folder), 16 * GPU_BATCH if torch.cuda.is_available() else 6 * BATCH)
        rows += _on_gpu(Path(folder)) if torch.cuda.is_available() else _on_processor(Path(folder))
        rows += _scaling(Path(folder))
    return rows


def _loop() -> Iterator[tuple[str, str]]:
    lifter = load("config/lifter/lifter.py", ["epochs=1", "evaluate_every=0", "workers=0"])
    instant = replace(
        lifter,
        model=lambda: Instant(lifter.model()),
        objective=partial(WeightedSum, terms={"square": Term(1.0, _square)}),
        prepare=lambda model, body: nn.Identity(),
    )
    for name, experiment, steps in (("lifter", lifter, 8), ("loop alone", instant, 100)):
        people = replace(experiment.train, count=steps * experiment.batch_size)  # type: ignore[type-var]
        timed = run(replace(experiment, train=people))
        step, loading = timed.step()[1], timed.worked / (timed.count - 1)
        if name == "lifter":
            yield f"lifter: a step of {lifter.batch_size} people", f"{1e3 * step:.0f} ms"
            yield "lifter: of it, making their poses", f"{1e3 * loading:.0f} ms"
        else:
            yield "the loop itself, a step", f"{1e3 * (step - loading):.2f} ms"


def run(experiment: Experiment) -> Timed:
    """Train to the end, and what was seen of it."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(experiment, Path(folder))
        trainer.loader = timed = Timed(trainer.loader)  # type: ignore[assignment]
        # at the end of the epoch, for snapshots are measured for themselves
        trainer._save, trainer.writer.rehearse = timed.end, lambda parts: None  # type: ignore[method-assign]
        trainer.fit()
    return timed


def _snapshot() -> Iterator[tuple[str, str]]:
    """How long the loop stands still for a snapshot of a ViT-B with Adam's moments."""
    model = nn.Sequential(*(nn.Linear(3072, 768, bias=False) for _ in range(VIT_B // (3072 * 768))))
    optimizer = torch.optim.Adam(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    parts = {"model": model, "optimizer": optimizer}
    with tempfile.TemporaryDirectory() as folder:
        writer = Writer(Path(folder))
        writer.rehearse(parts)
        writer.finish()
        began = time.perf_counter()
        writer.save(parts, Progress(1), lambda: None)
        asked = time.perf_counter()
        writer.settled()
        copied = time.perf_counter()
        writer.finish()
        written = time.perf_counter()
    what = "a snapshot of a ViT-B with Adam's moments, on the clock"
    yield f"{what}: the loop stands still for", f"{1e3 * (asked - began):.0f} ms"
    yield "the same: copied while the next gradients are computed, within", f"{1e3 * (copied - asked):.0f} ms"
    yield "the same: checked and on disk after", f"{written - began:.1f} s"


def write_miniature(root: Path, rows: int) -> None:
    """An annotation file of so many rows, and their pictures."""
    write_humandata(root / ANNOTATIONS / Miniature.annotations["train"], rows)
    dice = np.random.default_rng(0)
    smooth = cv2.resize(dice.integers(0, 255, (68, 120, 3), np.uint8), Miniature.image_size)
    first = root / "pictures" / "sequence_00000" / "00000000.jpg"
    first.parent.mkdir(parents=True)
    cv2.imwrite(str(first), smooth, [cv2.IMWRITE_JPEG_QUALITY, 90])
    for row in range(1, rows):
        os.link(first, first.with_name(f"{row:08}.jpg"))


def miniature(root: Path, size: str = "small", **changes: Any) -> Experiment:
    """SMPLer-X on the free body, an epoch of miniature data."""
    base = load("config/smpler_x/smpler_x_s32.py")
    base = replace(base, model=partial(SMPLerX, encoder=size, free="only"), weights={})
    base = replace(base, train=Miniature(root=root), epochs=1, evaluate_every=0, sync_batch_norm=False)
    return replace(base, **{"batch_size": BATCH, "workers": 1, **changes})


def flops(experiment: Experiment) -> int:
    """Of the forward and backward passes of one step."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(experiment, Path(folder))
        batch = trainer.prepare(next(iter(trainer.loader)).to(trainer.device))
        with FlopCounterMode(display=False) as counter:
            torch.stack(list(trainer.step(batch).values())).sum().backward()
        return counter.get_total_flops()


def matrix_rate(size: int = 2048) -> float:
    """Operations of a float32 matrix product, a second of the processor."""
    a, b = torch.rand(size, size), torch.rand(size, size)
    return 2 * size**3 / (milliseconds(lambda: a @ b, 3) / 1e3)


def _on_processor(root: Path) -> Iterator[tuple[str, str]]:
    experiment = miniature(root)
    work = flops(replace(experiment, workers=0))
    timed = run(experiment)
    clock, seconds = timed.step()
    share = work / seconds / matrix_rate()
    yield f"SMPLer-X-S: steps of {BATCH} persons, a second and core", f"{1 / seconds:.2f}"
    yield "SMPLer-X-S: pictures learned from, a second and core", f"{BATCH / seconds:.2f}"
    yield "SMPLer-X-S: share of the matrix rate", f"{share:.0%}"
    yield (
        "SMPLer-X-S: waiting for data, on the clock, one worker",
        f"{timed.waited / timed.count / clock:.1%}",
    )
    yield "SMPLer-X-S: most memory", f"{peak_memory() / 2**30:.1f} GiB"


def _on_gpu(root: Path) -> Iterator[tuple[str, str]]:
    for size in ("small", "base", "large", "huge"):
        for precision in ("bf16", "fp32"):
            for compiled in (False, True):
                torch.cuda.reset_peak_memory_stats()
                experiment = miniature(root, size, batch_size=GPU_BATCH, workers=8, precision=precision)
                timed = run(replace(experiment, compile=compiled))
                clock, memory = timed.step()[0], torch.cuda.max_memory_allocated() / 2**30
                what = f"SMPLer-X-{size[0].upper()}, {precision}, {'compiled' if compiled else 'eager'}"
                waiting = timed.waited / timed.count / clock
                yield what, f"{GPU_BATCH / clock:.0f} pictures/s, {memory:.1f} GiB, waiting {waiting:.0%}"


def _scaling(root: Path) -> Iterator[tuple[str, str]]:
    """Pictures a second of one process and of two, each with its own share and threads, on the clock."""
    rates = []
    for count in (1, 2):
        launch(count, "tool.benchmarks.training", [str(root)])
        rates.append(float((root / f"rate_{count}").read_text()))
    yield "1 process: pictures a second, on the clock", f"{rates[0]:.2f}"
    yield "2 processes: the same", f"{rates[1]:.2f}, {rates[1] / rates[0] / 2:.0%} of twice one"


def _one_of_several(root: Path) -> None:
    torch.set_num_threads(1)
    with distributed.processes():
        _write_rate(root)


def _write_rate(root: Path) -> None:
    """What trains is gone when this returns, so nothing holds the processes' group when they leave it."""
    size = (GPU_BATCH if torch.cuda.is_available() else BATCH) * distributed.world()
    timed = run(miniature(root, batch_size=size, workers=1))
    if distributed.first():
        (root / f"rate_{distributed.world()}").write_text(str(size / timed.step()[0]))


if __name__ == "__main__":
    _one_of_several(Path(sys.argv[1]))
