"""What a run was: its resolved experiment as text, its command, and what has changed since."""

from __future__ import annotations

import json
import shutil
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
from common.utils.paths import ROOT
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
        yield path, _shown(node)
    for name, (child, _) in inside.items():
        yield from _lines(child, f"{path}.{name}" if path else name)


def _shown(node: Any) -> str:
    if isinstance(node, Path):
        return repr(str(node))
    if is_leaf(node):
        return repr(node)
    kind = (
        node.func
        if isinstance(node, partial)
        else node
        if callable(node) and hasattr(node, "__name__")
        else type(node)
    )
    name = f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(node, partial):
        return name + (f"{node.args!r}" if node.args else "")
    values = {key: value for key, value in getattr(node, "__dict__", {}).items() if not key.startswith("_")}
    if is_dataclass(node) or kind is not type(node):
        return name
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in values.items() if is_leaf(value))})"


def differences(before: str, now: str) -> list[str]:
    """The keys whose values differ, each with both values."""
    old, new = (
        dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line) for text in (before, now)
    )
    keys = dict.fromkeys([*old, *new])
    return [
        f"{k}: {old.get(k, 'absent')} -> {new.get(k, 'absent')}" for k in keys if old.get(k) != new.get(k)
    ]


def write(folder: Path, experiment: Experiment, config: str, overrides: Sequence[str]) -> None:
    """Put the command, the resolved experiment and a copy of the config into folder/code."""
    code = folder / "code"
    command = Command(config, tuple(overrides), tuple(sys.argv), version())
    with written_beside(code / COMMAND) as file:
        file.write_text(json.dumps(asdict(command), indent=1) + "\n")
    with written_beside(code / RESOLVED) as file:
        file.write_text(resolved(experiment))
    source = find(config)
    if source.resolve().parent != code.resolve():
        shutil.copyfile(source, code / source.name)


def read(folder: Path) -> tuple[Command, str]:
    """The command and the resolved experiment of a run's folder; UserError where it is none."""
    try:
        values = json.loads((folder / "code" / COMMAND).read_text())
        command = Command(**{key: tuple(v) if isinstance(v, list) else v for key, v in values.items()})
        return command, (folder / "code" / RESOLVED).read_text()
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"{folder} is no run of ours: {folder / 'code' / COMMAND} cannot be read ({error})."
        ) from error


def reopened(folder: Path, overrides: Sequence[str] = ()) -> tuple[Experiment, Command, list[str]]:
    """A run's experiment as its config has it today, with the run's overrides and then these; and what differs."""
    command, before = read(folder)
    experiment = load(command.config, [*command.overrides, *overrides])
    return experiment, command, differences(before, resolved(experiment))


def version() -> str:
    """The code's version: the commit and whether files were changed since, or "unknown" outside a checkout."""
    try:
        git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
        return subprocess.run(git, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
