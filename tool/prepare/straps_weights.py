"""A run of STRAPS on the free body -> the weights to ship, in half precision.

python tool/prepare/straps_weights.py output/train_straps_free_DATE_TIME --output straps.safetensors
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from common.checkpoint import load_weights, save_weights
from data.formats.pose_npz import read_poses
from data.synthetic import POSES, UNSEEN_CLIPS, UNSEEN_SUBJECT
from main.experiment import load

CONFIG = "config/straps/straps_free.py"
LICENSE = "Apache-2.0"


def ship(run: Path, output: Path) -> None:
    """Write a run's newest snapshot, or the one that `run` is, averaged if it was.

    Raises UserError where it does not fit the network, FileNotFoundError where there is none.
    """
    dump = run / "model_dump"
    snapshots = (
        sorted(dump.glob("snapshot_*"), key=lambda path: path.stat().st_mtime) if dump.is_dir() else [run]
    )
    if not snapshots:
        raise FileNotFoundError(f"{run} has no snapshot in model_dump; name a folder that train.py made.")
    model = load(CONFIG).model()
    load_weights(model, snapshots[-1])
    about = {
        "network": type(model).__name__,
        "config": CONFIG,
        "body_model": f"{model.body_model.layout.name}, {model.body_model.topology}",
        "run": "/".join(snapshots[-1].absolute().parts[-3:]),
        "license": LICENSE,
        "trained_on": "synthetic proxies of the free body alone: poses drawn from joint limits, and the CMU "
        f"clips of subjects 01 and 02 (not {', '.join((*UNSEEN_CLIPS, *UNSEEN_SUBJECT))})",
        "notice": read_poses(POSES).notice,
    }
    state = model.state_dict().items()
    halves = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state}
    save_weights(output, halves, about)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A run of STRAPS to the weights to ship.")
    parser.add_argument("run", type=Path, help="a folder that train.py made, or one of its snapshots")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    ship(options.run, options.output)
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
