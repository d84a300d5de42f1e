"""Benchmarks by name: an experiment's own, else the one that a file of `data` makes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module

from common.utils.errors import UserError, did_you_mean
from common.utils.paths import ROOT
from data.loading.dataset import Benchmark


def chosen(
    own: Sequence[Benchmark], names: Sequence[str], as_published: bool = False
) -> tuple[Benchmark, ...]:
    """The benchmarks asked for, an experiment's own where none is; UserError for an unknown name.

    `as_published` brings back the known bugs of the published evaluation, where a benchmark had any: of an
    experiment's own benchmark those that it names itself, else those of its name.
    """
    by_name = {benchmark.name: benchmark for benchmark in own}
    usable = {name: each.published if as_published else each for name, each in by_name.items()}
    if not names and not own:
        raise UserError("The experiment has no benchmark of its own; name one with --testset.")
    return tuple(usable.get(name) or made(name, as_published, by_name) for name in names or by_name)


def made(name: str, as_published: bool = False, others: Iterable[str] = ()) -> Benchmark:
    """EHF -> data.ehf.benchmark(), EgoBody_Kinect -> data.egobody.benchmark("kinect")."""
    words = name.lower().split("_")
    for count in range(len(words), 0, -1):
        module, rest = "_".join(words[:count]), "_".join(words[count:])
        if module in _modules():
            benchmark: Callable[..., Benchmark] = import_module(f"data.{module}").benchmark
            if not as_published:
                return benchmark(*([rest] if rest else []))
            if "as_published" not in inspect.signature(benchmark).parameters:
                raise UserError(f"{name} has no published bug to bring back; leave --as_published out.")
            return benchmark(*([rest] if rest else []), as_published=True)
    raise UserError(f"There is no benchmark '{name}'{did_you_mean(name, [*others, *_modules()])}")


def _modules() -> list[str]:
    """The files of `data` that make a benchmark."""
    files = sorted((ROOT / "data").glob("*.py"))
    return [file.stem for file in files if "\ndef benchmark(" in file.read_text(encoding="utf-8")]
