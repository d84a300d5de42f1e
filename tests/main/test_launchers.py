"""However two processes are started, they are one run, in one folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from common.utils.paths import ROOT

TRAIN = ["--config", str(ROOT / "tests" / "toy.py"), "epochs=2", "evaluate_every=0"]


def start(output: Path, *command: str) -> str:
    """Train; the loss log of the only run in `output`."""
    own = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    environment = {key: value for key, value in os.environ.items() if key not in own}
    environment |= {"HUMANMESH_OUTPUT": str(output), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *command], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert "on 2 x cpu" in done.stderr
    (folder,) = output.iterdir()
    return (folder / "log" / "train.jsonl").read_text()


def test_torchrun_and_our_own_launcher_give_the_same_run(tmp_path: Path) -> None:
    torchrun = start(tmp_path / "one", "-m", "torch.distributed.run", "--nproc-per-node", "2",
                     "-m", "main.train", *TRAIN)  # fmt: skip
    ours = start(tmp_path / "other", "main/train.py", "--num_gpus", "2", *TRAIN)
    assert torchrun == ours and len(ours.splitlines()) == 12
