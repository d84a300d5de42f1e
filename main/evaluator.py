"""One model on one benchmark: every person measured once, summed up once."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from common.networks.model import Model
from common.structures import Batch, Prediction
from common.utils import distributed
from common.utils.errors import UserError
from common.utils.files import written_beside
from data.loading.dataset import Benchmark, Samples
from data.loading.loader import Loader, every_once
from main.precision import float32

Rows = dict[str, list[dict[str, Tensor]]]  # by the person's name: what each metric measured


@dataclass(frozen=True)
class Result:
    """What a benchmark said of a model."""

    benchmark: str
    numbers: dict[str, float]  # millimeters, unless the metric's name says otherwise
    rows: dict[str, dict[str, Any]] = field(repr=False)  # per person
    about: dict[str, Any] = field(repr=False)  # what the numbers hang on


@torch.no_grad()
def evaluate(
    model: Model,
    benchmark: Benchmark,
    *,
    batch_size: int = 32,
    workers: int = 0,
    progress: bool = False,
    look: Callable[[Batch, Prediction], None] | None = None,
) -> Result:
    """Measure a model, in float32, on the device it is on; in several processes each measures its share.

    `look` is shown every batch and what the model says of it. Raises UserError where the data set has not as
    many persons as the protocol, or two of one name.
    """
    check(benchmark)
    device = next(model.parameters()).device
    metrics = tuple(metric.asking(benchmark.dataset) for metric in benchmark.metrics)
    benchmark = replace(benchmark, metrics=metrics)
    samples = Samples(benchmark.dataset, model, benchmark.joint_set, benchmark.body)
    keys = every_once(len(samples), batch_size, distributed.rank(), distributed.world())
    prepare = benchmark.prepare(model, benchmark.body).to(device).eval()
    was_training = model.training
    model.eval()
    rows: Rows = {}
    hidden = not (progress and distributed.first())
    with float32():
        for batch in tqdm(Loader(samples, keys, workers), desc=benchmark.name, disable=hidden, leave=False):
            batch = prepare(batch.to(device))
            prediction = model(batch.inputs)
            rows |= _measured(benchmark, prediction, batch)
            if look:
                look(batch, prediction)
    model.train(was_training)
    table = {name: row for share in distributed.gathered(rows) for name, row in share.items()}
    if len(table) != len(samples):
        raise UserError(
            f"{benchmark.name} has {len(samples)} persons but {len(table)} names: two persons share one."
        )
    names = sorted(table)
    return Result(
        benchmark.name,
        _summary(benchmark, table, names),
        {name: {key: value.tolist() for row in table[name] for key, value in row.items()} for name in names},
        {"persons": len(table), **fingerprint(model, benchmark, names)},
    )


def check(benchmark: Benchmark) -> None:
    """Raise UserError where a benchmark's data set is not there, or not as its protocol has it."""
    if len(benchmark.dataset) == 0:
        raise UserError(f"{benchmark.name} has no persons to measure.")
    if benchmark.count not in (None, len(benchmark.dataset)):
        raise UserError(
            f"{benchmark.name} has {benchmark.count} persons by its protocol, but {len(benchmark.dataset)} "
            f"are here; complete it, or measure what is here with test.{benchmark.name}.count=None."
        )


def _measured(benchmark: Benchmark, prediction: Prediction, batch: Batch) -> Rows:
    columns = [metric.measure(prediction, batch) for metric in benchmark.metrics]
    columns = [{key: values.cpu() for key, values in measured.items()} for measured in columns]
    return {
        name: [{key: values[place] for key, values in measured.items()} for measured in columns]
        for place, name in enumerate(batch.name)
    }


def _summary(benchmark: Benchmark, table: Rows, names: list[str]) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for place, metric in enumerate(benchmark.metrics):
        keys = table[names[0]][place]
        numbers |= metric.summary(
            {key: torch.stack([table[name][place][key] for name in names]) for key in keys}
        )
    return numbers


def fingerprint(model: Model, benchmark: Benchmark, names: list[str]) -> dict[str, Any]:
    """What the numbers hang on: two results can be compared where these agree."""
    return {
        "names_sha256": hashlib.sha256("\n".join(names).encode()).hexdigest()[:16],
        "weights_sha256": _checksum(model.state_dict()),
        "metrics": [repr(metric) for metric in benchmark.metrics],
        "body": benchmark.body.name,
        "topology": getattr(model.body_model, "topology", None),
        "views": {name: list(view.size) for name, view in model.views.items()},
        "precision": "float32",
        "torch": torch.__version__,
        "device": str(next(model.parameters()).device.type),
    }


def _checksum(state: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(name.encode())
        digest.update(
            distributed.whole(tensor.detach()).cpu().contiguous().flatten().view(torch.uint8).numpy().data
        )
    return digest.hexdigest()[:16]


def write(path: Path, result: Result, about: Mapping[str, Any], persons: bool = True) -> None:
    """The result as JSON, whole or not at all, person by person on request; what does not apply is null."""
    content: dict[str, Any] = {"benchmark": result.benchmark, "numbers": result.numbers}
    content["about"] = {**result.about, **about}
    if persons:
        content["persons"] = result.rows
    with written_beside(path) as file:
        file.write_text(json.dumps(_valid(content), indent=1, allow_nan=False) + "\n")


def _valid(value: Any) -> Any:
    """JSON knows no NaN."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: _valid(item) for key, item in value.items()}
        case list():
            return [_valid(item) for item in value]
    return value


def best_epoch(folder: Path, metric: str | None) -> int | None:
    """The epoch of a run whose `metric`, such as "EHF/mpvpe", was lowest so far; None before any was."""
    if metric is None:
        return None
    benchmark, _, name = metric.partition("/")
    measured = {}
    for path in folder.glob(f"result/{benchmark}_*.json"):
        content = json.loads(path.read_text())
        value = content["numbers"].get(name)
        if value is not None:
            measured[content["about"]["epoch"]] = value
    return min(measured, key=lambda epoch: (measured[epoch], epoch), default=None)
