"""A published checkpoint becomes plain tensors."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from common.checkpoint import about, load_weights, read_weights
from common.utils.paths import ROOT
from main.experiment import Experiment
from tool.convert_checkpoint import main

TOY = str(ROOT / "tests" / "toy.py")


class Note:
    """Something a published file holds beside its weights."""


@pytest.fixture
def published(toy: Experiment, tmp_path: Path) -> Path:
    state = {f"module.{name}": value for name, value in toy.model().state_dict().items()}
    torch.save({"network": state, "optimizer": {"big": torch.ones(1000, 1000)}}, tmp_path / "toy.pth.tar")
    return tmp_path / "toy.pth.tar"


def test_only_the_weights_are_kept_under_our_names(toy: Experiment, published: Path) -> None:
    assert main([str(published), "--config", TOY]) == 0
    output = published.with_name("toy.safetensors")
    assert output.stat().st_size < published.stat().st_size / 10
    model = toy.model()
    load_weights(model, output)
    original = read_weights(published)
    assert all(torch.equal(value, original[name]) for name, value in model.state_dict().items())
    notes = about(output)
    assert (notes["source"], notes["config"], notes["network"], notes["body_model"]) == (
        "toy.pth.tar",
        TOY,
        "ToyModel",
        "smpl",
    )
    assert len(notes["source_sha256"]) == 64


def test_half_precision_is_half_the_size_and_loads_all_the_same(toy: Experiment, published: Path) -> None:
    main([str(published), "--config", TOY])
    main(
        [str(published), "--config", TOY, "--half", "--output", str(published.with_name("half.safetensors"))]
    )
    sizes = [published.with_name(f"{name}.safetensors").stat().st_size for name in ("half", "toy")]
    assert sizes[0] < 0.6 * sizes[1]
    model = toy.model()
    load_weights(model, published.with_name("half.safetensors"))
    assert model.head.weight.dtype == torch.float32


def test_nothing_is_overwritten(published: Path, capsys) -> None:
    main([str(published)])
    before = published.with_name("toy.safetensors").read_bytes()
    with pytest.raises(SystemExit) as caught:
        main([str(published), "--config", TOY])
    assert caught.value.code == 1 and "exists already" in capsys.readouterr().err
    assert published.with_name("toy.safetensors").read_bytes() == before


def test_a_file_that_asks_for_more_than_tensors_needs_trust(toy: Experiment, tmp_path: Path, capsys) -> None:
    torch.save({"network": toy.model().state_dict(), "note": Note()}, tmp_path / "noted.pth")
    with pytest.raises(SystemExit):
        main([str(tmp_path / "noted.pth")])
    assert "--trust" in capsys.readouterr().err
    assert main([str(tmp_path / "noted.pth"), "--trust"]) == 0
    load_weights(toy.model(), tmp_path / "noted.safetensors")
    assert about(tmp_path / "noted.safetensors")["names"] == "published"


def test_a_file_of_another_network_is_refused(tmp_path: Path, capsys) -> None:
    torch.save({"other.weight": torch.ones(3)}, tmp_path / "other.pth")
    with pytest.raises(SystemExit):
        main([str(tmp_path / "other.pth"), "--config", TOY])
    assert "does not fit ToyModel" in capsys.readouterr().err
    assert not (tmp_path / "other.safetensors").exists()
