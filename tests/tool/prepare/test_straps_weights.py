"""A run of STRAPS becomes a small file that says what it was trained on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from common.checkpoint import about, load_weights, save_weights
from config.straps.straps_free import experiment
from tool.prepare.straps_weights import main


def test_a_run_is_shipped_in_half_precision_with_its_origin(tmp_path: Path) -> None:
    torch.manual_seed(0)
    trained = experiment.model()
    run, output = tmp_path / "train_straps_free_20260101_000000", tmp_path / "straps.safetensors"
    save_weights(run / "model_dump" / "snapshot_1" / "model.safetensors", trained.state_dict())
    main([str(run), "--output", str(output)])
    shipped = experiment.model()
    load_weights(shipped, output)
    for name, tensor in trained.state_dict().items():
        half = tensor.half().to(tensor.dtype)
        assert torch.equal(shipped.state_dict()[name], half), name
    assert output.stat().st_size < 25_000_000
    assert about(output)["run"].endswith("model_dump/snapshot_1")
    assert "mocap.cs.cmu.edu" in about(output)["notice"]


def test_a_run_without_snapshots_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "model_dump").mkdir()
    with pytest.raises(FileNotFoundError, match="no snapshot"):
        main([str(tmp_path), "--output", str(tmp_path / "out.safetensors")])
