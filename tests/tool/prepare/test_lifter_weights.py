"""A run of the lifter becomes a small file that says what it was trained on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from common.checkpoint import about, load_weights, save_weights
from common.networks.lifter import Lifter
from tool.prepare.lifter_weights import main


def test_the_newest_snapshot_is_shipped_in_half_precision_with_its_origin(tmp_path: Path) -> None:
    torch.manual_seed(0)
    trained = Lifter()
    run, output = tmp_path / "train_lifter_20260101_000000", tmp_path / "lifter.safetensors"
    save_weights(run / "model_dump" / "snapshot_1" / "model.safetensors", trained.state_dict())
    main([str(run), "--output", str(output)])
    shipped = Lifter()
    load_weights(shipped, output)
    for name, tensor in trained.state_dict().items():
        assert torch.equal(shipped.state_dict()[name], tensor.half().float()), name
    assert output.stat().st_size < 12_000_000
    assert about(output)["run"] == "train_lifter_20260101_000000/snapshot_1"
    assert "mocap.cs.cmu.edu" in about(output)["notice"]


def test_a_folder_without_snapshots_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no snapshot"):
        main([str(tmp_path), "--output", str(tmp_path / "out.safetensors")])
