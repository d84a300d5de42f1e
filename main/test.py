"""Measure weights on benchmarks:  python -m main.test --config config/osx/osx_l.py --testset EHF"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from common.checkpoint import load_weights
from common.networks.model import Model
from common.structures import Batch, Prediction
from common.utils import distributed
from common.utils.errors import UserError
from common.utils.paths import shown
from main import record
from main.command_line import FAILED, Test, new_folder, sentences, testing
from main.evaluator import Result, evaluate, write
from main.pictures import pictures, save


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 where everything asked for was measured."""
    with sentences(), distributed.processes():
        test = testing(arguments)
        for change in test.changes if distributed.first() else ():
            print(f"changed since that run began: {change}", file=sys.stderr)
        model = test.experiment.model()
        load_weights(model, test.weights)
        return measure(test, model.to(distributed.device()))


def measure(test: Test, model: Model) -> int:
    """Every benchmark in turn, each written when it is done; one that cannot be measured stops no other."""
    folder = distributed.once(lambda: new_folder("test", test.job))
    results: list[Result] = []
    failures: list[Exception] = []
    for benchmark in test.experiment.test:
        try:
            result = evaluate(
                model,
                benchmark,
                batch_size=test.batch_size,
                workers=test.experiment.workers,
                progress=sys.stderr.isatty(),
                look=partial(draw, model, folder / "vis" / benchmark.name) if test.pictures else None,
            )
        except (UserError, OSError) as error:
            if distributed.world() > 1:  # the others cannot know
                raise
            failures.append(error)
            continue
        results.append(result)
        about = {
            "weights": shown(test.weights),
            "version": record.version(),
            "as_published": test.as_published,
        }
        if distributed.first():
            write(folder / "result" / f"{result.benchmark}.json", result, about)
    if distributed.first():
        record.write(folder, test.experiment, test.config, test.overrides)
        print(table(results, test.experiment.published))
        print(f"Written to {shown(folder)}")
        for failure in failures:
            print(f"test.py: {failure}", file=sys.stderr)
    return FAILED if failures else 0


def draw(model: Model, folder: Path, batch: Batch, prediction: Prediction) -> None:
    """A picture of everybody in a batch, named after the first."""
    name = "".join(letter if letter.isalnum() else "_" for letter in batch.name[0])
    save(folder / f"{name}.jpg", pictures(model, batch, prediction, most=len(batch.name)))


def table(results: Sequence[Result], published: Mapping[str, float]) -> str:
    """Ours, published, and the difference, a line each; errors of points are in millimeters."""
    rows = [("", "ours", "published", "difference")]
    for result in results:
        for name, ours in result.numbers.items():
            key = f"{result.benchmark}/{name}"
            theirs = published.get(key)
            other = ("-", "-") if theirs is None else (f"{theirs:.2f}", f"{ours - theirs:+.2f}")
            rows.append((key, f"{ours:.2f}", *other))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"{a:{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}" for a, b, c, d in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
