"""What flows: records are stacked, moved and mapped as one; cameras are tested with the geometry."""

import pickle
from dataclasses import dataclass, field, replace

import pytest
import torch
from torch import Tensor

from common.structures import Body, BodyParams, Crop, Perspective, Prediction, Record, WeakPerspective


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


def prediction() -> Prediction:
    params = BodyParams(torch.eye(3).expand(2, 24, 3, 3), torch.zeros(2, 10), torch.zeros(2, 0))
    body = Body(torch.zeros(2, 9, 3), torch.zeros(2, 24, 3), torch.zeros(2, 9, 3), "toy")
    camera = Perspective(torch.ones(2, 2), torch.zeros(2, 2), torch.ones(2, 3), 1e-4)
    return Prediction(params, body, torch.zeros(2, 17, 3), camera)


def test_a_prediction_with_its_stages_and_camera_is_mapped_as_one():
    whole = replace(prediction(), stages=(prediction(),), extras={"boxes": torch.zeros(2, 3)})
    first = whole.map(lambda tensor: tensor[:1])
    assert first.body.topology == "toy" and first.camera.epsilon == 1e-4
    assert len(first.stages[0].camera.focal) == len(first.extras["boxes"]) == len(first.params.betas) == 1


@pytest.mark.parametrize("kind", [Perspective, WeakPerspective])
def test_cameras_and_crops_compile_without_a_graph_break(kind):
    crop = Crop(torch.eye(3)[None, :2] * 2, torch.full((1,), 0.1), torch.tensor([True]), torch.ones(1, 2))
    camera = (
        Perspective(torch.ones(1, 2), torch.ones(1, 2), torch.ones(1, 3))
        if kind is Perspective
        else WeakPerspective(torch.ones(1), torch.zeros(1, 2), torch.full((1, 2), 224.0))
    )

    def seen(points: Tensor) -> Tensor:
        turned = crop.turned(points)
        return crop.back(crop.points(camera.project(turned))) + camera.in_image(crop).project(turned)

    points = torch.rand(1, 5, 3)
    torch.testing.assert_close(torch.compile(seen, fullgraph=True, backend="eager")(points), seen(points))
