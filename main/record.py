"""What a run was: its resolved experiment as text, its command, and what has changed since."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any

from common.joints import BodyLayout, JointSet
from common.utils.errors import UserError
from common.utils.files import written_beside
from common.utils.paths import ROOT, shown
from main.experiment import Experiment, find, load
from main.overrides import OpenMapping, children, is_leaf

COMMAND, RESOLVED = "command.json", "experiment.txt"


@dataclass(frozen=True)
class Command:
    """What was typed, and the version of the code it ran."""

    config: str
    overrides: tuple[str, ...]
    typed: tuple[str, ...]
    version: str


def resolved(experiment: Experiment) -> str:
    """Every value of an experiment, one `dotted.key = value` a line, defaults included."""
    return "".join(f"{key} = {value}\n" for key, value in _lines(experiment, ""))


def _lines(node: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, JointSet | BodyLayout):
        yield path, node.name
        return
    inside = {} if is_leaf(node) else children(node)
    unnamed = isinstance(node, OpenMapping | Mapping | tuple | list)  # what they hold says enough
    if path and not (unnamed and not is_leaf(node)):
        yield path, _value(node)
    for name, (child, _) in inside.items():
        yield from _lines(child, f"{path}.{name}" if path else name)


def _value(node: Any) -> str:
    if isinstance(node, Path):
        return repr(str(node))
    if is_leaf(node):
        return repr(node)
    called = node.func if isinstance(node, partial) else node
    kind = called if hasattr(called, "__qualname__") else type(called)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(node, partial):
        return name + (f"{node.args!r}" if node.args else "")
    if kind is called or is_dataclass(node):
        return name
    plain = {key: value for key, value in vars(node).items() if not key.startswith("_") and is_leaf(value)}
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in plain.items())})"


def differences(before: str, now: str) -> list[str]:
    """The keys whose values differ, each with both values."""
    old, new = (
        dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line) for text in (before, now)
    )
    keys = dict.fromkeys([*old, *new])
    return [
        f"{k}: {old.get(k, 'absent')} -> {new.get(k, 'absent')}" for k in keys if old.get(k) != new.get(k)
    ]


def changes(folder: Path, experiment: Experiment) -> list[str]:
    """What is different in an experiment from the one that a run's folder has on record."""
    return differences(read(folder)[1], resolved(experiment))


def write(folder: Path, experiment: Experiment, config: str, overrides: Sequence[str]) -> None:
    """Put the command, the resolved experiment and a copy of the config into folder/code."""
    code, source = folder / "code", find(config)
    command = Command(shown(source), tuple(overrides), tuple(sys.argv), version())
    with written_beside(code / COMMAND) as file:
        file.write_text(json.dumps(asdict(command), indent=1) + "\n")
    with written_beside(code / RESOLVED) as file:
        file.write_text(resolved(experiment))
    code.joinpath(source.name).write_bytes(source.read_bytes())


def read(folder: Path) -> tuple[Command, str]:
    """The command and the resolved experiment of a run's folder; UserError where it is none."""
    try:
        values = json.loads((folder / "code" / COMMAND).read_text())
        overrides, typed = tuple(values["overrides"]), tuple(values["typed"])
        command = Command(values["config"], overrides, typed, values["version"])
        return command, (folder / "code" / RESOLVED).read_text()
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{folder} is no run of ours: {folder / 'code' / COMMAND} cannot be read ({error})."
        ) from error


def reopened(folder: Path, overrides: Sequence[str] = ()) -> tuple[Experiment, Command, list[str]]:
    """A run's experiment as its config has it today, under its overrides and these; and what differs."""
    command, before = read(folder)
    copied = folder / "code" / Path(command.config).name
    config = command.config if (ROOT / command.config).exists() else copied
    experiment = load(config, [*command.overrides, *overrides])
    return experiment, command, differences(before, resolved(experiment))


def version() -> str:
    """The code's version: the commit, and whether files were changed since; "unknown" outside a checkout."""
    try:
        git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
        return subprocess.run(git, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
