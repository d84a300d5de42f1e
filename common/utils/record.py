"""A dataclass of tensors that is stacked, moved and pinned as one: the collate function of the house."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import torch
from torch import Tensor


@dataclass
class Record:
    """A dataclass of tensors, records, and dicts or tuples of them."""

    def map(self, function: Callable[[Tensor], Tensor]) -> Self:
        """The same record with every tensor replaced by what `function` makes of it."""
        return replace(self, **{f.name: _map(getattr(self, f.name), function) for f in fields(self)})

    def to(self, device: torch.device | str) -> Self:
        return self.map(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> Self:
        return self.map(Tensor.pin_memory)

    @classmethod
    def stack(cls, records: Sequence[Self]) -> Self:
        """Records -> one with a leading B, what is no tensor as a tuple; ValueError where they differ."""
        if not records:
            raise ValueError(f"There is no {cls.__name__} to stack: give at least one.")
        return cls(**{f.name: _stack([getattr(r, f.name) for r in records], f.name) for f in fields(cls)})


def _map(value: Any, function: Callable[[Tensor], Tensor]) -> Any:
    match value:
        case Tensor():
            return function(value)
        case Record():
            return value.map(function)
        case dict():
            return {key: _map(item, function) for key, item in value.items()}
        case tuple():
            return tuple(_map(item, function) for item in value)
    return value


def _stack(values: list[Any], name: str) -> Any:
    first = values[0]
    if len({type(value) for value in values}) > 1 or (
        isinstance(first, dict) and any(value.keys() != first.keys() for value in values)
    ):
        raise ValueError(f"'{name}' cannot be stacked: {', '.join(sorted({_outline(v) for v in values}))}.")
    match first:
        case Tensor():
            if any(value.shape != first.shape for value in values):
                shapes = ", ".join(sorted({str(tuple(value.shape)) for value in values}))
                raise ValueError(f"'{name}' cannot be stacked: its shapes differ, {shapes}.")
            return torch.stack(values)
        case Record():
            return type(first).stack(values)
        case dict():
            return {key: _stack([value[key] for value in values], f"{name}.{key}") for key in first}
        case None:
            return None
    return tuple(values)


def _outline(value: Any) -> str:
    if isinstance(value, dict):
        return f"some have {', '.join(value) or 'no entries'}"
    return "some are None" if value is None else f"some are {type(value).__name__}"
