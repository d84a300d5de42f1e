"""What a network costs is what its layers cost."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from common.utils.paths import ROOT
from main.experiment import Experiment
from tool.profile_model import main, profiled

TOY = str(ROOT / "tests" / "toy.py")
PIXELS, WIDTH, NUMBERS = 3 * 16 * 12, 16, 24 * 6 + 10 + 3


def test_the_linear_layers_of_a_toy_are_counted(toy: Experiment) -> None:
    with torch.device("meta"):
        model = toy.model().to("meta")
    costs, kept = profiled(model, batch_size=2)
    by_name = {cost.name: cost for cost in costs}
    assert by_name["encoder"].parameters == (PIXELS + 1) * WIDTH
    assert by_name["encoder"].flops == 2 * 2 * PIXELS * WIDTH
    assert by_name["head"].flops == 2 * 2 * WIDTH * NUMBERS
    assert costs[0].parameters == by_name["encoder"].parameters + by_name["head"].parameters
    assert kept > 2 * 4 * (PIXELS + WIDTH)


def test_more_persons_cost_more(toy: Experiment) -> None:
    with torch.device("meta"):
        model = toy.model().to("meta")
    (one, kept_of_one), (many, kept_of_many) = profiled(model, 1), profiled(model, 8)
    assert many[0].flops == 8 * one[0].flops
    assert many[0].parameters == one[0].parameters
    assert kept_of_many > 4 * kept_of_one


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", TOY, "model.width=32"]) == 0
    printed = capsys.readouterr().out
    assert "ToyModel" in printed and "encoder" in printed and "MiB" in printed


def test_the_huge_network_has_as_many_parameters_as_published(human_model_files: Path) -> None:
    from common.networks.smpler_x import SMPLerX

    with torch.device("meta"):
        costs, _ = profiled(SMPLerX("huge").to("meta"), 1)
    assert costs[0].parameters == 661_827_096
