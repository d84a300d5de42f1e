"""The commands as the field types them: each flag is sugar for one `dotted.key=value`, accepted too."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from common.utils import distributed, failures, paths
from common.utils.errors import UserError, did_you_mean
from common.utils.failures import FAILED
from common.utils.launch import launch
from main import record, snapshots
from main.benchmarks import chosen
from main.evaluator import best_epoch
from main.experiment import Experiment, load, overridden

DEFAULT = "config/lifter/lifter.py"
PROCESSES = "processes on this machine, a GPU each"
MISUSED, UNFINISHED = 2, 75  # the last asks a scheduler to start the job again


class Parser(argparse.ArgumentParser):
    """Flags and overrides; an unknown flag gets a sentence with the nearest known one, and status 2."""

    def __init__(self, program: str, description: str) -> None:
        super().__init__(prog=program, description=description, allow_abbrev=False)
        self.sugar: dict[str, str] = {}
        text = "any value of the experiment, such as optimizer.lr=3e-5"
        self.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help=text)

    def add_sugar(self, flag: str, key: str, text: str) -> None:
        """A flag that stands for one override."""
        self.sugar[flag.lstrip("-")] = key
        self.add_argument(flag, metavar=key.split(".")[-1].upper(), help=f"{text} (the same as {key}=...)")

    def parse(self, arguments: Sequence[str] | None) -> argparse.Namespace:
        """The arguments, with flags of sugar put in front of the other overrides."""
        found, others = self.parse_known_args(arguments)
        known = [flag for flag in self._option_string_actions if flag.startswith("--")]
        for word in others:
            flag = word.split("=")[0]
            if flag.startswith("-"):
                self.error(f"there is no flag {flag}{did_you_mean(flag, known)}")
        found.overrides += others  # those that follow a flag
        for word in found.overrides:
            if "=" not in word:
                self.error(f"'{word}' is neither a flag nor of the form key=value, such as epochs=20")
        values = {key: getattr(found, name) for name, key in self.sugar.items()}
        sweet = [f"{key}={value}" for key, value in values.items() if value is not None]
        found.overrides = sweet + found.overrides
        return found

    def error(self, message: str) -> NoReturn:
        end = "" if message.endswith((".", "?")) else "."
        print(f"{self.prog}: {message}{end} --help lists all flags.", file=sys.stderr)
        raise SystemExit(MISUSED)


@contextmanager
def sentences() -> Iterator[None]:
    """What a user can put right ends the program with one sentence and status 1, not with a traceback.

    HUMANMESH_TRACEBACK=1 in the environment shows the traceback all the same.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except (UserError, OSError, RuntimeError) as error:
        told = failures.sentence(error)
        if os.environ.get("HUMANMESH_TRACEBACK") or told is None:
            raise
        print(f"{Path(sys.argv[0]).name}: {told}", file=sys.stderr)
        raise SystemExit(FAILED) from None


def _share(count: int, module: str, arguments: Sequence[str] | None) -> None:
    """Leave the work to `count` processes on this machine, unless this is one of them, or of a launcher's."""
    if count > 1 and not distributed.started():
        raise SystemExit(launch(count, module, sys.argv[1:] if arguments is None else arguments))


def train_parser() -> Parser:
    """Of a `train.py` command line."""
    parser = Parser("train.py", "Train one experiment.")
    parser.add_argument("--config", help="a file below config/, or of your own")
    parser.add_argument("--num_gpus", type=int, default=1, metavar="N", help=PROCESSES)
    parser.add_argument("--continue", dest="go_on", action="store_true", help="the newest run of that name")
    parser.add_argument("--folder", type=Path, metavar="RUN", help="go on in this folder, or begin there")
    parser.add_argument("--only_folder", action="store_true", help="make the run's folder, print it, and end")
    parser.add_sugar("--exp_name", "name", "name of the run")
    parser.add_sugar("--lr", "optimizer.lr", "learning rate")
    parser.add_sugar("--end_epoch", "epochs", "how many epochs")
    parser.add_sugar("--train_batch_size", "batch_size", "of all processes together")
    return parser


def training(arguments: Sequence[str] | None = None) -> tuple[Experiment, Path]:
    """The experiment and the run's folder, which the first process makes, of a `train.py` command line."""
    parser = train_parser()
    found = parser.parse(arguments)
    if not found.config:
        parser.error(f"say which experiment, such as --config {DEFAULT}")
    _share(1 if found.only_folder else found.num_gpus, "main.train", arguments)
    experiment = load(found.config, found.overrides)
    folder = distributed.once(lambda: _run(found, experiment))
    if found.only_folder:
        print(folder)
        raise SystemExit(0)
    return experiment, folder


def _run(found: argparse.Namespace, experiment: Experiment) -> Path:
    """The folder named, of the newest run of that name, or of a new one, with what was typed on record."""
    older = sorted(paths.OUTPUT.glob(f"train_{experiment.name}_[0-9]*")) if found.go_on else []
    folder = found.folder or (older[-1] if older else new_folder("train", experiment.name))
    begun = (folder / "code" / record.COMMAND).exists()
    for change in record.changes(folder, experiment) if begun else ():
        print(f"changed since that run began: {change}", file=sys.stderr)
    record.write(folder, experiment, found.config, found.overrides)
    return folder


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
                f"{folder} cannot be made ({error.strerror}); who owns {paths.OUTPUT}?"
            ) from error
    raise UserError(f"{paths.OUTPUT / name} and 98 more of that name exist; wait a second.")


@dataclass(frozen=True)
class Test:
    """What a `test.py` command line asks for."""

    experiment: Experiment  # with the benchmarks asked for
    config: str
    overrides: list[str]
    weights: Path
    job: str
    batch_size: int
    as_published: bool
    pictures: bool
    changes: list[str]  # since the run that is tested began


def test_parser() -> Parser:
    """Of a `test.py` command line."""
    parser = Parser("test.py", "Measure weights on benchmarks; with no arguments, the free default's.")
    parser.add_argument("--testset", metavar="NAME[,NAME...]", help="such as EHF; default: the experiment's")
    parser.add_argument("--config", help="a file below config/, or of your own")
    parser.add_argument("--result_path", type=Path, metavar="RUN", help="a folder that train.py made")
    parser.add_argument("--ckpt_idx", metavar="K", help="its snapshot: an epoch, best, or last (the default)")
    parser.add_argument("--pretrained_model_path", type=Path, metavar="FILE", help="ours or published")
    parser.add_argument(
        "--agora_benchmark", nargs="?", const="test", metavar="SPLIT", help="test, validation"
    )
    parser.add_argument("--vis", action="store_true", help="draw every prediction over what the network saw")
    parser.add_argument("--as_published", action="store_true", help="with the published evaluation's bugs")
    parser.add_argument("--num_gpus", type=int, default=1, metavar="N", help=PROCESSES)
    parser.add_argument("--test_batch_size", type=int, default=32, metavar="B")
    parser.add_sugar("--exp_name", "name", "name of the test")
    return parser


def testing(arguments: Sequence[str] | None = None) -> Test:
    """Which experiment, with which weights, on which benchmarks."""
    parser = test_parser()
    found = parser.parse(arguments)
    if found.config and found.result_path:
        parser.error("--config and --result_path exclude each other: a run knows its config")
    if found.ckpt_idx and not found.result_path:
        parser.error("--ckpt_idx needs --result_path, the run whose snapshot it is")
    _share(found.num_gpus, "main.test", arguments)
    names = [name for name in (found.testset or "").split(",") if name]
    names += [f"AGORA_{found.agora_benchmark}"] if found.agora_benchmark else []
    changes: list[str] = []
    run = None
    if found.result_path:
        run = found.result_path if found.result_path.exists() else paths.OUTPUT / found.result_path
        experiment, command, changes = record.reopened(run)
        found.config = command.config
    else:
        found.config = found.config or DEFAULT
        experiment = load(found.config)
    own = (*experiment.test, *experiment.on_request) if names else experiment.test
    experiment = replace(experiment, test=chosen(own, names, found.as_published))
    experiment = overridden(experiment, found.overrides)
    weights: Path | None = found.pretrained_model_path or experiment.released
    if run and not found.pretrained_model_path:
        weights = snapshot(run, experiment, found.ckpt_idx)
    if weights is None:
        raise UserError(
            f"{experiment.name} has no released weights; give --pretrained_model_path or --result_path."
        )
    return Test(
        experiment=experiment,
        config=found.config,
        overrides=found.overrides,
        weights=paths.found(weights),
        job=experiment.name + (f"_ep{found.ckpt_idx}" if found.ckpt_idx else ""),
        batch_size=found.test_batch_size,
        as_published=found.as_published,
        pictures=found.vis,
        changes=changes,
    )


def snapshot(run: Path, experiment: Experiment, which: str | None = None) -> Path:
    """The snapshot of a run after epoch `which`, or the "best" or "last"; UserError where there is none."""
    there = {path.name.removeprefix("snapshot_"): path for path in snapshots.among(run / "model_dump")}
    if not there:
        raise UserError(f"{run / 'model_dump'} holds no snapshot.")
    if which in (None, "last"):
        return list(there.values())[-1]
    key = str(best_epoch(run, experiment.best)) if which == "best" else str(which).removeprefix("snapshot_")
    if key not in there:
        raise UserError(f"{run} has no snapshot {which}; it has {', '.join(there)}.")
    return there[key]
