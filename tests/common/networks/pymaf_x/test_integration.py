"""The hands' own wrists on a body: where hands point, what forearms take, what stays."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from common.geometry.rotation import matrix_from_axis_angle
from common.networks.pymaf_x import integration
from common.networks.pymaf_x.integration import CHAINS, ELBOWS, HEAD, NECK, WRISTS

SEEN = torch.ones(4, 2, dtype=torch.bool)


@pytest.fixture
def body() -> tuple[Tensor, Tensor, Tensor]:
    """Rotations of a body, hands in space, forearms."""
    torch.manual_seed(0)
    turns = matrix_from_axis_angle(torch.randn(4, 24, 3))
    return turns, matrix_from_axis_angle(torch.randn(4, 2, 3)), torch.randn(4, 2, 3)


@pytest.mark.parametrize("adaptive", [False, True])
def test_hands_point_where_their_own_views_have_them(
    body: tuple[Tensor, Tensor, Tensor], adaptive: bool
) -> None:
    turned = integration.with_hands(*body, SEEN, adaptive)
    for place, chain in enumerate(CHAINS):
        hand = integration.in_space(turned, (*chain, WRISTS[place]))
        torch.testing.assert_close(hand, body[1][:, place], atol=1e-5, rtol=0)


def test_no_wrist_twists_further_than_it_can(body: tuple[Tensor, Tensor, Tensor]) -> None:
    turned = integration.with_hands(*body, SEEN)
    axes = torch.nn.functional.normalize(body[2], dim=-1)
    angles = integration.twist(turned[:, list(WRISTS)], axes)
    assert angles.abs().max() <= integration.LARGEST_TWIST + 1e-4
    plain = integration.twist(integration.with_hands(*body, SEEN, False)[:, list(WRISTS)], axes)
    assert plain.abs().max() > integration.LARGEST_TWIST, "else the test shows nothing"


def test_only_elbows_and_wrists_of_visible_hands_turn(body: tuple[Tensor, Tensor, Tensor]) -> None:
    visible = SEEN.clone()
    visible[:, 0] = False
    turned = integration.with_hands(*body, visible)
    moved = (turned - body[0]).abs().amax((0, 2, 3)) > 0
    assert moved.nonzero().flatten().tolist() == [ELBOWS[1], WRISTS[1]]


def test_a_head_looks_where_its_own_view_has_it(body: tuple[Tensor, Tensor, Tensor]) -> None:
    head = body[1][:, 0]
    turned = integration.with_head(body[0], head, torch.tensor([True, True, True, False]))
    found = integration.in_space(turned, (*NECK, HEAD))
    torch.testing.assert_close(found[:3], head[:3], atol=1e-5, rtol=0)
    assert torch.equal(turned[3], body[0][3])


@pytest.mark.parametrize("angle", [-3.0, -1.0, 0.0, 0.5, 3.1])
def test_a_turn_about_an_axis_is_its_twist(angle: float) -> None:
    axis = torch.nn.functional.normalize(torch.tensor([1.0, -2.0, 0.5]), dim=-1)
    across = torch.linalg.cross(axis, torch.tensor([0.0, 0.0, 1.0]))
    swing = matrix_from_axis_angle(0.7 * across / across.norm())
    twisted = swing @ matrix_from_axis_angle(angle * axis)
    assert integration.twist(twisted, axis).item() == pytest.approx(angle, abs=1e-5)
    assert abs(angle) <= math.pi


def test_a_mirror_twice_is_none(body: tuple[Tensor, Tensor, Tensor]) -> None:
    turns = body[0]
    assert torch.equal(integration.mirrored(integration.mirrored(turns)), turns)
    product = integration.mirrored(turns[:, 0] @ turns[:, 1])
    torch.testing.assert_close(product, integration.mirrored(turns[:, 0]) @ integration.mirrored(turns[:, 1]))
