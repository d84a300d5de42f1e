"""Files of weights: ours or published, strictly."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from common.checkpoint import about, load_weights, read_weights, save_weights, translated
from common.utils.errors import UserError


class Backbone(nn.Module):
    published = ((r"^backbone\.", ""), (r"^keypoint_head\.", None))

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.first = nn.Linear(3, width)
        self.norm = nn.BatchNorm1d(width)


class Network(nn.Module):
    """It speaks its published file's dialect as a Model does."""

    published = ((r"^enc\.", "encoder."), (r"^old_head\.", None), (r"\.w$", ".weight"))
    unpublished = (r"^scale$",)

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.encoder, self.head = Backbone(width), nn.Linear(width, 2, bias=False)
        self.scale = nn.Parameter(torch.ones(1))
        self.register_buffer("template", torch.ones(1000), persistent=False)

    @classmethod
    def translate(cls, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: tensor.T if name == "head.weight" else tensor for name, tensor in state.items()}

    @classmethod
    def variant(cls, state: Mapping[str, Tensor]) -> str | None:
        return (
            f"Network(width={state['encoder.first.weight'].shape[0]})"
            if "encoder.first.weight" in state
            else None
        )


def network(seed: int, width: int = 4) -> Network:
    torch.manual_seed(seed)
    return Network(width)


def equal(one: nn.Module, other: nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in one.state_dict().items())


def published(module: Network) -> dict[str, Tensor]:
    """The module's weights as its published file has them."""
    state = {name.replace("encoder.", "enc."): value for name, value in module.state_dict().items()}
    del state["scale"]
    state["head.w"] = state.pop("head.weight").T
    return state | {"old_head.bias": torch.ones(3)}


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    save_weights(tmp_path / "ours.safetensors", network(0).state_dict(), {"config": "config/tiny.py"})
    other = network(1)
    load_weights(other, tmp_path / "ours.safetensors")
    assert equal(other, network(0))
    assert about(tmp_path / "ours.safetensors") == {"config": "config/tiny.py"}
    assert "template" not in read_weights(tmp_path / "ours.safetensors")


def test_tied_and_transposed_weights_can_be_saved(tmp_path: Path) -> None:
    weight = torch.randn(3, 4)
    save_weights(tmp_path / "tied.safetensors", {"a": weight, "b": weight, "c": weight.T, "d": weight[1:]})
    state = read_weights(tmp_path / "tied.safetensors")
    assert torch.equal(state["a"], weight) and torch.equal(state["b"], weight)
    assert torch.equal(state["c"], weight.T) and torch.equal(state["d"], weight[1:])


@pytest.mark.parametrize(
    "key", ["network", "model", "state_dict", "model_state_dict", "best_model_state_dict", None]
)
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_published_file_is_opened_whatever_its_envelope(
    tmp_path: Path, key: str | None, prefix: str
) -> None:
    state = {prefix + name: value for name, value in published(network(0)).items()}
    torch.save(
        {key: state, "epoch": 3, "optimizer": {"state": {}}} if key else state, tmp_path / "file.pth.tar"
    )
    other = network(1)
    load_weights(other, tmp_path / "file.pth.tar")
    other.scale.data.copy_(network(0).scale.data)
    assert equal(other, network(0))


def test_a_file_of_old_times_is_opened(tmp_path: Path) -> None:
    torch.save({"network": published(network(0))}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    load_weights(network(1), tmp_path / "old.pth")


def test_numbers_of_numpy_beside_the_weights_do_no_harm(tmp_path: Path) -> None:
    notes = {"pves_pa": np.float32(0.07), "best": np.float64(1), "epoch": np.int64(3)}
    torch.save({"best_model_state_dict": published(network(0)), "notes": notes}, tmp_path / "straps.tar")
    load_weights(network(1), tmp_path / "straps.tar")


def test_only_what_may_be_absent_may_be_absent(tmp_path: Path) -> None:
    state = published(network(0))
    state["scale"] = torch.full((1,), 5.0)
    torch.save(state, tmp_path / "with.pth")
    other = network(1)
    load_weights(other, tmp_path / "with.pth")
    assert other.scale == 5
    ours = network(0).state_dict()
    del ours["scale"]
    save_weights(tmp_path / "ours.safetensors", ours)
    with pytest.raises(UserError, match="lacks 1 of the network's 9 tensors: scale"):
        load_weights(other, tmp_path / "ours.safetensors")


def test_a_published_file_whose_names_are_ours_is_translated_all_the_same(tmp_path: Path) -> None:
    state = network(0).state_dict()
    torch.save(state | {"head.weight": state["head.weight"].T}, tmp_path / "published.pth")
    other = network(1)
    load_weights(other, tmp_path / "published.pth")
    assert equal(other, network(0))


def test_what_does_not_fit_is_told_both_ways_and_changes_nothing(tmp_path: Path) -> None:
    state = network(0, width=6).state_dict()
    for number in range(12):
        state[f"decoder.blocks.{number}.weight"] = torch.ones(1)
    del state["encoder.norm.bias"]
    save_weights(tmp_path / "wide.safetensors", state)
    module = network(1)
    with pytest.raises(UserError) as caught:
        load_weights(module, tmp_path / "wide.safetensors")
    text = str(caught.value)
    assert "looks like Network(width=6)" in text
    assert "The network lacks 12 of the file's" in text and "decoder.blocks.* (12)" in text
    assert "The file lacks 1 of the network's" in text and "encoder.norm" in text
    assert "encoder.first.bias: (6,) in the file, (4,) in the network" in text
    assert equal(module, network(1))


def test_a_part_is_loaded_from_its_own_file_or_from_a_whole_network(tmp_path: Path) -> None:
    whole = network(0)
    files = {
        "part": whole.encoder.state_dict(),
        "whole": whole.state_dict(),
        "published_whole": published(whole),
        "published_part": {
            **{f"backbone.{name}": value for name, value in whole.encoder.state_dict().items()},
            "keypoint_head.weight": torch.ones(1),
        },
    }
    for name, state in files.items():
        torch.save({"state_dict": state}, tmp_path / f"{name}.pth")
        other = network(1)
        load_weights(other, tmp_path / f"{name}.pth", "encoder")
        assert equal(other.encoder, whole.encoder), name
        assert torch.equal(other.head.weight, network(1).head.weight), name


def test_two_names_that_become_one_are_refused() -> None:
    with pytest.raises(UserError, match=r"become 'encoder\.a'"):
        translated(network(0), {"enc.a": torch.ones(1), "encoder.a": torch.ones(1)})


def test_a_snapshot_gives_its_averaged_weights_if_it_has_any(tmp_path: Path) -> None:
    save_weights(tmp_path / "model.safetensors", network(0).state_dict())
    other = network(9)
    load_weights(other, tmp_path)
    assert equal(other, network(0))
    save_weights(tmp_path / "average.safetensors", network(2).state_dict())
    load_weights(other, tmp_path)
    assert equal(other, network(2))


class Danger:
    def __reduce__(self):
        return os.mkdir, (sys.argv[0] + "_was_here",)


def test_a_file_that_wants_to_run_code_is_not_opened(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "danger")])
    torch.save({"network": published(network(0)), "danger": Danger()}, tmp_path / "bad.pth")
    with pytest.raises(UserError, match=r"convert_checkpoint\.py --trust"):
        load_weights(network(1), tmp_path / "bad.pth")
    assert not (tmp_path / "danger_was_here").exists()


@pytest.mark.parametrize("name", ["a.safetensors", "a.pth"])
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_damaged_and_missing_files_are_named_in_a_sentence(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    with pytest.raises(UserError, match="no weights at"):
        load_weights(network(0), file)
    save_weights(file, network(0).state_dict()) if name.endswith("tensors") else torch.save(
        network(0).state_dict(), file
    )
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(UserError, match="damaged"):
        load_weights(network(0), file)
    file.write_bytes(b"<html>not found</html>")
    with pytest.raises(UserError, match=str(file)):
        load_weights(network(0), file)
    file.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(UserError, match=str(file)):
        load_weights(network(0), file)


def test_a_file_without_weights_says_what_it_has_instead(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "empty.pth")
    with pytest.raises(UserError, match="only epoch"):
        load_weights(network(0), tmp_path / "empty.pth")
