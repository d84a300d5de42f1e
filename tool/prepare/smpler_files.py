"""Files that SMPLer needs beside SMPL, taken out of a checkpoint that its authors released:

python -m tool.prepare.smpler_files pretrained_models/SMPLer_3dpw.pt 3dpw
python -m tool.prepare.smpler_files pretrained_models/SMPLer_h36m.pt h36m_correct
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.checkpoint import read_weights
from common.utils import paths
from common.utils.errors import UserError
from common.utils.files import written_beside
from main.command_line import sentences

REGRESSOR = "smpl_handler.J_regressor_h36m_correct"  # published: the name is the same whichever it is
MEANS = {"pose": "SMPL_predictor.init_pose", "shape": "SMPL_predictor.init_shape"}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 where the files are there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("regressor", choices=("h36m_correct", "3dpw"), help="the one it was trained with")
    parser.add_argument("--folder", type=Path, help="default: where SMPL's own files are")
    found = parser.parse_args(arguments)
    with sentences():
        folder = found.folder or paths.human_model_files() / "smpl"
        for path in write(found.checkpoint, found.regressor, folder):
            print(f"{path} is written.", file=sys.stderr)
    return 0


def write(checkpoint: Path, regressor: str, folder: Path) -> list[Path]:
    """The regressor and the means that a checkpoint holds, as files; what is there already stays.

    Which regressor it is, the checkpoint does not say. Raises UserError where it holds none.
    """
    state = read_weights(checkpoint)
    if missing := {REGRESSOR, *MEANS.values()} - state.keys():
        raise UserError(
            f"{checkpoint} holds no {min(missing)}: it is no checkpoint as SMPLer publishes them."
        )
    files = {
        folder / f"J_regressor_{regressor}.npy": state[REGRESSOR].numpy(),
        folder / "smpl_mean_params.npz": {key: state[name][0].numpy() for key, name in MEANS.items()},
    }
    written = [path for path in files if not path.exists()]
    for path in written:
        content = files[path]
        with written_beside(path) as file:
            np.savez(file, **content) if isinstance(content, dict) else np.save(file, content)
    return written


if __name__ == "__main__":
    raise SystemExit(main())
