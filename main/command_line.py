"""The commands as the field types them: each flag is sugar for one `dotted.key=value`, accepted too."""

from __future__ import annotations

import argparse
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from common.checkpoint import snapshots
from common.utils import distributed, paths
from common.utils.errors import UserError, did_you_mean
from data.loading.dataset import Benchmark
from main import record
from main.evaluator import best_epoch
from main.experiment import Experiment, load

DEFAULT = "config/lifter/lifter.py"
FAILED, MISUSED, UNFINISHED = 1, 2, 75  # the last asks a scheduler to start the job again


class Parser(argparse.ArgumentParser):
    """A parser that answers an unknown flag with the nearest known one, in one sentence and with status 2."""

    def __init__(self, program: str, description: str) -> None:
        super().__init__(prog=program, description=description, allow_abbrev=False)
        self.sugar: dict[str, str] = {}
        self.add_argument(
            "overrides", nargs="*", metavar="KEY=VALUE", help="any value of the experiment: optimizer.lr=3e-5"
        )

    def add_sugar(self, flag: str, key: str, text: str) -> None:
        """A flag that stands for one override."""
        self.sugar[flag.lstrip("-")] = key
        self.add_argument(flag, metavar=flag.strip("-").split("_")[-1].upper(), help=f"{text} ({key})")

    def parse(self, arguments: Sequence[str] | None) -> argparse.Namespace:
        """The arguments, flags of sugar already turned into overrides."""
        found, unknown = self.parse_known_args(arguments)
        flags = [
            option for action in self._actions for option in action.option_strings if option.startswith("--")
        ]
        for word in unknown:
            if word.startswith("-"):
                self.error(f"there is no flag {word.split('=')[0]}{did_you_mean(word.split('=')[0], flags)}")
        found.overrides += unknown
        for word in found.overrides:
            if "=" not in word:
                self.error(f"'{word}' is neither a flag nor of the form key=value")
        sweet = [
            f"{key}={getattr(found, name)}"
            for name, key in self.sugar.items()
            if getattr(found, name) is not None
        ]
        found.overrides = [*sweet, *found.overrides]
        return found

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message.rstrip('.')}. (--help lists the flags)", file=sys.stderr)
        raise SystemExit(MISUSED)


@contextmanager
def sentences() -> Iterator[None]:
    """What a user can put right ends the program with one sentence and status 1, not with a traceback.

    HUMANMESH_TRACEBACK=1 in the environment shows the traceback all the same.
    """
    try:
        yield
    except (UserError, OSError) as error:
        if os.environ.get("HUMANMESH_TRACEBACK"):
            raise
        if distributed.first() or not isinstance(error, UserError):
            print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        raise SystemExit(FAILED) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def training(arguments: Sequence[str] | None = None) -> tuple[Experiment, Path]:
    """The experiment and the run's folder of a `train.py` command line; the first process makes the folder."""
    parser = Parser("train.py", "Train one experiment.")
    parser.add_argument("--config", required=True, help="a file below config/, or of your own")
    parser.add_argument(
        "--num_gpus", type=int, metavar="N", help="processes to start on this machine, a GPU each"
    )
    parser.add_argument(
        "--continue", dest="go_on", action="store_true", help="go on with the newest run of that name"
    )
    parser.add_sugar("--exp_name", "name", "name of the run")
    parser.add_sugar("--lr", "optimizer.lr", "learning rate")
    parser.add_sugar("--end_epoch", "epochs", "how many epochs")
    parser.add_sugar("--train_batch_size", "batch_size", "of all processes together")
    found = parser.parse(arguments)
    if found.num_gpus and found.num_gpus > 1 and not distributed.started():
        distributed.relaunch(
            found.num_gpus, "main.train", list(sys.argv[1:] if arguments is None else arguments)
        )
    experiment = load(found.config, found.overrides)
    folder = None
    if distributed.first():
        older = sorted(paths.OUTPUT.glob(f"train_{experiment.name}_[0-9]*")) if found.go_on else []
        folder = older[-1] if older else new_folder("train", experiment.name)
        for change in _changes(folder, experiment) if older else ():
            print(f"changed since that run began: {change}", file=sys.stderr)
        record.write(folder, experiment, found.config, found.overrides)
    return experiment, distributed.from_first(folder)


def _changes(folder: Path, experiment: Experiment) -> list[str]:
    return record.differences(record.read(folder)[1], record.resolved(experiment))


def new_folder(kind: str, job: str) -> Path:
    """output/<kind>_<job>_<date_time>, a name that nobody has yet."""
    name = f"{kind}_{job}_{datetime.now():%Y%m%d_%H%M%S}"
    for number in range(1, 100):
        folder = paths.OUTPUT / (name if number == 1 else f"{name}_{number}")
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            continue
        except OSError as error:
            raise UserError(
                f"{folder} cannot be made ({error.strerror}); see who owns {paths.OUTPUT}."
            ) from error
    raise UserError(f"{paths.OUTPUT / name} and 98 more of that name exist; wait a second.")


def testing(
    arguments: Sequence[str] | None = None,
) -> tuple[Experiment, Path, list[Benchmark], argparse.Namespace]:
    """The experiment, its weights, the benchmarks and the rest of a `test.py` command line."""
    parser = Parser("test.py", "Measure weights on benchmarks; with no arguments, the free default's.")
    parser.add_argument(
        "--testset", metavar="NAME[,NAME...]", help="such as EHF; default: the experiment's own"
    )
    parser.add_argument("--config", help="a file below config/, or of your own")
    parser.add_argument("--result_path", type=Path, metavar="RUN", help="a folder that train.py made")
    parser.add_argument(
        "--ckpt_idx", metavar="K", help="which snapshot of it: an epoch, best, or last (default)"
    )
    parser.add_argument(
        "--pretrained_model_path", type=Path, metavar="FILE", help="weights, ours or published"
    )
    parser.add_argument(
        "--agora_benchmark", nargs="?", const="test", metavar="SPLIT", help="AGORA's test or validation set"
    )
    parser.add_argument(
        "--as_published", action="store_true", help="with the published evaluation's known bugs"
    )
    parser.add_argument("--test_batch_size", type=int, default=32, metavar="B")
    parser.add_sugar("--exp_name", "name", "name of the run")
    found = parser.parse(arguments)
    if found.result_path:
        experiment, found.changes = _reopened(found)
        weights = found.pretrained_model_path or _snapshot(found.result_path, experiment, found.ckpt_idx)
    else:
        experiment, found.changes = load(found.config or DEFAULT, found.overrides), []
        weights = found.pretrained_model_path or experiment.released
    if weights is None:
        raise UserError(
            f"{experiment.name} names no released weights; give --pretrained_model_path or --result_path."
        )
    return experiment, paths.found(weights), _benchmarks(experiment, found), found


def _reopened(found: argparse.Namespace) -> tuple[Experiment, list[str]]:
    run = paths.found(found.result_path)
    found.result_path = run if run.exists() else paths.OUTPUT / run
    experiment, command, changes = record.reopened(found.result_path, found.overrides)
    found.config = command.config
    return experiment, changes


def _snapshot(run: Path, experiment: Experiment, which: str | None) -> Path:
    there = {path.name.removeprefix("snapshot_"): path for path in snapshots(run / "model_dump")}
    if not there:
        raise UserError(f"{run / 'model_dump'} holds no snapshot.")
    if which in (None, "last"):
        return list(there.values())[-1]
    chosen = str(best_epoch(run, experiment.best)) if which == "best" else which.removeprefix("snapshot_")
    if chosen not in there:
        raise UserError(f"{run} has no snapshot {which}; it has {', '.join(there)}.")
    return there[chosen]


def _benchmarks(experiment: Experiment, found: argparse.Namespace) -> list[Benchmark]:
    """Those asked for by name: the experiment's own, else the one a file of `data` makes."""
    names = [name for name in (found.testset or "").split(",") if name]
    names += [f"AGORA_{found.agora_benchmark}"] if found.agora_benchmark else []
    own = {benchmark.name: benchmark for benchmark in experiment.test}
    chosen = [
        own[n] if n in own and not found.as_published else _made(n, found.as_published, own)
        for n in names or own
    ]
    if not chosen:
        raise UserError(f"{experiment.name} has no benchmark of its own; name one with --testset.")
    return chosen


def _made(name: str, as_published: bool, own: dict[str, Benchmark]) -> Benchmark:
    """EHF -> data.ehf.benchmark(); EgoBody_Kinect -> data.egobody.benchmark("kinect")."""
    words = name.lower().split("_")
    modules = {path.stem for path in (paths.ROOT / "data").glob("*.py")}
    for count in range(len(words), 0, -1):
        if "_".join(words[:count]) in modules:
            module = import_module("data." + "_".join(words[:count]))
            make: Callable[..., Benchmark] | None = getattr(module, "benchmark", None)
            if make:
                return make(
                    *(["_".join(words[count:])] if words[count:] else []), **_quirks(make, name, as_published)
                )
    known = [
        *own,
        *(path.stem for path in sorted((paths.ROOT / "data").glob("*.py")) if _has_benchmark(path)),
    ]
    raise UserError(f"There is no benchmark '{name}'{did_you_mean(name, known)}")


def _quirks(make: Callable[..., Benchmark], name: str, as_published: bool) -> dict[str, Any]:
    if not as_published:
        return {}
    if "as_published" not in inspect.signature(make).parameters:
        raise UserError(f"{name} has no published bug to bring back; leave --as_published out.")
    return {"as_published": True}


def _has_benchmark(path: Path) -> bool:
    return "\ndef benchmark(" in path.read_text()
