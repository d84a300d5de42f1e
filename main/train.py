"""Train one experiment:  torchrun --nproc-per-node 8 -m main.train --config config/osx/osx_l.py epochs=20"""

from __future__ import annotations

from collections.abc import Sequence

from common.utils import distributed
from main.command_line import UNFINISHED, sentences, training
from main.trainer import Trainer


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 at the end, 75 where a signal ended it early and it is to be started again."""
    with sentences(), distributed.processes():
        experiment, folder = training(arguments)
        return 0 if Trainer(experiment, folder).fit() else UNFINISHED


if __name__ == "__main__":
    raise SystemExit(main())
