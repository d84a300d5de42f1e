"""Which weights learn, how fast, and their running average."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from common.utils import distributed
from common.utils.errors import UserError, did_you_mean


def freeze(model: nn.Module, rates: Mapping[str, float]) -> list[str]:
    """Stop the gradients of all weights whose rate is 0; the submodules that thereby stay in eval mode.

    Raises UserError for a prefix that no weight has.
    """
    names = [name for name, _ in model.named_parameters()]
    for prefix in rates:
        if not any(_is_below(name, prefix) for name in names):
            known = dict.fromkeys(".".join(name.split(".")[: prefix.count(".") + 1]) for name in names)
            raise UserError(
                f"learning_rates names '{prefix}', but no weight begins so{did_you_mean(prefix, known)}"
            )
    for name, parameter in model.named_parameters():
        if _factor(name, rates) == 0:
            parameter.requires_grad_(False)
    return [prefix for prefix, rate in rates.items() if rate == 0 and prefix in dict(model.named_modules())]


def groups(
    model: nn.Module, objective: nn.Module, rates: Mapping[str, float], optimizer: Callable[..., Optimizer]
) -> list[dict[str, Any]]:
    """The weights that learn, grouped by the factor of their learning rate; the objective's have factor 1."""
    by_factor: dict[float, list[nn.Parameter]] = {1.0: []}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            by_factor.setdefault(_factor(name, rates), []).append(parameter)
    by_factor[1.0] += [parameter for parameter in objective.parameters() if parameter.requires_grad]
    base = _learning_rate(optimizer)
    result = [{"params": chosen, "lr": base * factor} for factor, chosen in by_factor.items() if chosen]
    if not result:
        raise UserError("No weight learns: every one of them has learning rate 0.")
    return result


@contextmanager
def renew(optimizer: Optimizer, schedule: LRScheduler) -> Iterator[None]:
    """What is loaded within keeps its moments and its place, but takes the settings that are configured now.

    A run that goes on with another learning rate or weight decay than it began with thus obeys; the rate that
    the schedule had come to is changed in proportion.
    """
    configured = [
        {key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups
    ]
    bases = list(schedule.base_lrs)
    yield
    begun = schedule.base_lrs
    for group, wanted, base, old in zip(optimizer.param_groups, configured, bases, begun, strict=True):
        rate = group["lr"] if old == base else group["lr"] * (base / old) if old else wanted["lr"]
        group.update({**wanted, "lr": rate, "initial_lr": base})
    schedule.base_lrs = bases


def _is_below(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def _factor(name: str, rates: Mapping[str, float]) -> float:
    """The factor of the longest prefix that fits."""
    fitting = [prefix for prefix in rates if _is_below(name, prefix)]
    return rates[max(fitting, key=len)] if fitting else 1.0


def _learning_rate(optimizer: Callable[..., Optimizer]) -> float:
    given = getattr(optimizer, "keywords", {}).get("lr")
    return given if given is not None else inspect.signature(optimizer).parameters["lr"].default


class Average:
    """The running average of a model's weights, often better than the last ones (Polyak and Juditsky, 1992).

    The first steps weigh more, so that the start is soon forgotten: the decay is at most (1 + n) / (10 + n).
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.live: dict[str, Tensor] = model.state_dict()  # the very tensors that the optimizer moves
        self.values = {name: tensor.detach().clone() for name, tensor in self.live.items()}
        self.smooth = [name for name, tensor in self.live.items() if tensor.is_floating_point()]

    @torch.no_grad()
    def update(self, steps: int) -> None:
        """Take in the weights of now; `steps` is how many came before."""
        share = 1 - min(self.decay, (1 + steps) / (10 + steps))
        torch._foreach_lerp_(
            [distributed.own(self.values[n]) for n in self.smooth],
            [distributed.own(self.live[n]) for n in self.smooth],
            share,
        )
        for name in self.live.keys() - set(self.smooth):
            self.values[name].copy_(self.live[name])

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The model has the average's weights within, and its own again after."""
        own = {name: tensor.clone() for name, tensor in self.live.items()}
        self._set(self.values)
        try:
            yield
        finally:
            self._set(own)

    @torch.no_grad()
    def _set(self, values: Mapping[str, Tensor]) -> None:
        for name, tensor in self.live.items():
            tensor.copy_(values[name])

    def state_dict(self) -> dict[str, Any]:
        return dict(self.values)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Raises KeyError for a state of another model."""
        self.values = {n: distributed.like(state[n], tensor).clone() for n, tensor in self.live.items()}
