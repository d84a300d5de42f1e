"""Every name of SMPLer's published checkpoints is loaded, or dropped by name; what does not fit is said."""

from __future__ import annotations

import logging
from pathlib import Path

import published_smpler as published
import pytest
import torch
from torch import Tensor

from common.checkpoint import load_weights, translated
from common.networks.backbones.hrnet import HRNet
from common.networks.smpler import SMPLer
from common.utils.errors import UserError

COUNTS = {(32, 3): 37_355_950, (48, 3): 73_615_150, (32, 0): 30_939_997, (48, 0): 67_090_653}
CASES = pytest.mark.parametrize(("width", "refinements"), COUNTS)

pytestmark = pytest.mark.usefixtures("human_model_files")


def empty(width: int, refinements: int = 3) -> SMPLer:
    with torch.device("meta"):
        return SMPLer(width, refinements)


def shapes(width: int, refinements: int = 3) -> dict[str, Tensor]:
    """A published state dict without its numbers."""
    return {
        name: torch.empty(shape, device="meta")
        for name, shape in published.shapes(width).items()
        if refinements or name.startswith(published.STAGE_1)
    }


def pose_network(width: int) -> dict[str, Tensor]:
    """What a published HRNet for key points holds, with numbers: a head, and one map of the last fusion."""
    state = {
        name.removeprefix("backbone."): tensor
        for name, tensor in published.weights(width).items()
        if name.startswith("backbone.")
    }
    missing = tuple(f"stage4.2.fuse_layers.{scale}." for scale in (1, 2, 3))
    kept = {name: tensor for name, tensor in state.items() if not name.startswith(missing)}
    assert len(state) - len(kept) == 78
    return kept | {"final_layer.weight": torch.zeros(16, width, 1, 1), "final_layer.bias": torch.zeros(16)}


@CASES
def test_every_name_is_accounted_for(width: int, refinements: int) -> None:
    model, theirs = empty(width, refinements), shapes(width, refinements)
    found, ours = translated(model, theirs), model.state_dict()
    assert {name: each.shape for name, each in found.items()} == {
        name: each.shape for name, each in ours.items()
    }
    dropped = {name for name in theirs if name.startswith(published.BODY)}
    merged = {"SMPL_predictor.init_": (3, 1), "SMPL_predictor.dec": (6, 2), published.REGRESSOR: (1, 1)}
    for prefix, (before, after) in merged.items():
        assert sum(name.startswith(prefix) for name in theirs) == before
        dropped |= set([name for name in theirs if name.startswith(prefix)][after:])
    assert len(theirs) - len(dropped) == len(ours)


@CASES
def test_it_has_as_many_parameters_as_published(width: int, refinements: int) -> None:
    counted = sum(parameter.numel() for parameter in empty(width, refinements).parameters())
    assert counted == COUNTS[width, refinements]


@pytest.mark.parametrize("envelope", ["training", "model alone", "bare"])
def test_all_published_layouts_are_opened(tmp_path: Path, envelope: str) -> None:
    """Published: a file that holds "model" but no "optimizer" was loaded as nothing, without a word."""
    state = published.weights(32, refinements=0)
    layouts = {
        "training": {
            "model": state,
            "optimizer": {"state": {}, "param_groups": []},
            "epoch": 49,
            "global_iter": 7,
        },
        "model alone": {"model": state},
        "bare": state,
    }
    torch.save(layouts[envelope], tmp_path / "epoch_049.pt")
    model = SMPLer(32, refinements=0)
    load_weights(model, tmp_path / "epoch_049.pt")
    theirs, ours = translated(model, state), model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours.keys() - {"regressor_mark"})


def test_the_second_stage_starts_from_the_first(tmp_path: Path) -> None:
    state = published.weights(32, refinements=0)
    torch.save({"model": state, "optimizer": {}, "epoch": 49, "global_iter": 7}, tmp_path / "epoch_049.pt")
    model = SMPLer(32)
    before = model.refinements[0].embed.weight.clone()
    for part in ("backbone", "first"):
        load_weights(model, tmp_path / "epoch_049.pt", part)
    theirs = translated(model, state)
    ours = model.state_dict()
    assert all(torch.equal(ours[name], tensor) for name, tensor in theirs.items() if name != "regressor_mark")
    assert torch.equal(model.refinements[0].embed.weight, before)


@pytest.mark.parametrize("width", [32, 48])
def test_the_first_stage_starts_from_a_pose_network(tmp_path: Path, width: int) -> None:
    """Which lacks what makes the coarser maps of the last fusion: that keeps the values it begins with."""
    state = pose_network(width)
    torch.save(state, tmp_path / "pose_hrnet.pth")
    network = HRNet(width)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items() if name not in state}
    assert len(before) == 78
    load_weights(network, tmp_path / "pose_hrnet.pth")
    after = network.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert all(torch.equal(after[name], tensor) for name, tensor in state.items() if "final" not in name)


def test_a_pose_network_of_another_size_is_refused(tmp_path: Path) -> None:
    torch.save(pose_network(32), tmp_path / "pose_hrnet.pth")
    with pytest.raises(UserError, match="another shape"):
        load_weights(HRNet(48), tmp_path / "pose_hrnet.pth")


def test_what_does_not_fit_is_told_with_the_variant_it_is_of(tmp_path: Path) -> None:
    torch.save({"model": published.weights(32, refinements=0)}, tmp_path / "stage_1.pt")
    with pytest.raises(UserError, match=r"looks like SMPLer\(width=32, refinements=0\)(.|\n)*file lacks"):
        load_weights(empty(32), tmp_path / "stage_1.pt")
    with pytest.raises(UserError, match=r"looks like SMPLer\(width=32, refinements=0\)(.|\n)*another shape"):
        load_weights(empty(48, 0), tmp_path / "stage_1.pt")


def test_weights_trained_with_another_regressor_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """Published: whichever regressor is in a file, it goes by the name of Human3.6M's."""
    states = {name: translated(SMPLer, published.weights(32, 0, name)) for name in ("h36m_correct", "3dpw")}
    model = SMPLer(32, 0, "3dpw")
    own = model.regressor_mark.clone()
    for trained in states:
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            model.load_state_dict(states[trained])
        assert ("another joint regressor" in caplog.text) == (trained != "3dpw")
        assert torch.equal(model.regressor_mark, own)


def test_ours_are_saved_without_any_body() -> None:
    """A released file holds SMPL, whose license does not allow to pass it on."""
    model = empty(32)
    saved = {
        name for name in model.state_dict() if not name.startswith(("backbone", "first", "queries", "refine"))
    }
    assert saved == {"regressor_mark"}
