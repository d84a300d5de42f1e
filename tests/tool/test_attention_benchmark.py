"""What attention costs is measured on the ways of it that say the same."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from common.networks.layers.decoupled_attention import Attention
from tool.benchmarks import attention
from tool.benchmarks.attention import WIDTH, Alive, Decoupled, KeysAndValues


def test_both_ways_to_decouple_say_the_same() -> None:
    torch.manual_seed(0)
    ours, usual = Decoupled(Attention).eval(), Decoupled(KeysAndValues).eval()
    usual.load_state_dict(ours.state_dict())
    targets, features = torch.randn(2, 5, WIDTH), torch.randn(2, 40, WIDTH)
    torch.testing.assert_close(ours(targets, features), usual(targets, features), rtol=1e-4, atol=1e-5)


def test_a_figure_for_every_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "FEATURES", (49,))
    rows = attention.measure()
    assert [name.split(", ", 1)[1] for name, _ in rows] == [
        "decoupled",
        "decoupled, by keys and values",
        "full, fused",
        "full, all scores kept",
    ]
    assert all("MiB; in training" in figure for _, figure in rows)


def test_what_lives_at_once_is_counted_and_what_is_gone_is_not() -> None:
    given = torch.zeros(1000)
    with torch.no_grad(), Alive() as alive:
        nn.functional.relu(nn.functional.relu(given) + 1)  # never more than two at once
    assert alive.most == 2 * 4000
    assert alive.now == 0
