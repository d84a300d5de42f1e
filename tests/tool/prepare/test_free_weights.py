"""A run on synthetic people becomes a small file that says what it was trained on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from common.checkpoint import about, load_weights, save_weights
from main.experiment import load
from tool.prepare.free_weights import main

CONFIGS = {"config/lifter/lifter.py": 12_000_000, "config/straps/straps_free.py": 25_000_000}  # bytes at most


@pytest.mark.parametrize("config", CONFIGS)
def test_the_newest_snapshot_is_shipped_in_half_precision_with_its_origin(
    config: str, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    trained = load(config).model()
    run, output = tmp_path / "train_free_20260101_000000", tmp_path / "free.safetensors"
    save_weights(run / "model_dump" / "snapshot_1" / "model.safetensors", trained.state_dict())
    main([config, str(run), "--output", str(output)])
    shipped = load(config).model()
    load_weights(shipped, output)
    for name, tensor in trained.state_dict().items():
        half = tensor.half().to(tensor.dtype) if tensor.is_floating_point() else tensor
        assert torch.equal(shipped.state_dict()[name], half), name
    assert output.stat().st_size < CONFIGS[config]
    assert about(output)["config"] == config
    assert about(output)["run"] == "train_free_20260101_000000/model_dump/snapshot_1"
    assert "mocap.cs.cmu.edu" in about(output)["notice"]


def test_a_run_without_snapshots_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "model_dump").mkdir()
    with pytest.raises(FileNotFoundError, match="no snapshot"):
        main(["config/lifter/lifter.py", str(tmp_path), "--output", str(tmp_path / "out.safetensors")])
