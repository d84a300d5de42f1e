"""The training loop: killed anywhere, it goes on as if nothing had happened."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from types import FrameType

import torch
from torch import Tensor, nn

from common import checkpoint
from common.checkpoint import Progress, Stateful
from common.structures import Batch
from common.utils import distributed
from common.utils.errors import UserError
from common.utils.log import Log
from common.utils.random import derived
from data.loading.dataset import Samples
from data.loading.loader import Loader, Order
from main import evaluator
from main.experiment import Experiment
from main.weights import Average, freeze, groups, set_precision

SKIPS = 20  # steps in a row that may be skipped for numbers that are not finite
_WEIGHTS, _STEP = 3, 4  # keep these uses of a run's seed apart from the loader's


class TrainingStep(nn.Module):
    """Network and objective as one module, so that one wrapper distributes both."""

    def __init__(self, model: nn.Module, objective: nn.Module, autocast: bool = False) -> None:
        super().__init__()
        self.model, self.objective, self.autocast = model, objective, autocast

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        with torch.autocast(batch.seed.device.type, torch.bfloat16, enabled=self.autocast):
            prediction = self.model(batch.inputs)
        return self.objective(prediction, batch.target)


class Trainer:
    """Runs one experiment in one folder; picks up where the folder's newest whole snapshot left it."""

    def __init__(self, experiment: Experiment, folder: Path) -> None:
        e = self.experiment = experiment
        self.folder, self.snapshots, self.device = folder, folder / "model_dump", distributed.device()
        set_precision(e.precision)
        torch.manual_seed(derived(e.seed, _WEIGHTS))
        model = e.model()
        for part, path in e.weights.items():
            checkpoint.load_weights(model, path, part)
        if e.sync_batch_norm and distributed.world() > 1:
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        self.model = model.to(self.device)
        self.frozen = freeze(self.model, e.learning_rates)
        objective = e.objective().to(self.device)
        self.prepare = e.prepare(self.model, self.model.body_model.layout).to(self.device)
        self.optimizer = e.optimizer(groups(self.model, objective, e.learning_rates, e.optimizer))
        self.trained = [p for group in self.optimizer.param_groups for p in group["params"]]
        self.order = Order(
            e.train, e.batch_size, e.seed, distributed.rank(), distributed.world(), e.accumulate
        )
        self.schedule = e.schedule(self.optimizer, e.epochs * self.order.batches)
        self.average = Average(self.model, e.ema) if e.ema else None
        self.progress = self._resumed(objective)
        if e.compile:
            self.model.compile()
        self.bare = TrainingStep(self.model, objective, e.precision == "bf16")
        self.step = distributed.wrapped(self.bare)
        samples = Samples(e.train, self.model, self.model.joint_set, self.model.body_model.layout, e.augment)
        self.loader = Loader(samples, self.order, e.workers, pinned=self.device.type == "cuda")
        self.stopping, self.skipped, self.saved_at = False, 0, time.monotonic()

    def _resumed(self, objective: nn.Module) -> Progress:
        self.parts: dict[str, Stateful] = {
            "model": self.model,
            "objective": objective,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
        }
        if self.average:
            self.parts["average"] = self.average
        return checkpoint.resume(self.snapshots, self.parts) or Progress()

    def fit(self) -> bool:
        """Train to the end; False where a signal ended it early, its state saved."""
        self.log = Log(self.folder / "log", self.progress.step, silent=not distributed.first())
        self.log.say(self._greeting())
        try:
            with self._listening():
                while True:
                    if self.progress.batch == 0:
                        self._evaluate()
                    if self.progress.epoch == self.experiment.epochs:
                        return True
                    if not self._epoch():
                        return False
        finally:
            self.log.close()

    def _greeting(self) -> str:
        count = sum(p.numel() for p in self.trained) / 1e6
        start = (
            f"from epoch {self.progress.epoch}, batch {self.progress.batch}" if self.progress.step else "anew"
        )
        return (
            f"{self.experiment.name}: {count:.2f} M parameters in training, {len(self.experiment.train)} persons, "
            f"{self.order.batches} steps an epoch, {self.experiment.epochs} epochs, begun {start}; {self.folder}"
        )

    def _epoch(self) -> bool:
        """The rest of an epoch; False where it was ended early."""
        place, self.order.epoch, self.order.batch = self.progress, self.progress.epoch, self.progress.batch
        self.step.train()
        for name in self.frozen:
            self.model.get_submodule(name).eval()
        self.log.begin(f"epoch {place.epoch + 1}/{self.experiment.epochs}", self.order.batches, place.batch)
        batches = iter(self.loader)
        for _ in range(place.batch, self.order.batches):
            wishes = self._learn(batches)
            place.batch += 1
            place.step += 1
            if place.batch == self.order.batches:
                place.epoch, place.batch = place.epoch + 1, 0
            if any(wishes) or place.batch == 0:
                self._save()
            if wishes[0]:
                self.log.say(
                    f"Stopped by a signal, saved as {self.snapshots / place.snapshot}; --continue goes on."
                )
                return False
        self.log.end()
        return True

    def _learn(self, batches: Iterator[Batch]) -> tuple[bool, bool]:
        """One step; whether any process was told to stop, and whether the first finds it time to save."""
        e, place, began = self.experiment, self.progress, time.perf_counter()
        waited, parts = 0.0, []
        sums: dict[str, Tensor] = {}
        self.optimizer.zero_grad(set_to_none=True)
        for part in range(e.accumulate):
            # dropout and its like follow from the place: no generator needs to be saved
            torch.manual_seed(derived(e.seed, _STEP, place.step, part, distributed.rank()))
            asked = time.perf_counter()
            parts.append(next(batches))
            waited += time.perf_counter() - asked
            with distributed.without_averaging(self.step, part < e.accumulate - 1):
                terms = self.step(self.prepare(parts[-1].to(self.device)))
                (torch.stack(list(terms.values())).sum() / e.accumulate).backward()
            sums = {name: sums.get(name, 0.0) + term.detach() / e.accumulate for name, term in terms.items()}
        values, length, stop, save = self._agreed(sums)
        if all(map(math.isfinite, (*values.values(), length))):
            self._update(length)
            seconds = time.perf_counter() - began
            self.log.step(self._place(), {**values, **self._rates(length)}, self._speed(seconds, waited))
        else:
            self._refuse(values, parts)
        self.schedule.step()
        return stop, save

    def _agreed(self, sums: dict[str, Tensor]) -> tuple[dict[str, float], float, bool, bool]:
        """Losses, the gradient's length and the wishes of all processes, in one exchange between them."""
        norm = nn.utils.get_total_norm([p.grad for p in self.trained if p.grad is not None])
        late = time.monotonic() - self.saved_at > 60 * self.experiment.save_minutes
        wishes = norm.new_tensor([self.stopping, late and distributed.first()])
        numbers = distributed.averaged(torch.cat([torch.stack([*sums.values(), norm]).float(), wishes]))
        *values, length, stop, save = numbers.tolist()
        named = dict(zip(sums, values, strict=True))
        return {"loss": sum(values), **named}, length, stop > 0, save > 0

    def _update(self, length: float) -> None:
        if self.experiment.clip is not None:
            nn.utils.clip_grads_with_norm_(self.trained, self.experiment.clip, torch.tensor(length))
        self.optimizer.step()
        if self.average:
            self.average.update(self.progress.step)
        self.skipped = 0

    def _refuse(self, values: dict[str, float], parts: list[Batch]) -> None:
        """Say what is not finite and whose fault it is; then skip the step, or stop, as configured."""
        wrong = [name for name, value in values.items() if not math.isfinite(value)][1:] or ["gradient"]
        mine = [name for part in parts for name in culprits(self.bare, self.prepare(part.to(self.device)))]
        names = [name for share in distributed.gathered(mine) for name in share]
        text = (
            f"Step {self.progress.step + 1}: {', '.join(wrong)} not finite"
            + f", because of {', '.join(names[:8])}" * bool(names)
        )
        self.skipped += 1
        if self.experiment.on_nan == "stop" or self.skipped > SKIPS:
            raise UserError(
                f"{text}; training stopped and its snapshots are untouched: look at these samples, lower "
                "optimizer.lr, set clip=1.0, or leave such steps out with on_nan=skip."
            )
        self.log.say(f"{text}; the step is left out.")

    def _place(self) -> dict[str, int]:
        return {**asdict(self.progress), "step": self.progress.step + 1}

    def _rates(self, length: float) -> dict[str, float]:
        return {"gradient": length, "learning_rate": self.optimizer.param_groups[0]["lr"]}

    def _speed(self, seconds: float, waited: float) -> dict[str, float]:
        numbers = {
            "samples_per_second": self.experiment.batch_size / seconds,
            "waiting_for_data": waited / seconds,
        }
        if self.device.type == "cuda":
            numbers["memory_gib"] = torch.cuda.max_memory_allocated() / 2**30
        return {f"speed/{name}": value for name, value in numbers.items()}

    def _save(self) -> None:
        if distributed.first():
            checkpoint.save(self.snapshots, self.parts, self.progress)
            best = evaluator.best_epoch(self.folder, self.experiment.best)
            checkpoint.prune(self.snapshots, self.experiment.keep, best)
        distributed.wait_for_all()
        self.saved_at = time.monotonic()

    def _evaluate(self) -> None:
        """Measure the epoch that has just ended on every benchmark, where it is due and not yet done."""
        e, epoch, numbers = self.experiment, self.progress.epoch, {}
        if not epoch or not e.evaluate_every or (epoch % e.evaluate_every and epoch < e.epochs):
            return
        with self.average.applied() if self.average else nullcontext():
            for benchmark in e.test:
                path = self.folder / "result" / f"{benchmark.name}_{epoch}.json"
                if distributed.from_first(path.exists()):
                    continue
                result = evaluator.evaluate(self.model, benchmark, batch_size=self.order.share, workers=e.workers)
                if distributed.first():
                    evaluator.write(path, result, persons=False, epoch=epoch)
                numbers |= {f"{benchmark.name}/{name}": value for name, value in result.numbers.items()}
        if numbers:
            told = ", ".join(f"{name} {value:.2f}" for name, value in numbers.items())
            self.log.say(f"After epoch {epoch}: {told}")
            self.log.numbers(numbers, self.progress.step)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """A signal to end lets the step finish and be saved; a second Ctrl-C ends at once."""

        def hear(number: int, frame: FrameType | None) -> None:
            if self.stopping and number == signal.SIGINT:
                raise KeyboardInterrupt
            self.stopping = True

        numbers = [
            getattr(signal, name) for name in ("SIGTERM", "SIGUSR1", "SIGINT") if hasattr(signal, name)
        ]
        before = {number: signal.signal(number, hear) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@torch.no_grad()
def culprits(step: TrainingStep, batch: Batch) -> list[str]:
    """The names of the samples whose own loss is not finite."""
    step.eval()
    ones = [
        batch.map(lambda tensor, place=place: tensor[place : place + 1]) for place in range(len(batch.name))
    ]
    sums = [torch.stack(list(step(one).values())).sum() for one in ones]
    step.train()
    return [name for name, total in zip(batch.name, sums, strict=True) if not total.isfinite()]
