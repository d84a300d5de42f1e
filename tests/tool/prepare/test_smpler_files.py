"""What SMPLer needs beside SMPL is taken out of its checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from common.body_models import means
from common.body_models.regressors import Regressor
from tool.prepare.smpler_files import MEANS, REGRESSOR, main


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    regressor = torch.zeros(17, 6890)
    regressor[torch.arange(17), torch.arange(17) * 3] = 1
    shapes = {"pose": (1, 144), "shape": (1, 10)}
    state = {REGRESSOR: regressor, **{name: torch.rand(shapes[key]) for key, name in MEANS.items()}}
    torch.save({"model": state, "epoch": 1}, tmp_path / "SMPLer_3dpw.pt")
    return tmp_path / "SMPLer_3dpw.pt"


def test_the_files_are_read_as_the_published_ones(checkpoint: Path, tmp_path: Path) -> None:
    assert main([str(checkpoint), "3dpw", "--folder", str(tmp_path / "smpl")]) == 0
    vertices = torch.rand(1, 6890, 3)
    read = Regressor("smpl", "3dpw", tmp_path).read(vertices)
    torch.testing.assert_close(read, vertices[:, torch.arange(17) * 3])
    state = torch.load(checkpoint, weights_only=True)["model"]
    start = means.published(tmp_path)
    assert torch.equal(start.pose.flatten(), state[MEANS["pose"]][0])
    assert torch.equal(start.betas, state[MEANS["shape"]][0])


def test_files_that_are_there_stay(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "J_regressor_3dpw.npy"
    np.save(path, np.ones(3))
    assert main([str(checkpoint), "3dpw", "--folder", str(tmp_path)]) == 0
    assert np.load(path).shape == (3,)


def test_another_checkpoint_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"weight": torch.zeros(2)}, tmp_path / "other.pt")
    with pytest.raises(SystemExit):
        main([str(tmp_path / "other.pt"), "3dpw", "--folder", str(tmp_path)])
    assert "is no checkpoint as SMPLer publishes them" in capsys.readouterr().err
