"""A run of the lifter -> the weights to ship: half precision, and what they were trained on beside them.

python tool/prepare/lifter_weights.py output/train_lifter_DATE_TIME --output lifter.safetensors
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from common.checkpoint import load_weights, save_weights
from common.networks.lifter import Lifter
from data.formats.pose_npz import read_poses
from data.synthetic import POSES, UNSEEN_CLIPS, UNSEEN_SUBJECT

LICENSE = "Apache-2.0"


def ship(run: Path, output: Path) -> None:
    """Write the newest snapshot of a run, averaged if it was; UserError where it does not fit the lifter."""
    snapshots = sorted((run / "model_dump").glob("snapshot_*"), key=lambda path: path.stat().st_mtime)
    if not snapshots:
        raise FileNotFoundError(f"{run} has no snapshot in model_dump; name a folder that train.py made.")
    model = Lifter()
    load_weights(model, snapshots[-1])
    about = {
        "network": "Lifter",
        "config": "config/lifter/lifter.py",
        "body_model": f"{model.body_model.layout.name}, {model.body_model.topology}",
        "run": f"{run.name}/{snapshots[-1].name}",
        "license": LICENSE,
        "trained_on": "synthetic key points of the free body alone: poses drawn from joint limits, and the "
        f"CMU clips of subjects 01 and 02 (not {', '.join((*UNSEEN_CLIPS, *UNSEEN_SUBJECT))})",
        "notice": read_poses(POSES).notice,
    }
    save_weights(output, {name: tensor.half() for name, tensor in model.state_dict().items()}, about)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A run of the lifter to the weights to ship.")
    parser.add_argument("run", type=Path, help="a folder that train.py made")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    ship(options.run, options.output)
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
