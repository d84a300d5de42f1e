"""SMPLest-X: what its prediction holds, and what must not depend on batch or compiler."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import standins
import torch

from common.networks.backbones.vit import Size
from common.networks.smplest_x import SMPLestX
from common.structures import Inputs


@pytest.fixture(scope="module")
def model(human_model_files: Path) -> SMPLestX:
    return standins.fill_(SMPLestX(Size(64, 2, 2, 0.1)).eval())


def seen(count: int) -> Inputs:
    torch.manual_seed(1)
    view = {"body": torch.rand(count, 3, 512, 384)}
    return Inputs(view, {}, torch.eye(3).expand(count, 3, 3), torch.zeros(count, 3))


def test_a_prediction_holds_a_body_and_the_turns_of_its_wrists(model: SMPLestX) -> None:
    with torch.no_grad():
        told = model(seen(2))
    assert {name: tuple(value.shape) for name, value in told.extras.items()} == {
        "pose": (2, 53, 3),
        "hand_roots": (2, 2, 3, 3),
    }
    turns = told.extras["hand_roots"]
    assert torch.allclose(turns.mT @ turns, torch.eye(3).expand(2, 2, 3, 3), atol=1e-5)
    assert torch.allclose(torch.linalg.det(turns), torch.ones(2, 2), atol=1e-5)


def test_a_person_is_seen_alike_alone_and_among_three(model: SMPLestX) -> None:
    inputs = seen(3)
    with torch.no_grad():
        together = model(inputs)
        assert not torch.allclose(together.body.vertices[0], together.body.vertices[1], atol=1e-2)
        for person in range(3):
            alone = model(replace(inputs, views={"body": inputs.views["body"][person : person + 1]}))
            assert torch.allclose(alone.body.vertices[0], together.body.vertices[person], atol=1e-4)


def test_every_parameter_is_taught(model: SMPLestX) -> None:
    told = model(seen(1))
    parts = [told.body.vertices, told.camera.translation, *told.extras.values()]
    sum(part.square().mean() for part in parts).backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []
    model.zero_grad(set_to_none=True)


def test_it_compiles_whole(model: SMPLestX) -> None:
    inputs = seen(1)
    with torch.no_grad():
        told = torch.compile(model, fullgraph=True, backend="eager")(inputs)
        assert torch.allclose(told.body.vertices, model(inputs).body.vertices, atol=1e-4)
