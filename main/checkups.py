"""What a run is tested on while it trains: its benchmarks, every so many epochs, with a picture of each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import torch

from common.networks.model import Model
from common.structures import Batch, Prediction
from common.utils import distributed
from common.utils.errors import UserError
from common.utils.log import Log
from data.loading.dataset import Benchmark
from main import evaluator
from main.experiment import Experiment
from main.interrupt import Interrupt, Interrupted
from main.learning import Average
from main.pictures import pictures, save


def check(benchmarks: Sequence[Benchmark]) -> None:
    """Say now, rather than after an epoch, what a test will lack; raises UserError."""
    for benchmark in benchmarks:
        try:
            evaluator.check(benchmark)
        except (UserError, OSError) as error:
            raise UserError(f"{error} Or train without tests: evaluate_every=0.") from error


class Checkup:
    """The test of one epoch, of the averaged weights if there are any; what it has done already it leaves."""

    def __init__(
        self, experiment: Experiment, folder: Path, epoch: int, step: int, log: Log, interrupt: Interrupt
    ) -> None:
        self.experiment, self.folder, self.epoch, self.step = experiment, folder, epoch, step
        self.log, self.interrupt = log, interrupt

    @property
    def is_due(self) -> bool:
        """Whether this epoch, which has just ended, is to be tested."""
        every, last = self.experiment.evaluate_every, self.experiment.epochs
        return bool(every and self.epoch) and (self.epoch % every == 0 or self.epoch == last)

    def run(self, model: Model, average: Average | None, batch_size: int) -> None:
        """Measure every benchmark that has no result of this epoch yet; result/<benchmark>_<epoch>.json.

        Raises Interrupted where a signal came to any process.
        """
        numbers: dict[str, float] = {}
        with average.applied() if average else nullcontext():
            for benchmark in self.experiment.test:
                path = self.folder / "result" / f"{benchmark.name}_{self.epoch}.json"
                if not distributed.once(path.exists):
                    result = self._measure(model, benchmark, batch_size)
                    if distributed.first():
                        evaluator.write(path, result, {"epoch": self.epoch}, persons=False)
                    numbers |= {f"{benchmark.name}/{name}": value for name, value in result.numbers.items()}
        if numbers:
            told = ", ".join(f"{name} {value:.2f}" for name, value in numbers.items())
            self.log.say(f"After epoch {self.epoch}: {told}")
            self.log.numbers(numbers, self.step)

    def _measure(self, model: Model, benchmark: Benchmark, batch_size: int) -> evaluator.Result:
        path = self.folder / "vis" / f"{benchmark.name}_{self.epoch}.jpg"

        def look(batch: Batch, prediction: Prediction) -> None:
            if distributed.averaged(torch.tensor(float(self.interrupt.asked), device=batch.seed.device)) > 0:
                raise Interrupted
            if distributed.first() and not path.exists():
                picture = pictures(model, batch, prediction)
                save(path, picture)
                self.log.picture(benchmark.name, picture, self.step)

        return evaluator.evaluate(
            model,
            benchmark,
            batch_size=batch_size,
            workers=self.experiment.workers,
            progress=sys.stderr.isatty(),
            look=look,
        )
