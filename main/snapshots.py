"""Snapshots: the whole state of a run on disk, always one that is whole."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from common.checkpoint import DAMAGED, first_line, save_weights
from common.utils.errors import UserError
from common.utils.files import written_beside

STATE = "state.pt"


class Saved(Protocol):
    def state_dict(self) -> dict[str, Any]: ...


class Stateful(Saved, Protocol):
    def load_state_dict(self, state: dict[str, Any], /) -> Any: ...


@dataclass
class Progress:
    """Where a run stands: epochs done, batches done of the next one, steps in all."""

    epoch: int = 0
    batch: int = 0
    step: int = 0

    @property
    def snapshot(self) -> str:
        """The name of what is saved here: snapshot_3, or in the midst of the fourth epoch snapshot_3_1200."""
        return f"snapshot_{self.epoch}" + (f"_{self.batch}" if self.batch else "")


def save(folder: Path, parts: Mapping[str, Saved], progress: Progress) -> Path:
    """Write folder/snapshot_<epoch>[_<batch>]: NAME.safetensors for a part of tensors, state.pt for others.

    A part whose state is {"shards": FOLDER} has written it itself; the folder is moved in as NAME.

    The snapshot is written beside its place and renamed into it: what bears the name is whole. Raises
    UserError where it cannot be written; older snapshots are untouched then.
    """
    path = folder / progress.snapshot
    beside, aside = folder / f".{path.name}.new", folder / f".{path.name}.old"
    try:
        for left in (beside, aside):
            shutil.rmtree(left, ignore_errors=True)
        _write(beside, parts, progress)
        if path.exists():  # a damaged one: training came here before
            path.rename(aside)
        beside.rename(path)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise UserError(f"{path} cannot be written ({first_line(error)}); is the disk full?") from error
    finally:
        for left in (beside, aside):
            shutil.rmtree(left, ignore_errors=True)
    return path


def _write(folder: Path, parts: Mapping[str, Saved], progress: Progress) -> None:
    state: dict[str, Any] = {"progress": asdict(progress), "sizes": {}, "shards": {}}
    for name, part in parts.items():
        values = part.state_dict()
        if values and all(isinstance(value, Tensor) for value in values.values()):
            save_weights(folder / f"{name}.safetensors", values)
            state["sizes"][name] = (folder / f"{name}.safetensors").stat().st_size
        elif "shards" in values:
            values["shards"].rename(folder / name)
            state["shards"][name] = {path.name: path.stat().st_size for path in (folder / name).iterdir()}
        else:
            state[name] = values
    with written_beside(folder / STATE) as file:
        torch.save(state, file)


def resume(folder: Path, parts: Mapping[str, Stateful]) -> Progress | None:
    """Load the newest whole snapshot into `parts`; None where there is none.

    A damaged one is named and passed over. Raises UserError where one is whole, but of another model.
    """
    for path in reversed(among(folder)):
        try:
            state, progress = _read(path)
        except DAMAGED as error:
            logging.getLogger(__name__).warning("%s is damaged and passed over: %s", path, first_line(error))
            continue
        if state.keys() != parts.keys():
            raise UserError(
                f"{path} holds {', '.join(state)}, but this run has {', '.join(parts)}; start a new run."
            )
        for name, part in parts.items():
            try:
                part.load_state_dict(state[name])
            except (RuntimeError, ValueError, KeyError) as error:
                raise UserError(f"The {name} in {path} is not this run's: {first_line(error)}") from error
        return progress
    return None


def _read(path: Path) -> tuple[dict[str, Any], Progress]:
    """All of a snapshot, before any of it is used."""
    state = torch.load(path / STATE, map_location="cpu", weights_only=True)
    progress = Progress(**state.pop("progress"))
    for name, size in state.pop("sizes").items():
        file = path / f"{name}.safetensors"
        _check(file, size)
        state[name] = load_file(file)
    for name, sizes in state.pop("shards", {}).items():
        for file, size in sizes.items():
            _check(path / name / file, size)
        state[name] = {"shards": path / name}
    return state, progress


def _check(file: Path, size: int) -> None:
    if file.stat().st_size != size:
        raise ValueError(f"{file.name} has {file.stat().st_size} bytes, not {size}")


def among(folder: Path) -> list[Path]:
    """The snapshots of a run, the newest last."""
    found = [
        (re.fullmatch(r"snapshot_(\d+)(?:_(\d+))?", path.name), path) for path in folder.glob("snapshot_*")
    ]
    numbered = [(int(match[1]), int(match[2] or 0), path) for match, path in found if match]
    return [path for _, _, path in sorted(numbered)]


def prune(folder: Path, keep: int, best: int | None = None) -> None:
    """Delete all but the newest snapshot, the last `keep` whole epochs' and the best epoch's."""
    *older, newest = among(folder)
    whole = [path for path in (*older, newest) if path.name.count("_") == 1]
    kept = {path.name for path in whole[-keep:] if keep} | {f"snapshot_{best}"}
    for path in [*older, *folder.glob(".snapshot_*")]:  # the last, of runs that were killed while saving
        if path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)
