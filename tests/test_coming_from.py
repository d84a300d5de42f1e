"""What docs/coming_from.md tells users of the published repositories is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import torch

from common.networks.model import Model
from common.networks.osx import OSX
from common.networks.smpler_x import SMPLerX
from common.utils.paths import ROOT
from main.learning import freeze

PAGE = (ROOT / "docs" / "coming_from.md").read_text(encoding="utf-8")
HERE = " ".join(row.split("|")[2] for row in PAGE.splitlines() if row.startswith("| "))
PLACES = sorted(set(re.findall(r"(?:config|common|tool)/[\w/]+(?:\.py)?", HERE)))
RATES = re.findall(r"learning_rates=(\{.*?\})", PAGE)


@pytest.mark.parametrize("place", PLACES)
def test_a_place_that_is_named_exists(place: str) -> None:
    assert (ROOT / place).exists()


@pytest.mark.parametrize("rates", RATES)
def test_learning_rates_that_are_named_are_those_of_a_network(human_model_files: Path, rates: str) -> None:
    chosen: dict[str, float] = ast.literal_eval(rates)
    with torch.device("meta"):
        model: Model = OSX("small") if "hands.decoder" in chosen else SMPLerX("small")
    before = sum(weight.requires_grad for weight in model.parameters())
    freeze(model, chosen)
    after = sum(weight.requires_grad for weight in model.parameters())
    assert (after < before) == (0 in chosen.values())


def test_freezing_all_but_the_encoder_leaves_the_encoder(human_model_files: Path) -> None:
    rates = next(ast.literal_eval(text) for text in RATES if "body_regressor" in text)
    with torch.device("meta"):
        model = SMPLerX("small")
    freeze(model, rates)
    learning = {name.split(".")[0] for name, weight in model.named_parameters() if weight.requires_grad}
    assert learning == {"encoder"}
