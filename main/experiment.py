"""All there is to know about a run: which network, which data, which objective, for how long."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Literal, get_type_hints

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from common.joints import BodyLayout
from common.losses.objective import Objective
from common.networks.model import Model
from common.preprocess.augment import Augment
from common.utils.errors import UserError, did_you_mean
from common.utils.paths import ROOT, shown
from data.loading.dataset import Benchmark, Dataset
from data.on_device.posed_targets import PosedTargets
from main.overrides import changed, children, fitted, is_plain, named

Prepare = Callable[[Model, BodyLayout], nn.Module]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One run; a config file holds one, and variants are `dataclasses.replace(base, ...)`."""

    name: str
    model: Callable[[], Model]  # a partial, and so are objective, optimizer and schedule
    objective: Callable[[], Objective]
    train: Dataset
    test: tuple[Benchmark, ...] = ()
    on_request: tuple[Benchmark, ...] = ()  # what test.py knows by name besides, and training leaves alone
    published: Mapping[str, float] = field(default_factory=dict)  # {"EHF/mpvpe": 70.8}, printed beside ours
    released: Path | None = None  # the weights that test and demo use where the user names none
    prepare: Prepare = PosedTargets  # finishes a training batch on the device
    augment: Augment = field(default_factory=Augment)
    optimizer: Callable[[list[dict[str, Any]]], Optimizer]
    schedule: Callable[[Optimizer, int], LRScheduler]  # one step a step
    learning_rates: Mapping[str, float] = field(default_factory=dict)  # by name prefix: factors, 0 freezes
    epochs: int
    batch_size: int  # of all processes together
    seed: int = 0
    clip: float | None = None  # of the gradient's norm
    ema: float | None = None  # decay of the averaged weights, such as 0.999
    sync_batch_norm: bool = False
    shard: bool = False  # share out weights and moments over all processes, for networks that fill a GPU
    weights: Mapping[str, Path] = field(default_factory=dict)  # what training starts from; "" the whole model
    precision: Literal["fp32", "tf32", "bf16"] = "fp32"  # of training; tests are float32
    compile: bool = False
    accumulate: int = 1  # parts that a process takes its share of a batch in
    workers: int = 8  # loading processes of each process
    evaluate_every: int = 1  # epochs; 0 never
    save_minutes: float = 10.0  # between two snapshots within an epoch
    keep: int = 3  # whole epochs' snapshots
    best: str | None = None  # the metric, such as "EHF/mpvpe", whose best epoch is kept too; lower is better
    on_nan: Literal["stop", "skip"] = "stop"

    def __post_init__(self) -> None:
        least = {"epochs": 1, "batch_size": 1, "accumulate": 1, "keep": 1, "workers": 0, "evaluate_every": 0}
        for name, number in least.items():
            value = getattr(self, name)
            if isinstance(value, int) and value < number:
                raise UserError(f"{name} must be at least {number}, not {value}.")


def load(path: str | Path, overrides: Sequence[str] = ()) -> Experiment:
    """The experiment of a config file, with `dotted.key=value` overrides applied in turn.

    Raises UserError in one sentence for an unknown file or key, a broken config, or a value of a wrong type.
    """
    file = find(path)
    experiment = getattr(_imported(file), "experiment", None)
    if not isinstance(experiment, Experiment):
        raise UserError(f"{shown(file)} defines no `experiment = Experiment(...)`.")
    _check(experiment, shown(file))
    return overridden(experiment, overrides)


def overridden(experiment: Experiment, overrides: Sequence[str]) -> Experiment:
    """A copy of an experiment with `dotted.key=value` overrides applied in turn; raises as `load` does."""
    for text in overrides:
        experiment = changed(experiment, text)
    return experiment


def find(path: str | Path) -> Path:
    """The config file meant: from the caller's folder, the project's or `config/`, or by its bare name."""
    path = Path(path).expanduser()
    path = path if path.suffix == ".py" else path.with_name(path.name + ".py")
    for folder in (Path.cwd(), ROOT, ROOT / "config"):
        if (folder / path).is_file():
            return (folder / path).resolve()
    known = [file for file in sorted((ROOT / "config").rglob("*.py")) if file.name != "__init__.py"]
    same = [file for file in known if file.name in (path.name, path.name.removeprefix("config_"))]
    if len(path.parts) == 1 and len(same) == 1:
        return same[0]
    if len(path.parts) == 1 and same:
        raise UserError(f"There are several configs named {path}: {', '.join(map(shown, same))}; say which.")
    if path.name in {file.name for file in known}:
        raise UserError(f"There is no config {path}; did you mean '{shown(same[0])}'?")
    raise UserError(f"There is no config {path}{did_you_mean(str(path), map(shown, known))}")


class _Source(SourceFileLoader):
    """Reads a file as it is now: Python's cache misses an edit within a second, and litters the folder."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def _imported(file: Path) -> ModuleType:
    """A config of ours as the module it is; a user's own from wherever it lies."""
    try:
        if file.is_relative_to(ROOT / "config"):
            return importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
        loader = _Source(f"user_config_{file.stem}", str(file))
        spec = importlib.util.spec_from_loader(loader.name, loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # a data loader's workers pickle what stands in it
        loader.exec_module(module)
        return module
    except (UserError, OSError):
        raise
    except Exception as error:  # a config is the user's own program: anything can be wrong with it
        line = next(
            (
                f.lineno
                for f in reversed(traceback.extract_tb(error.__traceback__))
                if f.filename == str(file)
            ),
            0,
        )
        line = error.lineno or 0 if isinstance(error, SyntaxError) else line
        raise UserError(f"{shown(file)}, line {line}: {type(error).__name__}: {error}") from error


def _check(experiment: Experiment, file: str) -> None:
    """Raise where a plain field has a value of a wrong type, or a partial an argument its function lacks."""
    hints = get_type_hints(Experiment)
    for each in fields(Experiment):
        if is_plain(hints[each.name]):
            fitted(getattr(experiment, each.name), hints[each.name], None, f"{file}: {each.name}")
    _check_calls(experiment, "")


def _check_calls(node: Any, path: str) -> None:
    if isinstance(node, partial):
        parameters = inspect.signature(node.func).parameters
        anything = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
        for key in () if anything else node.keywords:
            if key not in parameters:
                raise UserError(f"{path} ({named(node)}) takes no '{key}'{did_you_mean(key, parameters)}")
    for name, (child, _) in children(node).items():
        _check_calls(child, f"{path}.{name}".lstrip("."))
