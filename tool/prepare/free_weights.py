"""A run on synthetic people -> the weights to ship: half precision, what they were trained on beside them.

python tool/prepare/free_weights.py config/lifter/lifter.py output/train_lifter_DATE_TIME --output FILE
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from common.checkpoint import load_weights, save_weights
from common.utils.paths import shown
from data.formats.pose_npz import read_poses
from data.synthetic import POSES, UNSEEN_CLIPS, UNSEEN_SUBJECT
from main.experiment import find, load

LICENSE = "Apache-2.0"
TRAINED_ON = (
    "synthetic people of the free body alone: poses drawn from joint limits, and the CMU clips of subjects "
    f"01 and 02 (not {', '.join((*UNSEEN_CLIPS, *UNSEEN_SUBJECT))})"
)


def ship(config: str, run: Path, output: Path) -> None:
    """Write a run's newest snapshot, or the one that `run` is, averaged if it was.

    Raises UserError where it does not fit the config's network, FileNotFoundError where there is none.
    """
    dump = run / "model_dump"
    found = sorted(dump.glob("snapshot_*"), key=lambda path: path.stat().st_mtime) if dump.is_dir() else [run]
    if not found:
        raise FileNotFoundError(f"{run} has no snapshot in model_dump; name a folder that train.py made.")
    model = load(config).model()
    load_weights(model, found[-1])
    about = {
        "network": type(model).__name__,
        "config": shown(find(config)),
        "body_model": f"{model.body_model.layout.name}, {model.body_model.topology}",
        "run": "/".join(found[-1].absolute().parts[-3:]),
        "license": LICENSE,
        "trained_on": TRAINED_ON,
        "notice": read_poses(POSES).notice,
    }
    state = model.state_dict().items()
    halves = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state}
    save_weights(output, halves, about)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A run on synthetic people to the weights to ship.")
    parser.add_argument("config", help="what was trained: a file below config/")
    parser.add_argument("run", type=Path, help="a folder that train.py made, or one of its snapshots")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    ship(options.config, options.run, options.output)
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
