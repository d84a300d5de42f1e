"""Measure weights on benchmarks:  python -m main.test --config config/osx/osx_l.py --testset EHF"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from common.checkpoint import load_weights
from common.utils import distributed
from common.utils.paths import ROOT
from main import record
from main.command_line import DEFAULT, new_folder, sentences, testing
from main.evaluator import Result, evaluate, write
from main.weights import set_precision


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 where all was measured."""
    with sentences(), distributed.processes():
        experiment, weights, benchmarks, found = testing(arguments)
        for change in found.changes if distributed.first() else ():
            print(f"changed since that run began: {change}", file=sys.stderr)
        set_precision("fp32")
        model = experiment.model()
        load_weights(model, weights)
        model = model.to(distributed.device())
        results = []
        for benchmark in benchmarks:
            results.append(
                evaluate(
                    model,
                    benchmark,
                    batch_size=found.test_batch_size,
                    workers=experiment.workers,
                    progress=True,
                )
            )
        if distributed.first():
            folder = new_folder("test", experiment.name)
            record.write(folder, experiment, found.config or DEFAULT, found.overrides)
            for result in results:
                about = {
                    "weights": str(weights),
                    "version": record.version(),
                    "as_published": found.as_published,
                }
                write(folder / "result" / f"{result.benchmark}.json", result, **about)
            print(table(results, experiment.published))
            print(f"Written to {folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder}")
    return 0


def table(results: Sequence[Result], published: Mapping[str, float]) -> str:
    """Ours, published, and the difference, a line each."""
    rows = [("", "ours", "published", "difference")]
    for result in results:
        for name, ours in result.numbers.items():
            key = f"{result.benchmark}/{name}"
            theirs = published.get(key)
            other = ("", "") if theirs is None else (f"{theirs:.2f}", f"{ours - theirs:+.2f}")
            rows.append((key, f"{ours:.2f}", *other))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"{a:{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}" for a, b, c, d in rows]
    return "\n".join(line.rstrip() for line in lines)


if __name__ == "__main__":
    raise SystemExit(main())
