"""Records are stacked, moved and mapped as one."""

import pickle
from dataclasses import dataclass, field, replace

import pytest
import torch
from torch import Tensor

from common.utils.record import Record


@dataclass
class Inner(Record):
    numbers: Tensor


@dataclass
class Outer(Record):
    name: str
    numbers: Tensor
    inner: Inner | None = None
    several: dict[str, Tensor] = field(default_factory=dict)
    stages: tuple[Inner, ...] = ()


def outer(value: float, **others) -> Outer:
    return Outer(
        f"n{value}",
        torch.tensor(value),
        Inner(torch.full((2,), value)),
        {"a": torch.tensor([value])},
        **others,
    )


def test_stacking_puts_a_leading_dimension_everywhere():
    batch = Outer.stack([outer(1.0), outer(2.0), outer(3.0)])
    assert batch.name == ("n1.0", "n2.0", "n3.0")
    assert batch.numbers.tolist() == [1, 2, 3]
    assert batch.inner.numbers.shape == (3, 2)
    assert batch.several["a"].shape == (3, 1)


def test_what_nobody_has_stays_none():
    assert Outer.stack([replace(outer(1.0), inner=None)] * 2).inner is None


def test_what_only_some_have_is_refused_in_words():
    with pytest.raises(ValueError, match="'inner' cannot be stacked: some are Inner, some are None"):
        Outer.stack([outer(1.0), replace(outer(2.0), inner=None)])


def test_entries_that_only_some_have_are_refused_in_words():
    with pytest.raises(ValueError, match="'several' cannot be stacked: some have a, some have b"):
        Outer.stack([outer(1.0), replace(outer(2.0), several={"b": torch.zeros(1)})])


def test_shapes_that_differ_are_refused_by_name():
    with pytest.raises(ValueError, match=r"'several.a' cannot be stacked: its shapes differ, \(1,\), \(4,\)"):
        Outer.stack([outer(1.0), replace(outer(2.0), several={"a": torch.zeros(4)})])


def test_no_record_at_all_is_refused():
    with pytest.raises(ValueError, match="no Outer to stack"):
        Outer.stack([])


def test_mapping_reaches_every_tensor_and_leaves_the_rest():
    record = outer(1.0, stages=(Inner(torch.ones(1)), Inner(torch.ones(2))))
    doubled = record.map(lambda tensor: 2 * tensor)
    assert doubled.name == record.name
    assert doubled.inner.numbers.tolist() == [2, 2]
    assert doubled.several["a"].tolist() == [2]
    assert [stage.numbers.tolist() for stage in doubled.stages] == [[2], [2, 2]]
    assert record.numbers == 1


def test_moving_changes_the_device_of_all():
    moved = outer(1.0).to("meta")
    assert (
        moved.numbers.device.type
        == moved.inner.numbers.device.type
        == moved.several["a"].device.type
        == "meta"
    )


def test_a_record_survives_the_way_to_another_process():
    record = pickle.loads(pickle.dumps(outer(1.0)))
    assert record.inner.numbers.tolist() == [1, 1]
