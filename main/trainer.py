"""The training loop: killed anywhere, it goes on as if nothing had happened."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from common.checkpoint import load_weights
from common.networks.layers.shared_batch_norm import shared
from common.structures import Batch
from common.utils import distributed
from common.utils.errors import UserError
from common.utils.log import Log
from common.utils.paths import shown
from common.utils.random import derived
from data.loading.dataset import Samples
from data.loading.loader import Loader, Order
from main import checkups, sharding, snapshots
from main.checkups import Checkup
from main.evaluator import best_epoch
from main.experiment import Experiment
from main.finite import fault
from main.interrupt import Interrupt, Interrupted
from main.learning import Average, freeze, groups, renew
from main.precision import set_precision
from main.snapshots import Progress, Stateful
from main.step import TrainingStep
from main.writer import Writer

SKIPS = 20  # steps in a row that may be left out for numbers that are not finite
_START, _STEP = 3, 4  # keep these uses of a run's seed apart from the loader's


class Trainer:
    """Runs one experiment in one folder; picks up where the folder's newest whole snapshot left it."""

    def __init__(self, experiment: Experiment, folder: Path) -> None:
        e = self.experiment = experiment
        self.folder, self.dump, self.device = folder, folder / "model_dump", distributed.device()
        processes = distributed.rank(), distributed.world()
        self.order = Order(e.train, e.batch_size, e.seed, *processes, e.accumulate)
        checkups.check(e.test if e.evaluate_every else ())
        set_precision(e.precision)
        torch.manual_seed(derived(e.seed, _START))
        self.model = e.model().to(self.device)
        if e.sync_batch_norm and distributed.world() > 1:
            self.model = shared(self.model, self.device.type == "cuda")
        self.frozen = freeze(self.model, e.learning_rates)
        objective = e.objective().to(self.device)
        if e.shard:
            sharding.shard(self.model, objective)
        layout = self.model.body_model.layout
        self.prepare = e.prepare(self.model, layout).to(self.device)
        self.optimizer = e.optimizer(groups(self.model, objective, e.learning_rates, e.optimizer))
        self.trained = [p for group in self.optimizer.param_groups for p in group["params"]]
        self.schedule = e.schedule(self.optimizer, e.epochs * self.order.batches)
        self.average = Average(self.model, e.ema) if e.ema else None
        self.parts: dict[str, Stateful] = {"model": self.model, "objective": objective}
        self.parts |= {"optimizer": self.optimizer, "schedule": self.schedule}
        self.parts |= {"average": self.average} if self.average else {}
        if e.shard:
            self.parts = sharding.parts(self.parts, self.model, self.optimizer, self.dump)
        with renew(self.optimizer, self.schedule):
            progress = snapshots.resume(self.dump, self.parts)
        self.progress = progress or self._begin()
        if e.compile:
            self.model.compile()
        self.bare = TrainingStep(self.model, objective, e.precision == "bf16")
        self.step = self.bare if e.shard else distributed.wrapped(self.bare)
        samples = Samples(e.train, self.model, self.model.joint_set, layout, e.augment, forgiving=True)
        self.loader = Loader(samples, self.order, e.workers, pinned=self.device.type == "cuda")
        self.writer = sharding.Together(self.dump) if e.shard else Writer(self.dump)
        self.interrupt, self.skipped, self.saved_at = Interrupt(), 0, time.monotonic()

    def _begin(self) -> Progress:
        """The network takes the weights that training starts from."""
        for part, path in self.experiment.weights.items():
            load_weights(self.model, path, part)
        if self.average:
            self.average.load_state_dict(self.model.state_dict())
        return Progress()

    def fit(self) -> bool:
        """Train to the end; False where a signal ended it before, its state saved."""
        self.log = Log(self.folder / "log", self.progress.step, silent=not distributed.first())
        self.log.say(self._greeting())
        try:
            with self.interrupt:
                to_the_end = self._trained()
                self.writer.finish()
                distributed.wait_for_all()
            name = self.progress.snapshot
            if not to_the_end:
                self.log.say(f"Ended by a signal, saved as {name}; --continue goes on from there.")
            return to_the_end
        finally:
            self.writer.close()
            self.log.close()

    def _trained(self) -> bool:
        with suppress(Interrupted):
            while self.progress.epoch < self.experiment.epochs:
                if self.progress.batch == 0:
                    self._check_up()
                self._epoch()
            self._check_up()
            return True
        return False

    def _greeting(self) -> str:
        e, place = self.experiment, self.progress
        start = f"goes on from {place.snapshot}" if place.step else "begins"
        learning = f"{sum(parameter.numel() for parameter in self.trained) / 1e6:.2f} M weights learn"
        device = f"{distributed.world()} x {self.device.type}"
        return (
            f"{e.name} {start}: {learning} from {len(e.train)} persons, in {e.epochs} epochs of "
            f"{self.order.batches} steps, on {device}; all of it goes to {shown(self.folder)}"
        )

    def _epoch(self) -> None:
        """The rest of an epoch; raises Interrupted where a signal ended it."""
        place = self.progress
        self.order.epoch, self.order.batch = place.epoch, place.batch
        self._enter_training()
        self.log.begin(f"epoch {place.epoch + 1}/{self.experiment.epochs}", self.order.batches, place.batch)
        batches = iter(self.loader)
        for _ in range(place.batch, self.order.batches):
            ending, late = self._learn(batches)
            place.batch, place.step = place.batch + 1, place.step + 1
            if place.batch == self.order.batches:
                place.epoch, place.batch = place.epoch + 1, 0
            if ending or late or place.batch == 0:
                self._save()
            if ending:
                raise Interrupted
        self.log.end()

    def _enter_training(self) -> None:
        self.step.train()
        for name in self.frozen:
            self.model.get_submodule(name).eval()

    def _check_up(self) -> None:
        place = self.progress
        checkup = Checkup(self.experiment, self.folder, place.epoch, place.step, self.log, self.interrupt)
        if checkup.is_due:
            self.writer.settled()  # the average takes the weights' place
            checkup.run(self.model, self.average, self.order.share)

    def _learn(self, batches: Iterator[Batch]) -> tuple[bool, bool]:
        """One step; whether any process was asked to end, and whether it is time for a snapshot."""
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
        values, length, ending, late = self._agreed(sums)
        if all(map(math.isfinite, (*values.values(), length))):
            self._update(length)
            numbers = {**values, "gradient": length, "learning_rate": self.optimizer.param_groups[0]["lr"]}
            where = {**asdict(place), "step": place.step + 1}
            self.log.step(where, numbers, self._speed(time.perf_counter() - began, waited))
        else:
            self._refuse(values, parts)
        self.schedule.step()
        return ending, late

    def _agreed(self, sums: dict[str, Tensor]) -> tuple[dict[str, float], float, bool, bool]:
        """Losses, the gradient's length and what all processes wish for, in one exchange between them."""
        gradients = [p.grad for p in self.trained if p.grad is not None]
        norm = distributed.whole(nn.utils.get_total_norm(gradients))
        due = distributed.first() and not self.writer.busy
        due = due and time.monotonic() - self.saved_at > 60 * self.experiment.save_minutes
        wishes = norm.new_tensor([self.interrupt.asked, due])
        numbers = distributed.averaged(torch.cat([torch.stack([*sums.values(), norm]).float(), wishes]))
        *values, length, ending, late = numbers.tolist()
        return {"loss": sum(values), **dict(zip(sums, values, strict=True))}, length, ending > 0, late > 0

    def _update(self, length: float) -> None:
        if self.experiment.clip is not None:
            nn.utils.clip_grads_with_norm_(self.trained, self.experiment.clip, torch.tensor(length))
        self.writer.settled()
        self.optimizer.step()
        if self.average:
            self.average.update(self.progress.step)
        self.writer.rehearse(self.parts)
        self.skipped = 0

    def _refuse(self, values: dict[str, float], parts: list[Batch]) -> None:
        """Say what is not finite and whose fault it is; then leave the step out, or stop, as configured."""
        terms = {name: value for name, value in values.items() if name != "loss"}
        why = fault(self.bare, (self.prepare(part.to(self.device)) for part in parts), terms)
        self._enter_training()
        text = f"Step {self.progress.step + 1}: {why}"
        self.skipped += 1
        if self.experiment.on_nan == "stop" or self.skipped > SKIPS:
            raise UserError(
                f"{text}; training stopped, its snapshots are untouched: look at these samples, lower "
                "optimizer.lr, set clip=1.0, or leave such steps out with on_nan=skip."
            )
        self.log.say(f"{text}; the step is left out.")

    def _speed(self, seconds: float, waited: float) -> dict[str, float]:
        numbers = {"samples_per_second": self.experiment.batch_size / seconds, "waiting": waited / seconds}
        if self.device.type == "cuda":
            numbers["memory_gib"] = torch.cuda.max_memory_allocated() / 2**30
        return {f"speed/{name}": value for name, value in numbers.items()}

    def _save(self) -> None:
        best = best_epoch(self.folder, self.experiment.best)
        done = partial(snapshots.prune, self.dump, self.experiment.keep, best)
        self.writer.save(self.parts, self.progress, done)
        self.saved_at = time.monotonic()
