"""Files of weights: written, and loaded into a network, ours or published, strictly."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from common.utils import distributed, paths
from common.utils.errors import UserError
from common.utils.files import written_beside

ENVELOPES = ("best_model_state_dict", "network", "model", "state_dict", "model_state_dict")
State = dict[str, Tensor]
DAMAGED = (OSError, RuntimeError, EOFError, KeyError, ValueError, SafetensorError, pickle.UnpicklingError)
_SCALARS = [
    (np._core.multiarray.scalar, "numpy.core.multiarray.scalar"),
    np._core.multiarray.scalar,
    np.dtype,
]
_SCALARS += [getattr(np.dtypes, f"{kind}DType") for kind in ("Float32", "Float64", "Int32", "Int64", "Bool")]


def save_weights(path: Path, state: Mapping[str, Tensor], about: Mapping[str, str] | None = None) -> None:
    """Write tensors as safetensors, whole or not at all; `about` is kept beside them in the file."""
    tensors: State = {}
    places: set[int] = set()
    for name, tensor in state.items():
        tensor = tensor.detach().cpu().contiguous()
        shared = tensor.untyped_storage().data_ptr() in places  # the format holds no tensor twice
        tensors[name] = tensor.clone() if shared else tensor
        places.add(tensors[name].untyped_storage().data_ptr())
    with written_beside(path) as file:
        save_file(tensors, file, dict(about or {}))


def about(path: Path) -> dict[str, str]:
    """What a safetensors file says of itself."""
    with safe_open(path, "pt") as file:
        return file.metadata() or {}


def load_weights(model: nn.Module, path: str | Path, part: str = "", trust: bool = False) -> None:
    """Load a file of weights into a model, or into its submodule `part`, strictly.

    The file may be ours or published, of the part or of a whole model, or a snapshot's folder; `trust` as
    `read_weights` has it. Raises UserError with all that does not fit, both ways, and with the variant that
    the file looks like.
    """
    module = model.get_submodule(part) if part else model
    ours = module.state_dict()
    state = read_weights(path, trust)
    best, published = _best_reading(model, module, part, state, _is_published(weights_file(path)))
    may_lack = getattr(module, "unpublished", ()) if published else ()
    missing = {
        name for name in ours.keys() - best.keys() if not any(re.search(rule, name) for rule in may_lack)
    }
    shapes = {name for name in ours.keys() & best.keys() if ours[name].shape != best[name].shape}
    if missing or shapes or best.keys() - ours.keys():
        raise UserError(_misfit(path, module, ours, best, missing, shapes))
    module.load_state_dict(
        {name: distributed.like(tensor, ours[name]) for name, tensor in best.items()}, strict=False
    )


def _is_published(file: Path) -> bool:
    """Whether a file is more likely published than ours, should its names fit both ways."""
    return file.suffix != ".safetensors" or about(file).get("names") == "published"


def _best_reading(
    model: nn.Module, module: nn.Module, part: str, state: State, published_first: bool
) -> tuple[State, bool]:
    """The file's tensors under the names of ours, and whether they were published ones.

    Of the readings of the file (as it stands, or translated; of the part, or of the whole model), the first
    that has all our names, else the one that has most of them.
    """
    ours = module.state_dict().keys()
    readings = [(lambda: state, False), (lambda: translated(module, state), True)]
    if part:
        readings.insert(1, (lambda: _below(part, state), False))
        readings.append((lambda: _below(part, translated(model, state)), True))
    tried: list[tuple[State, bool]] = []
    for read, published in sorted(readings, key=lambda reading: reading[1] != published_first):
        with suppress(KeyError):  # a translation that misses what it is meant for
            tried.append((read(), published))
        if tried and tried[-1][0].keys() == ours:
            return tried[-1]
    return max(tried, key=lambda reading: len(reading[0].keys() & ours))


def weights_file(path: str | Path) -> Path:
    """The file meant: of a snapshot's folder, the averaged weights if there are any. Raises UserError."""
    path = paths.found(path)
    if path.is_dir():
        averaged = path / "average.safetensors"
        path = averaged if averaged.exists() else path / "model.safetensors"
    if not path.is_file():
        raise UserError(
            f"There are no weights at {path}; pretrained_models/README.md says where to get which."
        )
    return path


def read_weights(path: str | Path, trust: bool = False) -> State:
    """The tensors of a file by name, out of any published envelope; `trust` runs what a pickle asks for."""
    path = weights_file(path)
    try:
        state = load_file(path) if path.suffix == ".safetensors" else _unpickled(path, trust)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path} holds more than tensors and is not opened ({first_line(error)}); if you trust where it "
            f"comes from, convert it once: python tool/convert_checkpoint.py --trust {path}"
        ) from error
    except DAMAGED as error:
        raise UserError(
            f"{path} is no file of weights, or a damaged one ({first_line(error)}); get it again."
        ) from error
    while envelope := next((key for key in ENVELOPES if isinstance(state.get(key), Mapping)), None):
        state = state[envelope]
    tensors = {
        name.removeprefix("module."): value for name, value in state.items() if isinstance(value, Tensor)
    }
    if not tensors:
        raise UserError(f"{path} holds no weights, only {', '.join(map(str, list(state)[:8])) or 'nothing'}.")
    return tensors


def _unpickled(path: Path, trust: bool) -> Any:
    whole = zipfile.is_zipfile(path)  # older files are not, and cannot be memory-mapped
    with torch.serialization.safe_globals(_SCALARS):
        state = torch.load(path, map_location="cpu", weights_only=not trust, mmap=whole)
    if not isinstance(state, Mapping):
        raise ValueError(f"it holds a {type(state).__name__}, not names and tensors")
    return state


def translated(module: nn.Module, state: State) -> State:
    """Published names and tensors -> ours, as the module's class says it.

    Each pair of `published` is applied in turn, wherever its pattern is found in a name (so anchor it); None
    drops the name. Then `translate` does what a table of names cannot.
    """
    result: State = {}
    for name, tensor in state.items():
        ours = _renamed(name, getattr(module, "published", ()))
        if ours in result:
            raise UserError(
                f"Two published names become '{ours}', one of them '{name}': `published` must drop one."
            )
        if ours is not None:
            result[ours] = tensor
    return module.translate(result) if hasattr(module, "translate") else result


def _renamed(name: str, table: Iterable[tuple[str, str | None]]) -> str | None:
    for pattern, ours in table:
        if ours is None and re.search(pattern, name):
            return None
        name = name if ours is None else re.sub(pattern, ours, name)
    return name


def _below(part: str, state: State) -> State:
    return {
        name.removeprefix(f"{part}."): value for name, value in state.items() if name.startswith(f"{part}.")
    }


def _misfit(
    path: str | Path, module: nn.Module, ours: State, theirs: State, missing: set[str], shapes: set[str]
) -> str:
    """All that does not fit, grouped."""
    variant = module.variant(theirs) if hasattr(module, "variant") else None
    lines = [
        f"{path} does not fit {type(module).__name__}" + (f": it looks like {variant}." if variant else ".")
    ]
    if extra := theirs.keys() - ours.keys():
        lines.append(
            f"  The network lacks {len(extra)} of the file's {len(theirs)} tensors: {_grouped(extra)}"
        )
    if missing:
        lines.append(
            f"  The file lacks {len(missing)} of the network's {len(ours)} tensors: {_grouped(missing)}"
        )
    if shapes:
        name = min(shapes)
        lines.append(
            f"  {len(shapes)} have another shape: {_grouped(shapes)}; such as {name}: "
            f"{tuple(theirs[name].shape)} in the file, {tuple(ours[name].shape)} in the network"
        )
    return "\n".join(lines)


def _grouped(names: Iterable[str], most: int = 8) -> str:
    """encoder.* (120), head.weight, ...: names counted by their first words, the largest groups first."""
    names = list(names)
    depth = 1 if len({name.split(".")[0] for name in names}) > 1 else 2
    heads = Counter(".".join(name.split(".")[:depth]) for name in names)
    told = [f"{head}.* ({count})" if head not in names else head for head, count in heads.most_common(most)]
    return ", ".join(told) + (f" and {len(heads) - most} groups more" if len(heads) > most else "")


def first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0].rstrip(".")
