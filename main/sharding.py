"""Weights and moments shared out over all processes (FSDP2): each holds a part of every block."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer

from common.utils import distributed
from common.utils.errors import UserError
from main import snapshots
from main.snapshots import Progress, Stateful
from main.writer import Held, Writer


def shard(model: nn.Module, objective: nn.Module) -> None:
    """Share out a network's weights, block by block: the members of its lists of modules, and the rest.

    Raises UserError for an objective that learns: its few weights are not shared out.
    """
    if any(parameter.requires_grad for parameter in objective.parameters()):
        raise UserError("shard=True is for objectives that learn nothing; use WeightedSum, or shard=False.")
    if distributed.world() == 1:
        return
    # torch's modules are imported where they are used: that takes a second, and few runs need it
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(distributed.device().type, (distributed.world(),))
    blocks = [block for some in model.modules() if isinstance(some, nn.ModuleList) for block in some]
    for block in reversed(blocks):  # inner ones first
        if any(True for _ in block.parameters()):
            fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh, reshard_after_forward=True)  # else a test would leave its weights behind


class Whole:
    """A network or an average that is shared out, saved and loaded whole; all processes take part."""

    def __init__(self, part: Stateful) -> None:
        self.part = part

    def state_dict(self) -> dict[str, Any]:
        """On the CPU, in the first process; in the others nothing."""
        state: dict[str, Any] = {}
        for name, tensor in self.part.state_dict().items():
            tensor = distributed.whole(tensor)
            if distributed.first():
                state[name] = tensor.cpu()
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        ours = self.part.state_dict()
        self.part.load_state_dict(
            {name: distributed.like(tensor, ours[name]) for name, tensor in state.items()}
        )


class Shards:
    """An optimizer whose state every process writes its part of, readable by any number of processes."""

    def __init__(self, model: nn.Module, optimizer: Optimizer, folder: Path) -> None:
        self.model, self.optimizer, self.folder = model, optimizer, folder / ".shards"

    def state_dict(self) -> dict[str, Any]:
        """{"shards": a folder that all have written}."""
        from torch.distributed.checkpoint import save
        from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict

        if distributed.first():
            shutil.rmtree(self.folder, ignore_errors=True)
        distributed.wait_for_all()
        state = {"optimizer": get_optimizer_state_dict(self.model, self.optimizer)}
        save(state, checkpoint_id=self.folder, no_dist=distributed.world() == 1)
        return {"shards": self.folder}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Raises KeyError where the state is not of shards."""
        from torch.distributed.checkpoint import load
        from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict, set_optimizer_state_dict

        ours = {"optimizer": get_optimizer_state_dict(self.model, self.optimizer)}
        load(ours, checkpoint_id=state["shards"], no_dist=distributed.world() == 1)
        set_optimizer_state_dict(self.model, self.optimizer, ours["optimizer"])


def parts(
    some: Mapping[str, Stateful], model: nn.Module, optimizer: Optimizer, folder: Path
) -> dict[str, Stateful]:
    """The parts of a snapshot, in a form that any number of processes can load."""
    ours: dict[str, Stateful] = {"optimizer": Shards(model, optimizer, folder)}
    ours |= {name: Whole(some[name]) for name in ("model", "average") if name in some}
    return {name: ours.get(name, part) for name, part in some.items()}


class Together(Writer):
    """Writes snapshots in all processes at once, which wait for them."""

    def save(self, parts: Mapping[str, Stateful], progress: Progress, done: Callable[[], None]) -> None:
        states = {name: Held(part.state_dict()) for name, part in parts.items()}
        if distributed.first():
            snapshots.save(self.folder, states, progress)
            done()
        distributed.wait_for_all()

    def rehearse(self, parts: Mapping[str, Stateful]) -> None:
        """Nothing is copied."""
