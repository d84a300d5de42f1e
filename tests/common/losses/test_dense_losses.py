"""Losses of maps: what is drawn right loses nothing, who has no map teaches nothing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from common.losses.dense import GROUP, Coordinates, SurfaceCoordinate, SurfaceIndex


def maps() -> tuple[Tensor, Tensor]:
    """(3, 3, 4, 4) the surface over 24, u and v, and whose map is known."""
    torch.manual_seed(0)
    index = torch.randint(0, 25, (3, 4, 4))
    return torch.cat([index[:, None] / 24, torch.rand(3, 2, 4, 4)], 1), torch.tensor([1.0, 0.0, 1.0])


def given(truth: Tensor, known: Tensor, **said: Tensor) -> tuple[SimpleNamespace, SimpleNamespace]:
    return SimpleNamespace(extras=said), SimpleNamespace(extras={"map": truth, "map_known": known})


def test_the_groups_are_those_published() -> None:
    assert sorted(set(GROUP)) == list(range(15)) and len(GROUP) == 25
    assert [index for index, group in enumerate(GROUP) if group == 6] == [7, 9]


@pytest.mark.parametrize("grouped", [False, True])
def test_sure_of_the_right_surface_loses_nothing_and_of_a_wrong_one_much(grouped: bool) -> None:
    truth, known = maps()
    index = (truth[:, 0] * 24).round().long()
    index = torch.tensor(GROUP)[index] if grouped else index
    sure = 50.0 * one_hot(index, 15 if grouped else 25).permute(0, 3, 1, 2)
    name = "surface_group" if grouped else "surface"
    loss = SurfaceIndex(grouped)
    assert loss(*given(truth, known, **{name: sure})).item() == pytest.approx(0, abs=1e-6)
    assert loss(*given(truth, known, **{name: -sure})).item() > 10


@pytest.mark.parametrize("axis", ["u", "v"])
def test_coordinates_are_compared_in_the_channel_of_the_true_surface_alone(axis: str) -> None:
    truth, known = maps()
    index = (truth[:, 0] * 24).round().long()[:, None]
    place = truth[:, 1 if axis == "u" else 2, None]
    said = torch.full((3, 25, 4, 4), 9.0).scatter(1, index, place)
    loss = SurfaceCoordinate(axis)
    assert loss(*given(truth, known, **{axis: said})).item() == pytest.approx(0, abs=1e-6)
    off = said.scatter(1, index, place + 0.5)  # of two persons' 16 pixels, by half of its square, halved
    assert loss(*given(truth, known, **{axis: off})).item() == pytest.approx(
        0.5 * 2 * 16 * 0.125 / 3, rel=1e-5
    )


def test_who_has_no_map_teaches_nothing() -> None:
    truth, known = maps()
    said = {"surface": torch.randn(3, 25, 4, 4), "u": torch.randn(3, 25, 4, 4), "coordinates": truth + 1}
    for loss in (SurfaceIndex(), SurfaceCoordinate("u"), Coordinates()):
        whole = loss(*given(truth, known, **said))
        changed = {name: values.clone() for name, values in said.items()}
        for values in changed.values():
            values[1] += 7
        assert torch.equal(loss(*given(truth, known, **changed)), whole)
        assert loss(*given(truth, known * 0, **said)).item() == 0
    assert Coordinates()(*given(truth, known, **said)).item() == pytest.approx(3 * 16 * 0.5, rel=1e-5)
